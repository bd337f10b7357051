package io.isthmus.baseline;

import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.ExplorationConfig;

/**
 * How the bend of a curve is trained.
 *
 * @param gradients mini-batch gradients in all, one a step; 0: nothing is trained
 * @param learningRate at the start; see {@link #learningRateAt}
 * @param batch images per gradient
 * @param momentum 0 &lt;= momentum &lt; 1
 * @param nesterov Nesterov's form of momentum
 * @param weightDecay lambda of a loss L(phi) + lambda / 2 |phi|^2 along the curve: the decay pulls
 *     at the curve's points, not at its bend (as in Garipov et al.'s code)
 */
public record CurveSettings(
    int gradients,
    float learningRate,
    int batch,
    float momentum,
    boolean nesterov,
    float weightDecay) {

  /**
   * Share of the minima's first learning rate that curves start with: 0.015 to 0.05 and 0.03 to 0.1
   * in Garipov et al. 2018.
   */
  private static final double SHARE_OF_TRAINING = 0.3;

  /** Nothing to train. */
  public static final CurveSettings NONE = new CurveSettings(0, 0, 0, 0, false, 0);

  /** Checks each value. */
  public CurveSettings {
    if (gradients < 0
        || !(learningRate >= 0)
        || gradients > 0 && (batch < 1 || learningRate == 0)) {
      throw new IllegalArgumentException(
          "A curve cannot be trained with %d gradients of batches of %d at learning rate %s"
              .formatted(gradients, batch, learningRate));
    }
  }

  /**
   * The settings of a run: batches, momentum and decay as on its paths.
   *
   * @param learningRate at the start; 0: {@value #SHARE_OF_TRAINING} of that of training
   */
  public static CurveSettings of(ExperimentConfig config, int gradients, float learningRate) {
    ExplorationConfig exploration = config.exploration();
    double rate = Double.parseDouble(Float.toString(config.training().learningRate()));
    return new CurveSettings(
        gradients,
        learningRate > 0 ? learningRate : (float) (SHARE_OF_TRAINING * rate),
        exploration.batch(),
        exploration.momentum(),
        exploration.nesterov(),
        exploration.weightDecay());
  }

  /**
   * The learning rate of a step, counted from 0: constant for half of the steps, then falling
   * linearly to a hundredth at nine tenths of them (Garipov et al. 2018, appendix).
   */
  public float learningRateAt(int step) {
    double done = (double) step / gradients;
    double factor = done <= 0.5 ? 1 : done <= 0.9 ? 1 - 0.99 * (done - 0.5) / 0.4 : 0.01;
    return (float) (learningRate * factor);
  }
}
