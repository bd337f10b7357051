package io.isthmus.report;

import io.isthmus.analysis.Calibration;
import io.isthmus.analysis.Calibration.Bin;
import io.isthmus.analysis.EnsembleResult;
import io.isthmus.analysis.EnsembleScore;
import io.isthmus.analysis.EnsembleScore.Kind;
import io.isthmus.report.scene.Axis;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Scale;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/**
 * Test error, likelihood and calibration of ensembles by their size, along a path and of
 * independent minima, and how sure their largest ones are against how often they are right.
 */
final class EnsembleFigure {
  private static final double WIDTH = 720;
  private static final double LEFT = 62;
  private static final double PANEL = 274;
  private static final double RIGHT = LEFT + PANEL + 84;
  private static final Stroke PATH = new Stroke(Ink.PRIMARY, 2.2);
  private static final Stroke INDEPENDENT = new Stroke(Ink.SECONDARY, 1.8, Stroke.DASHED);
  private static final Stroke WHISKER = new Stroke(Ink.SECONDARY, 1);
  private static final Stroke IDEAL = new Stroke(Ink.MUTED, 1.2, Stroke.DOTTED);
  private static final Stroke RIM = new Stroke(Ink.PAPER, 0.8);

  private final EnsembleResult result;
  private final Drawing drawing = new Drawing();
  private final Csv csv =
      new Csv(
          "kind",
          "size",
          "members",
          "test_error",
          "negative_log_likelihood",
          "brier",
          "expected_calibration_error",
          "disagreement");

  private EnsembleFigure(EnsembleResult result) {
    this.result = result;
  }

  /** The figure of the ensembles of one path. */
  static Figure of(EnsembleFinding finding) {
    return new EnsembleFigure(finding.result()).figure();
  }

  private Figure figure() {
    String name = EnsembleTable.name(result);
    String title = "Ensembles along path " + name;
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    double x = entry(15, PATH, false, "along the path, ends included");
    entry(x + 24, INDEPENDENT, true, "independent minima, mean ± standard deviation");
    sizes(new Box(LEFT, 92, PANEL, 170), "Test error (%)", s -> 100 * s.calibration().error());
    sizes(new Box(RIGHT, 92, PANEL, 170), "Negative log-likelihood", s -> s.calibration().loss());
    sizes(
        new Box(LEFT, 350, PANEL, 170),
        "Expected calibration error (%)",
        s -> 100 * s.calibration().calibrationError());
    reliability(new Box(RIGHT, 350, PANEL, 170));
    String caption =
        "Test error, likelihood and calibration of ensembles whose probabilities are averaged, by"
            + " their size; size 1 is one minimum. Bottom right: how often the largest ensembles are"
            + " right against how sure they are, in "
            + Calibration.BINS
            + " bins, larger marks for more images; on the dotted line both are equal.";
    for (EnsembleScore score : result.scores()) {
      csv.row(
          score.kind().name().toLowerCase(Locale.ROOT),
          String.valueOf(score.size()),
          String.join(" ", score.members().stream().map(EnsembleFigure::member).toList()),
          score.calibration().error(),
          score.calibration().loss(),
          score.calibration().brier(),
          score.calibration().calibrationError(),
          score.disagreement());
    }
    return new Figure(
        "ensemble-" + name,
        title,
        caption,
        drawing.scene(WIDTH, 570, title + ". " + caption),
        csv.text());
  }

  private static String member(double number) {
    return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number);
  }

  private double entry(double x, Stroke stroke, boolean triangle, String text) {
    drawing.line(x, 49, x + 30, 49, stroke);
    if (triangle) {
      drawing.triangle(x + 15, 50, 5, Ink.SECONDARY, RIM);
    } else {
      drawing.circle(x + 15, 49, 3.6, Ink.PRIMARY, RIM);
    }
    drawing.text(text, x + 38, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + 38 + 1.06 * Typeface.REGULAR.width(text, Panel.MEDIUM);
  }

  private void sizes(Box box, String title, ToDoubleFunction<EnsembleScore> number) {
    Spread[] path = spreads(Kind.PATH, number);
    Spread[] independent = spreads(Kind.INDEPENDENT, number);
    double[] shown =
        DoubleStream.concat(
                DoubleStream.of(path(path)),
                Arrays.stream(independent)
                    .flatMapToDouble(
                        s ->
                            DoubleStream.of(
                                s.mean(), s.mean() - s.deviation(), s.mean() + s.deviation())))
            .toArray();
    List<Scale.Tick> ticks = new ArrayList<>();
    for (int size = 1; size <= result.size(); size++) {
      boolean labelled = result.size() <= 12 || size % 5 == 0 || size == 1;
      ticks.add(new Scale.Tick(size, labelled ? String.valueOf(size) : ""));
    }
    Axis across = new Axis("Networks", new Scale(false, 0.7, result.size() + 0.3), ticks, true);
    Panel panel = new Panel(box, across, Axis.of(title, Scale.linear(shown), 5));
    panel.draw(drawing);
    double[] at = new double[result.size()];
    Arrays.setAll(at, i -> i + 1.0);
    panel.curve(drawing, at, path(independent), INDEPENDENT);
    panel.curve(drawing, at, path(path), PATH);
    for (int i = 0; i < result.size(); i++) {
      double x = panel.x(i + 1.0);
      Spread each = independent[i];
      if (Double.isFinite(each.deviation())) {
        double low = panel.y(each.mean() - each.deviation());
        double high = panel.y(each.mean() + each.deviation());
        drawing.line(x, low, x, high, WHISKER);
        drawing.line(x - 3, low, x + 3, low, WHISKER);
        drawing.line(x - 3, high, x + 3, high, WHISKER);
      }
      if (each.count() > 0) {
        drawing.triangle(x, panel.y(each.mean()), 5, Ink.SECONDARY, RIM);
      }
      if (path[i].count() > 0) {
        drawing.circle(x, panel.y(path[i].mean()), 3.6, Ink.PRIMARY, RIM);
      }
    }
  }

  private Spread[] spreads(Kind kind, ToDoubleFunction<EnsembleScore> number) {
    Spread[] spreads = new Spread[result.size()];
    Arrays.setAll(spreads, i -> EnsembleTable.spread(result.scores(kind, i + 1), number));
    return spreads;
  }

  private static double[] path(Spread[] spreads) {
    return Arrays.stream(spreads).mapToDouble(Spread::mean).toArray();
  }

  private void reliability(Box box) {
    Panel panel =
        new Panel(
            box,
            Axis.of("Confidence", new Scale(false, 0, 1.02), 5),
            Axis.of("Accuracy of the largest ensembles", new Scale(false, 0, 1.05), 5));
    panel.draw(drawing);
    drawing.line(panel.x(0), panel.y(0), panel.x(1), panel.y(1), IDEAL);
    bins(panel, Kind.INDEPENDENT, Math.min(result.size(), result.minima()));
    bins(panel, Kind.PATH, result.size());
  }

  private void bins(Panel panel, Kind kind, int size) {
    List<EnsembleScore> scores = result.scores(kind, size);
    double[] confidences = new double[Calibration.BINS];
    double[] accuracies = new double[Calibration.BINS];
    double[] shares = new double[Calibration.BINS];
    for (int b = 0; b < Calibration.BINS; b++) {
      double count = 0;
      for (EnsembleScore score : scores) {
        Bin bin = score.calibration().bins().get(b);
        if (bin.count() > 0) {
          count += bin.count();
          confidences[b] += bin.count() * bin.confidence();
          accuracies[b] += bin.count() * bin.accuracy();
        }
      }
      confidences[b] /= count;
      accuracies[b] /= count;
      shares[b] = count / Math.max(1, (double) scores.size() * result.images());
    }
    boolean path = kind == Kind.PATH;
    double[] xs = DoubleStream.of(confidences).filter(Double::isFinite).toArray();
    double[] ys = DoubleStream.of(accuracies).filter(Double::isFinite).toArray();
    panel.curve(drawing, xs, ys, path ? PATH : INDEPENDENT);
    for (int b = 0; b < Calibration.BINS; b++) {
      if (Double.isFinite(confidences[b])) {
        double radius = 2.4 + 4.5 * Math.sqrt(shares[b]);
        double x = panel.x(confidences[b]);
        double y = panel.y(accuracies[b]);
        if (path) {
          drawing.circle(x, y, radius, Ink.PRIMARY, RIM);
        } else {
          drawing.triangle(x, y, 1.3 * radius, Ink.SECONDARY, RIM);
        }
      }
    }
  }
}
