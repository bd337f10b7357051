package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import java.util.Arrays;

/**
 * The metrics along a line in parameter space: a path or the straight line between two minima.
 *
 * @param length length of the line in parameter space; NaN when it is not known
 * @param position arc length of each sample as a fraction of the whole, rising from 0 to 1
 * @param pivot for each sample whether it is a pivot of the path (the ends are; on the straight
 *     line only they are)
 * @param trainRecomputed metrics on the training set with {@link StatisticsConvention#RECOMPUTED}
 *     statistics, one per sample; empty when they were not measured (so are the other three)
 * @param testRecomputed the same on the test set
 * @param trainInterpolated metrics on the training set with {@link
 *     StatisticsConvention#INTERPOLATED} statistics
 * @param testInterpolated the same on the test set
 */
public record Curve(
    double length,
    double[] position,
    boolean[] pivot,
    Metrics[] trainRecomputed,
    Metrics[] testRecomputed,
    Metrics[] trainInterpolated,
    Metrics[] testInterpolated) {

  private static final Metrics[] NOT_MEASURED = {};

  /** Stands for a line that has not been evaluated (yet). */
  public static final Curve NONE =
      new Curve(
          Double.NaN,
          new double[0],
          new boolean[0],
          NOT_MEASURED,
          NOT_MEASURED,
          NOT_MEASURED,
          NOT_MEASURED);

  /**
   * Checks the lengths of the arrays.
   *
   * @throws IllegalArgumentException when they do not belong together or the positions fall
   */
  public Curve {
    if (pivot.length != position.length) {
      throw new IllegalArgumentException(
          "Curve: pivot must have one entry per position, got "
              + pivot.length
              + " for "
              + position.length);
    }
    for (int i = 1; i < position.length; i++) {
      if (!(position[i] >= position[i - 1])) {
        throw new IllegalArgumentException(
            "Curve: position must not fall, got " + position[i] + " after " + position[i - 1]);
      }
    }
    for (Metrics[] metrics :
        new Metrics[][] {trainRecomputed, testRecomputed, trainInterpolated, testInterpolated}) {
      if (metrics.length != 0 && metrics.length != position.length) {
        throw new IllegalArgumentException(
            "Curve: metrics must be absent or one per position, got "
                + metrics.length
                + " for "
                + position.length);
      }
    }
  }

  /** The metrics of every sample; empty when they were not measured. */
  public Metrics[] metrics(Split split, StatisticsConvention convention) {
    if (split == Split.TRAIN) {
      return convention == StatisticsConvention.RECOMPUTED ? trainRecomputed : trainInterpolated;
    }
    return convention == StatisticsConvention.RECOMPUTED ? testRecomputed : testInterpolated;
  }

  /** Whether there is anything to show. */
  public boolean isEmpty() {
    return position.length == 0;
  }

  /** One quantity of every sample; empty when it was not measured, NaN where it is undefined. */
  public double[] values(Split split, StatisticsConvention convention, Quantity quantity) {
    return Arrays.stream(metrics(split, convention)).mapToDouble(quantity::of).toArray();
  }
}
