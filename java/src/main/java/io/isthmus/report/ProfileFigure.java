package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
import io.isthmus.neb.Sample;
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
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.DoubleStream;

/**
 * Loss along the straight line and along the path between two minima (figure 1, right, of the
 * paper), with the test error below. The loss axis is logarithmic when the losses differ much, the
 * error axis begins at zero.
 */
final class ProfileFigure {
  private static final double WIDTH = 720;
  private static final double LEFT = 58;
  private static final double RIGHT = 36;
  private static final Stroke PATH = new Stroke(Ink.PRIMARY, 2.2);
  private static final Stroke LINE = new Stroke(Ink.SECONDARY, 1.8, Stroke.DASHED);

  private final RunSummary run;
  private final RunSummary.Connection connection;
  private final Optional<Profile> path;
  private final StatisticsConvention convention;
  private final Drawing drawing;

  private ProfileFigure(Drawing drawing, RunSummary run, RunSummary.Connection connection) {
    this.drawing = drawing;
    this.run = run;
    this.connection = connection;
    this.convention = run.convention();
    this.path = run.path(connection).map(CycleResult::profile);
  }

  /** The figure of a pair whose straight line is known, with or without a path. */
  static Figure of(RunSummary run, RunSummary.Connection connection) {
    return new ProfileFigure(new Drawing(), run, connection).figure();
  }

  /** The panel of the training loss alone, as a part of another figure. */
  static void draw(Drawing drawing, RunSummary run, RunSummary.Connection connection, Box box) {
    new ProfileFigure(drawing, run, connection).panel(Measure.TRAIN_LOSS, box, true);
  }

  private Figure figure() {
    int from = connection.pair().first();
    int to = connection.pair().second();
    String title = "From minimum " + from + " to minimum " + to;
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    double bottom = run.tested() ? 308 : 356;
    panel(Measure.TRAIN_LOSS, new Box(LEFT, 98, WIDTH - LEFT - RIGHT, bottom - 98), !run.tested());
    if (run.tested()) {
      panel(Measure.TEST_ERROR, new Box(LEFT, 354, WIDTH - LEFT - RIGHT, 106), true);
    }
    String caption =
        String.format(
            Locale.ROOT,
            "%s along the straight line and along the path between minimum %d and minimum %d%s."
                + " Circles are the pivots of the path, the diamond is"
                + " its saddle, the triangle the highest point of the straight line.",
            run.tested() ? "Training loss and test error" : "Energy",
            from,
            to,
            run.tested() ? ", batch-norm statistics " + ResultRow.word(convention) : "");
    return new Figure(
        "profile-" + connection.name(),
        title,
        caption,
        drawing.scene(WIDTH, run.tested() ? 508 : 404, title + ". " + caption),
        data());
  }

  private void legend() {
    double x = 15;
    double y = 49;
    if (path.isPresent()) {
      drawing.line(x, y, x + 30, y, PATH);
      pivot(x + 15, y);
      String text =
          connection.status() == RunSummary.Status.DONE
              ? "path, " + (path.get().gaps() + 1) + " pivots"
              : "path after cycle " + connection.cycles().size() + " of " + run.schedule().size();
      drawing.text(text, x + 38, y + 4, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
      x += 38 + Typeface.REGULAR.width(text, Panel.MEDIUM) * 1.06 + 24;
    }
    drawing.line(x, y, x + 30, y, LINE);
    drawing.text(
        "straight line", x + 38, y + 4, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    if (run.tested()) {
      drawing.text(
          "batch-norm statistics " + ResultRow.word(convention),
          WIDTH - RIGHT,
          y + 4,
          Panel.SMALL,
          Typeface.REGULAR,
          Ink.MUTED,
          Anchor.END);
    }
  }

  private void panel(Measure measure, Box box, boolean lowest) {
    double unit = measure.isError() ? 100 : 1;
    double[] onPath = values(path, measure, unit);
    double[] onLine = values(connection.line(), measure, unit);
    double[] all = DoubleStream.concat(DoubleStream.of(onPath), DoubleStream.of(onLine)).toArray();
    Scale scale = measure.isError() ? Scale.fromZero(all) : Scale.fitting(all);
    Axis across = across();
    String title =
        measure.isError()
            ? measure.label() + " (%)"
            : run.tested() ? measure.label() + " (cross-entropy)" : "energy";
    title = title.substring(0, 1).toUpperCase(Locale.ROOT) + title.substring(1);
    Axis up = Axis.of(title, scale, measure == Measure.TRAIN_LOSS ? 6 : 4);
    Panel panel = new Panel(box, lowest ? across : across.silent(), up);
    panel.draw(drawing);

    Placement placement = new Placement(box.grown(4));
    connection.line().ifPresent(profile -> curve(panel, profile, onLine, LINE, placement));
    path.ifPresent(profile -> curve(panel, profile, onPath, PATH, placement));
    path.ifPresent(profile -> pivots(panel, profile, onPath));
    ends(panel, onPath.length > 0 ? onPath : onLine);
    if (measure == Measure.TRAIN_LOSS) {
      summits(panel, placement);
    } else {
      connection.line().ifPresent(p -> maximum(panel, placement, p, onLine, Ink.SECONDARY));
      path.ifPresent(p -> maximum(panel, placement, p, onPath, Ink.PRIMARY));
    }
  }

  private Axis across() {
    List<Scale.Tick> ticks = new ArrayList<>();
    for (Scale.Tick tick : new Scale(false, 0, 1).ticks(5)) {
      ticks.add(
          tick.value() == 0
              ? new Scale.Tick(0, "minimum " + connection.pair().first())
              : tick.value() == 1
                  ? new Scale.Tick(1, "minimum " + connection.pair().second())
                  : tick);
    }
    Scale scale = new Scale(false, -0.02, 1.02);
    return new Axis("Position: share of the length of the path or line", scale, ticks, true);
  }

  private void curve(
      Panel panel, Profile profile, double[] values, Stroke stroke, Placement placement) {
    double[] at = profile.positions();
    panel.curve(drawing, at, values, stroke);
    for (int i = 1; i < at.length; i++) {
      placement.avoid(
          panel.x(at[i - 1]), panel.y(values[i - 1]), panel.x(at[i]), panel.y(values[i]));
    }
  }

  private void pivots(Panel panel, Profile profile, double[] values) {
    List<Sample> samples = profile.samples();
    for (int i = 1; i < samples.size() - 1; i++) {
      if (samples.get(i).isPivot() && Double.isFinite(panel.y(values[i]))) {
        pivot(panel.x(samples.get(i).position()), panel.y(values[i]));
      }
    }
  }

  private void pivot(double x, double y) {
    drawing.circle(x, y, 2.8, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.4));
  }

  private void ends(Panel panel, double[] values) {
    for (int end : new int[] {0, 1}) {
      double y = panel.y(values[end * (values.length - 1)]);
      if (Double.isFinite(y)) {
        drawing.circle(panel.x(end), y, 4.2, Ink.INK, new Stroke(Ink.PAPER, 1.2));
      }
    }
  }

  /** The highest points of path and line, with their losses. */
  private void summits(Panel panel, Placement placement) {
    double minimum = ResultRow.headline(run).cells().get(Measure.TRAIN_LOSS).minima().mean();
    connection
        .barrier(convention)
        .ifPresent(barrier -> summit(panel, placement, barrier, minimum, false));
    path.map(profile -> Saddle.of(profile, convention))
        .ifPresent(saddle -> summit(panel, placement, saddle, minimum, true));
  }

  private void summit(
      Panel panel, Placement placement, Saddle saddle, double minimum, boolean onPath) {
    double x = panel.x(saddle.position());
    double y = panel.y(saddle.trainLoss());
    if (!Double.isFinite(x + y)) {
      return;
    }
    Stroke rim = new Stroke(Ink.PAPER, 1.2);
    if (onPath) {
      drawing.diamond(x, y, 6.5, Ink.PRIMARY, rim);
    } else {
      drawing.triangle(x, y, 6.5, Ink.SECONDARY, rim);
    }
    String text = Numbers.significant(saddle.trainLoss(), 3);
    if (run.tested() && minimum > 0) {
      text += " = " + Numbers.factor(saddle.trainLoss() / minimum) + " × a minimum";
    }
    text = (onPath ? "saddle " : "") + text;
    placement.avoid(new Box(x - 6, y - 6, 12, 12));
    note(placement, text, x, y, onPath ? Ink.PRIMARY : Ink.SECONDARY);
  }

  /** The highest value of a curve, written where it is. */
  private void maximum(
      Panel panel, Placement placement, Profile profile, double[] values, Ink ink) {
    int highest = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[highest] || Double.isNaN(values[highest])) {
        highest = i;
      }
    }
    double y = panel.y(values[highest]);
    if (Double.isFinite(y)) {
      String text = "at most " + Numbers.fixed(values[highest], 2) + " %";
      note(placement, text, panel.x(profile.positions()[highest]), y, ink);
    }
  }

  private void note(Placement placement, String text, double x, double y, Ink ink) {
    double width = Typeface.BOLD.width(text, Panel.MEDIUM) + 6;
    List<Box> candidates = new ArrayList<>();
    for (double down : new double[] {-25, 9, -42, 26, -60, 44}) {
      for (double across : new double[] {-0.5, -0.25, -0.75, 0, -1, 0.25, -1.25}) {
        candidates.add(new Box(x + across * width, y + down, width, 16));
      }
    }
    Box place = placement.place(candidates);
    drawing.note(
        text, place.left() + 3, place.top() + 12, Panel.MEDIUM, Typeface.BOLD, ink, Anchor.START);
  }

  private double[] values(Optional<Profile> profile, Measure measure, double unit) {
    return profile.map(p -> measure.along(p, convention)).stream()
        .flatMapToDouble(DoubleStream::of)
        .map(value -> value * unit)
        .toArray();
  }

  private String data() {
    List<String> header = new ArrayList<>(List.of("curve", "position", "pivot"));
    for (StatisticsConvention each : StatisticsConvention.values()) {
      run.measures().forEach(m -> header.add(m.key() + "_" + ResultRow.word(each)));
    }
    Csv csv = new Csv(header.toArray(String[]::new));
    connection.line().ifPresent(profile -> rows(csv, "line", profile));
    path.ifPresent(profile -> rows(csv, "path", profile));
    return csv.text();
  }

  private void rows(Csv csv, String curve, Profile profile) {
    for (Sample sample : profile.samples()) {
      List<Object> cells = new ArrayList<>();
      cells.add(curve);
      cells.add(sample.position());
      cells.add(sample.isPivot() ? String.valueOf(sample.pivot()) : "");
      for (StatisticsConvention each : StatisticsConvention.values()) {
        run.measures().forEach(m -> cells.add(m.of(sample, each)));
      }
      csv.row(cells.toArray());
    }
  }
}
