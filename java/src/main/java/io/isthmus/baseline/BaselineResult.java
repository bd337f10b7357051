package io.isthmus.baseline;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;

/**
 * What a baseline has reached between two minima.
 *
 * @param pair the minima
 * @param method how they are connected
 * @param settings of the training, {@link CurveSettings#NONE} where there is none
 * @param profile along the curve; its pivots are the points of it that are control points
 * @param length of the curve, in the configured geometry
 * @param straightLength distance of the curve's ends, in the same geometry
 * @param batchLosses batch loss before each step, at a random point of the curve
 * @param seconds of computing, over all the runs it took; NaN when not known
 */
public record BaselineResult(
    Pair pair,
    Method method,
    CurveSettings settings,
    Profile profile,
    double length,
    double straightLength,
    float[] batchLosses,
    double seconds) {

  /** How high the curve climbs. */
  public Saddle saddle(StatisticsConvention convention) {
    return Saddle.of(profile, convention);
  }
}
