package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.atLeast;

/**
 * When a cycle of AutoNEB adds pivots.
 *
 * @param threshold least excess of the true loss over the linear interpolation between two pivots,
 *     relative to the energy span of the path
 * @param maxPerCycle at most so many, largest excess first; 0: every gap that qualifies
 */
public record InsertionConfig(double threshold, int maxPerCycle) {
  /** Checks each value. */
  public InsertionConfig {
    atLeast(0.0, threshold, "exploration.insertion.threshold");
    atLeast(0, maxPerCycle, "exploration.insertion.max_per_cycle");
  }
}
