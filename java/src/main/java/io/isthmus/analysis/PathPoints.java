package io.isthmus.analysis;

import io.isthmus.config.Geometry;
import io.isthmus.engine.Points;
import io.isthmus.neb.Objective;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/** Points of the polyline through a path's pivots, by arc length, with their tangents. */
public final class PathPoints implements AutoCloseable {
  private final Objective objective;
  private final Points pivots;
  private final double[] arcLengths;

  /**
   * Brings the pivots onto the device.
   *
   * @param pivots from end to end, at least two
   * @param geometry in which lengths are taken
   */
  public PathPoints(Objective objective, List<FloatBuffer> pivots, Geometry geometry) {
    this.objective = objective;
    this.pivots = Points.create(objective.model(), pivots.size());
    for (int i = 0; i < pivots.size(); i++) {
      this.pivots.write(i, pivots.get(i));
    }
    arcLengths = new double[pivots.size()];
    for (int i = 1; i < arcLengths.length; i++) {
      arcLengths[i] = arcLengths[i - 1] + this.pivots.distance(i - 1, i, geometry);
    }
  }

  /** Number of pivots. */
  public int pivots() {
    return arcLengths.length;
  }

  /** Arc length of a pivot as a fraction of the whole. */
  public double position(int pivot) {
    double whole = arcLengths[arcLengths.length - 1];
    return whole == 0 ? (double) pivot / (arcLengths.length - 1) : arcLengths[pivot] / whole;
  }

  /** The index of the pivot at exactly this position, or -1. */
  public int pivotAt(double position) {
    for (int i = 0; i < arcLengths.length; i++) {
      if (position(i) == position) {
        return i;
      }
    }
    return -1;
  }

  /**
   * The point at an arc length, between pivots on the straight line that joins them; its batch-norm
   * statistics are interpolated likewise.
   *
   * @param position fraction of the whole length, 0..1
   */
  public FloatBuffer at(double position) {
    try (Points point = Points.create(objective.model(), 1)) {
      place(point, 0, position);
      return point.read(0);
    }
  }

  /** Sets a point to that of {@link #at}. */
  public void place(Points points, int index, double position) {
    int pivot = pivotAt(position);
    if (pivot >= 0) {
      points.copy(index, pivots, pivot);
      return;
    }
    int gap = gap(position);
    double fraction = (position - position(gap)) / (position(gap + 1) - position(gap));
    points.combine(index, pivots, new int[] {gap, gap + 1}, new double[] {1 - fraction, fraction});
  }

  /**
   * The path's direction in parameter space: between pivots that of the line, at a pivot the sum of
   * the two unit vectors to its neighbours and from them (Henkelman and Jonsson 2000, equation 1).
   *
   * @return {@code [parameters]}, of length 1; null where the path has no length
   */
  public double[] tangent(double position) {
    int pivot = pivotAt(position);
    int last = pivots() - 1;
    if (pivot > 0 && pivot < last) {
      double[] before = direction(pivot - 1);
      double[] after = direction(pivot);
      if (before == null || after == null) {
        return before == null ? after : before;
      }
      Vectors.add(before, 1, after);
      return Vectors.norm(before) == 0 ? after : Vectors.normalised(before);
    }
    return direction(pivot == last ? last - 1 : pivot == 0 ? 0 : gap(position));
  }

  private int gap(double position) {
    int gap = 0;
    while (gap < pivots() - 2 && position(gap + 1) <= position) {
      gap++;
    }
    return gap;
  }

  private double[] direction(int gap) {
    int parameters = Math.toIntExact(objective.model().parameters());
    FloatBuffer from = pivots.read(gap);
    FloatBuffer to = pivots.read(gap + 1);
    double[] direction = new double[parameters];
    Arrays.setAll(direction, i -> (double) to.get(i) - from.get(i));
    return Vectors.norm(direction) == 0 ? null : Vectors.normalised(direction);
  }

  @Override
  public void close() {
    pivots.close();
  }
}
