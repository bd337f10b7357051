package io.isthmus.report;

import io.isthmus.analysis.Curvature;
import io.isthmus.analysis.PathHessian;
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
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** Curvature of the loss along a path and across it, at its pivots and its saddle. */
final class CurvatureFigure {
  private static final double WIDTH = 720;
  private static final double LEFT = 70;
  private static final double RIGHT = 36;
  private static final Stroke ALONG = new Stroke(Ink.PRIMARY, 2.2);
  private static final Stroke ACROSS = new Stroke(Ink.SECONDARY, 1.8, Stroke.DASHED);
  private static final Stroke LOSS = new Stroke(Ink.INK, 1.6);
  private static final Stroke WHISKER = new Stroke(Ink.MUTED, 1);
  private static final Stroke RIM = new Stroke(Ink.PAPER, 0.8);
  private static final Stroke ZERO = new Stroke(Ink.MUTED, 1.2);

  private final RunSummary run;
  private final PathHessian path;
  private final List<Curvature> points;
  private final Drawing drawing = new Drawing();

  private CurvatureFigure(RunSummary run, PathHessian path) {
    this.run = run;
    this.path = path;
    points = new ArrayList<>(path.along());
    if (points.stream().noneMatch(p -> p.position() == path.at().position())) {
      points.add(path.at());
    }
    points.sort(Comparator.comparingDouble(Curvature::position));
  }

  /** The figure of a path whose curvature is known at its pivots. */
  static Figure of(RunSummary run, PathHessian path) {
    return new CurvatureFigure(run, path).figure();
  }

  private Figure figure() {
    String name = path.pair().first() + "-" + path.pair().second();
    String title = "Curvature along path " + name;
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    double end = entry(15, ALONG, false, "along the path");
    entry(end + 24, ACROSS, true, "lowest across the path");
    double inner = WIDTH - LEFT - RIGHT;
    String loss = run.tested() ? "Training loss of the mini-batches" : "Energy";
    double[] losses = values(Curvature::loss);
    Panel upper =
        new Panel(
            new Box(LEFT, 92, inner, 100),
            across().silent(),
            Axis.of(loss, Scale.fitting(losses), 4));
    upper.draw(drawing);
    upper.curve(drawing, values(Curvature::position), losses, LOSS);
    for (Curvature point : points) {
      mark(upper.x(point.position()), upper.y(point.loss()), point, Ink.INK, false);
    }
    double[] shown =
        DoubleStream.concat(
                DoubleStream.of(0),
                DoubleStream.concat(
                    points.stream().flatMapToDouble(p -> around(p.tangent(), p.tangentChange())),
                    points.stream()
                        .flatMapToDouble(p -> around(p.across(), p.acrossUncertainty()))))
            .toArray();
    Panel lower =
        new Panel(
            new Box(LEFT, 236, inner, 230),
            across(),
            Axis.of("Second derivative", Scale.linear(shown), 6));
    lower.draw(drawing);
    drawing.line(lower.box().left(), lower.y(0), lower.box().right(), lower.y(0), ZERO);
    lower.curve(drawing, values(Curvature::position), values(Curvature::across), ACROSS);
    lower.curve(drawing, values(Curvature::position), values(Curvature::tangent), ALONG);
    for (Curvature point : points) {
      double x = lower.x(point.position());
      if (Double.isFinite(point.across())) {
        whisker(lower, x, point.across(), point.acrossUncertainty());
        mark(x, lower.y(point.across()), point, Ink.SECONDARY, true);
      }
      whisker(lower, x, point.tangent(), point.tangentChange());
      mark(x, lower.y(point.tangent()), point, Ink.PRIMARY, false);
    }
    String caption =
        "Second derivative of the "
            + (run.tested() ? "training loss" : "energy")
            + " along the tangent of path "
            + name
            + ", and the lowest eigenvalue of the Hessian across it, at every pivot; the diamond is"
            + " the saddle. Whiskers: change when the step is doubled, across also the residual.";
    return new Figure(
        "curvature-" + name,
        title,
        caption,
        drawing.scene(WIDTH, 514, title + ". " + caption),
        data());
  }

  private double entry(double x, Stroke stroke, boolean triangle, String text) {
    drawing.line(x, 49, x + 30, 49, stroke);
    if (triangle) {
      drawing.triangle(x + 15, 50, 4.4, Ink.SECONDARY, RIM);
    } else {
      drawing.circle(x + 15, 49, 3, Ink.PRIMARY, RIM);
    }
    drawing.text(text, x + 38, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + 38 + 1.06 * Typeface.REGULAR.width(text, Panel.MEDIUM);
  }

  private void mark(double x, double y, Curvature point, Ink ink, boolean triangle) {
    if (point.position() == path.at().position() && !triangle) {
      drawing.diamond(x, y, 6.5, ink, RIM);
    } else if (triangle) {
      drawing.triangle(x, y, 4.4, ink, RIM);
    } else {
      drawing.circle(x, y, 3, ink, RIM);
    }
  }

  private static DoubleStream around(double value, double change) {
    return DoubleStream.of(value - change, value + change);
  }

  private void whisker(Panel panel, double x, double value, double change) {
    drawing.line(x, panel.y(value - change), x, panel.y(value + change), WHISKER);
  }

  private Axis across() {
    List<Scale.Tick> ticks = new ArrayList<>();
    for (Scale.Tick tick : new Scale(false, 0, 1).ticks(5)) {
      ticks.add(
          tick.value() == 0
              ? new Scale.Tick(0, "minimum " + path.pair().first())
              : tick.value() == 1 ? new Scale.Tick(1, "minimum " + path.pair().second()) : tick);
    }
    Scale scale = new Scale(false, -0.02, 1.02);
    return new Axis("Position: share of the length of the path", scale, ticks, true);
  }

  private double[] values(ToDoubleFunction<Curvature> of) {
    return points.stream().mapToDouble(of).toArray();
  }

  private String data() {
    Csv csv =
        new Csv(
            "position",
            "pivot",
            "saddle",
            "loss",
            "gradient",
            "slope_along_path",
            "curvature_along_path",
            "change",
            "lowest_across_path",
            "change_across",
            "residual_across");
    for (Curvature point : points) {
      csv.row(
          point.position(),
          point.pivot() < 0 ? "" : String.valueOf(point.pivot()),
          String.valueOf(point.position() == path.at().position()),
          point.loss(),
          point.gradient(),
          point.slope(),
          point.tangent(),
          point.tangentChange(),
          point.across(),
          point.acrossChange(),
          point.acrossResidual());
    }
    return csv.text();
  }
}
