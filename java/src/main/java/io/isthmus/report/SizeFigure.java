package io.isthmus.report;

import io.isthmus.neb.Saddle;
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
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Minima, saddles and straight lines of several runs against the number of parameters of their
 * networks (the question of figure 5 of the paper): training loss, height of the barrier above the
 * ends, test error; means over the spanning tree with their standard errors.
 */
final class SizeFigure {
  private static final double WIDTH = 720;
  private static final double LEFT = 62;
  private static final double RIGHT = 40;
  private static final double TOP = 92;
  private static final double HEIGHT = 158;
  private static final double GAP = 40;
  private static final double ROW = 15;
  private static final Stroke RIM = new Stroke(Ink.PAPER, 0.8);

  private final List<RunSummary> runs;
  private final Drawing drawing = new Drawing();
  private final Csv csv =
      new Csv(
          "dataset",
          "architecture",
          "parameters",
          "quantity",
          "of",
          "count",
          "mean",
          "standard_error");

  private SizeFigure(List<RunSummary> runs) {
    this.runs = runs;
  }

  /** What is averaged, and how it is drawn. */
  private enum Group {
    MINIMA("minima", new Stroke(Ink.INK, 1.4, Stroke.DOTTED)),
    SADDLES("saddles of the paths", new Stroke(Ink.PRIMARY, 2)),
    LINES("maxima of the straight lines", new Stroke(Ink.SECONDARY, 1.6, Stroke.DASHED));

    private final String label;
    private final Stroke stroke;

    Group(String label, Stroke stroke) {
      this.label = label;
      this.stroke = stroke;
    }

    void mark(Drawing drawing, double x, double y) {
      switch (this) {
        case MINIMA -> drawing.circle(x, y, 4, Ink.INK, RIM);
        case SADDLES -> drawing.diamond(x, y, 5.6, Ink.PRIMARY, RIM);
        case LINES -> drawing.triangle(x, y, 5.8, Ink.SECONDARY, RIM);
        default -> throw new IllegalStateException(name());
      }
    }
  }

  /**
   * A quantity of every run.
   *
   * @param key in the data file
   * @param title of its panel; null when it is in the data file only
   * @param unit what a value is multiplied by for the panel
   * @param spreads one for each group and run, in that order of indices; null for a group that has
   *     no such quantity
   */
  private record Quantity(String key, String title, double unit, Spread[][] spreads) {}

  /**
   * The figure of at least two runs of networks, each with a path.
   *
   * @throws Missing for a single run, a surface, or a run without a path
   */
  static Figure of(List<Subject> subjects) {
    if (subjects.size() < 2) {
      throw new Missing(
          ("A figure of size compares networks, and %s is one; 'isthmus report DIR DIR... --figure"
                  + " size' takes several runs.")
              .formatted(subjects.get(0).folder()));
    }
    for (Subject subject : subjects) {
      RunSummary run = subject.run();
      if (!run.tested()) {
        throw new Missing(
            "%s is a run on a surface, which has no size; give 'isthmus report' runs of networks."
                .formatted(subject.folder()));
      }
      if (run.tree().isEmpty()) {
        throw new Missing(
            "%s has no finished path yet; 'isthmus explore %s' makes them."
                .formatted(subject.folder(), subject.folder()));
      }
    }
    return new SizeFigure(
            subjects.stream()
                .map(Subject::run)
                .sorted(Comparator.comparingLong(RunSummary::parameters))
                .toList())
        .figure();
  }

  private Figure figure() {
    String title = "Minima, saddles and straight lines by size of the network";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    List<Quantity> quantities = quantities();
    quantities.forEach(this::data);
    List<Quantity> shown = quantities.stream().filter(q -> q.title() != null).toList();
    double bottom = TOP;
    Panel panel = null;
    for (int i = 0; i < shown.size(); i++) {
      double top = TOP + i * (HEIGHT + GAP);
      panel = panel(shown.get(i), new Box(LEFT, top, WIDTH - LEFT - RIGHT, HEIGHT));
      bottom = top + HEIGHT;
    }
    double height = names(panel, bottom + 17) + 34;
    String caption =
        "Training loss, height of the highest point of path and straight line above the mean of"
            + " their two ends, and test error, against the number of parameters (logarithmic)."
            + " Means over the minima of each spanning tree (circles), its paths (diamonds) and the"
            + " straight lines between the same pairs (triangles); whiskers are one standard error."
            + " Every maximum is that of the metric itself.";
    return new Figure(
        "size", title, caption, drawing.scene(WIDTH, height, title + ". " + caption), csv.text());
  }

  private void legend() {
    double x = 15;
    for (Group group : Group.values()) {
      drawing.line(x, 49, x + 32, 49, group.stroke);
      group.mark(drawing, x + 16, 49);
      drawing.text(group.label, x + 40, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
      x += 40 + 1.06 * Typeface.REGULAR.width(group.label, Panel.MEDIUM) + 24;
    }
    drawing.text(
        "mean ± standard error",
        WIDTH - RIGHT,
        53,
        Panel.SMALL,
        Typeface.REGULAR,
        Ink.MUTED,
        Anchor.END);
  }

  private List<Quantity> quantities() {
    List<Quantity> quantities = new ArrayList<>();
    for (Measure measure : List.of(Measure.TRAIN_LOSS, Measure.TEST_LOSS, Measure.TEST_ERROR)) {
      Spread[][] spreads = new Spread[Group.values().length][runs.size()];
      for (int i = 0; i < runs.size(); i++) {
        ResultRow.Cell cell = ResultRow.headline(runs.get(i)).cell(measure).orElseThrow();
        spreads[0][i] = cell.minima();
        spreads[1][i] = cell.saddles();
        spreads[2][i] = cell.lines();
      }
      String title =
          switch (measure) {
            case TRAIN_LOSS -> "Training loss (cross-entropy)";
            case TEST_ERROR -> "Test error (%)";
            default -> null;
          };
      quantities.add(new Quantity(measure.key(), title, measure.isError() ? 100 : 1, spreads));
      if (measure == Measure.TRAIN_LOSS) {
        quantities.add(
            above("barrier", "Barrier: training loss above the mean of the ends", measure));
      }
    }
    quantities.add(above("test_error_above_ends", null, Measure.TEST_ERROR));
    return quantities;
  }

  /** How much higher than the mean of the two ends paths and lines climb. */
  private Quantity above(String key, String title, Measure measure) {
    Spread[][] spreads = {null, new Spread[runs.size()], new Spread[runs.size()]};
    for (int i = 0; i < runs.size(); i++) {
      RunSummary run = runs.get(i);
      List<Double> paths = new ArrayList<>();
      List<Double> lines = new ArrayList<>();
      for (Connection pair : run.tree()) {
        double ends =
            run.minima().stream()
                .filter(minimum -> pair.touches(minimum.number()))
                .mapToDouble(measure::of)
                .average()
                .orElseThrow();
        Saddle saddle = run.path(pair).orElseThrow().saddle(run.convention());
        paths.add(measure.of(saddle, Reading.OWN_MAXIMUM) - ends);
        pair.barrier(run.convention())
            .ifPresent(line -> lines.add(measure.of(line, Reading.OWN_MAXIMUM) - ends));
      }
      spreads[1][i] = Spread.of(paths.stream().mapToDouble(Double::doubleValue).toArray());
      spreads[2][i] = Spread.of(lines.stream().mapToDouble(Double::doubleValue).toArray());
    }
    return new Quantity(key, title, 1, spreads);
  }

  private void data(Quantity quantity) {
    for (Group group : Group.values()) {
      Spread[] spreads = quantity.spreads()[group.ordinal()];
      for (int i = 0; spreads != null && i < runs.size(); i++) {
        RunSummary run = runs.get(i);
        csv.row(
            run.dataset(),
            run.architecture(),
            run.parameters(),
            quantity.key(),
            group.label,
            spreads[i].count(),
            spreads[i].mean(),
            spreads[i].error());
      }
    }
  }

  private Panel panel(Quantity quantity, Box box) {
    DoubleStream values =
        Arrays.stream(quantity.spreads())
            .filter(spreads -> spreads != null)
            .flatMap(Arrays::stream)
            .flatMapToDouble(s -> DoubleStream.of(s.mean(), s.mean() + s.error()));
    Scale up = Scale.fitting(values.map(value -> value * quantity.unit()).toArray());
    Panel panel = new Panel(box, across().silent(), Axis.of(quantity.title(), up, 4));
    panel.draw(drawing);
    for (Group group : Group.values()) {
      Spread[] spreads = quantity.spreads()[group.ordinal()];
      if (spreads != null) {
        series(panel, group, spreads, quantity.unit());
      }
    }
    return panel;
  }

  private Axis across() {
    double least = runs.get(0).parameters();
    double most = runs.get(runs.size() - 1).parameters();
    double room = Math.pow(Math.max(most / least, 2), 0.06);
    List<Tick> ticks =
        runs.stream()
            .map(run -> new Tick(run.parameters(), Numbers.count(run.parameters())))
            .toList();
    return new Axis("", new Scale(true, least / room, most * room), ticks, true);
  }

  /** One group in one panel; a line joins runs on the same data with the same kind of network. */
  private void series(Panel panel, Group group, Spread[] spreads, double unit) {
    double shift = 3 * (group.ordinal() - 1);
    for (String kind : runs.stream().map(SizeFigure::kind).distinct().toList()) {
      List<Integer> own = new ArrayList<>();
      for (int i = 0; i < runs.size(); i++) {
        if (kind(runs.get(i)).equals(kind)) {
          own.add(i);
        }
      }
      drawing.polyline(
          own.stream().mapToDouble(i -> panel.x(runs.get(i).parameters()) + shift).toArray(),
          own.stream().mapToDouble(i -> panel.y(spreads[i].mean() * unit)).toArray(),
          group.stroke);
    }
    for (int i = 0; i < runs.size(); i++) {
      double x = panel.x(runs.get(i).parameters()) + shift;
      double y = panel.y(spreads[i].mean() * unit);
      if (!Double.isFinite(y)) {
        continue;
      }
      double low = panel.y((spreads[i].mean() - spreads[i].error()) * unit);
      double high = panel.y((spreads[i].mean() + spreads[i].error()) * unit);
      if (Double.isFinite(high)) {
        double bottom = panel.box().bottom();
        double foot = Double.isFinite(low) ? Math.min(low, bottom) : bottom;
        Stroke whisker = new Stroke(group.stroke.ink(), 1.2);
        drawing.line(x, foot, x, high, whisker);
        drawing.line(x - 3, high, x + 3, high, whisker);
        drawing.line(x - 3, foot, x + 3, foot, whisker);
      }
      group.mark(drawing, x, y);
    }
  }

  /** Data and kind of network: {@code digits MLP}, {@code CIFAR10+ ResNet}. */
  private static String kind(RunSummary run) {
    return run.dataset() + " " + run.architecture().replaceAll("[ -].*", "");
  }

  /** Numbers of parameters and names of the networks below the axis; returns where they end. */
  private double names(Panel panel, double baseline) {
    List<Double> counts = new ArrayList<>();
    List<Double> names = new ArrayList<>();
    int rows = 0;
    for (RunSummary run : runs) {
      String count = Numbers.count(run.parameters());
      rows = Math.max(rows, row(counts, count, panel.x(run.parameters())) + 1);
    }
    double below = baseline + rows * ROW + 2;
    counts.clear();
    double end = below;
    for (RunSummary run : runs) {
      double x = panel.x(run.parameters());
      String count = Numbers.count(run.parameters());
      double y = baseline + ROW * row(counts, count, x);
      drawing.text(count, x, y, Panel.SMALL, Typeface.REGULAR, Ink.MUTED, Anchor.MIDDLE);
      String name = run.architecture();
      double half = Typeface.REGULAR.width(name, Panel.SMALL) / 2;
      double inside = Math.max(half + 4, Math.min(x, WIDTH - half - 4));
      double at = below + ROW * row(names, name, inside);
      drawing.text(name, inside, at, Panel.SMALL, Typeface.BOLD, Ink.INK, Anchor.MIDDLE);
      end = Math.max(end, at);
    }
    drawing.text(
        "Parameters of the network",
        panel.box().left() + panel.box().width() / 2,
        end + 22,
        Panel.MEDIUM,
        Typeface.REGULAR,
        Ink.INK,
        Anchor.MIDDLE);
    return end;
  }

  /** The first row in which a text around x leaves the one before it free; {@code ends} by row. */
  private static int row(List<Double> ends, String text, double x) {
    double half = Typeface.BOLD.width(text, Panel.SMALL) / 2 + 4;
    int row = 0;
    while (row < ends.size() && ends.get(row) > x - half) {
      row++;
    }
    if (row == ends.size()) {
      ends.add(x + half);
    } else {
      ends.set(row, x + half);
    }
    return row;
  }
}
