package io.isthmus.report;

import io.isthmus.landscape.Minimum;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Numbers;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Placement;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * The graph of minima and paths with its minimum spanning tree, as it is at the end (figure 4 of
 * the paper shows how it came about: {@link TreeStepsFigure}). Minima stand as {@link GraphLayout}
 * says.
 */
final class GraphFigure {
  private static final double[] LABEL_SHARES = {0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73};
  private static final double WIDTH = 560;
  private static final double TOP = 84;
  private static final double NODE = 14;
  private static final Stroke TREE = new Stroke(Ink.PRIMARY, 3.4);
  private static final Stroke OTHER = new Stroke(Ink.FAINT, 1.1);
  private static final Stroke OPEN = new Stroke(Ink.FAINT, 1.6, Stroke.DOTTED);

  /**
   * Up to this many minima the edges outside of the tree have their saddles written on them too.
   */
  private static final int ALL_LABELLED = 6;

  private final RunSummary run;
  private final Drawing drawing = new Drawing();
  private final Map<Integer, double[]> places = new LinkedHashMap<>();
  private final Set<Connection> tree;
  private final double height;

  private GraphFigure(RunSummary run) {
    this.run = run;
    tree = new HashSet<>(run.tree());
    double radius = Math.max(150, Math.min(215, 22.0 * run.minima().size()));
    GraphLayout.of(run)
        .forEach(
            (number, at) ->
                places.put(
                    number,
                    new double[] {WIDTH / 2 + radius * at[0], TOP + 52 + radius * (1 + at[1])}));
    double lowest = places.values().stream().mapToDouble(p -> p[1]).max().orElse(TOP + radius);
    height = lowest + 66;
  }

  static Figure of(RunSummary run) {
    return new GraphFigure(run).figure();
  }

  private Figure figure() {
    String title = "Minima and paths with the minimum spanning tree";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    edges();
    labels();
    run.minima().forEach(this::node);
    String loss = run.tested() ? "training loss" : "energy";
    String caption =
        "Bold lines are the minimum spanning tree, with the "
            + loss
            + " of each saddle; thin lines are the other paths that were computed."
            + " Beside each minimum its own "
            + loss
            + ".";
    String description = title + ". " + run.minima().size() + " minima, " + tree.size() + " edges.";
    return new Figure("graph", title, caption, drawing.scene(WIDTH, height, description), data());
  }

  private void legend() {
    double x = 15;
    x = entry(x, TREE, "minimum spanning tree");
    if (run.connections().stream().anyMatch(c -> c.status() == Status.DONE && !tree.contains(c))) {
      x = entry(x, OTHER, "other paths");
    }
    if (run.connections().stream().anyMatch(c -> c.status() != Status.DONE)) {
      entry(x, OPEN, "not finished");
    }
    String loss = run.tested() ? "training losses" : "energies";
    drawing.text(
        "numbers are " + loss, 15, 72, Panel.SMALL, Typeface.REGULAR, Ink.MUTED, Anchor.START);
  }

  private double entry(double x, Stroke stroke, String text) {
    drawing.line(x, 49, x + 28, 49, stroke);
    drawing.text(text, x + 36, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + 36 + 1.06 * Typeface.REGULAR.width(text, Panel.MEDIUM) + 22;
  }

  private void edges() {
    List<Connection> backToFront = new ArrayList<>(run.connections());
    backToFront.sort(Comparator.comparing(tree::contains));
    for (Connection connection : backToFront) {
      double[] a = places.get(connection.pair().first());
      double[] b = places.get(connection.pair().second());
      if (a == null || b == null) {
        continue;
      }
      Stroke stroke =
          tree.contains(connection) ? TREE : connection.status() == Status.DONE ? OTHER : OPEN;
      Drawing edge = new Drawing();
      edge.line(a[0], a[1], b[0], b[1], stroke);
      drawing.group(tooltip(connection), "pair-" + connection.name(), null, edge);
    }
  }

  private String tooltip(Connection connection) {
    String text = connection.name() + ": ";
    OptionalDouble saddle = saddle(connection);
    return connection.status() == Status.DONE
        ? text + "saddle " + Numbers.significant(saddle.getAsDouble(), 3)
        : text + connection.status().label();
  }

  private void labels() {
    Placement placement = new Placement(new Box(0, TOP, WIDTH, height - TOP));
    places.values().forEach(p -> placement.avoid(new Box(p[0] - 18, p[1] - 18, 36, 36)));
    for (Connection connection : run.connections()) {
      double[] a = places.get(connection.pair().first());
      double[] b = places.get(connection.pair().second());
      if (a != null && b != null && tree.contains(connection)) {
        placement.avoid(a[0], a[1], b[0], b[1]);
      }
    }
    for (boolean inTree : new boolean[] {true, false}) {
      for (Connection connection : run.connections()) {
        if (tree.contains(connection) == inTree
            && connection.status() == Status.DONE
            && (inTree || run.minima().size() <= ALL_LABELLED)) {
          label(connection, placement, inTree);
        }
      }
    }
  }

  private void label(Connection connection, Placement placement, boolean inTree) {
    new EdgeLabel(
            Numbers.significant(saddle(connection).getAsDouble(), 3),
            inTree ? Typeface.BOLD : Typeface.REGULAR,
            inTree ? Panel.MEDIUM : 10,
            16,
            LABEL_SHARES)
        .draw(
            drawing,
            placement,
            places.get(connection.pair().first()),
            places.get(connection.pair().second()),
            inTree ? 1 : 0.1,
            inTree ? Ink.PRIMARY : Ink.MUTED);
  }

  private void node(Minimum minimum) {
    double[] at = places.get(minimum.number());
    double dx = at[0] - WIDTH / 2;
    double dy = at[1] - centre();
    double distance = Math.max(1e-9, Math.hypot(dx, dy));
    Drawing node = new Drawing();
    node.circle(at[0], at[1], NODE, Ink.WASH, new Stroke(Ink.PRIMARY, 1.6));
    String number = String.valueOf(minimum.number());
    node.text(number, at[0], at[1] + 4.4, Panel.MEDIUM, Typeface.BOLD, Ink.INK, Anchor.MIDDLE);
    String loss = Numbers.significant(minimum.loss(), 3);
    Anchor anchor =
        Math.abs(dx) < 0.3 * distance ? Anchor.MIDDLE : dx > 0 ? Anchor.START : Anchor.END;
    boolean alone = distance < 1;
    node.note(
        loss,
        at[0] + (alone ? 0 : dx / distance * (NODE + 8)),
        at[1] + (alone ? NODE + 18 : dy / distance * (NODE + 13) + 4),
        Panel.SMALL,
        Typeface.REGULAR,
        Ink.INK,
        alone ? Anchor.MIDDLE : anchor);
    drawing.group("minimum " + number + ": " + loss, "", null, node);
  }

  private double centre() {
    double low = places.values().stream().mapToDouble(p -> p[1]).min().orElse(0);
    double high = places.values().stream().mapToDouble(p -> p[1]).max().orElse(0);
    return (low + high) / 2;
  }

  private OptionalDouble saddle(Connection connection) {
    return run.path(connection).stream()
        .mapToDouble(path -> path.saddle(run.convention()).trainLoss())
        .findFirst();
  }

  private String data() {
    String loss = Measure.TRAIN_LOSS.key() + "_" + ResultRow.word(run.convention());
    Csv csv = new Csv("from", "to", "status", "in_tree", "saddle_" + loss, "straight_line_" + loss);
    for (Connection connection : run.connections()) {
      csv.row(
          connection.pair().first(),
          connection.pair().second(),
          connection.status().label(),
          tree.contains(connection),
          saddle(connection).orElse(Double.NaN),
          connection.barrier(run.convention()).map(b -> b.trainLoss()).orElse(Double.NaN));
    }
    return csv.text();
  }
}
