package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.engine.Metrics;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import io.isthmus.report.scene.SvgWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Figure 8: what it counts as a barrier, which pairs it leaves out, and what it refuses. */
class XorFigureTest {
  private static final List<Minimum> MINIMA =
      List.of(minimum(1, 0.001), minimum(2, 0.002), minimum(3, 0.002), minimum(4, 0.347));

  private static Minimum minimum(int number, double loss) {
    return new Minimum(number, new Metrics(loss, 0), new Metrics(loss, 0));
  }

  private static Connection pair(int from, int to, double line, double saddle) {
    Minimum a = MINIMA.get(from - 1);
    Minimum b = MINIMA.get(to - 1);
    double[] error = new double[3];
    CycleResult cycle =
        new CycleResult(
            1,
            10,
            1,
            new float[] {1},
            HandRun.profile(a, b, new double[] {0.01, saddle, 0.01}, error),
            2,
            1,
            new float[10]);
    return new Connection(
        new Pair(from, to),
        Status.DONE,
        Optional.of(HandRun.profile(a, b, new double[] {0.01, line, 0.01}, error)),
        List.of(cycle),
        0);
  }

  private static Subject subject(String architecture, Connection... pairs) {
    RunSummary run = HandRun.with("XOR", architecture, MINIMA, List.of(pairs));
    return new Subject(Path.of("runs/x"), run, Optional.empty());
  }

  /** One path climbs over 0.2, but the chain 1-2-3 stays at 0.05. */
  private static Subject three() {
    return subject(
        "MLP 3 (activation=tanh)",
        pair(1, 2, 0.9, 0.02),
        pair(2, 3, 0.1, 0.05),
        pair(1, 3, 0.8, 0.2),
        pair(1, 4, 0.9, 0.4));
  }

  @Test
  void barriersAreCountedOnLinesPathsAndChainsOfTheMinimaThatLearnedXor() {
    Figure figure = XorFigure.of(List.of(three()));
    assertThat(figure.caption())
        .contains(
            "Three hidden neurons: 3 of 4 trainings learned XOR. Of the 3 pairs of these 2 (67 %)"
                + " have a barrier on the straight line, 1 (33 %) on their path, 0 (0 %) on every"
                + " chain of paths.");
    assertThat(figure.data().lines())
        .contains(
            "three hidden neurons,minimum without XOR,4,,0.347,0.0",
            "three hidden neurons,line,1-3,0.5,0.8,0.01",
            "three hidden neurons,path,1-3,0.5,0.2,0.01",
            "three hidden neurons,chain,1-3,,0.05,")
        .noneMatch(line -> line.contains(",1-4,"));
  }

  @Test
  void aBarrierIsWhereOneOfFourPointsCanBeWrong() {
    double half = Math.log(2); // cross-entropy of a point that is a toss-up; the others are certain
    assertThat(XorFigure.BARRIER).isEqualTo((half + 0 + 0 + 0) / 4);
    Subject below = subject("MLP 2", pair(1, 2, 0.9, Math.nextDown(XorFigure.BARRIER)));
    Subject at = subject("MLP 2", pair(1, 2, 0.9, XorFigure.BARRIER));
    assertThat(XorFigure.of(List.of(below)).caption()).contains("0 (0 %) on their path");
    assertThat(XorFigure.of(List.of(at)).caption()).contains("1 (100 %) on their path");
  }

  @Test
  void theTypicalPairHasTheMedianSaddleOfThoseWhoseLineHasABarrier() {
    Figure figure = XorFigure.of(List.of(three()));
    assertThat(figure.data()).contains(",typical path,1-3,").doesNotContain(",typical path,2-3,");
  }

  @Test
  void severalNetworksStandSideBySideAndNoTextLeavesTheFigure() {
    Subject two = subject("MLP 2 (activation=tanh)", pair(1, 2, 0.9, 0.5));
    Figure figure = XorFigure.of(List.of(two, three(), subject("MLP 2-2", pair(1, 2, 3, 0.1))));
    String svg = SvgWriter.file(figure.scene());
    assertThat(svg).contains("two hidden neurons", "three hidden neurons", "MLP 2-2");
    assertThat(svg).doesNotContain("NaN");
    TextExtent.of(figure.scene())
        .forEach(
            (text, box) -> {
              assertThat(box.left()).as(text).isGreaterThanOrEqualTo(0);
              assertThat(box.right()).as(text).isLessThanOrEqualTo(figure.scene().width());
              assertThat(box.bottom()).as(text).isLessThanOrEqualTo(figure.scene().height());
            });
  }

  @Test
  void aRunOnOtherDataOrWithoutAPathBetweenLearnedMinimaIsRefusedWithTheCommandThatHelps() {
    Subject digits = new Subject(Path.of("runs/demo"), HandRun.run(), Optional.empty());
    assertThatThrownBy(() -> XorFigure.of(List.of(three(), digits)))
        .isInstanceOf(Missing.class)
        .hasMessage(
            "runs/demo is a run on CIFAR10+, and figure 8 is about XOR; 'isthmus run xor-2' and"
                + " 'isthmus run xor-3' make what it shows.");
    assertThatThrownBy(() -> XorFigure.of(List.of(subject("MLP 2", pair(1, 4, 1, 1)))))
        .isInstanceOf(Missing.class)
        .hasMessageContaining("runs/x has no path between two minima that have learned XOR");
  }
}
