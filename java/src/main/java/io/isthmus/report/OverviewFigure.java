package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.landscape.Minimum;
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
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * All minima, the saddles of the tree and the highest points of the straight lines between the same
 * pairs, side by side for training loss, test loss and test error (what figure 5 of the paper shows
 * for several networks).
 */
final class OverviewFigure {
  private static final double PANEL = 214;
  private static final double GAP = 56;
  private static final double LEFT = 56;
  private static final String[] GROUPS = {"minima", "saddles", "straight lines"};

  private final RunSummary run;
  private final Drawing drawing = new Drawing();
  private final Csv csv = new Csv("group", "name", "measure", "value");
  private final ResultRow means;

  private OverviewFigure(RunSummary run) {
    this.run = run;
    means = ResultRow.headline(run);
  }

  /** The figure of a run with at least one minimum. */
  static Figure of(RunSummary run) {
    return new OverviewFigure(run).figure();
  }

  private Figure figure() {
    String title = "Minima, saddles and straight lines";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    List<Measure> measures = run.measures().stream().filter(m -> m != Measure.TRAIN_ERROR).toList();
    for (int i = 0; i < measures.size(); i++) {
      double wide = measures.size() == 1 ? 2 * PANEL : PANEL;
      panel(measures.get(i), new Box(LEFT + i * (PANEL + GAP), 68, wide, 226));
    }
    double width = measures.size() == 1 ? LEFT + 2 * PANEL + 20 : LEFT + 3 * PANEL + 2 * GAP + 20;
    String caption =
        "Every minimum of the tree (circles), every saddle of the tree (diamonds: "
            + Reading.OWN_MAXIMUM.label()
            + ") and the maxima of the straight lines between the same pairs (triangles)."
            + " Bars are means, whiskers one standard deviation"
            + (run.tested() ? "; batch-norm statistics " + ResultRow.word(run.convention()) : "")
            + ".";
    return new Figure(
        "minima-and-saddles",
        title,
        caption,
        drawing.scene(width, 346, title + ". " + caption),
        csv.text());
  }

  private void panel(Measure measure, Box box) {
    double unit = measure.isError() ? 100 : 1;
    double[][] groups = groups(measure);
    ResultRow.Cell cell = means.cells().get(measure);
    Spread[] spreads = {cell.minima(), cell.saddles(), cell.lines()};
    double[] all = shown(groups, spreads);
    for (int i = 0; i < all.length; i++) {
      all[i] *= unit;
    }
    List<Tick> ticks = new ArrayList<>();
    for (int i = 0; i < GROUPS.length; i++) {
      ticks.add(new Tick(i, GROUPS[i]));
    }
    Axis across = new Axis("", new Scale(false, -0.5, 2.5), ticks, true);
    String title = run.tested() ? measure.label() : "energy";
    title =
        title.substring(0, 1).toUpperCase(Locale.ROOT)
            + title.substring(1)
            + (measure.isError() ? " (%)" : "");
    Panel panel = new Panel(box, across, Axis.of(title, Scale.fitting(all), 5));
    panel.draw(drawing);
    for (int group = 0; group < GROUPS.length; group++) {
      points(panel, group, groups[group], unit);
      mean(panel, group, spreads[group], unit, measure);
    }
  }

  private void points(Panel panel, int group, double[] values, double unit) {
    Stroke rim = new Stroke(Ink.PAPER, 0.8);
    for (int i = 0; i < values.length; i++) {
      // The golden ratio spreads any number of points without two on one another.
      double shift = 0.46 * ((0.5 + i * 0.618034) % 1 - 0.5);
      double x = panel.x(group - 0.08 + shift);
      double y = panel.y(values[i] * unit);
      if (!Double.isFinite(y)) {
        continue;
      }
      switch (group) {
        case 0 -> drawing.circle(x, y, 3.6, Ink.INK, rim);
        case 1 -> drawing.diamond(x, y, 4.8, Ink.PRIMARY, rim);
        default -> drawing.triangle(x, y, 5, Ink.SECONDARY, rim);
      }
    }
  }

  /** Values that the axis must hold: all points, and the whiskers unless a logarithm forbids. */
  private static double[] shown(double[][] groups, Spread[] spreads) {
    DoubleStream points = Arrays.stream(groups).flatMapToDouble(DoubleStream::of);
    boolean positive = Arrays.stream(groups).flatMapToDouble(DoubleStream::of).allMatch(v -> v > 0);
    DoubleStream whiskers =
        Arrays.stream(spreads)
            .flatMapToDouble(
                s -> DoubleStream.of(s.mean() - s.deviation(), s.mean() + s.deviation()))
            .filter(value -> value > 0 || !positive);
    return DoubleStream.concat(points, whiskers).toArray();
  }

  /** A bar at the mean with its whiskers, and both as numbers below the group's name. */
  private void mean(Panel panel, int group, Spread spread, double unit, Measure measure) {
    double bottom = panel.box().bottom();
    double y = panel.y(spread.mean() * unit);
    if (!Double.isFinite(y)) {
      return;
    }
    double x = panel.x(group + 0.33);
    drawing.line(x - 6, y, x + 6, y, new Stroke(Ink.INK, 2));
    double low = panel.y((spread.mean() - spread.deviation()) * unit);
    double high = panel.y((spread.mean() + spread.deviation()) * unit);
    if (Double.isFinite(high)) {
      drawing.line(x, Double.isFinite(low) ? low : bottom, x, high, new Stroke(Ink.INK, 1));
    }
    String[] lines =
        (measure.isError()
                ? Numbers.plusMinus(100 * spread.mean(), 100 * spread.deviation(), 2)
                : Numbers.plusMinus(spread.mean(), spread.deviation()))
            .split(" (?=±)");
    for (int i = 0; i < lines.length; i++) {
      drawing.text(
          lines[i],
          panel.x(group),
          bottom + 33 + 14 * i,
          Panel.SMALL,
          i == 0 ? Typeface.BOLD : Typeface.REGULAR,
          i == 0 ? Ink.INK : Ink.MUTED,
          Anchor.MIDDLE);
    }
  }

  private double[][] groups(Measure measure) {
    StatisticsConvention convention = run.convention();
    List<Double> minima = new ArrayList<>();
    List<Double> saddles = new ArrayList<>();
    List<Double> lines = new ArrayList<>();
    for (Minimum minimum : run.treeMinima()) {
      minima.add(measure.of(minimum));
      csv.row("minimum", minimum.number(), measure.key(), measure.of(minimum));
    }
    for (Connection connection : run.tree()) {
      Saddle saddle = run.path(connection).orElseThrow().saddle(convention);
      saddles.add(measure.of(saddle, Reading.OWN_MAXIMUM));
      csv.row("saddle", connection.name(), measure.key(), saddles.get(saddles.size() - 1));
    }
    for (Connection connection : run.tree()) {
      connection
          .barrier(convention)
          .ifPresent(
              barrier -> {
                lines.add(measure.of(barrier, Reading.OWN_MAXIMUM));
                csv.row(
                    "straight line", connection.name(), measure.key(), lines.get(lines.size() - 1));
              });
    }
    return new double[][] {array(minima), array(saddles), array(lines)};
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
