package io.isthmus.report;

import io.isthmus.neb.CycleResult;
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
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The loss along a path after four of its cycles (figure 6 of the paper, whose fourteen cycles are
 * shown after 1, 4, 7 and 14).
 */
final class EvolutionFigure {
  private static final double WIDTH = 720;
  private static final double LEFT = 58;
  private static final double RIGHT = 36;
  private static final double HEIGHT = 260;

  /** From the first shown cycle to the last; told apart by dashes as well. */
  private static final List<Stroke> STROKES =
      List.of(
          new Stroke(Ink.MUTED, 1.8, Stroke.DOTTED),
          new Stroke(Ink.SECONDARY, 1.8, Stroke.DASHED),
          new Stroke(Ink.TERTIARY, 1.8, 9, 3.5, 0.1, 3.5),
          new Stroke(Ink.PRIMARY, 2.4));

  private final RunSummary run;
  private final Connection connection;
  private final List<CycleResult> shown;
  private final double top;
  private final Drawing drawing = new Drawing();

  private EvolutionFigure(RunSummary run, Connection connection) {
    this.run = run;
    this.connection = connection;
    Set<Integer> cycles = cycles(connection.cycles().size());
    shown = connection.cycles().stream().filter(c -> cycles.contains(c.cycle())).toList();
    top = shown.size() > 2 ? 120 : 98;
  }

  /**
   * Which of so many cycles are shown: the first, the last, and those at the places of the paper's
   * fourth and seventh of fourteen.
   */
  static Set<Integer> cycles(int done) {
    TreeSet<Integer> cycles = new TreeSet<>();
    for (int paper : new int[] {1, 4, 7, 14}) {
      cycles.add(Math.max(1, (int) Math.ceil(paper * done / 14.0 - 1e-9)));
    }
    cycles.add(1);
    return cycles;
  }

  /** The figure of a pair with at least one finished cycle. */
  static Figure of(RunSummary run, Connection connection) {
    return new EvolutionFigure(run, connection).figure();
  }

  private Figure figure() {
    int from = connection.pair().first();
    int to = connection.pair().second();
    String title = "The path from minimum " + from + " to minimum " + to + " from cycle to cycle";
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    double[] all =
        shown.stream()
            .flatMapToDouble(
                c -> java.util.Arrays.stream(c.profile().trainLosses(run.convention())))
            .toArray();
    String loss = run.tested() ? "Training loss (cross-entropy)" : "Energy";
    Panel panel =
        new Panel(
            new Box(LEFT, top, WIDTH - LEFT - RIGHT, HEIGHT),
            across(),
            Axis.of(loss, Scale.fitting(all), 6));
    panel.draw(drawing);
    for (int i = 0; i < shown.size(); i++) {
      curve(panel, shown.get(i), stroke(i));
    }
    String caption =
        String.format(
            Locale.ROOT,
            "%s along the path between minimum %d and minimum %d after %s%s. Circles are the"
                + " pivots, diamonds the highest points.%s",
            run.tested() ? "Training loss" : "Energy",
            from,
            to,
            shown.size() == 1 ? "cycle " : "cycles ",
            shown.stream().map(c -> "" + c.cycle()).collect(Collectors.joining(", "))
                + " of "
                + run.schedule().size(),
            run.tested() ? " Batch-norm statistics " + ResultRow.word(run.convention()) + "." : "");
    return new Figure(
        "evolution-" + connection.name(),
        title,
        caption,
        drawing.scene(WIDTH, top + HEIGHT + 50, title + ". " + caption),
        data());
  }

  /** The stroke of the i-th shown cycle; the last one always has the same. */
  private Stroke stroke(int i) {
    return STROKES.get(i == shown.size() - 1 ? STROKES.size() - 1 : i);
  }

  private void legend() {
    for (int i = 0; i < shown.size(); i++) {
      double x = i % 2 == 0 ? 15 : WIDTH / 2;
      double y = 49 + 22 * (i / 2);
      CycleResult cycle = shown.get(i);
      drawing.line(x, y, x + 34, y, stroke(i));
      drawing.text(
          String.format(
              Locale.ROOT,
              "after cycle %d: %d pivots, highest %s",
              cycle.cycle(),
              cycle.profile().gaps() + 1,
              Numbers.significant(cycle.saddle(run.convention()).trainLoss(), 3)),
          x + 42,
          y + 4,
          Panel.MEDIUM,
          Typeface.REGULAR,
          Ink.INK,
          Anchor.START);
    }
    if (run.tested()) {
      drawing.text(
          "batch-norm statistics " + ResultRow.word(run.convention()),
          WIDTH - RIGHT,
          top - 9,
          Panel.SMALL,
          Typeface.REGULAR,
          Ink.MUTED,
          Anchor.END);
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
    return new Axis(
        "Position: share of the length of the path", new Scale(false, -0.02, 1.02), ticks, true);
  }

  private void curve(Panel panel, CycleResult cycle, Stroke stroke) {
    Profile profile = cycle.profile();
    double[] losses = profile.trainLosses(run.convention());
    panel.curve(drawing, profile.positions(), losses, stroke);
    for (int i = 0; i < losses.length; i++) {
      Sample sample = profile.samples().get(i);
      double y = panel.y(losses[i]);
      if (sample.isPivot() && Double.isFinite(y)) {
        boolean end = i == 0 || i == losses.length - 1;
        drawing.circle(
            panel.x(sample.position()),
            y,
            end ? 4.2 : 2.6,
            end ? Ink.INK : Ink.PAPER,
            end ? new Stroke(Ink.PAPER, 1.2) : new Stroke(stroke.ink(), 1.3));
      }
    }
    Saddle saddle = Saddle.of(profile, run.convention());
    double y = panel.y(saddle.trainLoss());
    if (Double.isFinite(y)) {
      drawing.diamond(panel.x(saddle.position()), y, 6, stroke.ink(), new Stroke(Ink.PAPER, 1.2));
    }
  }

  private String data() {
    Csv csv =
        new Csv("cycle", "position", "pivot", "train_loss_" + ResultRow.word(run.convention()));
    for (CycleResult cycle : shown) {
      for (Sample sample : cycle.profile().samples()) {
        csv.row(
            cycle.cycle(),
            sample.position(),
            sample.isPivot() ? String.valueOf(sample.pivot()) : "",
            sample.train(run.convention()).loss());
      }
    }
    return csv.text();
  }
}
