package io.isthmus.report;

import io.isthmus.analysis.Place;
import io.isthmus.analysis.PlaneGrid;
import io.isthmus.analysis.Relaxation;
import io.isthmus.analysis.Relaxation.Frame;
import io.isthmus.analysis.Relaxation.Pivot;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Levels;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Numbers;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Placement;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Figure 2 of the paper: the nudged elastic band on a two-dimensional surface before its first
 * iteration, on the way, and converged, with the forces on its pivots.
 */
final class RelaxationFigure {
  private static final double LEFT = 58;
  private static final double TOP = 132;
  private static final double WIDE = 330;
  private static final double GAP = 18;
  private static final double HIGH = WIDE / PlaneGrid.ASPECT;
  private static final double LONGEST = 84;
  private static final Stroke PATH = new Stroke(Ink.PRIMARY, 2);
  private static final Stroke DESCENT = new Stroke(Ink.INK, 1);
  private static final Stroke FORCE = new Stroke(Ink.SECONDARY, 2.4);

  /** How far above the highest pivot bands go on, as a share of the whole span. */
  private static final double ABOVE = 0.5;

  private final Relaxation relaxation;
  private final Drawing drawing = new Drawing();
  private final double strongest;
  private final double width;

  private RelaxationFigure(Relaxation relaxation) {
    this.relaxation = relaxation;
    strongest =
        pivots(relaxation)
            .flatMap(p -> DoubleStream.of(length(p.descent()), length(p.force())).boxed())
            .mapToDouble(Double::doubleValue)
            .max()
            .orElse(0);
    int panels = relaxation.frames().size();
    width = LEFT + panels * WIDE + (panels - 1) * GAP + 92;
  }

  /** The figure of a path. */
  static Figure of(Relaxation relaxation) {
    return new RelaxationFigure(relaxation).figure();
  }

  private static java.util.stream.Stream<Pivot> pivots(Relaxation relaxation) {
    return relaxation.frames().stream().flatMap(frame -> frame.pivots().stream());
  }

  private Figure figure() {
    int from = relaxation.pair().first();
    int to = relaxation.pair().second();
    String title = "The path from minimum %d to minimum %d relaxes".formatted(from, to);
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    Levels levels = levels();
    List<Frame> frames = relaxation.frames();
    for (int i = 0; i < frames.size(); i++) {
      panel(frames.get(i), new Box(LEFT + i * (WIDE + GAP), TOP, WIDE, HIGH), levels, i == 0);
    }
    double right = LEFT + frames.size() * (WIDE + GAP);
    ContourPlot.bar(drawing, new Box(right - 2, TOP, 14, HIGH), levels, "Energy");
    String caption =
        "Energy of the surface with the path at several iterations. Thin dark arrows: the negative"
            + " gradient at each pivot; broad arrows: its part perpendicular to the path, by which"
            + " the nudged elastic band moves it. Lengths of arrows are in proportion"
            + (relaxation.saddles().isEmpty()
                ? "."
                : "; the crosses are the saddles known from the literature.");
    return new Figure(
        "relaxation-" + from + "-" + to,
        title,
        caption,
        drawing.scene(width, TOP + HIGH + 52, title + ". " + caption),
        data());
  }

  private void legend() {
    double y = 53;
    double x = 15;
    drawing.line(x, y, x + 30, y, PATH);
    drawing.circle(x + 15, y, 2.8, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.4));
    x = word("path and its pivots", x + 38, y);
    drawing.arrow(x, y, x + 34, y, 7, DESCENT);
    x = word("negative gradient", x + 42, y);
    drawing.arrow(x, y, x + 34, y, 10, FORCE);
    x = word("its part across the path: the force of the band", x + 42, y);
    if (!relaxation.saddles().isEmpty()) {
      cross(drawing, x + 5, y);
      word("known saddle", x + 16, y);
    }
    drawing.text(
        "The longest arrow is a force of " + Numbers.significant(strongest, 3) + ".",
        15,
        76,
        Panel.SMALL,
        Typeface.REGULAR,
        Ink.MUTED,
        Anchor.START);
  }

  private double word(String text, double x, double y) {
    drawing.text(text, x, y + 4, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + 1.06 * Typeface.REGULAR.width(text, Panel.MEDIUM) + 22;
  }

  private Levels levels() {
    double[] all = Arrays.stream(relaxation.energies()).flatMapToDouble(Arrays::stream).toArray();
    double[] along = pivots(relaxation).mapToDouble(Pivot::energy).toArray();
    double lowest = DoubleStream.concat(Arrays.stream(all), Arrays.stream(along)).min().orElse(0);
    double highest = Arrays.stream(all).max().orElse(1);
    double top = Arrays.stream(along).max().orElse(highest);
    return Levels.between(lowest, Math.min(highest, top + ABOVE * (top - lowest)));
  }

  private void panel(Frame frame, Box box, Levels levels, boolean first) {
    Panel panel = ContourPlot.panel(box, relaxation.grid(), "x", "y", first);
    panel.draw(drawing);
    ContourPlot plot = new ContourPlot(panel, relaxation.grid(), relaxation.energies(), levels);
    plot.draw(drawing);
    double highest = frame.pivots().stream().mapToDouble(Pivot::energy).max().orElse(Double.NaN);
    drawing.text(
        frame.title(),
        box.left() + WIDE / 2,
        box.top() - 26,
        Panel.MEDIUM,
        Typeface.BOLD,
        Ink.INK,
        Anchor.MIDDLE);
    drawing.text(
        "%d pivots, the highest at %s".formatted(frame.pivots().size(), Numbers.fixed(highest, 2)),
        box.left() + WIDE / 2,
        box.top() - 9,
        Panel.SMALL,
        Typeface.REGULAR,
        Ink.MUTED,
        Anchor.MIDDLE);
    Drawing front = new Drawing();
    Placement placement = new Placement(box);
    for (Place saddle : relaxation.saddles()) {
      double x = panel.x(saddle.x());
      double y = panel.y(saddle.y());
      if (box.contains(x, y)) {
        placement.avoid(new Box(x - 7, y - 7, 14, 14));
      }
    }
    path(front, panel, frame, placement);
    for (Place saddle : relaxation.saddles()) {
      if (box.contains(panel.x(saddle.x()), panel.y(saddle.y()))) {
        cross(front, panel.x(saddle.x()), panel.y(saddle.y()));
      }
    }
    plot.label(drawing, placement);
    drawing.group("", "", box, front);
  }

  private void path(Drawing front, Panel panel, Frame frame, Placement placement) {
    List<Pivot> pivots = frame.pivots();
    double[] x = pivots.stream().mapToDouble(p -> panel.x(p.x())).toArray();
    double[] y = pivots.stream().mapToDouble(p -> panel.y(p.y())).toArray();
    ContourPlot.curve(front, x, y, PATH);
    for (int i = 1; i < x.length; i++) {
      placement.avoid(
          new Box(
              Math.min(x[i - 1], x[i]),
              Math.min(y[i - 1], y[i]),
              Math.abs(x[i] - x[i - 1]) + 1,
              Math.abs(y[i] - y[i - 1]) + 1));
    }
    int last = x.length - 1;
    for (int i = 1; i < last; i++) {
      arrow(front, placement, x[i], y[i], pivots.get(i).descent(), 7, DESCENT);
      arrow(front, placement, x[i], y[i], pivots.get(i).force(), 9, FORCE);
    }
    for (int i = 1; i < last; i++) {
      front.circle(x[i], y[i], 2.8, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.4));
    }
    for (int end : new int[] {0, last}) {
      front.circle(x[end], y[end], 4.6, Ink.INK, new Stroke(Ink.PAPER, 1.2));
    }
  }

  private void arrow(
      Drawing front,
      Placement placement,
      double x,
      double y,
      double[] vector,
      double head,
      Stroke stroke) {
    double factor = strongest > 0 ? LONGEST / strongest : 0;
    double toX = x + factor * vector[0];
    double toY = y - factor * vector[1];
    front.arrow(x, y, toX, toY, head + 1.5, new Stroke(Ink.PAPER, stroke.width() + 2));
    front.arrow(x, y, toX, toY, head, stroke);
    placement.avoid(x, y, toX, toY);
  }

  private static void cross(Drawing drawing, double x, double y) {
    for (Stroke stroke : new Stroke[] {new Stroke(Ink.PAPER, 4.4), new Stroke(Ink.INK, 2)}) {
      drawing.line(x - 5, y - 5, x + 5, y + 5, stroke);
      drawing.line(x - 5, y + 5, x + 5, y - 5, stroke);
    }
  }

  private static double length(double[] vector) {
    return Math.hypot(vector[0], vector[1]);
  }

  private String data() {
    Csv csv =
        new Csv(
            "frame", "pivot", "x", "y", "energy", "descent_x", "descent_y", "force_x", "force_y");
    for (Frame frame : relaxation.frames()) {
      for (int i = 0; i < frame.pivots().size(); i++) {
        Pivot p = frame.pivots().get(i);
        csv.row(
            frame.title(),
            i,
            p.x(),
            p.y(),
            p.energy(),
            p.descent()[0],
            p.descent()[1],
            p.force()[0],
            p.force()[1]);
      }
    }
    for (Place saddle : relaxation.saddles()) {
      double none = Double.NaN;
      csv.row("Known saddle", "", saddle.x(), saddle.y(), none, none, none, none, none);
    }
    return csv.text();
  }
}
