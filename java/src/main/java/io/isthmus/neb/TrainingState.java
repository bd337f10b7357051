package io.isthmus.neb;

import java.nio.FloatBuffer;

/**
 * A minimum on its way: the checkpoint of its training.
 *
 * @param minimum its number
 * @param step steps done
 * @param values parameters and statistics, a direct buffer
 * @param momentum shaped like {@code values}; null stands for zeros
 * @param batchLosses batch loss before each of these steps, [step]
 */
public record TrainingState(
    int minimum, long step, FloatBuffer values, FloatBuffer momentum, float[] batchLosses) {
  public TrainingState {
    if (minimum < 1 || step < 0 || batchLosses.length != step) {
      throw new IllegalArgumentException(
          "State of minimum %d is inconsistent: step %d, %d batch losses"
              .formatted(minimum, step, batchLosses.length));
    }
  }
}
