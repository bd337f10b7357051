package io.isthmus.report.scene;

import io.isthmus.report.scene.Scale.Tick;

/**
 * A rectangle with two axes. The vertical axis has its title above, so that nobody turns the head.
 *
 * @param box where the curves go; ticks and titles lie outside
 * @param x horizontal axis
 * @param y vertical axis, values rising upwards
 */
public record Panel(Box box, Axis x, Axis y) {
  /** Font size of tick labels. */
  public static final double SMALL = 11;

  /** Font size of axis titles and notes. */
  public static final double MEDIUM = 12;

  /** Font size of a figure's heading. */
  public static final double LARGE = 14;

  private static final Stroke GRID = new Stroke(Ink.GRID, 1);
  private static final Stroke MINOR = new Stroke(Ink.MINOR, 1);
  private static final Stroke AXIS = new Stroke(Ink.FAINT, 1);

  /** Place of a value on the horizontal axis, in scene units. */
  public double x(double value) {
    return box.left() + x.scale().fraction(value) * box.width();
  }

  /** Place of a value on the vertical axis, in scene units. */
  public double y(double value) {
    return box.bottom() - y.scale().fraction(value) * box.height();
  }

  /** Grid, tick labels and titles, for the bottom of the drawing. */
  public void draw(Drawing drawing) {
    for (boolean labelled : new boolean[] {false, true}) {
      Stroke stroke = labelled ? GRID : MINOR;
      for (Tick tick : x.ticks()) {
        if (labelled != tick.label().isEmpty()) {
          double at = x(tick.value());
          drawing.line(at, box.top(), at, box.bottom(), stroke);
        }
      }
      for (Tick tick : y.ticks()) {
        if (labelled != tick.label().isEmpty()) {
          double at = y(tick.value());
          drawing.line(box.left(), at, box.right(), at, stroke);
        }
      }
    }
    drawing.line(box.left(), box.bottom(), box.right(), box.bottom(), AXIS);
    if (x.written()) {
      writeHorizontal(drawing);
    }
    if (y.written()) {
      writeVertical(drawing);
    }
  }

  private void writeVertical(Drawing drawing) {
    for (Tick tick : y.ticks()) {
      if (!tick.label().isEmpty()) {
        drawing.text(
            tick.label(),
            box.left() - 7,
            y(tick.value()) + 0.36 * SMALL,
            SMALL,
            Typeface.REGULAR,
            Ink.MUTED,
            Mark.Anchor.END);
      }
    }
    if (!y.title().isEmpty()) {
      drawing.text(
          y.title(),
          box.left(),
          box.top() - 9,
          MEDIUM,
          Typeface.REGULAR,
          Ink.INK,
          Mark.Anchor.START);
    }
  }

  private void writeHorizontal(Drawing drawing) {
    for (Tick tick : x.ticks()) {
      if (!tick.label().isEmpty()) {
        double at = x(tick.value());
        drawing.line(at, box.bottom(), at, box.bottom() + 4, AXIS);
        drawing.text(
            tick.label(),
            at,
            box.bottom() + 17,
            SMALL,
            Typeface.REGULAR,
            Ink.MUTED,
            Mark.Anchor.MIDDLE);
      }
    }
    drawing.text(
        x.title(),
        box.left() + box.width() / 2,
        box.bottom() + 36,
        MEDIUM,
        Typeface.REGULAR,
        Ink.INK,
        Mark.Anchor.MIDDLE);
  }

  /** A curve through values; where a value is not finite or has no place it is interrupted. */
  public void curve(Drawing drawing, double[] xs, double[] ys, Stroke stroke) {
    double[] across = new double[xs.length];
    double[] down = new double[xs.length];
    for (int i = 0; i < xs.length; i++) {
      across[i] = x(xs[i]);
      down[i] = y(ys[i]);
    }
    drawing.polyline(across, down, stroke);
  }
}
