package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.report.scene.SvgWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Barriers by size of the network, against means and standard errors worked out by hand. */
class SizeFigureTest {
  private static Subject subject(String folder, RunSummary run) {
    return new Subject(Path.of(folder), run, Optional.empty());
  }

  private static double[] cells(Figure figure, String quantity, String of) {
    String row =
        figure
            .data()
            .lines()
            .filter(l -> l.contains("," + quantity + "," + of + ","))
            .findFirst()
            .orElseThrow();
    String[] cells = row.split(",", -1);
    return new double[] {
      Double.parseDouble(cells[5]), Double.parseDouble(cells[6]), Double.parseDouble(cells[7])
    };
  }

  @Test
  void meansAndStandardErrorsAreThoseOfTheTree() {
    RunSummary run = HandRun.run();
    Figure figure = SizeFigure.of(List.of(subject("a", run), subject("b", run)));
    double[] minima = cells(figure, "train_loss", "minima"); // 0.01, 0.02, 0.03
    assertThat(minima[0]).isEqualTo(3);
    assertThat(minima[1]).isEqualTo(0.02, within(1e-15));
    assertThat(minima[2]).isEqualTo(0.01 / Math.sqrt(3), within(1e-15));
    // Saddles 0.04 and 0.05 over ends of mean 0.015 and 0.025: 0.025 and 0.025.
    double[] barrier = cells(figure, "barrier", "saddles of the paths");
    assertThat(barrier[0]).isEqualTo(2);
    assertThat(barrier[1]).isEqualTo(0.025, within(1e-15));
    assertThat(barrier[2]).isEqualTo(0, within(1e-15));
    // Lines 1 and 2 over the same ends: 0.985 and 1.975.
    double[] lines = cells(figure, "barrier", "maxima of the straight lines");
    assertThat(lines[1]).isEqualTo(1.48, within(1e-12));
    assertThat(lines[2]).isEqualTo(0.495, within(1e-12));
    // Test errors 0.15 and 0.17 over ends of mean 0.11 and 0.13.
    assertThat(cells(figure, "test_error_above_ends", "saddles of the paths")[1])
        .isEqualTo(0.04, within(1e-15));
  }

  @Test
  void everyNetworkIsNamedAndNoTextLeavesTheFigure() {
    List<Subject> subjects =
        List.of(
            subject("a", SampleRun.finished(4)),
            subject("b", HandRun.named("digits", "MLP 16-16-16-16-16-16-16 (activation=tanh)")),
            subject("c", HandRun.named("digits", "MLP 16-16-16-16-16-16-16")));
    Figure figure = SizeFigure.of(subjects);
    assertThat(SvgWriter.file(figure.scene()))
        .contains("ResNet-20", "MLP 16-16-16-16-16-16-16 (activation=tanh)", "272,474")
        .doesNotContain("NaN");
    TextExtent.of(figure.scene())
        .forEach(
            (text, box) -> {
              assertThat(box.left()).as(text).isGreaterThanOrEqualTo(0);
              assertThat(box.right()).as(text).isLessThanOrEqualTo(figure.scene().width());
              assertThat(box.bottom()).as(text).isLessThanOrEqualTo(figure.scene().height());
            });
  }

  @Test
  void oneRunASurfaceOrARunWithoutAPathIsRefused() {
    Subject good = subject("runs/a", HandRun.run());
    assertThatThrownBy(() -> SizeFigure.of(List.of(good)))
        .isInstanceOf(Missing.class)
        .hasMessageContaining("runs/a is one; 'isthmus report DIR DIR...");
    assertThatThrownBy(() -> SizeFigure.of(List.of(good, subject("s", SampleRun.surface()))))
        .isInstanceOf(Missing.class)
        .hasMessageContaining("s is a run on a surface");
    Subject young = subject("runs/y", HandRun.with(HandRun.MINIMA, List.of()));
    assertThatThrownBy(() -> SizeFigure.of(List.of(good, young)))
        .isInstanceOf(Missing.class)
        .hasMessage("runs/y has no finished path yet; 'isthmus explore runs/y' makes them.");
  }
}
