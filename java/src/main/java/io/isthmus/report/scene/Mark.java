package io.isthmus.report.scene;

import java.util.List;

/** One thing in a scene. Coordinates are scene units, x to the right and y downwards. */
public sealed interface Mark {

  /** An open line through points. */
  record Polyline(double[] x, double[] y, Stroke stroke) implements Mark {}

  /**
   * A closed shape.
   *
   * @param fill null for none
   * @param stroke null for none
   */
  record Polygon(double[] x, double[] y, Ink fill, Stroke stroke) implements Mark {}

  /**
   * A surface made of closed outlines: a place is part of it where an odd number of them lie around
   * it, so one within another is a hole.
   *
   * @param x of every outline
   * @param y of every outline
   */
  record Area(List<double[]> x, List<double[]> y, Ink fill) implements Mark {
    /** Makes the lists unmodifiable. */
    public Area {
      x = List.copyOf(x);
      y = List.copyOf(y);
    }
  }

  /**
   * A circle.
   *
   * @param fill null for none
   * @param stroke null for none
   */
  record Circle(double x, double y, double radius, Ink fill, Stroke stroke) implements Mark {}

  /**
   * One line of text.
   *
   * @param y its baseline
   * @param size font size
   * @param degrees turn around (x, y), clockwise
   * @param halo whether the letters have a rim of paper, to be read above lines
   */
  record Text(
      String text,
      double x,
      double y,
      double size,
      Typeface face,
      Ink ink,
      Anchor anchor,
      double degrees,
      boolean halo)
      implements Mark {}

  /**
   * Marks that belong together.
   *
   * @param title what a pointer over them is told; empty for nothing
   * @param key what a page's script knows them by; empty for nothing
   * @param clip nothing outside of it is drawn; null for no limit
   */
  record Group(String title, String key, Box clip, List<Mark> marks) implements Mark {
    /** Makes the list unmodifiable. */
    public Group {
      marks = List.copyOf(marks);
    }
  }

  /** Which part of a text is at its x. */
  enum Anchor {
    START,
    MIDDLE,
    END
  }
}
