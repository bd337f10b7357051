package io.isthmus.report;

import io.isthmus.landscape.Edge;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.landscape.SpanningTree;
import io.isthmus.neb.Pair;
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
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * How the minimum spanning tree came about (figure 4 of the paper): the graph after each computed
 * path, in the order of computing, with the new edge and the one it replaces in the tree. Minima
 * stay where {@link GraphLayout} puts them for the finished graph. Of more than twelve steps those
 * are shown that matter: the first, the one that joins all minima, those that made the tree
 * lightest, and the last.
 */
final class TreeStepsFigure {
  private static final double[] LABEL_SHARES = {0.5, 0.38, 0.62, 0.3, 0.7, 0.25, 0.75};

  /** Most small drawings that are shown. */
  static final int MOST = 12;

  private static final double CELL = 222;
  private static final double RADIUS = 74;
  private static final double HEAD = 46;
  private static final double TOP = 82;
  private static final double NODE = 9.5;

  /** Up to this many minima every edge of the tree has its saddle written on it. */
  private static final int ALL_LABELLED = 6;

  private static final Stroke TREE = new Stroke(Ink.PRIMARY, 3);
  private static final Stroke OTHER = new Stroke(Ink.FAINT, 0.9);
  private static final Stroke REPLACED = new Stroke(Ink.MUTED, 1.8, Stroke.DOTTED);
  private static final Stroke NEW_OUTSIDE = new Stroke(Ink.SECONDARY, 1.6, Stroke.DASHED);
  private static final Stroke NEW_INSIDE = new Stroke(Ink.SECONDARY, 3);

  /**
   * The graph with one more path.
   *
   * @param number of the step, from 1
   * @param added the new edge
   * @param before the tree without it
   * @param after the tree with it
   * @param known every edge that is known now
   */
  record Step(int number, Edge added, SpanningTree before, SpanningTree after, List<Edge> known) {
    /** The edge that left the tree for the new one. */
    Optional<Edge> replaced() {
      return before.edges().stream().filter(edge -> !after.edges().contains(edge)).findFirst();
    }

    /** Whether the new edge is in the tree. */
    boolean inTree() {
      return after.edges().contains(added);
    }

    /** By how much the tree became lighter; 0 where the new edge joined what was not joined. */
    double relief() {
      return inTree() && replaced().isPresent() ? before.weight() - after.weight() : 0;
    }
  }

  private final RunSummary run;
  private final List<Step> steps;
  private final List<Step> shown;
  private final Map<Integer, double[]> places;
  private final Drawing drawing = new Drawing();

  private TreeStepsFigure(RunSummary run) {
    this.run = run;
    steps = steps(run);
    shown = shown(steps);
    places = GraphLayout.of(run);
  }

  /** The figure of a run with at least one finished path. */
  static Figure of(RunSummary run) {
    return new TreeStepsFigure(run).figure();
  }

  /** A step for each finished path, in the order of computing. */
  static List<Step> steps(RunSummary run) {
    MinimaGraph graph = MinimaGraph.of(run.minima());
    SpanningTree before = SpanningTree.of(graph);
    MinimaGraph whole = run.graph();
    List<Step> steps = new ArrayList<>();
    for (Connection connection : run.connections()) {
      Optional<Edge> edge =
          whole.edges().stream().filter(e -> e.pair().equals(connection.pair())).findFirst();
      if (connection.status() == Status.DONE && edge.isPresent()) {
        graph = graph.withPath(connection.pair(), edge.get().saddle());
        SpanningTree after = SpanningTree.of(graph);
        steps.add(
            new Step(steps.size() + 1, edge.get(), before, after, List.copyOf(graph.edges())));
        before = after;
      }
    }
    return steps;
  }

  /** The steps that are drawn, at most {@link #MOST}, in order. */
  static List<Step> shown(List<Step> steps) {
    if (steps.size() <= MOST) {
      return steps;
    }
    TreeSet<Integer> chosen = new TreeSet<>(List.of(1, steps.size()));
    steps.stream()
        .filter(step -> step.after().connected())
        .findFirst()
        .ifPresent(step -> chosen.add(step.number()));
    List<Step> heaviestFirst = new ArrayList<>(steps);
    heaviestFirst.sort(
        Comparator.comparingDouble(Step::relief).reversed().thenComparing(Step::number));
    for (Step step : heaviestFirst) {
      if (chosen.size() < MOST) {
        chosen.add(step.number());
      }
    }
    return steps.stream().filter(step -> chosen.contains(step.number())).toList();
  }

  private Figure figure() {
    String title = "How the minimum spanning tree came about";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    int columns = shown.size() > 6 && shown.size() != 9 ? 4 : 3;
    legend();
    double height = HEAD + 2 * RADIUS + 44;
    for (int i = 0; i < shown.size(); i++) {
      cell(shown.get(i), 8 + (i % columns) * CELL, TOP + (i / columns) * height);
    }
    int rows = (shown.size() + columns - 1) / columns;
    String loss = run.tested() ? "training loss" : "energy";
    String caption =
        "The graph after each computed path, in the order of computing. Numbers are the "
            + loss
            + " of saddles"
            + (run.minima().size() > ALL_LABELLED
                ? ": of the new path and of the highest of the tree"
                : "")
            + "."
            + (shown.size() < steps.size()
                ? String.format(
                    Locale.ROOT,
                    " Shown are %d of %d steps: the first, that which joins all minima, the last,"
                        + " and those that made the tree lightest.",
                    shown.size(),
                    steps.size())
                : "")
            + (run.tested()
                ? " Batch-norm statistics " + ResultRow.word(run.convention()) + "."
                : "");
    return new Figure(
        "tree-steps",
        title,
        caption,
        drawing.scene(
            Math.max(16 + columns * CELL, 690), TOP + rows * height + 6, title + ". " + caption),
        data());
  }

  private void legend() {
    double x = 15;
    x = entry(x, TREE, "minimum spanning tree", false);
    x = entry(x, NEW_INSIDE, "new, in the tree", true);
    x = entry(x, NEW_OUTSIDE, "new, outside", true);
    x = entry(x, REPLACED, "replaced", false);
    entry(x, OTHER, "other", false);
  }

  private double entry(double x, Stroke stroke, String text, boolean marked) {
    drawing.line(x, 49, x + 30, 49, stroke);
    if (marked) {
      marker(x + 15, 49);
    }
    drawing.text(text, x + 37, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + 37 + Typeface.REGULAR.width(text, Panel.MEDIUM) * 1.06 + 18;
  }

  /** What tells a new edge from the others without colour. */
  private void marker(double x, double y) {
    drawing.diamond(x, y, 5.4, Ink.SECONDARY, new Stroke(Ink.PAPER, 1.2));
  }

  private void cell(Step step, double left, double top) {
    Pair pair = step.added().pair();
    drawing.text(
        String.format(
            Locale.ROOT,
            "%d.  %d–%d: %s",
            step.number(),
            pair.first(),
            pair.second(),
            Numbers.significant(step.added().saddle(), 3)),
        left + 8,
        top + 14,
        Panel.MEDIUM,
        Typeface.BOLD,
        Ink.INK,
        Anchor.START);
    drawing.text(
        outcome(step), left + 8, top + 30, Panel.SMALL, Typeface.REGULAR, Ink.MUTED, Anchor.START);
    double x = left + CELL / 2;
    double y = top + HEAD + NODE + 6 + RADIUS;
    for (Edge edge : step.known()) {
      if (!step.after().edges().contains(edge) && !edge.equals(step.added())) {
        boolean replaced = step.replaced().filter(edge::equals).isPresent();
        line(edge, x, y, replaced ? REPLACED : OTHER);
      }
    }
    for (Edge edge : step.after().edges()) {
      if (!edge.equals(step.added())) {
        line(edge, x, y, TREE);
      }
    }
    line(step.added(), x, y, step.inTree() ? NEW_INSIDE : NEW_OUTSIDE);
    double[] a = place(pair.first(), x, y);
    double[] b = place(pair.second(), x, y);
    marker((a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
    labels(step, x, y, new Box(left, top + HEAD - 6, CELL, 2 * RADIUS + 44));
    for (int number : places.keySet()) {
      double[] at = place(number, x, y);
      drawing.circle(at[0], at[1], NODE, Ink.WASH, new Stroke(Ink.PRIMARY, 1.2));
      drawing.text(
          String.valueOf(number), at[0], at[1] + 3.6, 10, Typeface.BOLD, Ink.INK, Anchor.MIDDLE);
    }
  }

  private static String outcome(Step step) {
    if (!step.inTree()) {
      return "the tree stays as it is";
    }
    if (step.replaced().isEmpty()) {
      return step.after().connected() ? "joins the last two parts" : "joins two parts";
    }
    Edge out = step.replaced().get();
    return String.format(
        Locale.ROOT,
        "replaces %d–%d (%s)",
        out.pair().first(),
        out.pair().second(),
        Numbers.significant(out.saddle(), 3));
  }

  private double[] place(int number, double x, double y) {
    double[] at = places.get(number);
    return new double[] {x + RADIUS * at[0], y + RADIUS * at[1]};
  }

  private void line(Edge edge, double x, double y, Stroke stroke) {
    double[] a = place(edge.pair().first(), x, y);
    double[] b = place(edge.pair().second(), x, y);
    drawing.line(a[0], a[1], b[0], b[1], stroke);
  }

  /** Saddles of the tree: of every edge, or in a large graph of the new and the highest one. */
  private void labels(Step step, double x, double y, Box within) {
    Placement placement = new Placement(within);
    for (int number : places.keySet()) {
      double[] at = place(number, x, y);
      placement.avoid(new Box(at[0] - NODE, at[1] - NODE, 2 * NODE, 2 * NODE));
    }
    double[] one = place(step.added().pair().first(), x, y);
    double[] other = place(step.added().pair().second(), x, y);
    placement.avoid(new Box((one[0] + other[0]) / 2 - 6, (one[1] + other[1]) / 2 - 6, 12, 12));
    List<Edge> edges = step.after().edges();
    List<Edge> labelled = new ArrayList<>(List.of(step.added()));
    for (int i = edges.size() - 1; i >= 0; i--) {
      if (!edges.get(i).equals(step.added())
          && (places.size() <= ALL_LABELLED || i == edges.size() - 1)) {
        labelled.add(edges.get(i));
      }
    }
    for (Edge edge : labelled) {
      boolean added = edge.equals(step.added());
      new EdgeLabel(
              Numbers.significant(edge.saddle(), 3),
              added ? Typeface.BOLD : Typeface.REGULAR,
              10,
              14,
              LABEL_SHARES)
          .draw(
              drawing,
              placement,
              place(edge.pair().first(), x, y),
              place(edge.pair().second(), x, y),
              added && places.size() <= ALL_LABELLED ? 1 : 0.15,
              added ? Ink.SECONDARY : Ink.PRIMARY);
    }
  }

  private String data() {
    Csv csv =
        new Csv(
            "step",
            "from",
            "to",
            "saddle_train_loss_" + ResultRow.word(run.convention()),
            "in_tree",
            "replaced_from",
            "replaced_to",
            "tree_edges",
            "tree_highest",
            "tree_mean",
            "shown");
    for (Step step : steps) {
      List<Edge> edges = step.after().edges();
      Optional<Pair> out = step.inTree() ? step.replaced().map(Edge::pair) : Optional.empty();
      csv.row(
          step.number(),
          step.added().pair().first(),
          step.added().pair().second(),
          step.added().saddle(),
          step.inTree(),
          out.map(pair -> "" + pair.first()).orElse(""),
          out.map(pair -> "" + pair.second()).orElse(""),
          edges.size(),
          edges.get(edges.size() - 1).saddle(),
          step.after().weight() / edges.size(),
          shown.contains(step));
    }
    return csv.text();
  }
}
