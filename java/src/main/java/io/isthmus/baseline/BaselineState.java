package io.isthmus.baseline;

import io.isthmus.neb.Pair;
import io.isthmus.neb.Sample;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * A baseline in the making, enough to go on with the same bits.
 *
 * @param pair the minima
 * @param method how they are connected
 * @param settings of the training
 * @param controls control points of the curve, each a direct buffer
 * @param momentum of the bend, parameters then zeros, a direct buffer; null before the first step
 *     and after the last
 * @param batchLosses batch loss before each step taken so far
 * @param samples of the profile, as far as it is evaluated
 * @param seconds of computing so far
 */
public record BaselineState(
    Pair pair,
    Method method,
    CurveSettings settings,
    List<FloatBuffer> controls,
    FloatBuffer momentum,
    float[] batchLosses,
    List<Sample> samples,
    double seconds) {
  /** Checks that the parts fit together. */
  public BaselineState {
    controls = List.copyOf(controls);
    samples = List.copyOf(samples);
    if (controls.size() != method.curve().controls()
        || batchLosses.length > settings.gradients()
        || !samples.isEmpty() && batchLosses.length < settings.gradients()) {
      throw new IllegalArgumentException(
          "The %s of pair %s cannot have %d control points, %d steps of %d and %d samples"
              .formatted(
                  method.label(),
                  pair,
                  controls.size(),
                  batchLosses.length,
                  settings.gradients(),
                  samples.size()));
    }
  }
}
