package io.isthmus.report;

import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.scene.Axis;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Scale;
import io.isthmus.report.scene.Scale.Tick;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.DoubleStream;

/**
 * Minima and saddles of several runs side by side: training loss, test loss and test error (figure
 * 5 of the paper). A run is a column; each minimum and each saddle of its tree is a point, bars are
 * means.
 */
final class ArchitecturesFigure {
  private static final double LEFT = 62;
  private static final double RIGHT = 20;
  private static final double TOP = 100;
  private static final double HEIGHT = 170;
  private static final double GAP = 52;

  private final List<Subject> subjects;
  private final List<RunSummary> runs;
  private final List<Measure> measures;
  private final double slot;
  private final Drawing drawing = new Drawing();
  private final Csv csv =
      new Csv("run", "dataset", "architecture", "statistics", "group", "name", "measure", "value");

  private ArchitecturesFigure(List<Subject> subjects) {
    this.subjects = subjects;
    runs = subjects.stream().map(Subject::run).toList();
    measures =
        List.of(Measure.TRAIN_LOSS, Measure.TEST_LOSS, Measure.TEST_ERROR).stream()
            .filter(m -> runs.stream().anyMatch(run -> run.measures().contains(m)))
            .toList();
    double widest = 0;
    for (int i = 0; i < runs.size(); i++) {
      for (String line : name(i)) {
        widest = Math.max(widest, Typeface.REGULAR.width(line, Panel.SMALL));
      }
    }
    slot = Math.max(Math.max(96, 500.0 / runs.size()), 1.06 * widest + 14);
  }

  /** The figure of runs with at least one minimum each. */
  static Figure of(List<Subject> subjects) {
    return new ArchitecturesFigure(subjects).figure();
  }

  private Figure figure() {
    String title = "Minima and saddles of " + runs.size() + " runs";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    double width = runs.size() * slot;
    double bottom = TOP;
    for (int i = 0; i < measures.size(); i++) {
      Box box = new Box(LEFT, TOP + i * (HEIGHT + GAP), width, HEIGHT);
      panel(measures.get(i), box);
      bottom = box.bottom();
    }
    int most = 0;
    for (int i = 0; i < runs.size(); i++) {
      List<String> lines = name(i);
      most = Math.max(most, lines.size());
      for (int k = 0; k < lines.size(); k++) {
        drawing.text(
            lines.get(k),
            LEFT + (i + 0.5) * slot,
            bottom + 20 + 15 * k,
            Panel.SMALL,
            k == 1 ? Typeface.BOLD : Typeface.REGULAR,
            Ink.INK,
            Anchor.MIDDLE);
      }
    }
    String caption =
        "Every minimum (circles) and every saddle (diamonds) of the minimum spanning tree of each"
            + " run; saddles: "
            + Reading.OWN_MAXIMUM.label()
            + ". Bars are means, whiskers one standard deviation; above them how much higher the"
            + " mean saddle is.";
    return new Figure(
        "minima-and-saddles-of-runs",
        title,
        caption,
        drawing.scene(LEFT + width + RIGHT, bottom + 20 + 15 * most, title + ". " + caption),
        csv.text());
  }

  /**
   * Data, network, statistics where runs differ in them, and the folder where that is not enough.
   */
  private List<String> name(int i) {
    RunSummary run = runs.get(i);
    List<String> lines = new ArrayList<>(List.of(run.dataset(), run.architecture()));
    Set<Object> conventions = new HashSet<>();
    runs.stream().filter(RunSummary::tested).forEach(r -> conventions.add(r.convention()));
    if (conventions.size() > 1 && run.tested()) {
      lines.add(ResultRow.word(run.convention()));
    }
    long same =
        runs.stream()
            .filter(r -> r.dataset().equals(run.dataset()))
            .filter(r -> r.architecture().equals(run.architecture()))
            .count();
    if (same > 1) {
      lines.add(subjects.get(i).folder().toAbsolutePath().normalize().getFileName().toString());
    }
    return lines;
  }

  private void legend() {
    drawing.circle(20, 48, 3.6, Ink.INK, null);
    drawing.text("minima", 30, 52, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    drawing.diamond(98, 48, 4.8, Ink.PRIMARY, null);
    drawing.text(
        "saddles of the tree", 108, 52, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    Set<String> words = new HashSet<>();
    runs.stream()
        .filter(RunSummary::tested)
        .forEach(r -> words.add(ResultRow.word(r.convention())));
    if (words.size() == 1) {
      drawing.text(
          "batch-norm statistics " + words.iterator().next(),
          250,
          52,
          Panel.SMALL,
          Typeface.REGULAR,
          Ink.MUTED,
          Anchor.START);
    }
  }

  private void panel(Measure measure, Box box) {
    double unit = measure.isError() ? 100 : 1;
    List<double[]> minima = new ArrayList<>();
    List<double[]> saddles = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      boolean has = runs.get(i).measures().contains(measure);
      minima.add(has ? minima(i, measure, unit) : new double[0]);
      saddles.add(has ? saddles(i, measure, unit) : new double[0]);
    }
    double[] all =
        DoubleStream.concat(
                minima.stream().flatMapToDouble(DoubleStream::of),
                saddles.stream().flatMapToDouble(DoubleStream::of))
            .toArray();
    List<Tick> ticks = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      ticks.add(new Tick(i, ""));
    }
    String title =
        measure == Measure.TRAIN_LOSS && runs.stream().noneMatch(RunSummary::tested)
            ? "energy"
            : measure.label() + (measure.isError() ? " (%)" : " (cross-entropy)");
    title = title.substring(0, 1).toUpperCase(Locale.ROOT) + title.substring(1);
    Axis across = new Axis("", new Scale(false, -0.5, runs.size() - 0.5), ticks, true);
    Panel panel = new Panel(box, across, Axis.of(title, roomAbove(Scale.fitting(all)), 5));
    panel.draw(drawing);
    for (int i = 1; i < runs.size(); i++) {
      double x = panel.x(i - 0.5);
      drawing.line(x, box.top(), x, box.bottom(), new Stroke(Ink.GRID, 1));
    }
    for (int i = 0; i < runs.size(); i++) {
      column(panel, i - 0.2, minima.get(i), true);
      column(panel, i + 0.2, saddles.get(i), false);
      change(
          panel,
          measure,
          i,
          DoubleStream.concat(DoubleStream.of(minima.get(i)), DoubleStream.of(saddles.get(i)))
              .max()
              .orElse(Double.NaN));
    }
  }

  /** The same scale with more room at the top, for what is written there. */
  private static Scale roomAbove(Scale scale) {
    double high =
        scale.logarithmic()
            ? scale.high() * Math.pow(scale.high() / scale.low(), 0.12)
            : scale.high() + 0.12 * (scale.high() - scale.low());
    return new Scale(scale.logarithmic(), scale.low(), high);
  }

  private void column(Panel panel, double at, double[] values, boolean minima) {
    Stroke rim = new Stroke(Ink.PAPER, 0.8);
    double reach = Math.min(0.26, 30 / slot);
    for (int i = 0; i < values.length; i++) {
      double shift = reach * ((0.5 + i * 0.618034) % 1 - 0.5);
      double x = panel.x(at + shift);
      double y = panel.y(values[i]);
      if (!Double.isFinite(y)) {
        continue;
      }
      if (minima) {
        drawing.circle(x, y, 3.4, Ink.INK, rim);
      } else {
        drawing.diamond(x, y, 4.6, Ink.PRIMARY, rim);
      }
    }
    Spread spread = Spread.of(values);
    double y = panel.y(spread.mean());
    if (!Double.isFinite(y)) {
      return;
    }
    double x = panel.x(at) + (minima ? -22 : 22);
    drawing.line(x - 5, y, x + 5, y, new Stroke(Ink.INK, 2));
    double low = panel.y(spread.mean() - spread.deviation());
    double high = panel.y(spread.mean() + spread.deviation());
    if (Double.isFinite(high)) {
      double foot =
          Double.isFinite(low) ? Math.min(low, panel.box().bottom()) : panel.box().bottom();
      drawing.line(x, foot, x, high, new Stroke(Ink.INK, 1));
    }
  }

  /** How much higher the mean saddle is than the mean minimum, above the run's highest point. */
  private void change(Panel panel, Measure measure, int i, double top) {
    ResultRow row = ResultRow.headline(runs.get(i));
    Optional<ResultRow.Cell> cell = row.cell(measure);
    double y = panel.y(top);
    if (cell.isEmpty() || row.paths() == 0 || !Double.isFinite(y)) {
      return;
    }
    drawing.note(
        ResultTable.change(measure, cell.get()),
        panel.x(i),
        Math.max(panel.box().top() + 11, y - 9),
        Panel.SMALL,
        Typeface.BOLD,
        Ink.PRIMARY,
        Anchor.MIDDLE);
  }

  private double[] minima(int i, Measure measure, double unit) {
    RunSummary run = runs.get(i);
    return run.treeMinima().stream()
        .mapToDouble(
            minimum -> row(i, "minimum", "" + minimum.number(), measure, measure.of(minimum)))
        .map(value -> value * unit)
        .toArray();
  }

  private double[] saddles(int i, Measure measure, double unit) {
    RunSummary run = runs.get(i);
    List<Double> values = new ArrayList<>();
    for (Connection connection : run.tree()) {
      double value =
          measure.of(
              run.path(connection).orElseThrow().saddle(run.convention()), Reading.OWN_MAXIMUM);
      values.add(unit * row(i, "saddle", connection.name(), measure, value));
    }
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Notes a value in the data and gives it back. */
  private double row(int i, String group, String name, Measure measure, double value) {
    RunSummary run = runs.get(i);
    csv.row(
        subjects.get(i).folder().toString(),
        run.dataset(),
        run.architecture(),
        ResultRow.word(run.convention()),
        group,
        name,
        measure.key(),
        value);
    return value;
  }
}
