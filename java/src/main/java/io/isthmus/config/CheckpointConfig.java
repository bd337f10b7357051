package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.atLeast;
import static io.isthmus.config.InvalidSetting.positive;

/**
 * How much work a kill may cost: a checkpoint is written after so many steps or seconds, whichever
 * comes first.
 *
 * @param intervalSteps optimiser steps
 * @param intervalSeconds wall-clock seconds
 */
public record CheckpointConfig(int intervalSteps, double intervalSeconds) {
  /** Checks each value. */
  public CheckpointConfig {
    atLeast(1, intervalSteps, "checkpoint.interval_steps");
    positive(intervalSeconds, "checkpoint.interval_seconds");
  }
}
