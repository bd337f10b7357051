package io.isthmus.report.scene;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Level lines of a function that is known on a rectangular grid: marching squares with linear
 * interpolation along the edges of the cells (Lorensen and Cline 1987 in two dimensions). Where a
 * cell is ambiguous, the mean of its corners says which of them belong together.
 *
 * <p>The grid is thought to be surrounded by nodes below every level that lie on its own border, so
 * every outline of {@link #above} is closed and follows the border where the function is high
 * there. A value that is not a number counts as infinitely high.
 */
public final class Contours {
  private final double[] x;
  private final double[] y;
  private final double[][] values;
  private final int width;

  /**
   * A line through points, in the coordinates of the grid.
   *
   * @param x of its points
   * @param y of its points; in a closed line the last point is the first
   */
  public record Line(double[] x, double[] y) {
    /** Whether it ends where it began. */
    public boolean closed() {
      int last = x.length - 1;
      return x[0] == x[last] && y[0] == y[last];
    }
  }

  /**
   * Takes the function.
   *
   * @param x of the columns, strictly rising, at least 2
   * @param y of the rows, strictly rising, at least 2
   * @param values [rows][columns]
   */
  public Contours(double[] x, double[] y, double[][] values) {
    if (x.length < 2
        || y.length < 2
        || values.length != y.length
        || Arrays.stream(values).anyMatch(row -> row.length != x.length)) {
      throw new IllegalArgumentException(
          "Contours need a value for each of at least 2 by 2 places, got %d by %d places"
              .formatted(y.length, x.length));
    }
    this.x = x;
    this.y = y;
    this.values = values;
    width = x.length + 2;
  }

  /**
   * Outlines of the part where the function is at least {@code level}, which lies on their left.
   */
  public List<Line> above(double level) {
    Cells cells = new Cells(level);
    List<Line> outlines = new ArrayList<>();
    for (int[] ring : cells.rings()) {
      outlines.add(cells.line(ring, 0, ring.length));
    }
    return outlines;
  }

  /**
   * The lines on which the function is {@code level}: closed ones, and others from border to
   * border.
   */
  public List<Line> lines(double level) {
    Cells cells = new Cells(level);
    List<Line> lines = new ArrayList<>();
    for (int[] ring : cells.rings()) {
      int length = ring.length - 1;
      int gap = 0;
      while (gap < length && cells.inside(ring[gap])) {
        gap++;
      }
      if (gap == length) {
        lines.add(cells.line(ring, 0, ring.length));
        continue;
      }
      // Once around from a step along the border, so that no stretch is cut in two.
      int[] turned = new int[length + 1];
      for (int i = 0; i <= length; i++) {
        turned[i] = ring[(gap + 1 + i) % length];
      }
      int start = 0;
      for (int i = 0; i <= length; i++) {
        if (i == length || !cells.inside(turned[i])) {
          if (i > start) {
            lines.add(cells.line(turned, start, i + 1));
          }
          start = i + 1;
        }
      }
    }
    return lines;
  }

  /** The cells of the surrounded grid for one level; nodes are counted from -1. */
  private final class Cells {
    private final double level;

    /** The edge at which the segment that starts on an edge ends; -1 for none. */
    private final int[] next = new int[2 * width * (y.length + 2)];

    private final boolean[] border = new boolean[next.length];

    Cells(double level) {
      this.level = level;
      Arrays.fill(next, -1);
      for (int row = -1; row < y.length; row++) {
        for (int column = -1; column < x.length; column++) {
          cell(row, column);
        }
      }
    }

    /** Corners and edges counterclockwise from the lower left; edge k follows corner k. */
    private void cell(int row, int column) {
      double[] corners = {
        value(row, column),
        value(row, column + 1),
        value(row + 1, column + 1),
        value(row + 1, column)
      };
      int[] edges = {
        edge(row, column, false),
        edge(row, column + 1, true),
        edge(row + 1, column, false),
        edge(row, column, true)
      };
      int high = 0;
      for (double corner : corners) {
        high += corner >= level ? 1 : 0;
      }
      boolean ambiguous = high == 2 && (corners[0] >= level) == (corners[2] >= level);
      boolean joined = ambiguous && mean(corners) >= level;
      boolean outside = row < 0 || column < 0 || row == y.length - 1 || column == x.length - 1;
      for (int k = 0; k < 4; k++) {
        if (corners[k] >= level && !(corners[(k + 1) % 4] >= level)) {
          // The segment leaves here and cuts the low corners off, or this high one.
          int end = ambiguous && !joined ? (k + 3) % 4 : (k + 1) % 4;
          while (corners[end] >= level || !(corners[(end + 1) % 4] >= level)) {
            end = (end + 1) % 4;
          }
          next[edges[k]] = edges[end];
          border[edges[k]] = outside;
        }
      }
    }

    private static double mean(double[] corners) {
      return (corners[0] + corners[1] + corners[2] + corners[3]) / 4;
    }

    /** Whether the segment that starts on an edge lies in the grid, not along its border. */
    boolean inside(int edge) {
      return !border[edge];
    }

    /** Every closed chain of edges, the first of each repeated at its end. */
    List<int[]> rings() {
      boolean[] seen = new boolean[next.length];
      List<int[]> rings = new ArrayList<>();
      for (int start = 0; start < next.length; start++) {
        if (next[start] < 0 || seen[start]) {
          continue;
        }
        int[] ring = new int[16];
        int length = 0;
        for (int edge = start; !seen[edge]; edge = next[edge]) {
          seen[edge] = true;
          ring = length + 1 < ring.length ? ring : Arrays.copyOf(ring, 2 * ring.length);
          ring[length++] = edge;
        }
        ring[length++] = start;
        rings.add(Arrays.copyOf(ring, length));
      }
      return rings;
    }

    /** The crossings of some edges of a chain. */
    Line line(int[] chain, int from, int to) {
      double[] across = new double[to - from];
      double[] up = new double[to - from];
      for (int i = from; i < to; i++) {
        boolean vertical = chain[i] % 2 == 1;
        int row = chain[i] / 2 / width - 1;
        int column = chain[i] / 2 % width - 1;
        int otherRow = vertical ? row + 1 : row;
        int otherColumn = vertical ? column : column + 1;
        double share = share(value(row, column), value(otherRow, otherColumn));
        across[i - from] = between(place(x, column), place(x, otherColumn), share);
        up[i - from] = between(place(y, row), place(y, otherRow), share);
      }
      return new Line(across, up);
    }

    /** Where along an edge the level is crossed, 0..1. */
    private double share(double start, double end) {
      if (Double.isInfinite(start) || Double.isInfinite(end)) {
        return 0.5;
      }
      return (level - start) / (end - start);
    }
  }

  private static double between(double a, double b, double share) {
    return a == b ? a : a + share * (b - a);
  }

  private static double place(double[] places, int index) {
    return places[Math.min(Math.max(index, 0), places.length - 1)];
  }

  private double value(int row, int column) {
    if (row < 0 || column < 0 || row >= y.length || column >= x.length) {
      return Double.NEGATIVE_INFINITY;
    }
    double value = values[row][column];
    return Double.isNaN(value) ? Double.POSITIVE_INFINITY : value;
  }

  private int edge(int row, int column, boolean vertical) {
    return 2 * ((row + 1) * width + column + 1) + (vertical ? 1 : 0);
  }
}
