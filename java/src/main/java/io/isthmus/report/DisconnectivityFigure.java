package io.isthmus.report;

import io.isthmus.landscape.Basin;
import io.isthmus.landscape.Edge;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.landscape.Minimum;
import io.isthmus.landscape.SpanningTree;
import io.isthmus.report.scene.Axis;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Numbers;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Placement;
import io.isthmus.report.scene.Scale;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/**
 * The disconnectivity graph (Becker and Karplus 1997): each minimum is a stem that begins at its
 * own loss, and stems join at the lowest saddle that is known to connect them.
 */
final class DisconnectivityFigure {
  private static final double LEFT = 58;
  private static final double TOP = 68;
  private static final double HEIGHT = 270;
  private static final Stroke STEM = new Stroke(Ink.PRIMARY, 2);
  private static final Stroke LOOSE = new Stroke(Ink.PRIMARY, 1.6, Stroke.DOTTED);

  private final RunSummary run;
  private final MinimaGraph graph;
  private final List<Basin> roots;
  private final Drawing drawing = new Drawing();
  private final Map<Integer, Double> slots = new HashMap<>();
  private final Csv csv = new Csv("height", "joins", "minima");
  private final double width;
  private Panel panel;
  private Placement placement;

  private DisconnectivityFigure(RunSummary run) {
    this.run = run;
    graph = run.graph();
    roots = Basin.of(graph);
    width = Math.max(420, LEFT + 26 + 64.0 * run.minima().size());
  }

  /** The figure of a run with at least one minimum. */
  static Figure of(RunSummary run) {
    return new DisconnectivityFigure(run).figure();
  }

  private Figure figure() {
    String title = "Disconnectivity graph";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    Box box = new Box(LEFT, TOP, width - LEFT - 22, HEIGHT);
    double[] heights =
        DoubleStream.concat(
                graph.minima().stream().mapToDouble(Minimum::loss),
                SpanningTree.of(graph).edges().stream().mapToDouble(Edge::saddle))
            .toArray();
    String loss = run.tested() ? "Training loss (cross-entropy)" : "Energy";
    Axis up = Axis.of(loss, roomAbove(Scale.fitting(heights)), 6);
    panel = new Panel(box, across(), up);
    panel.draw(drawing);
    placement = new Placement(box);
    for (Basin root : roots) {
      double x = draw(root);
      double y = panel.y(root.height());
      Stroke stem = root.isLeaf() || roots.size() > 1 ? LOOSE : STEM;
      drawing.line(x, y, x, box.top() + 2, stem);
      placement.avoid(x, y, x, box.top() + 2);
    }
    roots.forEach(this::mark);
    String caption =
        "Each minimum is a stem that begins at its own "
            + (run.tested() ? "training loss" : "energy")
            + "; stems join at the height of the lowest saddle known between them."
            + (roots.size() > 1 ? " Dotted stems are not joined yet." : "");
    String description = title + " of " + run.minima().size() + " minima. " + caption;
    return new Figure(
        "disconnectivity",
        title,
        caption,
        drawing.scene(width, TOP + HEIGHT + 50, description),
        csv.text());
  }

  private Axis across() {
    List<Integer> order = roots.stream().flatMap(root -> root.minima().stream()).toList();
    List<Scale.Tick> ticks = new ArrayList<>();
    for (int i = 0; i < order.size(); i++) {
      slots.put(order.get(i), (double) i);
      ticks.add(new Scale.Tick(i, String.valueOf(order.get(i))));
    }
    return new Axis("Minimum", new Scale(false, -0.6, order.size() - 0.4), ticks, true);
  }

  /** The same scale with more room at the top, for the stem of the last join. */
  private static Scale roomAbove(Scale scale) {
    double high =
        scale.logarithmic()
            ? scale.high() * Math.pow(scale.high() / scale.low(), 0.06)
            : scale.high() + 0.06 * (scale.high() - scale.low());
    return new Scale(scale.logarithmic(), scale.low(), high);
  }

  /** Draws what hangs below a basin and returns its place along the axis. */
  private double draw(Basin basin) {
    if (basin.isLeaf()) {
      csv.row(basin.height(), "", String.valueOf(basin.lowest()));
      return panel.x(slots.get(basin.lowest()));
    }
    double y = panel.y(basin.height());
    double left = Double.POSITIVE_INFINITY;
    double right = Double.NEGATIVE_INFINITY;
    for (Basin child : basin.children()) {
      double x = draw(child);
      left = Math.min(left, x);
      right = Math.max(right, x);
      drawing.line(x, panel.y(child.height()), x, y, STEM);
      placement.avoid(x, panel.y(child.height()), x, y);
    }
    drawing.line(left, y, right, y, STEM);
    placement.avoid(left, y, right, y);
    csv.row(
        basin.height(),
        basin.children().stream()
            .map(DisconnectivityFigure::name)
            .collect(Collectors.joining(" | ")),
        name(basin));
    return (left + right) / 2;
  }

  private static String name(Basin basin) {
    return basin.minima().stream().map(String::valueOf).collect(Collectors.joining(" "));
  }

  /** Dots and heights, above all stems; returns the basin's place. */
  private double mark(Basin basin) {
    double y = panel.y(basin.height());
    if (basin.isLeaf()) {
      double x = panel.x(slots.get(basin.lowest()));
      drawing.circle(x, y, 4, Ink.PRIMARY, new Stroke(Ink.PAPER, 1.2));
      return x;
    }
    double left = Double.POSITIVE_INFINITY;
    double right = Double.NEGATIVE_INFINITY;
    for (Basin child : basin.children()) {
      double x = mark(child);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
    String text = Numbers.significant(basin.height(), 3);
    double width = Typeface.REGULAR.width(text, Panel.SMALL) + 6;
    List<Box> candidates = new ArrayList<>();
    double middle = (left + right) / 2;
    for (double down : new double[] {-17, 3}) {
      for (double x : new double[] {middle + 2, middle - width - 2, right - width - 2, left + 2}) {
        candidates.add(new Box(x, y + down, width, 14));
      }
      candidates.add(new Box(right + 4, y - 7, width, 14));
      candidates.add(new Box(left - width - 4, y - 7, width, 14));
    }
    placement
        .place(candidates, 0.1)
        .ifPresent(
            place ->
                drawing.note(
                    text,
                    place.left() + 3,
                    place.top() + 11,
                    Panel.SMALL,
                    Typeface.REGULAR,
                    Ink.INK,
                    Anchor.START));
    return middle;
  }
}
