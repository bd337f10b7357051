package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.InsertionConfig;
import io.isthmus.config.PairValue;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import io.isthmus.report.scene.PngWriter;
import io.isthmus.report.scene.SvgWriter;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** The figures of runs of every size: their data, and that they can be drawn at all. */
class FiguresTest {
  static Stream<RunSummary> runs() {
    return Stream.of(
        HandRun.run(),
        SampleRun.finished(10),
        SampleRun.stopped(7, 5),
        SampleRun.surface(),
        withCurves(),
        MeasuredRun.run(),
        SampleRun.finished(2),
        SampleRun.finished(1),
        HandRun.with(List.of(), List.of()),
        HandRun.with(HandRun.MINIMA, List.of(HandRun.open(1, 2, Status.PENDING))),
        lineOnly(),
        undefined(Double.NaN),
        undefined(Double.POSITIVE_INFINITY),
        equalLosses());
  }

  /** A pair whose straight line is evaluated and whose first cycle runs. */
  static RunSummary lineOnly() {
    Connection done = HandRun.run().connections().get(0);
    return HandRun.with(
        HandRun.MINIMA,
        List.of(new Connection(done.pair(), Status.RUNNING, done.line(), List.of(), Double.NaN)));
  }

  /** Curves without epochs, one that is short, one that never comes as low as the saddle. */
  static RunSummary withCurves() {
    RunSummary run = HandRun.run();
    float[] high = new float[950];
    java.util.Arrays.fill(high, 1);
    return HandRun.with(
        run.minima(),
        run.connections(),
        List.of(
            new LearningCurve(1, new float[] {1, 0.02f}, 7, false),
            new LearningCurve(2, high, Double.NaN, true),
            new LearningCurve(3, new float[0], 100, true)));
  }

  /** Losses that are not numbers, on the line and on the path. */
  static RunSummary undefined(double value) {
    double[] losses = {value, 0.05, value};
    Connection pair = HandRun.done(1, 2, losses, new double[] {value, value, value}, value);
    return HandRun.with(
        HandRun.MINIMA,
        List.of(pair, HandRun.done(2, 3, new double[] {value, value, value}, losses, 1)));
  }

  /** Everything at the same height, zero. */
  static RunSummary equalLosses() {
    Minimum a = new Minimum(1, new Metrics(0, 0), new Metrics(0, 0));
    Minimum b = new Minimum(2, new Metrics(0, 0), new Metrics(0, 0));
    Profile flat = HandRun.profile(a, b, new double[3], new double[3]);
    CycleResult cycle =
        new CycleResult(1, 0, Double.NaN, new float[] {1}, flat, 0, 0, new float[0]);
    return HandRun.with(
        List.of(a, b),
        List.of(
            new Connection(
                new Pair(1, 2), Status.DONE, Optional.of(flat), List.of(cycle), Double.NaN)));
  }

  @ParameterizedTest
  @MethodSource("runs")
  void every_figure_of_every_run_is_well_formed_and_not_blank(RunSummary run) {
    for (Figure figure : Report.figures(run)) {
      String svg = SvgWriter.file(figure.scene());
      assertThat(svg).doesNotContain("NaN").doesNotContain("Infinity");
      Document document = parse(svg);
      assertThat(document.getDocumentElement().getTagName()).isEqualTo("svg");
      assertThat(document.getElementsByTagName("text").getLength()).isPositive();
      assertThat(PngWriter.write(figure.scene(), 0.5).length).isGreaterThan(500);
      assertThat(figure.caption()).endsWith(".");
      long columns = figure.data().lines().findFirst().orElseThrow().split(",").length;
      assertThat(figure.data().lines().map(line -> (long) line.split(",", -1).length))
          .containsOnly(columns);
    }
  }

  @ParameterizedTest
  @MethodSource("runs")
  void no_text_leaves_its_figure(RunSummary run) {
    for (Figure figure : Report.figures(run)) {
      TextExtent.of(figure.scene())
          .forEach(
              (text, box) -> {
                assertThat(box.left()).as(figure.name() + ": " + text).isGreaterThanOrEqualTo(0);
                assertThat(box.top()).as(figure.name() + ": " + text).isGreaterThanOrEqualTo(0);
                assertThat(box.right())
                    .as(figure.name() + ": " + text)
                    .isLessThanOrEqualTo(figure.scene().width());
                assertThat(box.bottom())
                    .as(figure.name() + ": " + text)
                    .isLessThanOrEqualTo(figure.scene().height());
              });
    }
  }

  @Test
  void a_run_has_one_profile_for_each_pair_and_the_highest_saddle_of_the_tree_comes_first() {
    assertThat(Report.figures(HandRun.run()))
        .extracting(Figure::name)
        .containsExactly(
            "profile-2-3",
            "profile-1-2",
            "profile-1-3",
            "tree-steps",
            "minima-and-saddles",
            "evolution-2-3",
            "graph",
            "disconnectivity",
            "cycles");
    assertThat(Report.figures(HandRun.with(List.of(), List.of()))).isEmpty();
  }

  @Test
  void profile_data_are_the_samples_of_both_curves() {
    RunSummary run = HandRun.run();
    List<String> lines = figure(run, "profile-1-2").data().lines().toList();
    assertThat(lines.get(0))
        .isEqualTo(
            "curve,position,pivot,train_loss_recomputed,train_error_recomputed,"
                + "test_loss_recomputed,test_error_recomputed,train_loss_interpolated,"
                + "train_error_interpolated,test_loss_interpolated,test_error_interpolated");
    assertThat(lines).hasSize(11);
    assertThat(lines.get(3)).isEqualTo("line,0.5,,1.0,0.01,10.0,0.7,2.0,0.02,20.0,1.4");
    assertThat(lines.get(6)).startsWith("path,0.0,0,0.01,0.001,0.3,0.1,0.01,");
    assertThat(lines.get(8)).isEqualTo("path,0.5,,0.04,0.01,0.4,0.12,0.08,0.02,0.8,0.24");
    assertThat(lines.get(10)).startsWith("path,1.0,1,0.02,");
  }

  @Test
  void profile_tells_the_curves_apart_without_colour_and_names_the_saddle() {
    String svg = SvgWriter.file(figure(HandRun.run(), "profile-1-2").scene());
    assertThat(svg)
        .contains("saddle 0.0400 = 2.00 × a minimum")
        .contains("1.00 = 50.0 × a minimum")
        .contains("at most 15.00 %")
        .contains("minimum 1", "minimum 2", "Training loss (cross-entropy)", "Test error (%)");
    assertThat(svg.lines().filter(line -> line.contains("stroke-dasharray")))
        .isNotEmpty()
        .allMatch(line -> line.contains("#c8540a"));
  }

  @Test
  void graph_data_name_every_pair_its_state_and_whether_it_is_in_the_tree() {
    assertThat(figure(HandRun.run(), "graph").data())
        .isEqualTo(
            """
            from,to,status,in_tree,saddle_train_loss_recomputed,straight_line_train_loss_recomputed
            1,3,done,false,0.06,3.0
            1,2,done,true,0.04,1.0
            2,3,done,true,0.05,2.0
            """);
  }

  @Test
  void disconnectivity_data_are_the_joins_from_below() {
    assertThat(figure(HandRun.run(), "disconnectivity").data())
        .isEqualTo(
            """
            height,joins,minima
            0.01,,1
            0.02,,2
            0.04,1 | 2,1 2
            0.03,,3
            0.05,1 2 | 3,1 2 3
            """);
  }

  @Test
  void overview_and_cycles_data_are_what_is_shown() {
    assertThat(figure(HandRun.run(), "minima-and-saddles").data().lines())
        .contains(
            "minimum,3,train_loss,0.03",
            "saddle,2-3,train_loss,0.05",
            "straight line,2-3,train_loss,2.0",
            "saddle,1-2,test_error,0.15");
    assertThat(figure(HandRun.run(), "cycles").data().lines())
        .contains("1,2,0,0,2,1.0,,1.0", "1,2,1,1000,2,1.5,60.0,0.04");
  }

  @Test
  void a_pair_judged_by_its_best_cycle_is_drawn_with_that_cycle() {
    Minimum a = HandRun.MINIMA.get(0);
    Minimum b = HandRun.MINIMA.get(1);
    List<CycleResult> cycles = new ArrayList<>();
    for (double top : new double[] {0.09, 0.04, 0.07}) {
      Profile profile = HandRun.profile(a, b, new double[] {0.03, top, 0.03}, new double[3]);
      cycles.add(
          new CycleResult(
              cycles.size() + 1, 10, 1, new float[] {1}, profile, 12, 10, new float[10]));
    }
    Connection pair = new Connection(new Pair(1, 2), Status.DONE, Optional.empty(), cycles, 0);
    RunSummary last = HandRun.with(List.of(a, b), List.of(pair));
    RunSummary best =
        new RunSummary(
            "",
            "",
            "",
            0,
            true,
            StatisticsConvention.RECOMPUTED,
            PairValue.BEST_CYCLE,
            last.minima(),
            last.connections(),
            List.of(new CycleConfig(10, 0.1f, true, false)),
            new InsertionConfig(0.2, 0),
            List.of(),
            List.of(),
            List.of(),
            "",
            List.of());
    assertThat(Verdict.of(last).saddle()).isEqualTo(0.07);
    assertThat(Verdict.of(best).saddle()).isEqualTo(0.04);
    assertThat(figure(best, "profile-1-2").data()).contains(",0.04,").doesNotContain(",0.07,");
  }

  @Test
  void edges_of_the_tree_never_cross_on_the_circle() {
    Random random = new Random(3);
    for (int round = 0; round < 100; round++) {
      int n = 3 + random.nextInt(9);
      RunSummary run = randomRun(n, random);
      List<Integer> order = GraphLayout.order(run);
      assertThat(order).hasSize(n).doesNotHaveDuplicates();
      List<Connection> tree = run.tree();
      assertThat(tree).hasSize(n - 1);
      for (Connection one : tree) {
        for (Connection other : tree) {
          assertThat(cross(order, one.pair(), other.pair())).as("%s", order).isFalse();
        }
      }
    }
  }

  private static RunSummary randomRun(int n, Random random) {
    List<Minimum> minima = new ArrayList<>();
    for (int i = 1; i <= n; i++) {
      minima.add(new Minimum(i, new Metrics(random.nextDouble(), 0), new Metrics(1, 0.5)));
    }
    List<Connection> connections = new ArrayList<>();
    for (Minimum a : minima) {
      for (Minimum b : minima.subList(a.number(), n)) {
        double top = 1 + random.nextInt(5);
        Profile profile = HandRun.profile(a, b, new double[] {top, 1, 1}, new double[3]);
        CycleResult cycle = new CycleResult(1, 1, 1, new float[] {1}, profile, 1, 1, new float[1]);
        connections.add(
            new Connection(
                new Pair(a.number(), b.number()),
                Status.DONE,
                Optional.empty(),
                List.of(cycle),
                0));
      }
    }
    return HandRun.with(minima, connections);
  }

  /** Whether two chords of the circle cross: exactly one end of one lies between the other's. */
  private static boolean cross(List<Integer> order, Pair one, Pair other) {
    int a = Math.min(order.indexOf(one.first()), order.indexOf(one.second()));
    int b = Math.max(order.indexOf(one.first()), order.indexOf(one.second()));
    int c = order.indexOf(other.first());
    int d = order.indexOf(other.second());
    if (c == a || c == b || d == a || d == b) {
      return false;
    }
    return (c > a && c < b) != (d > a && d < b);
  }

  @Test
  void the_same_run_gives_the_same_figures() {
    List<Figure> first = Report.figures(SampleRun.stopped(7, 5));
    List<Figure> second = Report.figures(SampleRun.stopped(7, 5));
    for (int i = 0; i < first.size(); i++) {
      assertThat(SvgWriter.file(second.get(i).scene()))
          .isEqualTo(SvgWriter.file(first.get(i).scene()));
    }
  }

  @Test
  void a_finished_pair_without_a_cycle_is_refused() {
    assertThatCode(() -> HandRun.open(1, 2, Status.DONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Pair 0001-0002 is done but has no finished cycle");
  }

  static Figure figure(RunSummary run, String name) {
    return Report.figures(run).stream()
        .filter(figure -> figure.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  static Document parse(String xml) {
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
      factory.setNamespaceAware(true);
      return factory.newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
    } catch (Exception e) {
      throw new AssertionError("not well-formed: " + e.getMessage(), e);
    }
  }
}
