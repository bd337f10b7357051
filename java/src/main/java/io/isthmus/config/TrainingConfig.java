package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.atLeast;
import static io.isthmus.config.InvalidSetting.fraction;
import static io.isthmus.config.InvalidSetting.positive;
import static io.isthmus.config.InvalidSetting.require;

import java.util.List;

/**
 * How minima are trained: stochastic gradient descent with a step schedule.
 *
 * @param minima how many, each from its own seed
 * @param batch images per step
 * @param steps optimiser steps per minimum
 * @param learningRate at the start
 * @param milestones steps at which the learning rate is multiplied by {@code factor}, ascending
 * @param factor 0 &lt; factor &lt;= 1
 * @param momentum 0 &lt;= momentum &lt; 1
 * @param nesterov Nesterov's form of momentum
 * @param weightDecay on every trainable parameter
 */
public record TrainingConfig(
    int minima,
    int batch,
    long steps,
    float learningRate,
    List<Long> milestones,
    float factor,
    float momentum,
    boolean nesterov,
    float weightDecay) {

  /** Checks each value and that they go together. */
  public TrainingConfig {
    atLeast(1, minima, "training.minima");
    atLeast(1, batch, "training.batch");
    atLeast(0, steps, "training.steps");
    positive(learningRate, "training.learning_rate");
    milestones = List.copyOf(milestones);
    long previous = 0;
    for (int i = 0; i < milestones.size(); i++) {
      long milestone = milestones.get(i);
      String key = "training.milestones." + i;
      require(milestone >= 1, key, "must be at least 1, but is " + milestone);
      require(
          i == 0 || milestone > previous,
          key,
          "must be greater than the milestone before it, " + previous + ", but is " + milestone);
      require(
          milestone <= steps,
          key,
          "is " + milestone + ", after the last of " + steps + " steps; move it or raise steps");
      previous = milestone;
    }
    positive(factor, "training.factor");
    require(factor <= 1, "training.factor", "must be at most 1, but is " + factor);
    fraction(momentum, "training.momentum");
    require(
        !nesterov || momentum > 0,
        "training.nesterov",
        "needs a momentum greater than 0; raise training.momentum or use false");
    atLeast(0.0, weightDecay, "training.weight_decay");
  }

  /** The learning rate of a step, counted from 0. */
  public float learningRateAt(long step) {
    double rate = decimal(learningRate);
    for (long milestone : milestones) {
      if (step >= milestone) {
        rate *= decimal(factor);
      }
    }
    return (float) rate;
  }

  /** The number that was written, so that a tenth of 0.1 is 0.01. */
  private static double decimal(float value) {
    return Double.parseDouble(Float.toString(value));
  }
}
