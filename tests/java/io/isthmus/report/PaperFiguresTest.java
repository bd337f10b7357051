package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.InsertionConfig;
import io.isthmus.engine.Metrics;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Sample;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import io.isthmus.report.TreeStepsFigure.Step;
import io.isthmus.report.scene.SvgWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The numbers behind figures 3 to 7 of the paper, against what a reader works out by hand. */
class PaperFiguresTest {

  // --- figure 3 -------------------------------------------------------------------------------

  /** Pivots at losses 0, 4, 2; three samples in each gap. */
  private static RunSummary twoCycles(boolean secondInserts) {
    double[] losses = {0, 1, 3.5, 3, 4, 3.5, 3, 2.5, 2};
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < losses.length; i++) {
      Metrics both = new Metrics(losses[i], 0);
      samples.add(new Sample(i / 8.0, i % 4 == 0 ? i / 4 : -1, both, both, both, both));
    }
    Profile profile = new Profile(samples);
    float[] spacing = {1, 1};
    CycleResult first = new CycleResult(1, 5, 1, spacing, profile, 1, 1, new float[5]);
    CycleResult second = new CycleResult(2, 5, 1, spacing, profile, 1, 1, new float[5]);
    Connection pair =
        new Connection(
            new Pair(1, 2), Status.DONE, Optional.empty(), List.of(first, second), Double.NaN);
    RunSummary run = HandRun.with(HandRun.MINIMA.subList(0, 2), List.of(pair));
    return new RunSummary(
        run.title(),
        run.dataset(),
        run.architecture(),
        0,
        true,
        run.convention(),
        run.pairValue(),
        run.minima(),
        run.connections(),
        List.of(
            new CycleConfig(5, 0.1f, true, false), new CycleConfig(5, 0.1f, secondInserts, false)),
        new InsertionConfig(0.2, 0),
        List.of(),
        List.of(),
        List.of(),
        "",
        List.of());
  }

  @Test
  void insertion_data_are_the_excess_over_the_straight_lines_between_pivots() {
    String data = figure("3", twoCycles(true)).data();
    assertThat(data.lines().skip(1).map(line -> line.split(",", -1)[3]))
        .containsExactly("0.0", "1.0", "2.0", "3.0", "4.0", "3.5", "3.0", "2.5", "2.0");
    // 1.5 over the line, of a span of 4, is more than a fifth; every other sample is on its line.
    assertThat(data.lines().filter(line -> line.endsWith("true")))
        .containsExactly("0.25,,3.5,2.0,0.375,true");
  }

  @Test
  void insertion_shows_no_cycle_whose_successor_inserts_nothing() {
    RunSummary run = twoCycles(false);
    assertThat(InsertionFigure.mostTelling(run, run.connections().get(0))).isEmpty();
    RunSummary other = twoCycles(true);
    assertThat(InsertionFigure.mostTelling(other, other.connections().get(0)))
        .hasValueSatisfying(cycle -> assertThat(cycle.cycle()).isEqualTo(1));
  }

  // --- figure 4 -------------------------------------------------------------------------------

  @Test
  void steps_of_the_tree_name_what_each_path_replaces() {
    List<Step> steps = TreeStepsFigure.steps(HandRun.run()); // 1-3: 0.06, 1-2: 0.04, 2-3: 0.05
    assertThat(steps).extracting(Step::inTree).containsExactly(true, true, true);
    assertThat(steps.get(1).replaced()).isEmpty();
    assertThat(steps.get(2).replaced().orElseThrow().pair()).isEqualTo(new Pair(1, 3));
    assertThat(steps.get(2).relief()).isCloseTo(0.01, within(1e-12));
    assertThat(figure("4", HandRun.run()).data())
        .isEqualTo(
            """
            step,from,to,saddle_train_loss_recomputed,in_tree,replaced_from,replaced_to,tree_edges,tree_highest,tree_mean,shown
            1,1,3,0.06,true,,,1,0.06,0.06,true
            2,1,2,0.04,true,,,2,0.06,0.05,true
            3,2,3,0.05,true,1,3,2,0.05,0.045,true
            """);
  }

  @Test
  void of_many_steps_those_are_shown_that_changed_the_tree_most() {
    List<Step> steps = TreeStepsFigure.steps(SampleRun.finished(10));
    List<Step> shown = TreeStepsFigure.shown(steps);
    assertThat(steps).hasSize(45);
    assertThat(shown).hasSize(TreeStepsFigure.MOST).isSubsetOf(steps);
    assertThat(shown).contains(steps.get(0), steps.get(44));
    assertThat(shown.stream().filter(s -> s.after().connected()).findFirst())
        .isEqualTo(steps.stream().filter(s -> s.after().connected()).findFirst());
    double hidden =
        steps.stream().filter(s -> !shown.contains(s)).mapToDouble(Step::relief).max().orElse(0);
    assertThat(shown.subList(1, 11).stream().filter(s -> s.relief() > 0))
        .allSatisfy(step -> assertThat(step.relief()).isGreaterThanOrEqualTo(hidden));
  }

  // --- figure 5 -------------------------------------------------------------------------------

  @Test
  void several_runs_share_one_figure_of_minima_and_saddles() {
    List<Subject> runs =
        List.of(
            subject("a", HandRun.run()),
            subject("b", HandRun.named("CIFAR100+", "ResNet-44")),
            subject("c", SampleRun.surface()));
    List<Figure> figures = Gallery.draw("5", runs).figures();
    assertThat(figures).hasSize(1);
    assertThat(figures.get(0).data().lines())
        .contains(
            "runs/a,CIFAR10+,ResNet-20,recomputed,saddle,2-3,train_loss,0.05",
            "runs/b,CIFAR100+,ResNet-44,recomputed,minimum,3,test_error,0.14",
            "runs/c,none,Müller-Brown,recomputed,saddle,2-3,train_loss,-72.2")
        .noneMatch(line -> line.startsWith("runs/c") && line.contains("test_"));
    String svg = SvgWriter.file(figures.get(0).scene());
    assertThat(svg).contains("CIFAR100+", "ResNet-44", "× 2.25"); // 0.045 over 0.02
  }

  // --- figure 6 -------------------------------------------------------------------------------

  @Test
  void of_fourteen_cycles_those_of_the_paper_are_shown_of_fewer_those_at_their_places() {
    assertThat(EvolutionFigure.cycles(14)).containsExactly(1, 4, 7, 14);
    assertThat(EvolutionFigure.cycles(9)).containsExactly(1, 3, 5, 9);
    assertThat(EvolutionFigure.cycles(5)).containsExactly(1, 2, 3, 5);
    assertThat(EvolutionFigure.cycles(2)).containsExactly(1, 2);
    assertThat(EvolutionFigure.cycles(1)).containsExactly(1);
  }

  // --- figure 7 -------------------------------------------------------------------------------

  @Test
  void a_learning_curve_is_the_mean_of_each_epoch_and_a_stub_at_the_end_is_left_out() {
    float[] losses = {4, 2, 3, 1, 1, 1, 9};
    // Epochs of 2.5 steps end after steps 3, 5 and 8; the third would have 2 of 2.5.
    assertThat(new LearningCurve(1, losses, 2.5, true).means()).containsExactly(3, 1, 5);
    assertThat(new LearningCurve(1, losses, 3, true).means()).containsExactly(3, 1);
    assertThat(new LearningCurve(1, losses, 100, true).means()).containsExactly(3);
    assertThat(new LearningCurve(1, new float[0], 3, true).means()).isEmpty();
  }

  @Test
  void training_passes_a_saddle_in_the_first_epoch_that_is_no_higher() {
    LearningCurve curve = new LearningCurve(1, new float[] {4, 2, 3, 1, 2, 2}, 2, true);
    assertThat(curve.reaches(3)).hasValue(1);
    assertThat(curve.reaches(2.5)).hasValue(2);
    assertThat(curve.reaches(1.9)).isEmpty();
    RunSummary run =
        HandRun.with(
            HandRun.MINIMA,
            HandRun.run().connections(),
            List.of(
                new LearningCurve(2, new float[] {1, 0.06f, 0.04f}, 1, true),
                new LearningCurve(3, new float[] {1, 0.06f, 0.051f}, 1, true)));
    Figure figure = figure("7", run); // the tree's highest saddle, 2-3 at 0.05
    assertThat(figure.name()).isEqualTo("learning-curve-2-3");
    assertThat(figure.data().lines().filter(line -> line.endsWith("true")))
        .hasSize(1)
        .allMatch(line -> line.startsWith("2,3,0.03999"));
    assertThat(SvgWriter.file(figure.scene()))
        .contains("minimum 2: epoch 3", "minimum 3: not that low in training");
    assertThat(ResultTable.of(List.of(run)).json().replaceAll("\\s", ""))
        .contains("\"training_passed_saddle\":{\"2\":3,\"3\":null}");
  }

  private static Subject subject(String folder, RunSummary run) {
    return new Subject(Path.of("runs", folder), run, Optional.empty());
  }

  private static Figure figure(String asked, RunSummary run) {
    return Gallery.draw(asked, List.of(subject("a", run))).figures().get(0);
  }
}
