package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The result in plain words, at every age of a run. */
class VerdictTest {
  @Test
  void a_finished_run_says_how_high_its_saddles_and_its_straight_lines_are() {
    Verdict verdict = Verdict.of(HandRun.run());
    // Highest of the tree's saddles 0.04, 0.05 and of its lines 1, 2; mean minimum 0.02.
    assertThat(verdict.saddle()).isEqualTo(0.05);
    assertThat(verdict.line()).isEqualTo(2.0);
    assertThat(verdict.minimum()).isCloseTo(0.02, within(1e-15));
    assertThat(verdict.saddleFactor()).isCloseTo(2.5, within(1e-12));
    assertThat(verdict.lineFactor()).isCloseTo(100, within(1e-9));
    assertThat(verdict.sentences())
        .containsExactly(
            "The highest saddle of the tree is 2.50 times a minimum (training loss 0.0500 against"
                + " 0.0200 on average); the straight lines between the same minima reach 100 times"
                + " a minimum (2.00).",
            "The test error is 12.00 % at the minima and 16.00 % on the saddles (+4.00 points),"
                + " and 80.00 % on the straight lines, on average.");
  }

  @Test
  void one_pair_speaks_of_its_path() {
    RunSummary run =
        HandRun.with(
            HandRun.MINIMA.subList(0, 2),
            List.of(
                HandRun.done(
                    1, 2, new double[] {0.03, 0.045, 0.03}, new double[] {0.1, 0.2, 0.1}, 1.5)));
    assertThat(Verdict.of(run).sentences())
        .containsExactly(
            "The saddle of the path is 3.00 times a minimum (training loss 0.0450 against 0.0150 on"
                + " average); the straight line reaches 100 times a minimum (1.50).",
            "The test error is 11.00 % at the minima and 20.00 % on the saddle (+9.00 points),"
                + " and 80.00 % on the straight line.");
  }

  @Test
  void a_young_run_says_how_far_it_is() {
    assertThat(Verdict.of(HandRun.with(List.of(), List.of())).sentences())
        .containsExactly("No minimum is trained yet.");
    assertThat(Verdict.of(HandRun.with(HandRun.MINIMA.subList(0, 1), List.of())).sentences())
        .containsExactly("One minimum is trained; a path needs two.");
    assertThat(
            Verdict.of(HandRun.with(HandRun.MINIMA, List.of(HandRun.open(1, 2, Status.RUNNING))))
                .sentences())
        .containsExactly("3 minima are trained; no path between them is finished yet.");
  }

  @Test
  void an_incomplete_tree_is_named() {
    List<Connection> connections = new ArrayList<>(HandRun.run().connections().subList(1, 2));
    connections.add(HandRun.open(1, 3, Status.DIVERGED));
    connections.add(HandRun.open(2, 3, Status.PENDING));
    assertThat(Verdict.of(HandRun.with(HandRun.MINIMA, connections)).sentences())
        .last()
        .isEqualTo(
            "Not complete: the tree has 1 of 2 paths so far, 1 pair is not finished, 1 pair"
                + " diverged.");
  }

  @Test
  void a_surface_speaks_of_heights() {
    assertThat(Verdict.of(SampleRun.surface()).sentences())
        .containsExactly(
            "The highest saddle of the tree is at −40.7, 71.2 above the mean of the minima; the"
                + " straight lines between the same minima reach −10.0.");
  }

  @Test
  void the_machines_language_changes_nothing() {
    Locale before = Locale.getDefault();
    try {
      List<String> expected = Verdict.of(HandRun.run()).sentences();
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      assertThat(Verdict.of(HandRun.run()).sentences()).isEqualTo(expected);
    } finally {
      Locale.setDefault(before);
    }
  }
}
