package io.isthmus.report;

import io.isthmus.analysis.PlaneGrid;
import io.isthmus.report.scene.Axis;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Contours;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Levels;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Placement;
import io.isthmus.report.scene.Scale;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A function on a plane as bands between {@link Levels}, with lines and their values: the darker
 * (on paper), the higher. Interpolation is linear in the scale of the levels.
 */
final class ContourPlot {
  private static final double LABEL = 9.5;

  /** Lines shorter than this many times their label stay without one. */
  private static final double ROOM = 2.2;

  private static final Stroke ON_LIGHT = new Stroke(Ink.MUTED, 0.6);
  private static final Stroke ON_DARK = new Stroke(Ink.PAPER, 0.6);

  private final Panel panel;
  private final Levels levels;
  private final Contours contours;

  /**
   * Prepares a plot.
   *
   * @param panel whose axes cover the grid
   * @param values [rows][columns]
   */
  ContourPlot(Panel panel, PlaneGrid grid, double[][] values, Levels levels) {
    this.panel = panel;
    this.levels = levels;
    double[] x = new double[grid.columns()];
    double[] y = new double[grid.rows()];
    Arrays.setAll(x, grid::x);
    Arrays.setAll(y, grid::y);
    double[][] heights = new double[y.length][];
    for (int row = 0; row < y.length; row++) {
      heights[row] = Arrays.stream(values[row]).map(levels.scale()::fraction).toArray();
    }
    contours = new Contours(x, y, heights);
  }

  /** A panel over a grid, in the same measure in both directions if the box is. */
  static Panel panel(Box box, PlaneGrid grid, String across, String up, boolean labelled) {
    Scale x = new Scale(false, grid.x(0), grid.x(grid.columns() - 1));
    Scale y = new Scale(false, grid.y(0), grid.y(grid.rows() - 1));
    Axis rising = Axis.of(up, y, 5);
    return new Panel(
        box, Axis.of(across, x, 6), labelled ? rising : new Axis("", y, List.of(), true));
  }

  /** The bands and the lines between them, without values. */
  void draw(Drawing drawing) {
    Drawing inside = new Drawing();
    int bands = levels.values().size() + 1;
    inside.box(panel.box(), Ink.band(0, bands), null);
    for (int i = 1; i < bands; i++) {
      List<double[]> x = new ArrayList<>();
      List<double[]> y = new ArrayList<>();
      for (Contours.Line line : contours.above(height(i - 1))) {
        double[][] placed = placed(line);
        x.add(placed[0]);
        y.add(placed[1]);
      }
      inside.area(x, y, Ink.band(i, bands));
    }
    for (int i = 1; i < bands; i++) {
      Stroke stroke = 2 * i <= bands ? ON_LIGHT : ON_DARK;
      for (Contours.Line line : contours.lines(height(i - 1))) {
        double[][] placed = placed(line);
        inside.polyline(placed[0], placed[1], stroke);
      }
    }
    drawing.group("", "", panel.box(), inside);
    drawing.box(panel.box(), null, new Stroke(Ink.FAINT, 1));
  }

  /** The values of the lines, written along them where there is room. */
  void label(Drawing drawing, Placement placement) {
    for (int i = 0; i < levels.values().size(); i++) {
      String text = Levels.label(levels.values().get(i));
      double width = Typeface.REGULAR.width(text, LABEL) + 6;
      for (Contours.Line line : contours.lines(height(i))) {
        label(drawing, placement, placed(line), text, width);
      }
    }
  }

  private void label(
      Drawing drawing, Placement placement, double[][] line, String text, double width) {
    double[] along = new double[line[0].length];
    for (int i = 1; i < along.length; i++) {
      along[i] =
          along[i - 1] + Math.hypot(line[0][i] - line[0][i - 1], line[1][i] - line[1][i - 1]);
    }
    double length = along[along.length - 1];
    if (length < ROOM * width) {
      return;
    }
    List<Box> boxes = new ArrayList<>();
    List<double[]> places = new ArrayList<>();
    for (double share :
        new double[] {0.5, 0.35, 0.65, 0.2, 0.8, 0.42, 0.58, 0.27, 0.73, 0.12, 0.88}) {
      double[] before = at(line, along, share * length - width / 2);
      double[] middle = at(line, along, share * length);
      double[] after = at(line, along, share * length + width / 2);
      double dx = after[0] - before[0];
      double dy = after[1] - before[1];
      if (Math.hypot(dx, dy) < 0.9 * width) {
        continue; // the line bends away from a straight label
      }
      double degrees = Math.toDegrees(Math.atan(dy / dx));
      double high = Math.abs(dy) + 10;
      double wide = Math.abs(dx) + 10;
      Box box = new Box(middle[0] - wide / 2, middle[1] - high / 2, wide, high);
      if (panel.box().overlap(box) > 0.999 * wide * high) {
        boxes.add(box);
        places.add(new double[] {middle[0], middle[1], Double.isNaN(degrees) ? 90 : degrees});
      }
    }
    if (boxes.isEmpty()) {
      return;
    }
    placement
        .place(boxes, 0.02)
        .ifPresent(
            box -> {
              double[] place = places.get(boxes.indexOf(box));
              drawing.along(text, place[0], place[1], LABEL, place[2], Typeface.REGULAR, Ink.INK);
            });
  }

  /** The point of a line at an arc length. */
  private static double[] at(double[][] line, double[] along, double length) {
    int i = 1;
    while (i < along.length - 1 && along[i] < length) {
      i++;
    }
    double gap = along[i] - along[i - 1];
    double share = gap > 0 ? Math.max(0, Math.min(1, (length - along[i - 1]) / gap)) : 0;
    return new double[] {
      line[0][i - 1] + share * (line[0][i] - line[0][i - 1]),
      line[1][i - 1] + share * (line[1][i] - line[1][i - 1])
    };
  }

  /** The bands one above the other with the levels between them. */
  static void bar(Drawing drawing, Box box, Levels levels, String title) {
    int bands = levels.values().size() + 1;
    double height = box.height() / bands;
    for (int i = 0; i < bands; i++) {
      drawing.box(
          new Box(box.left(), box.bottom() - (i + 1) * height, box.width(), height + 0.3),
          Ink.band(i, bands),
          null);
    }
    drawing.box(box, null, new Stroke(Ink.FAINT, 1));
    for (int i = 0; i < levels.values().size(); i++) {
      double y = box.bottom() - (i + 1) * height;
      drawing.line(box.right(), y, box.right() + 3, y, new Stroke(Ink.FAINT, 1));
      drawing.text(
          Levels.label(levels.values().get(i)),
          box.right() + 6,
          y + 0.36 * Panel.SMALL,
          Panel.SMALL,
          Typeface.REGULAR,
          Ink.MUTED,
          Anchor.START);
    }
    drawing.text(
        title, box.left(), box.top() - 9, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
  }

  /** A line that stays legible on every band. */
  static void curve(Drawing drawing, double[] x, double[] y, Stroke stroke) {
    drawing.polyline(x, y, new Stroke(Ink.PAPER, stroke.width() + 2.4));
    drawing.polyline(x, y, stroke);
  }

  private double height(int level) {
    return levels.scale().fraction(levels.values().get(level));
  }

  private double[][] placed(Contours.Line line) {
    return new double[][] {
      Arrays.stream(line.x()).map(panel::x).toArray(),
      Arrays.stream(line.y()).map(panel::y).toArray()
    };
  }
}
