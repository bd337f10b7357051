package io.isthmus.neb;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;

/**
 * One evaluated point of a path. Both conventions for its batch-norm statistics are given; they
 * agree at the ends, which keep the statistics of their training, and for models without any.
 *
 * @param position arc length from the path's start, as a fraction of the whole, 0..1
 * @param pivot index of the pivot it is, -1 between pivots
 * @param trainRecomputed training metrics, statistics recomputed
 * @param testRecomputed test metrics, statistics recomputed
 * @param trainInterpolated training metrics, statistics interpolated
 * @param testInterpolated test metrics, statistics interpolated
 */
public record Sample(
    double position,
    int pivot,
    Metrics trainRecomputed,
    Metrics testRecomputed,
    Metrics trainInterpolated,
    Metrics testInterpolated) {

  public boolean isPivot() {
    return pivot >= 0;
  }

  /** Metrics on the training set; of a surface: its energy. */
  public Metrics train(StatisticsConvention convention) {
    return switch (convention) {
      case RECOMPUTED -> trainRecomputed;
      case INTERPOLATED -> trainInterpolated;
    };
  }

  /** Metrics on the test set; of a surface: its energy. */
  public Metrics test(StatisticsConvention convention) {
    return switch (convention) {
      case RECOMPUTED -> testRecomputed;
      case INTERPOLATED -> testInterpolated;
    };
  }
}
