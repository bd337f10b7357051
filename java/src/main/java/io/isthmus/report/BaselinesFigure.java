package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
import io.isthmus.neb.Sample;
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
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * AutoNEB beside other ways to connect minima: the loss along every curve of one pair, and the
 * highest loss of every curve of all pairs.
 */
final class BaselinesFigure {
  private static final double WIDTH = 720;
  private static final double LEFT = 58;
  private static final double RIGHT = 36;

  private final Comparison comparison;
  private final RunSummary run;
  private final int shown;
  private final StatisticsConvention convention;
  private final Drawing drawing = new Drawing();
  private final Csv csv =
      new Csv("part", "method", "pair", "position", "train_loss", "test_loss", "test_error");

  private BaselinesFigure(Comparison comparison, Connection connection) {
    this.comparison = comparison;
    this.run = comparison.run();
    this.shown = Math.max(0, comparison.pairs().indexOf(connection));
    this.convention = run.convention();
  }

  /** The figure; the curves are those of {@code connection} if it is one of those compared. */
  static Figure of(Comparison comparison, Connection connection) {
    return new BaselinesFigure(comparison, connection).figure();
  }

  private Figure figure() {
    Connection pair = comparison.pairs().get(shown);
    String title = "Ways from one minimum to another";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    curves(new Box(LEFT, 98, WIDTH - LEFT - RIGHT, 190), pair);
    summary(new Box(LEFT, 372, WIDTH - LEFT - RIGHT, 190));
    String loss = run.tested() ? "Training loss" : "Energy";
    String caption =
        String.format(
            Locale.ROOT,
            "Above: %s along AutoNEB's path and other curves between minima %d and %d. Below: the"
                + " highest value on every curve between the same minima, %s; bars are means,"
                + " whiskers one standard deviation%s. Trained curves took as many gradients as is"
                + " written below them, a pair.",
            loss.toLowerCase(Locale.ROOT),
            pair.pair().first(),
            pair.pair().second(),
            comparison.count(),
            run.tested() ? "; batch-norm statistics " + ResultRow.word(convention) : "");
    return new Figure(
        "baselines", title, caption, drawing.scene(WIDTH, 640, title + ". " + caption), csv.text());
  }

  private void legend() {
    double x = 15;
    double y = 49;
    for (int i = 0; i < comparison.ways().size(); i++) {
      String label = comparison.ways().get(i).label();
      drawing.line(x, y, x + 26, y, stroke(i));
      mark(i, x + 13, y, 3.4);
      drawing.text(label, x + 32, y + 4, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
      x += 32 + Typeface.REGULAR.width(label, Panel.MEDIUM) * 1.06 + 14;
    }
  }

  private void curves(Box box, Connection pair) {
    List<Profile> profiles =
        comparison.ways().stream().map(way -> way.profiles().get(shown)).toList();
    double[] all =
        profiles.stream()
            .flatMapToDouble(p -> DoubleStream.of(Measure.TRAIN_LOSS.along(p, convention)))
            .toArray();
    List<Tick> ticks = new ArrayList<>();
    for (Tick tick : new Scale(false, 0, 1).ticks(5)) {
      boolean end = tick.value() == 0 || tick.value() == 1;
      int number = tick.value() == 0 ? pair.pair().first() : pair.pair().second();
      ticks.add(end ? new Tick(tick.value(), "minimum " + number) : tick);
    }
    Scale along = new Scale(false, -0.02, 1.02);
    Axis across = new Axis("Position: share of the length of each curve", along, ticks, true);
    Panel panel = new Panel(box, across, Axis.of(loss(), Scale.fitting(all), 6));
    panel.draw(drawing);
    for (int i = profiles.size() - 1; i >= 0; i--) {
      Profile profile = profiles.get(i);
      panel.curve(
          drawing, profile.positions(), Measure.TRAIN_LOSS.along(profile, convention), stroke(i));
      Saddle saddle = Saddle.of(profile, convention);
      mark(i, panel.x(saddle.position()), panel.y(saddle.trainLoss()), 5);
      for (Sample sample : profile.samples()) {
        csv.row(
            "curve",
            comparison.ways().get(i).key(),
            pair.name(),
            sample.position(),
            Measure.TRAIN_LOSS.of(sample, convention),
            run.tested() ? Measure.TEST_LOSS.of(sample, convention) : "",
            run.tested() ? Measure.TEST_ERROR.of(sample, convention) : "");
      }
    }
  }

  private String loss() {
    return run.tested() ? "Training loss (cross-entropy)" : "Energy";
  }

  private void summary(Box box) {
    List<double[]> groups = new ArrayList<>();
    List<Tick> ticks = new ArrayList<>();
    for (Comparison.Way way : comparison.ways()) {
      ticks.add(new Tick(groups.size(), way.label()));
      groups.add(way.highest(Measure.TRAIN_LOSS, convention, Reading.OWN_MAXIMUM));
    }
    double[] all = groups.stream().flatMapToDouble(DoubleStream::of).toArray();
    Axis across = new Axis("", new Scale(false, -0.5, groups.size() - 0.5), ticks, true);
    String high = run.tested() ? "Highest training loss of each pair" : "Highest energy";
    Panel panel = new Panel(box, across, Axis.of(high, Scale.fitting(all), 6));
    panel.draw(drawing);
    for (int i = 0; i < groups.size(); i++) {
      Comparison.Way way = comparison.ways().get(i);
      for (int k = 0; k < groups.get(i).length; k++) {
        double shift = 0.4 * ((0.5 + k * 0.618034) % 1 - 0.5);
        mark(i, panel.x(i - 0.1 + shift), panel.y(groups.get(i)[k]), 3.6);
        csv.row(
            "highest",
            way.key(),
            comparison.pairs().get(k).name(),
            "",
            groups.get(i)[k],
            highest(way, Measure.TEST_LOSS, k),
            highest(way, Measure.TEST_ERROR, k));
      }
      mean(panel, i, way);
    }
  }

  private Object highest(Comparison.Way way, Measure measure, int pair) {
    return run.tested() ? way.highest(measure, convention, Reading.OWN_MAXIMUM)[pair] : "";
  }

  /** A bar at the mean with its whiskers; below the method's name its mean and its cost. */
  private void mean(Panel panel, int group, Comparison.Way way) {
    Spread spread = way.spread(Measure.TRAIN_LOSS, convention, Reading.OWN_MAXIMUM);
    double x = panel.x(group + 0.28);
    double y = panel.y(spread.mean());
    if (Double.isFinite(y)) {
      drawing.line(x - 6, y, x + 6, y, new Stroke(Ink.INK, 2));
      double low = panel.y(spread.mean() - spread.deviation());
      double high = panel.y(spread.mean() + spread.deviation());
      if (Double.isFinite(high)) {
        double foot = panel.box().bottom();
        double end = Double.isFinite(low) ? Math.min(low, foot) : foot;
        drawing.line(x, end, x, Math.max(high, panel.box().top()), new Stroke(Ink.INK, 1));
      }
    }
    double bottom = panel.box().bottom();
    String value = Numbers.plusMinus(spread.mean(), spread.deviation());
    double cost = way.cost().mean();
    String gradients = cost == 0 ? "no gradients" : Numbers.count(Math.round(cost)) + " gradients";
    drawing.text(
        value, panel.x(group), bottom + 33, Panel.SMALL, Typeface.BOLD, Ink.INK, Anchor.MIDDLE);
    drawing.text(
        gradients,
        panel.x(group),
        bottom + 48,
        Panel.SMALL,
        Typeface.REGULAR,
        Ink.MUTED,
        Anchor.MIDDLE);
  }

  private static Stroke stroke(int way) {
    return switch (way) {
      case 0 -> new Stroke(Ink.PRIMARY, 2.4);
      case 1 -> new Stroke(Ink.SECONDARY, 1.8, Stroke.DASHED);
      case 2 -> new Stroke(Ink.MUTED, 2, Stroke.DOTTED);
      case 3 -> new Stroke(Ink.TERTIARY, 1.8, 9, 3, 2, 3);
      default -> new Stroke(Ink.INK, 1.4, 3, 3);
    };
  }

  private void mark(int way, double x, double y, double size) {
    if (!Double.isFinite(x + y)) {
      return;
    }
    Stroke rim = new Stroke(Ink.PAPER, 0.8);
    switch (way) {
      case 0 -> drawing.diamond(x, y, size * 1.3, Ink.PRIMARY, rim);
      case 1 -> drawing.triangle(x, y, size * 1.3, Ink.SECONDARY, rim);
      case 2 -> drawing.circle(x, y, size, Ink.PAPER, new Stroke(Ink.MUTED, 1.6));
      case 3 -> drawing.box(new Box(x - size, y - size, 2 * size, 2 * size), Ink.TERTIARY, rim);
      default -> drawing.circle(x, y, size, Ink.INK, rim);
    }
  }
}
