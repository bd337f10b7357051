package io.isthmus.report;

import io.isthmus.analysis.Curvature;
import io.isthmus.analysis.Eigenvalue;
import io.isthmus.analysis.MinimumHessian;
import io.isthmus.analysis.PathHessian;
import io.isthmus.analysis.Spectrum;
import io.isthmus.report.scene.Axis;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Numbers;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Scale;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * The ends of the Hessian's spectrum at minima and saddles, and at saddles the curvature along the
 * path and across it.
 */
final class SpectrumFigure {
  private static final double LEFT = 70;
  private static final double RIGHT = 24;
  private static final Stroke RIM = new Stroke(Ink.PAPER, 0.8);
  private static final Stroke WHISKER = new Stroke(Ink.MUTED, 1);
  private static final Stroke ZERO = new Stroke(Ink.MUTED, 1.2);

  private final RunSummary run;
  private final List<Place> places = new ArrayList<>();
  private final Drawing drawing = new Drawing();
  private final Csv csv =
      new Csv("point", "quantity", "index", "value", "residual", "change", "overlap_with_tangent");

  /** A minimum or a saddle; {@code path} is null at a minimum. */
  private record Place(String name, Spectrum spectrum, PathHessian path) {}

  private SpectrumFigure(RunSummary run, HessianFinding finding) {
    this.run = run;
    for (MinimumHessian minimum : finding.minima()) {
      places.add(new Place("minimum " + minimum.minimum(), minimum.spectrum(), null));
    }
    for (PathHessian path : finding.paths()) {
      String name = "saddle " + path.pair().first() + "-" + path.pair().second();
      places.add(new Place(name, path.saddle(), path));
    }
  }

  /** The figure of at least one Hessian. */
  static Figure of(RunSummary run, HessianFinding finding) {
    return new SpectrumFigure(run, finding).figure();
  }

  private Figure figure() {
    double width = Math.max(600, LEFT + RIGHT + 104.0 * places.size());
    String title = "Curvature at minima and saddles";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    double inner = width - LEFT - RIGHT;
    panel(new Box(LEFT, 122, inner, 150), "Highest eigenvalues", true);
    panel(new Box(LEFT, 312, inner, 200), "Lowest eigenvalues, curvature at the saddle", false);
    String caption =
        "Eigenvalues of the Hessian of the "
            + (run.tested() ? "training loss" : "energy")
            + " from both ends of the spectrum. Whiskers: the larger of the residual and of the"
            + " change when the step of the difference is doubled; what they join to zero is not told"
            + " from it."
            + (places.stream().anyMatch(p -> p.path() != null)
                ? " At a saddle the diamond is the curvature along the path, the triangle the lowest"
                    + " eigenvalue across it."
                : "");
    return new Figure(
        "curvature", title, caption, drawing.scene(width, 560, title + ". " + caption), csv.text());
  }

  private void legend() {
    double x = 20;
    drawing.circle(x, 49, 3.6, Ink.INK, RIM);
    x = words("eigenvalue", x + 10, 53) + 22;
    if (places.stream().anyMatch(p -> p.path() != null)) {
      drawing.diamond(x, 49, 5.5, Ink.PRIMARY, RIM);
      x = words("along the path", x + 11, 53) + 22;
      drawing.triangle(x, 50, 5.5, Ink.SECONDARY, RIM);
      x = words("lowest across the path", x + 11, 53) + 22;
    }
    drawing.line(x, 43, x, 55, WHISKER);
    words("uncertainty", x + 8, 53);
    StringBuilder overlaps = new StringBuilder();
    for (Place place : places) {
      if (place.path() != null) {
        overlaps
            .append(overlaps.length() == 0 ? "" : ", ")
            .append(place.name())
            .append(' ')
            .append(Numbers.fixed(place.spectrum().bottom().overlap(), 2));
      }
    }
    if (overlaps.length() > 0) {
      String text = "Overlap of the lowest eigenvector with the path’s tangent: " + overlaps;
      drawing.text(text, 15, 76, Panel.SMALL, Typeface.REGULAR, Ink.MUTED, Anchor.START);
    }
  }

  private double words(String text, double x, double y) {
    drawing.text(text, x, y, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + 1.06 * Typeface.REGULAR.width(text, Panel.MEDIUM);
  }

  private void panel(Box box, String title, boolean top) {
    DoubleStream shown =
        places.stream()
            .flatMap(p -> (top ? p.spectrum().highest() : p.spectrum().lowest()).stream())
            .flatMapToDouble(
                e -> DoubleStream.of(e.value() - e.uncertainty(), e.value() + e.uncertainty()));
    if (!top) {
      DoubleStream more =
          places.stream().filter(p -> p.path() != null).flatMapToDouble(p -> shown(p.path().at()));
      shown = DoubleStream.concat(shown, more);
    }
    Scale scale = Scale.linear(DoubleStream.concat(shown, DoubleStream.of(0)).toArray());
    List<Scale.Tick> ticks = new ArrayList<>();
    for (int i = 0; i < places.size(); i++) {
      ticks.add(new Scale.Tick(i, places.get(i).name()));
    }
    Axis across = new Axis("", new Scale(false, -0.5, places.size() - 0.5), ticks, true);
    Panel panel = new Panel(box, top ? across.silent() : across, Axis.of(title, scale, 5));
    panel.draw(drawing);
    drawing.line(box.left(), panel.y(0), box.right(), panel.y(0), ZERO);
    for (int i = 0; i < places.size(); i++) {
      place(panel, i, top);
    }
  }

  private static DoubleStream shown(Curvature at) {
    return DoubleStream.of(
        at.tangent() - at.tangentChange(),
        at.tangent() + at.tangentChange(),
        at.across() - at.acrossUncertainty(),
        at.across() + at.acrossUncertainty());
  }

  private void whisker(Panel panel, double x, double value, double size) {
    drawing.line(x, panel.y(value - size), x, panel.y(value + size), WHISKER);
  }

  private void place(Panel panel, int index, boolean top) {
    Place place = places.get(index);
    List<Eigenvalue> values = top ? place.spectrum().highest() : place.spectrum().lowest();
    for (int i = 0; i < values.size(); i++) {
      Eigenvalue each = values.get(i);
      double x = panel.x(index - 0.36 + 0.4 * i / Math.max(1, values.size() - 1));
      whisker(panel, x, each.value(), each.uncertainty());
      drawing.circle(x, panel.y(each.value()), 3.6, Ink.INK, RIM);
      csv.row(
          place.name(),
          top ? "highest" : "lowest",
          String.valueOf(i + 1),
          each.value(),
          each.residual(),
          each.change(),
          each.overlap());
    }
    if (!top && place.path() != null) {
      Curvature at = place.path().at();
      double x = panel.x(index + 0.2);
      whisker(panel, x, at.tangent(), at.tangentChange());
      drawing.diamond(x, panel.y(at.tangent()), 5.5, Ink.PRIMARY, RIM);
      csv.row(place.name(), "along path", "", at.tangent(), Double.NaN, at.tangentChange(), 1.0);
      if (Double.isFinite(at.across())) {
        x = panel.x(index + 0.34);
        whisker(panel, x, at.across(), at.acrossUncertainty());
        drawing.triangle(x, panel.y(at.across()), 5.5, Ink.SECONDARY, RIM);
        csv.row(
            place.name(),
            "lowest across path",
            "",
            at.across(),
            at.acrossResidual(),
            at.acrossChange(),
            0.0);
      }
    }
  }
}
