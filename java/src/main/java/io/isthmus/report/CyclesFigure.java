package io.isthmus.report;

import io.isthmus.config.CycleConfig;
import io.isthmus.neb.CycleResult;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.scene.Axis;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Numbers;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Scale;
import io.isthmus.report.scene.Scale.Tick;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/** How the highest training loss of every path falls from cycle to cycle. */
final class CyclesFigure {
  private static final double WIDTH = 720;
  private static final double TOP = 92;
  private static final double HEIGHT = 240;
  private static final Stroke TREE = new Stroke(Ink.PRIMARY, 1.8);
  private static final Stroke OTHER = new Stroke(Ink.FAINT, 1.1);

  private final RunSummary run;
  private final Set<Connection> tree;
  private final Drawing drawing = new Drawing();

  private CyclesFigure(RunSummary run) {
    this.run = run;
    tree = new HashSet<>(run.tree());
  }

  /** The figure of a run with at least one finished cycle. */
  static Figure of(RunSummary run) {
    return new CyclesFigure(run).figure();
  }

  private Figure figure() {
    String title = "Saddles from cycle to cycle";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    int last = run.connections().stream().mapToInt(c -> c.cycles().size()).max().orElse(0);
    double[] all =
        run.connections().stream()
            .flatMapToDouble(c -> heights(c).values().stream().mapToDouble(h -> h))
            .toArray();
    String loss = run.tested() ? "Highest training loss (cross-entropy)" : "Highest energy";
    Panel panel =
        new Panel(
            new Box(58, TOP, WIDTH - 58 - 22, HEIGHT),
            across(Math.max(last, run.schedule().size())),
            Axis.of(loss, Scale.fitting(all), 6));
    panel.draw(drawing);
    rates(panel);
    List<Connection> backToFront = new ArrayList<>(run.connections());
    backToFront.sort(Comparator.comparing(tree::contains));
    backToFront.forEach(connection -> curve(panel, connection));
    String caption =
        "Highest "
            + (run.tested() ? "training loss" : "energy")
            + " of every path after each cycle; 0 is the straight line. Paths of the minimum"
            + " spanning tree are bold, with circles. Below the cycles their learning rates.";
    return new Figure(
        "cycles",
        title,
        caption,
        drawing.scene(WIDTH, TOP + HEIGHT + 70, title + ". " + caption),
        data());
  }

  private void legend() {
    drawing.line(15, 49, 43, 49, TREE);
    drawing.circle(29, 49, 2.6, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.4));
    String text = "minimum spanning tree";
    drawing.text(text, 51, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    if (run.connections().stream().anyMatch(c -> !c.cycles().isEmpty() && !tree.contains(c))) {
      double x = 51 + 1.06 * Typeface.REGULAR.width(text, Panel.MEDIUM) + 22;
      drawing.line(x, 49, x + 28, 49, OTHER);
      drawing.text(
          "other paths", x + 36, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    }
  }

  private static Axis across(int last) {
    List<Tick> ticks = new ArrayList<>();
    for (int cycle = 0; cycle <= last; cycle++) {
      ticks.add(new Tick(cycle, String.valueOf(cycle)));
    }
    Scale scale = new Scale(false, -0.03 * last - 0.1, 1.03 * last + 0.1);
    return new Axis("", scale, ticks, true);
  }

  /** Learning rates below the axis, where they change. */
  private void rates(Panel panel) {
    drawing.text(
        "Cycle, with its learning rate where that changes",
        panel.box().left() + panel.box().width() / 2,
        panel.box().bottom() + 56,
        Panel.MEDIUM,
        Typeface.REGULAR,
        Ink.INK,
        Anchor.MIDDLE);
    float before = Float.NaN;
    for (int i = 0; i < run.schedule().size(); i++) {
      CycleConfig cycle = run.schedule().get(i);
      if (cycle.learningRate() != before) {
        drawing.text(
            "rate " + Numbers.plain(cycle.learningRate()),
            panel.x(i + 1),
            panel.box().bottom() + 33,
            Panel.SMALL,
            Typeface.REGULAR,
            Ink.MUTED,
            Anchor.MIDDLE);
      }
      before = cycle.learningRate();
    }
  }

  private void curve(Panel panel, Connection connection) {
    TreeMap<Integer, Double> heights = heights(connection);
    double[] at = heights.keySet().stream().mapToDouble(Integer::doubleValue).toArray();
    double[] values = heights.values().stream().mapToDouble(Double::doubleValue).toArray();
    boolean inTree = tree.contains(connection);
    panel.curve(drawing, at, values, inTree ? TREE : OTHER);
    for (int i = 0; inTree && i < at.length; i++) {
      double y = panel.y(values[i]);
      if (Double.isFinite(y)) {
        drawing.circle(panel.x(at[i]), y, 2.6, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.4));
      }
    }
  }

  /** Highest training loss by cycle; 0 is the straight line. */
  private TreeMap<Integer, Double> heights(Connection connection) {
    TreeMap<Integer, Double> heights = new TreeMap<>();
    connection.barrier(run.convention()).ifPresent(b -> heights.put(0, b.trainLoss()));
    for (CycleResult cycle : connection.cycles()) {
      heights.put(cycle.cycle(), cycle.saddle(run.convention()).trainLoss());
    }
    return heights;
  }

  private String data() {
    Csv csv =
        new Csv(
            "from",
            "to",
            "cycle",
            "steps",
            "pivots",
            "length_over_straight",
            "seconds",
            "highest_train_loss_" + ResultRow.word(run.convention()));
    for (Connection connection : run.connections()) {
      int from = connection.pair().first();
      int to = connection.pair().second();
      connection
          .barrier(run.convention())
          .ifPresent(b -> csv.row(from, to, 0, 0, 2, 1.0, Double.NaN, b.trainLoss()));
      for (CycleResult cycle : connection.cycles()) {
        csv.row(
            from,
            to,
            cycle.cycle(),
            cycle.steps(),
            cycle.profile().gaps() + 1,
            cycle.stretch(),
            cycle.seconds(),
            cycle.saddle(run.convention()).trainLoss());
      }
    }
    return csv.text();
  }
}
