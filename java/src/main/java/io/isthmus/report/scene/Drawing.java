package io.isthmus.report.scene;

import java.util.ArrayList;
import java.util.List;

/** Collects the marks of a scene, from back to front. */
public final class Drawing {
  private final List<Mark> marks = new ArrayList<>();

  /** A straight line. */
  public void line(double x1, double y1, double x2, double y2, Stroke stroke) {
    polyline(new double[] {x1, x2}, new double[] {y1, y2}, stroke);
  }

  /** A line through points; a point that is not finite interrupts it. */
  public void polyline(double[] x, double[] y, Stroke stroke) {
    int start = 0;
    for (int i = 0; i <= x.length; i++) {
      if (i == x.length || !Double.isFinite(x[i]) || !Double.isFinite(y[i])) {
        if (i - start > 1) {
          marks.add(
              new Mark.Polyline(
                  java.util.Arrays.copyOfRange(x, start, i),
                  java.util.Arrays.copyOfRange(y, start, i),
                  stroke));
        }
        start = i + 1;
      }
    }
  }

  /** A closed shape; fill or stroke may be null. */
  public void polygon(double[] x, double[] y, Ink fill, Stroke stroke) {
    marks.add(new Mark.Polygon(x, y, fill, stroke));
  }

  /** A surface made of closed outlines; see {@link Mark.Area}. Nothing where there are none. */
  public void area(List<double[]> x, List<double[]> y, Ink fill) {
    if (!x.isEmpty()) {
      marks.add(new Mark.Area(x, y, fill));
    }
  }

  /** A line with a filled head at its end; nothing where both points are one. */
  public void arrow(double x1, double y1, double x2, double y2, double head, Stroke stroke) {
    double length = Math.hypot(x2 - x1, y2 - y1);
    if (!(length > 0)) {
      return;
    }
    double along = Math.min(head, 0.7 * length) * (x2 - x1) / length;
    double up = Math.min(head, 0.7 * length) * (y2 - y1) / length;
    line(x1, y1, x2 - along, y2 - up, stroke);
    polygon(
        new double[] {x2, x2 - along - 0.45 * up, x2 - along + 0.45 * up},
        new double[] {y2, y2 - up + 0.45 * along, y2 - up - 0.45 * along},
        stroke.ink(),
        null);
  }

  /** A rectangle; fill or stroke may be null. */
  public void box(Box box, Ink fill, Stroke stroke) {
    polygon(
        new double[] {box.left(), box.right(), box.right(), box.left()},
        new double[] {box.top(), box.top(), box.bottom(), box.bottom()},
        fill,
        stroke);
  }

  /** A circle; fill or stroke may be null. */
  public void circle(double x, double y, double radius, Ink fill, Stroke stroke) {
    marks.add(new Mark.Circle(x, y, radius, fill, stroke));
  }

  /** A square standing on a corner; fill or stroke may be null. */
  public void diamond(double x, double y, double radius, Ink fill, Stroke stroke) {
    polygon(
        new double[] {x, x + radius, x, x - radius},
        new double[] {y - radius, y, y + radius, y},
        fill,
        stroke);
  }

  /** A triangle pointing up; fill or stroke may be null. */
  public void triangle(double x, double y, double radius, Ink fill, Stroke stroke) {
    polygon(
        new double[] {x, x + 0.87 * radius, x - 0.87 * radius},
        new double[] {y - radius, y + 0.5 * radius, y + 0.5 * radius},
        fill,
        stroke);
  }

  /** One line of text on a baseline. */
  public void text(
      String text, double x, double y, double size, Typeface face, Ink ink, Mark.Anchor anchor) {
    marks.add(new Mark.Text(text, x, y, size, face, ink, anchor, 0, false));
  }

  /** One line of text that stays legible above lines. */
  public void note(
      String text, double x, double y, double size, Typeface face, Ink ink, Mark.Anchor anchor) {
    marks.add(new Mark.Text(text, x, y, size, face, ink, anchor, 0, true));
  }

  /** One line of text that reads upwards. */
  public void upward(String text, double x, double y, double size, Typeface face, Ink ink) {
    marks.add(new Mark.Text(text, x, y, size, face, ink, Mark.Anchor.MIDDLE, -90, false));
  }

  /** One line of text around a place, turned clockwise, that stays legible above lines. */
  public void along(
      String text, double x, double y, double size, double degrees, Typeface face, Ink ink) {
    double turn = Math.toRadians(degrees);
    double drop = 0.36 * size;
    marks.add(
        new Mark.Text(
            text,
            x - drop * Math.sin(turn),
            y + drop * Math.cos(turn),
            size,
            face,
            ink,
            Mark.Anchor.MIDDLE,
            degrees,
            true));
  }

  /** All marks of another drawing as one group; see {@link Mark.Group}. */
  public void group(String title, String key, Box clip, Drawing content) {
    marks.add(new Mark.Group(title, key, clip, content.marks));
  }

  /** The finished drawing. */
  public Scene scene(double width, double height, String description) {
    return new Scene(width, height, description, marks);
  }
}
