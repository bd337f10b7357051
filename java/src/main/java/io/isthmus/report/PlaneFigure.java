package io.isthmus.report;

import io.isthmus.analysis.Place;
import io.isthmus.analysis.PlaneGrid;
import io.isthmus.analysis.PlaneResult;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * Figure 1 of the paper: the loss on the plane through two minima and the mean of the path between
 * them, with the path's projection (left), and along the straight line and the path (right).
 */
final class PlaneFigure {
  private static final double TOP = 104;
  private static final Box PLANE = new Box(58, TOP, 430, 430 / PlaneGrid.ASPECT);
  private static final Box BAR = new Box(504, TOP, 14, PLANE.height());
  private static final Box PROFILE = new Box(644, TOP, 384, PLANE.height());
  private static final double WIDTH = 1060;
  private static final Stroke PATH = new Stroke(Ink.PRIMARY, 2.2);
  private static final Stroke LINE = new Stroke(Ink.SECONDARY, 1.8, Stroke.DASHED);
  private static final Stroke RIM = new Stroke(Ink.PAPER, 1.2);

  /** How far above the straight line's height bands go on, as a share of the whole span. */
  private static final double ABOVE = 0.25;

  private final RunSummary run;
  private final RunSummary.Connection connection;
  private final PlaneResult plane;
  private final Profile path;
  private final StatisticsConvention convention;
  private final Drawing drawing = new Drawing();

  private PlaneFigure(RunSummary run, RunSummary.Connection connection, PlaneResult plane) {
    this.run = run;
    this.connection = connection;
    this.plane = plane;
    this.convention = run.convention();
    this.path = run.path(connection).orElseThrow().profile();
  }

  /**
   * The figure of a pair.
   *
   * @param plane complete, of the path that counts for this pair
   */
  static Figure of(RunSummary run, RunSummary.Connection connection, PlaneResult plane) {
    return new PlaneFigure(run, connection, plane).figure();
  }

  private Figure figure() {
    int from = connection.pair().first();
    int to = connection.pair().second();
    String loss = run.tested() ? "training loss" : "energy";
    String title =
        "%s around the path from minimum %d to minimum %d"
            .formatted(run.tested() ? "Training loss" : "Energy", from, to);
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    plane();
    ProfileFigure.draw(drawing, run, connection, PROFILE);
    String caption =
        run.tested()
            ? String.format(
                Locale.ROOT,
                "Left: %s on the plane through minima %d and %d and the mean of the path between"
                    + " them, over %s, batch-norm statistics %s. The path is projected onto the"
                    + " plane; its pivots lie up to %s from it. Right: %s on the straight line and"
                    + " along the path itself.",
                loss,
                from,
                to,
                images(),
                ResultRow.word(plane.convention()),
                Numbers.significant(farthest(), 3),
                loss)
            : "Left: energy of the surface with the path. Right: energy on the straight line and"
                + " along the path.";
    return new Figure(
        "plane-" + connection.name(),
        title,
        caption,
        drawing.scene(WIDTH, TOP + PLANE.height() + 52, title + ". " + caption),
        data());
  }

  private String images() {
    int images = plane.settings().images();
    return images == 0
        ? "all training images"
        : "up to " + Numbers.count(images) + " training images";
  }

  private double farthest() {
    return plane.pivots().stream().mapToDouble(Place::distance).max().orElse(0);
  }

  private void legend() {
    double x = 15;
    drawing.line(x, 53, x + 30, 53, PATH);
    drawing.circle(x + 15, 53, 2.8, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.4));
    String text = run.tested() ? "path and its pivots, projected" : "path and its pivots";
    drawing.text(text, x + 38, 57, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    x += 38 + Typeface.REGULAR.width(text, Panel.MEDIUM) * 1.06 + 24;
    drawing.line(x, 53, x + 30, 53, LINE);
    drawing.text(
        "straight line", x + 38, 57, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
  }

  private void plane() {
    PlaneGrid grid = plane.grid();
    double[][] losses = plane.losses();
    Levels levels = levels(losses);
    Panel panel =
        ContourPlot.panel(
            PLANE,
            grid,
            run.tested() ? "Distance along the straight line, in the space of parameters" : "x",
            run.tested() ? "Distance from the straight line, towards the path" : "y",
            true);
    panel.draw(drawing);
    ContourPlot plot = new ContourPlot(panel, grid, losses, levels);
    plot.draw(drawing);
    ContourPlot.bar(drawing, BAR, levels, run.tested() ? "Training loss" : "Energy");
    Placement placement = new Placement(PLANE);
    Drawing front = new Drawing();
    curves(front, panel, placement);
    marks(front, panel, placement);
    plot.label(drawing, placement);
    drawing.group("", "", PLANE.grown(8), front);
  }

  /** Levels from the lowest value to somewhat above the straight line. */
  private Levels levels(double[][] losses) {
    double[] shown =
        Arrays.stream(losses).flatMapToDouble(Arrays::stream).filter(Double::isFinite).toArray();
    double[] onPath = path.trainLosses(convention);
    double lowest =
        DoubleStream.concat(Arrays.stream(shown), Arrays.stream(onPath)).min().orElse(0);
    double highest = Arrays.stream(shown).max().orElse(1);
    double top =
        DoubleStream.concat(
                Arrays.stream(onPath),
                connection.line().stream()
                    .flatMapToDouble(line -> Arrays.stream(line.trainLosses(convention))))
            .max()
            .orElse(highest);
    boolean factors = Levels.between(lowest, top).scale().logarithmic();
    double above = factors ? top * Math.pow(top / lowest, ABOVE) : top + ABOVE * 2 * (top - lowest);
    return Levels.between(lowest, above > lowest ? Math.min(above, highest) : highest);
  }

  private void curves(Drawing front, Panel panel, Placement placement) {
    List<Place> pivots = plane.pivots();
    double[] x = pivots.stream().mapToDouble(p -> panel.x(p.x())).toArray();
    double[] y = pivots.stream().mapToDouble(p -> panel.y(p.y())).toArray();
    int last = x.length - 1;
    ContourPlot.curve(front, new double[] {x[0], x[last]}, new double[] {y[0], y[last]}, LINE);
    ContourPlot.curve(front, x, y, PATH);
    cover(placement, x[0], y[0], x[last], y[last]);
    for (int i = 1; i <= last; i++) {
      cover(placement, x[i - 1], y[i - 1], x[i], y[i]);
    }
    for (int i = 1; i < last; i++) {
      front.circle(x[i], y[i], 2.8, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.4));
      placement.avoid(new Box(x[i] - 4, y[i] - 4, 8, 8));
    }
  }

  /** Keeps labels off a line. */
  private static void cover(Placement placement, double x1, double y1, double x2, double y2) {
    int parts = 1 + (int) (Math.hypot(x2 - x1, y2 - y1) / 6);
    for (int i = 0; i <= parts; i++) {
      double t = (double) i / parts;
      placement.avoid(new Box(x1 + t * (x2 - x1) - 3, y1 + t * (y2 - y1) - 3, 6, 6));
    }
  }

  private void marks(Drawing front, Panel panel, Placement placement) {
    List<Place> pivots = plane.pivots();
    Place[] ends = {pivots.get(0), pivots.get(pivots.size() - 1)};
    Saddle saddle = Saddle.of(path, convention);
    Place top = onPath(saddle);
    List<Runnable> notes = new ArrayList<>();
    for (int i = 0; i < ends.length; i++) {
      int number = i == 0 ? connection.pair().first() : connection.pair().second();
      double x = panel.x(ends[i].x());
      double y = panel.y(ends[i].y());
      front.circle(x, y, 4.6, Ink.INK, RIM);
      placement.avoid(new Box(x - 6, y - 6, 12, 12));
      notes.add(() -> note(front, placement, "minimum " + number, x, y, Ink.INK));
    }
    connection
        .barrier(convention)
        .ifPresent(
            barrier -> {
              double t = barrier.position();
              double x = panel.x((1 - t) * ends[0].x() + t * ends[1].x());
              double y = panel.y((1 - t) * ends[0].y() + t * ends[1].y());
              front.triangle(x, y, 6.5, Ink.SECONDARY, RIM);
              placement.avoid(new Box(x - 6, y - 6, 12, 12));
              String text = Numbers.significant(barrier.trainLoss(), 3);
              notes.add(() -> note(front, placement, text, x, y, Ink.SECONDARY));
            });
    double x = panel.x(top.x());
    double y = panel.y(top.y());
    front.diamond(x, y, 6.5, Ink.PRIMARY, RIM);
    placement.avoid(new Box(x - 6, y - 6, 12, 12));
    String text = "saddle " + Numbers.significant(saddle.trainLoss(), 3);
    notes.add(() -> note(front, placement, text, x, y, Ink.PRIMARY));
    notes.forEach(Runnable::run);
  }

  /** Projection of the highest sample: linear between the two pivots it lies between. */
  private Place onPath(Saddle saddle) {
    int stride = path.stride();
    int gap = Math.min(saddle.sample() / stride, path.gaps() - 1);
    double share = (double) (saddle.sample() - gap * stride) / stride;
    Place a = plane.pivots().get(gap);
    Place b = plane.pivots().get(gap + 1);
    return new Place(a.x() + share * (b.x() - a.x()), a.y() + share * (b.y() - a.y()), Double.NaN);
  }

  private static void note(
      Drawing front, Placement placement, String text, double x, double y, Ink ink) {
    double width = Typeface.BOLD.width(text, Panel.MEDIUM) + 6;
    List<Box> candidates = new ArrayList<>();
    for (double down : new double[] {9, -25, 22, -38}) {
      for (double across : new double[] {-0.5, 0, -1, -0.25, -0.75}) {
        candidates.add(new Box(x + across * width, y + down, width, 16));
      }
    }
    Box place = placement.place(candidates);
    front.note(
        text, place.left() + 3, place.top() + 12, Panel.MEDIUM, Typeface.BOLD, ink, Anchor.START);
  }

  private String data() {
    Csv csv = new Csv("kind", "x", "y", "distance_from_plane", "train_loss", "train_error");
    PlaneGrid grid = plane.grid();
    for (int i = 0; i < grid.size(); i++) {
      csv.row(
          "grid",
          grid.x(i % grid.columns()),
          grid.y(i / grid.columns()),
          0.0,
          plane.metrics().get(i).loss(),
          run.tested() ? plane.metrics().get(i).error() : Double.NaN);
    }
    for (int i = 0; i < plane.pivots().size(); i++) {
      Place place = plane.pivots().get(i);
      boolean end = i == 0 || i == plane.pivots().size() - 1;
      var metrics = path.samples().get(i * path.stride()).train(convention);
      csv.row(
          end ? "minimum" : "pivot",
          place.x(),
          place.y(),
          place.distance(),
          metrics.loss(),
          run.tested() ? metrics.error() : Double.NaN);
    }
    return csv.text();
  }
}
