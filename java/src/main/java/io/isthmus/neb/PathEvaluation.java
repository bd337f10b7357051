package io.isthmus.neb;

import io.isthmus.engine.Points;
import java.util.ArrayList;
import java.util.List;

/**
 * Evaluates points along the polyline through some pivots, a few at a time, so that memory does not
 * grow with their number. The ends are minima: they keep the batch-norm statistics of their
 * training in both conventions.
 */
final class PathEvaluation {
  private final Objective objective;
  private final Points pivots;
  private final int stride;
  private final double[] arcLengths;

  /** Prepares {@code between} samples in every gap of {@code pivots}. */
  PathEvaluation(Objective objective, Points pivots, int between) {
    this.objective = objective;
    this.pivots = pivots;
    this.stride = between + 1;
    arcLengths = new double[pivots.count()];
    for (int i = 1; i < arcLengths.length; i++) {
      arcLengths[i] =
          arcLengths[i - 1]
              + pivots.distance(i - 1, i, objective.config().exploration().geometry());
    }
  }

  /** Number of samples of the whole path. */
  int total() {
    return (pivots.count() - 1) * stride + 1;
  }

  /** Length of the polyline. */
  double length() {
    return arcLengths[arcLengths.length - 1];
  }

  /** Evaluates {@code count} samples from the one of index {@code first}. */
  List<Sample> samples(int first, int count) {
    try (Points scratch = Points.create(objective.model(), count)) {
      for (int i = 0; i < count; i++) {
        place(scratch, i, first + i);
      }
      var places = new ArrayList<Objective.Place>();
      for (int index = first; index < first + count; index++) {
        boolean end = index == 0 || index == total() - 1;
        int pivot = index % stride == 0 ? index / stride : -1;
        places.add(new Objective.Place(position(index), pivot, end));
      }
      return objective.samples(scratch, places);
    }
  }

  private void place(Points scratch, int slot, int index) {
    int gap = index / stride;
    if (index % stride == 0) {
      scratch.copy(slot, pivots, gap);
    } else {
      double fraction = (double) (index % stride) / stride;
      scratch.combine(
          slot, pivots, new int[] {gap, gap + 1}, new double[] {1 - fraction, fraction});
    }
  }

  /** Arc length of a sample as a fraction of the whole; by count where the path has no length. */
  private double position(int index) {
    if (index == total() - 1) {
      return 1;
    }
    if (length() == 0) {
      return (double) index / (total() - 1);
    }
    int gap = index / stride;
    double fraction = (double) (index % stride) / stride;
    return ((1 - fraction) * arcLengths[gap] + fraction * arcLengths[gap + 1]) / length();
  }
}
