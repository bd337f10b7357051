package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Insertion;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Sample;
import io.isthmus.report.RunSummary.Connection;
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
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.DoubleStream;

/**
 * Where AutoNEB inserts pivots (figure 3 of the paper): the loss along a path after one cycle, the
 * linear interpolation between its pivots, and below them the excess of the one over the other as a
 * share of the path's energy span, against the threshold. Both loss axes are linear, so that the
 * interpolation is straight.
 */
final class InsertionFigure {
  private static final double WIDTH = 720;
  private static final double LEFT = 58;
  private static final double RIGHT = 36;
  private static final Stroke TRUE = new Stroke(Ink.PRIMARY, 2.2);
  private static final Stroke LINEAR = new Stroke(Ink.SECONDARY, 1.8, Stroke.DASHED);
  private static final Stroke GUIDE = new Stroke(Ink.MUTED, 1.2, Stroke.DOTTED);

  private final RunSummary run;
  private final Connection connection;
  private final CycleResult cycle;
  private final Profile profile;
  private final double[] losses;
  private final double[] linear;
  private final double[] share;
  private final TreeSet<Integer> inserted = new TreeSet<>();
  private final Drawing drawing = new Drawing();

  private InsertionFigure(RunSummary run, Connection connection, CycleResult cycle) {
    this.run = run;
    this.connection = connection;
    this.cycle = cycle;
    StatisticsConvention convention = run.convention();
    profile = cycle.profile();
    losses = profile.trainLosses(convention);
    double[] excess = Insertion.excess(profile, convention);
    double span = Insertion.span(profile, convention);
    linear = new double[losses.length];
    share = new double[losses.length];
    for (int i = 0; i < losses.length; i++) {
      linear[i] = losses[i] - excess[i];
      share[i] = 100 * excess[i] / span;
    }
    for (Insertion insertion : Insertion.wanted(profile, convention, run.insertion())) {
      double within = insertion.fraction() * profile.stride();
      inserted.add(insertion.gap() * profile.stride() + (int) Math.round(within));
    }
  }

  /**
   * The cycle of a pair after which most pivots were inserted, of equal ones the first; empty if
   * none was.
   */
  static Optional<CycleResult> mostTelling(RunSummary run, Connection connection) {
    CycleResult telling = null;
    int most = 0;
    for (CycleResult cycle : connection.cycles()) {
      boolean next =
          cycle.cycle() < run.schedule().size() && run.schedule().get(cycle.cycle()).insert();
      int count =
          next ? Insertion.wanted(cycle.profile(), run.convention(), run.insertion()).size() : 0;
      if (count > most) {
        most = count;
        telling = cycle;
      }
    }
    return Optional.ofNullable(telling);
  }

  /** The figure of a cycle after which pivots were inserted. */
  static Figure of(RunSummary run, Connection connection, CycleResult cycle) {
    return new InsertionFigure(run, connection, cycle).figure();
  }

  private Figure figure() {
    int from = connection.pair().first();
    int to = connection.pair().second();
    String title =
        String.format(
            Locale.ROOT,
            "Where pivots are inserted: path %d–%d after cycle %d of %d",
            from,
            to,
            cycle.cycle(),
            run.schedule().size());
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    Box above = new Box(LEFT, 98, WIDTH - LEFT - RIGHT, 220);
    Box below = new Box(LEFT, 362, WIDTH - LEFT - RIGHT, 130);
    Axis across = across();
    String loss = run.tested() ? "Training loss (cross-entropy)" : "Energy";
    double[] heights = DoubleStream.concat(Arrays.stream(losses), Arrays.stream(linear)).toArray();
    Panel upper = new Panel(above, across.silent(), Axis.of(loss, Scale.linear(heights), 6));
    double threshold = 100 * run.insertion().threshold();
    double[] shares =
        DoubleStream.concat(Arrays.stream(share), DoubleStream.of(0, threshold)).toArray();
    Panel lower =
        new Panel(
            below,
            across,
            Axis.of(
                "Excess over the interpolation (% of the energy span)", Scale.linear(shares), 4));
    upper.draw(drawing);
    lower.draw(drawing);
    shade(upper);
    guides(upper, lower);
    double[] at = profile.positions();
    upper.curve(drawing, at, linear, LINEAR);
    upper.curve(drawing, at, losses, TRUE);
    pivots(upper);
    excess(lower, threshold);
    String caption =
        String.format(
            Locale.ROOT,
            "%s along the path between minimum %d and minimum %d after cycle %d, and its linear"
                + " interpolation between the pivots (circles). Below, how far the one exceeds the"
                + " other, as a share of the energy span (%s, the range over the pivots). Where the"
                + " excess of a gap is largest and at least %s %%, the next cycle inserts a pivot"
                + " (triangles): %s here%s.%s",
            run.tested() ? "Training loss" : "Energy",
            from,
            to,
            cycle.cycle(),
            Numbers.significant(Insertion.span(profile, run.convention()), 3),
            trimmed(threshold),
            inserted.size(),
            run.insertion().maxPerCycle() > 0
                ? ", of at most " + run.insertion().maxPerCycle() + " a cycle"
                : "",
            run.tested() ? " Batch-norm statistics " + ResultRow.word(run.convention()) + "." : "");
    return new Figure(
        "insertion-" + connection.name(),
        title,
        caption,
        drawing.scene(WIDTH, 540, title + ". " + caption),
        data());
  }

  private void legend() {
    double x = 15;
    x = entry(x, TRUE, run.tested() ? "loss of the path" : "energy of the path");
    x = entry(x, LINEAR, "interpolation between pivots");
    pivot(x + 6, 49);
    x = text(x + 18, "pivot");
    drawing.triangle(x + 6, 50, 6.5, Ink.TERTIARY, null);
    text(x + 18, "pivot to be inserted");
  }

  private double entry(double x, Stroke stroke, String text) {
    drawing.line(x, 49, x + 30, 49, stroke);
    return text(x + 38, text);
  }

  private double text(double x, String text) {
    drawing.text(text, x, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + Typeface.REGULAR.width(text, Panel.MEDIUM) * 1.06 + 22;
  }

  private Axis across() {
    List<Scale.Tick> ticks =
        new Scale(false, 0, 1)
            .ticks(5).stream()
                .map(
                    tick ->
                        tick.value() == 0
                            ? new Scale.Tick(0, "minimum " + connection.pair().first())
                            : tick.value() == 1
                                ? new Scale.Tick(1, "minimum " + connection.pair().second())
                                : tick)
                .toList();
    return new Axis(
        "Position: share of the length of the path", new Scale(false, -0.02, 1.02), ticks, true);
  }

  /** Vertical lines through both panels where pivots will be. */
  private void guides(Panel upper, Panel lower) {
    for (int i : inserted) {
      double x = upper.x(profile.samples().get(i).position());
      double top = upper.y(losses[i]);
      if (Double.isFinite(top)) {
        drawing.line(x, top, x, upper.box().bottom(), GUIDE);
        drawing.line(x, lower.box().top(), x, lower.y(share[i]), GUIDE);
      }
    }
  }

  /** The area by which the loss exceeds the interpolation in the gaps that get a pivot. */
  private void shade(Panel panel) {
    int stride = profile.stride();
    double[] at = profile.positions();
    for (int i : inserted) {
      int start = i / stride * stride;
      for (int k = start; k < start + stride; k++) {
        // Where the curves cross between two samples, the area ends at the crossing.
        double left = share[k] >= 0 ? 0 : crossing(share[k], share[k + 1]);
        double right = share[k + 1] >= 0 ? 1 : crossing(share[k], share[k + 1]);
        if (share[k] <= 0 && share[k + 1] <= 0 || Double.isNaN(left + right)) {
          continue;
        }
        double[] xs = {left, right, right, left};
        double[] x = new double[4];
        double[] y = new double[4];
        for (int corner = 0; corner < 4; corner++) {
          double[] curve = corner < 2 ? losses : linear;
          x[corner] = panel.x(between(at, k, xs[corner]));
          y[corner] = panel.y(between(curve, k, xs[corner]));
        }
        drawing.polygon(x, y, Ink.WASH, new Stroke(Ink.WASH, 0.5));
      }
    }
  }

  /** The fraction at which a straight line from one value to another is zero. */
  private static double crossing(double from, double to) {
    return from / (from - to);
  }

  private static double between(double[] values, int index, double fraction) {
    return (1 - fraction) * values[index] + fraction * values[index + 1];
  }

  private void pivots(Panel panel) {
    for (int i = 0; i < losses.length; i++) {
      Sample sample = profile.samples().get(i);
      double y = panel.y(losses[i]);
      if (!Double.isFinite(y)) {
        continue;
      }
      double x = panel.x(sample.position());
      if (sample.isPivot()) {
        boolean end = i == 0 || i == losses.length - 1;
        if (end) {
          drawing.circle(x, y, 4.2, Ink.INK, new Stroke(Ink.PAPER, 1.2));
        } else {
          pivot(x, y);
        }
      } else if (inserted.contains(i)) {
        drawing.triangle(x, y, 7, Ink.TERTIARY, new Stroke(Ink.PAPER, 1.2));
      }
    }
  }

  private void pivot(double x, double y) {
    drawing.circle(x, y, 3.4, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.6));
  }

  private void excess(Panel panel, double threshold) {
    Box box = panel.box();
    double zero = panel.y(0);
    drawing.line(box.left(), zero, box.right(), zero, new Stroke(Ink.FAINT, 1));
    double limit = panel.y(threshold);
    drawing.line(box.left(), limit, box.right(), limit, new Stroke(Ink.INK, 1.4, Stroke.DASHED));
    double[] at = profile.positions();
    panel.curve(drawing, at, share, TRUE);
    Placement placement = new Placement(box.grown(14));
    for (int i = 1; i < at.length; i++) {
      placement.avoid(panel.x(at[i - 1]), panel.y(share[i - 1]), panel.x(at[i]), panel.y(share[i]));
    }
    placement.avoid(box.left(), limit, box.right(), limit);
    for (int i : inserted) {
      double x = panel.x(at[i]);
      double y = panel.y(share[i]);
      if (Double.isFinite(y)) {
        drawing.triangle(x, y, 7, Ink.TERTIARY, new Stroke(Ink.PAPER, 1.2));
        placement.avoid(new Box(x - 7, y - 7, 14, 14));
      }
    }
    for (int i : inserted) {
      double x = panel.x(at[i]);
      double y = panel.y(share[i]);
      if (Double.isFinite(y)) {
        note(placement, trimmed(share[i]) + " %", x, y, Ink.TERTIARY);
      }
    }
    String text = "threshold " + trimmed(threshold) + " %";
    double width = Typeface.REGULAR.width(text, Panel.SMALL) + 6;
    Box place =
        placement.place(
            List.of(
                new Box(box.right() - width, limit - 16, width, 14),
                new Box(box.left() + 2, limit - 16, width, 14),
                new Box(box.left() + box.width() / 2, limit - 16, width, 14),
                new Box(box.right() - width, limit + 2, width, 14),
                new Box(box.left() + 2, limit + 2, width, 14)));
    drawing.note(
        text,
        place.left() + 3,
        place.top() + 11,
        Panel.SMALL,
        Typeface.REGULAR,
        Ink.INK,
        Anchor.START);
  }

  private void note(Placement placement, String text, double x, double y, Ink ink) {
    double width = Typeface.BOLD.width(text, Panel.SMALL) + 6;
    Box place =
        placement.place(
            List.of(
                new Box(x + 9, y - 8, width, 14),
                new Box(x - width - 9, y - 8, width, 14),
                new Box(x - width / 2, y - 24, width, 14),
                new Box(x - width / 2, y + 10, width, 14)));
    drawing.note(
        text, place.left() + 3, place.top() + 11, Panel.SMALL, Typeface.BOLD, ink, Anchor.START);
  }

  /** A percentage with as many digits as it needs, two at least where it is small. */
  private static String trimmed(double percent) {
    double size = Math.abs(percent);
    return size >= 9.95 || percent == Math.rint(percent)
        ? Numbers.fixed(percent, 0)
        : Numbers.significant(percent, 2);
  }

  private String data() {
    String convention = ResultRow.word(run.convention());
    Csv csv =
        new Csv(
            "position",
            "pivot",
            "train_loss_" + convention,
            "interpolation",
            "excess_over_span",
            "inserted");
    for (int i = 0; i < losses.length; i++) {
      Sample sample = profile.samples().get(i);
      csv.row(
          sample.position(),
          sample.isPivot() ? String.valueOf(sample.pivot()) : "",
          losses[i],
          linear[i],
          share[i] / 100,
          inserted.contains(i));
    }
    return csv.text();
  }
}
