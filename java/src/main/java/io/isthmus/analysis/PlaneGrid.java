package io.isthmus.analysis;

import java.util.List;

/**
 * A grid of equal squares on a plane, row by row from below, each row from the left.
 *
 * @param left x of the first column
 * @param bottom y of the first row
 * @param step distance of neighbours in both directions, above 0
 * @param columns at least 2
 * @param rows at least 2
 */
public record PlaneGrid(double left, double bottom, double step, int columns, int rows) {
  /** Width over height of a grid that {@link #covering} makes, up to one step. */
  public static final double ASPECT = 1.25;

  /** Refuses what is no grid. */
  public PlaneGrid {
    if (columns < 2 || rows < 2 || !(step > 0) || !Double.isFinite(left + bottom + step)) {
      throw new IllegalArgumentException(
          "a grid of %d by %d points at distance %s from (%s, %s)"
              .formatted(columns, rows, step, left, bottom));
    }
  }

  /**
   * The grid whose box has all these places in it, and around them at least a margin.
   *
   * @param margin as a share of the larger side of the places' own box
   * @param columns how many; the rows follow
   */
  public static PlaneGrid covering(List<Place> places, double margin, int columns) {
    double[] x = places.stream().mapToDouble(Place::x).sorted().toArray();
    double[] y = places.stream().mapToDouble(Place::y).sorted().toArray();
    double high = y[y.length - 1] - y[0];
    double wide = x[x.length - 1] - x[0];
    double room = 2 * margin * Math.max(wide, high);
    double width = Math.max(wide + room, ASPECT * (high + room));
    double step = width / (columns - 1);
    int rows = Math.max(2, (int) Math.ceil((width / ASPECT) / step - 1e-9) + 1);
    return new PlaneGrid(
        (x[0] + x[x.length - 1] - width) / 2,
        (y[0] + y[y.length - 1] - (rows - 1) * step) / 2,
        step,
        columns,
        rows);
  }

  /** Number of points. */
  public int size() {
    return columns * rows;
  }

  /** Coordinate of a column. */
  public double x(int column) {
    return left + column * step;
  }

  /** Coordinate of a row. */
  public double y(int row) {
    return bottom + row * step;
  }
}
