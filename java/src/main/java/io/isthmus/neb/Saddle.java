package io.isthmus.neb;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * How high a path climbs, in both senses that are in use: the maximum of each metric along the
 * path, wherever it is, and all metrics at one point, that of highest training loss.
 *
 * @param convention batch-norm statistics these numbers were taken with
 * @param trainLoss highest training loss along the path
 * @param trainError highest training error along the path, 0..1
 * @param testLoss highest test loss along the path
 * @param testError highest test error along the path, 0..1
 * @param sample index in the profile of the point of highest training loss, of equal ones the first
 * @param position its position on the path, 0..1
 * @param trainThere training metrics at that point
 * @param testThere test metrics at that point
 */
public record Saddle(
    StatisticsConvention convention,
    double trainLoss,
    double trainError,
    double testLoss,
    double testError,
    int sample,
    double position,
    Metrics trainThere,
    Metrics testThere) {

  /** The saddle of a profile. */
  public static Saddle of(Profile profile, StatisticsConvention convention) {
    List<Sample> samples = profile.samples();
    double[] losses = profile.trainLosses(convention);
    int highest = 0;
    for (int i = 1; i < losses.length; i++) {
      if (losses[i] > losses[highest]) {
        highest = i;
      }
    }
    Sample there = samples.get(highest);
    return new Saddle(
        convention,
        losses[highest],
        maximum(samples, sample -> sample.train(convention).error()),
        maximum(samples, sample -> sample.test(convention).loss()),
        maximum(samples, sample -> sample.test(convention).error()),
        highest,
        there.position(),
        there.train(convention),
        there.test(convention));
  }

  private static double maximum(List<Sample> samples, ToDoubleFunction<Sample> metric) {
    return samples.stream().mapToDouble(metric).max().orElseThrow();
  }
}
