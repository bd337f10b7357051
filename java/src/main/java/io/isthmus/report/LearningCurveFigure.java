package io.isthmus.report;

import io.isthmus.landscape.Minimum;
import io.isthmus.neb.CycleResult;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How the loss fell while the two minima of a pair were trained, with the height of the saddle
 * between them and the epoch in which training passed it (figure 7 of the paper).
 *
 * <p>The curves are means of mini-batch losses; the saddle and the dots at the end are evaluated
 * without augmentation, like every other loss of a report. The figure says so.
 */
final class LearningCurveFigure {
  private static final double WIDTH = 720;
  private static final double LEFT = 58;
  private static final double RIGHT = 36;
  private static final double TOP = 98;
  private static final double HEIGHT = 280;

  /** A curve of more windows than that is drawn through means of several. */
  private static final int MOST_DRAWN = 300;

  private static final List<Stroke> STROKES =
      List.of(new Stroke(Ink.PRIMARY, 1.8), new Stroke(Ink.TERTIARY, 1.8, Stroke.DASHED));
  private static final Stroke SADDLE = new Stroke(Ink.SECONDARY, 1.8, 9, 3.5, 0.1, 3.5);

  private final RunSummary run;
  private final Connection connection;
  private final List<LearningCurve> curves;
  private final double saddle;
  private final boolean epochs;
  private final Drawing drawing = new Drawing();

  private LearningCurveFigure(
      RunSummary run, Connection connection, CycleResult path, List<LearningCurve> curves) {
    this.run = run;
    this.connection = connection;
    this.curves = curves;
    saddle = path.saddle(run.convention()).trainLoss();
    epochs = curves.get(0).hasEpochs();
  }

  /** The curves of the ends of a pair that are known, at most two. */
  static List<LearningCurve> curves(RunSummary run, Connection connection) {
    return run.findings(LearningCurve.class).stream()
        .filter(curve -> connection.touches(curve.minimum()))
        .filter(curve -> curve.batchLosses().length > 0)
        .toList();
  }

  /**
   * The figure of a pair.
   *
   * @param path the cycle that gives the pair its saddle
   * @param curves one or two, by {@link #curves}
   */
  static Figure of(
      RunSummary run, Connection connection, CycleResult path, List<LearningCurve> curves) {
    return new LearningCurveFigure(run, connection, path, curves).figure();
  }

  private Figure figure() {
    String title =
        String.format(
            Locale.ROOT,
            "Training of minima %d and %d, and the saddle between them",
            connection.pair().first(),
            connection.pair().second());
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    double last = curves.stream().mapToDouble(c -> place(c, c.means().length)).max().orElse(1);
    List<Double> all = new ArrayList<>(List.of(saddle));
    curves.forEach(c -> Arrays.stream(drawn(c)).forEach(all::add));
    ends().forEach(minimum -> all.add(minimum.loss()));
    Axis across =
        Axis.of(epochs ? "Epoch" : "Step", new Scale(false, 0, Math.max(1, 1.03 * last)), 8);
    String loss = run.tested() ? "Training loss (cross-entropy)" : "Energy";
    Panel panel =
        new Panel(
            new Box(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT),
            across,
            Axis.of(loss, Scale.fitting(all.stream().mapToDouble(d -> d).toArray()), 6));
    panel.draw(drawing);
    double height = panel.y(saddle);
    Placement placement = new Placement(panel.box());
    if (Double.isFinite(height)) {
      drawing.line(panel.box().left(), height, panel.box().right(), height, SADDLE);
      placement.avoid(panel.box().left(), height, panel.box().right(), height);
    }
    for (int i = 0; i < curves.size(); i++) {
      curve(panel, curves.get(i), STROKES.get(i), placement);
    }
    ends().forEach(minimum -> end(panel, minimum, last, placement));
    crossings(panel, placement);
    height(panel, height, placement);
    String caption = caption();
    return new Figure(
        "learning-curve-" + connection.name(),
        title,
        caption,
        drawing.scene(WIDTH, TOP + HEIGHT + 50, title + ". " + caption),
        data());
  }

  private String caption() {
    boolean augmented = curves.get(0).augmented();
    int group = group(curves.get(0));
    String mean =
        !epochs
            ? "means over " + Math.round(curves.get(0).window() * group) + " steps"
            : group == 1 ? "means over each epoch" : "means over every " + group + " epochs";
    String each =
        run.tested()
            ? "Curves: loss of the mini-batches"
                + (augmented ? ", on augmented images" : "")
                + " with their own batch-norm statistics, "
            : "Curves: energy before each step, ";
    String evaluated =
        run.tested()
            ? " Line and dots: the saddle and the minima at the end of their training, evaluated"
                + " like every loss of this report"
                + (augmented ? " (no augmentation)" : "")
                + ", batch-norm statistics of the saddle "
                + ResultRow.word(run.convention())
                + "."
            : " Line and dots: the saddle and the minima at the end.";
    return each
        + mean
        + "."
        + evaluated
        + " Diamonds: the first "
        + (epochs ? "epoch" : "mean")
        + " whose mean is no higher than the saddle.";
  }

  private void legend() {
    double x = 15;
    for (int i = 0; i < curves.size(); i++) {
      x = entry(x, STROKES.get(i), "training of minimum " + curves.get(i).minimum());
    }
    x = entry(x, SADDLE, "saddle of their path");
    drawing.circle(x + 4, 49, 4.2, Ink.INK, null);
    drawing.text(
        "minima, evaluated", x + 14, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
  }

  private double entry(double x, Stroke stroke, String text) {
    drawing.line(x, 49, x + 34, 49, stroke);
    drawing.text(text, x + 42, 53, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + 42 + Typeface.REGULAR.width(text, Panel.MEDIUM) * 1.06 + 18;
  }

  private List<Minimum> ends() {
    return run.minima().stream().filter(m -> connection.touches(m.number())).toList();
  }

  /** Place of the end of a window on the axis: the epoch's number, or the step. */
  private double place(LearningCurve curve, double window) {
    return epochs ? window : window * curve.window();
  }

  /** How many windows one drawn point is the mean of. */
  private static int group(LearningCurve curve) {
    return (curve.means().length + MOST_DRAWN - 1) / MOST_DRAWN;
  }

  /** The means that are drawn; a last group that is not full is the mean of what it has. */
  private static double[] drawn(LearningCurve curve) {
    double[] means = curve.means();
    int group = group(curve);
    double[] drawn = new double[(means.length + group - 1) / group];
    for (int i = 0; i < drawn.length; i++) {
      int end = Math.min(means.length, (i + 1) * group);
      drawn[i] = Arrays.stream(means, i * group, end).average().orElse(Double.NaN);
    }
    return drawn;
  }

  private void curve(Panel panel, LearningCurve curve, Stroke stroke, Placement placement) {
    double[] ys = drawn(curve);
    double[] xs = new double[ys.length];
    for (int i = 0; i < xs.length; i++) {
      xs[i] = place(curve, Math.min(curve.means().length, (i + 1.0) * group(curve)));
    }
    panel.curve(drawing, xs, ys, stroke);
    if (xs.length == 1 && Double.isFinite(panel.y(ys[0]))) {
      drawing.circle(panel.x(xs[0]), panel.y(ys[0]), 2.6, stroke.ink(), null);
    }
    for (int i = 1; i < xs.length; i++) {
      placement.avoid(panel.x(xs[i - 1]), panel.y(ys[i - 1]), panel.x(xs[i]), panel.y(ys[i]));
    }
  }

  private void end(Panel panel, Minimum minimum, double last, Placement placement) {
    double x = panel.x(last);
    double y = panel.y(minimum.loss());
    if (Double.isFinite(y)) {
      drawing.circle(x, y, 4.2, Ink.INK, new Stroke(Ink.PAPER, 1.2));
      placement.avoid(new Box(x - 5, y - 5, 10, 10));
    }
  }

  /** Where training passed the saddle, and what is said of it; equal places are named once. */
  private void crossings(Panel panel, Placement placement) {
    double y = panel.y(saddle);
    if (!Double.isFinite(y)) {
      return;
    }
    List<OptionalInt> reached = curves.stream().map(curve -> curve.reaches(saddle)).toList();
    for (int i = 0; i < curves.size(); i++) {
      if (reached.get(i).isPresent()) {
        double x = panel.x(place(curves.get(i), reached.get(i).getAsInt()));
        Ink ink = STROKES.get(i).ink();
        double bottom = panel.box().bottom();
        drawing.line(x, y, x, bottom, new Stroke(ink, 1.2, Stroke.DOTTED));
        drawing.diamond(x, y, 6, ink, new Stroke(Ink.PAPER, 1.2));
        placement.avoid(new Box(x - 6, y - 6, 12, 12));
        placement.avoid(new Box(x - 1, y, 2, bottom - y));
      }
    }
    boolean same = curves.size() == 2 && reached.get(0).equals(reached.get(1));
    for (int i = 0; i < (same ? 1 : curves.size()); i++) {
      String who =
          same
              ? "minima " + curves.get(0).minimum() + " and " + curves.get(1).minimum()
              : "minimum " + curves.get(i).minimum();
      String text = who + ": not that low in training";
      double x = panel.box().right();
      if (reached.get(i).isPresent()) {
        double place = place(curves.get(i), reached.get(i).getAsInt());
        x = panel.x(place);
        text = who + ": " + (epochs ? "epoch " : "step ") + Numbers.count(Math.round(place));
      }
      note(placement, text, x, y, same ? Ink.INK : STROKES.get(i).ink());
    }
  }

  private void note(Placement placement, String text, double x, double y, Ink ink) {
    double width = Typeface.BOLD.width(text, Panel.SMALL) + 6;
    List<Box> candidates = new ArrayList<>();
    for (double down : new double[] {8, -24, 26, -42, 44, 62}) {
      for (double across : new double[] {8, -width - 8}) {
        candidates.add(new Box(x + across, y + down, width, 15));
      }
    }
    Box place = placement.place(candidates);
    drawing.note(
        text, place.left() + 3, place.top() + 12, Panel.SMALL, Typeface.BOLD, ink, Anchor.START);
  }

  private void height(Panel panel, double y, Placement placement) {
    if (!Double.isFinite(y)) {
      return;
    }
    String text = "saddle " + Numbers.significant(saddle, 3);
    double width = Typeface.BOLD.width(text, Panel.SMALL) + 6;
    Box box = panel.box();
    List<Box> candidates = new ArrayList<>();
    for (double down : new double[] {-18, 4}) {
      for (double share : new double[] {0.01, 0.99, 0.5, 0.3, 0.7}) {
        candidates.add(new Box(box.left() + share * (box.width() - width), y + down, width, 15));
      }
    }
    Box place = placement.place(candidates);
    drawing.note(
        text,
        place.left() + 3,
        place.top() + 12,
        Panel.SMALL,
        Typeface.BOLD,
        Ink.SECONDARY,
        Anchor.START);
  }

  private String data() {
    Csv csv =
        new Csv(
            "minimum",
            epochs ? "epoch" : "step",
            "mean_batch_loss",
            "saddle_train_loss_" + ResultRow.word(run.convention()),
            "passed_here");
    for (LearningCurve curve : curves) {
      double[] means = curve.means();
      Optional<Integer> reached = curve.reaches(saddle).stream().boxed().findFirst();
      for (int i = 0; i < means.length; i++) {
        csv.row(
            curve.minimum(),
            Math.round(place(curve, i + 1)),
            means[i],
            saddle,
            reached.equals(Optional.of(i + 1)));
      }
    }
    return csv.text();
  }
}
