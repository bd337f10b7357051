package io.isthmus.neb;

import io.isthmus.config.StatisticsConvention;

/**
 * What one cycle of AutoNEB left behind, apart from its pivots.
 *
 * @param cycle its number, from 1
 * @param steps optimiser steps it took
 * @param seconds of computing, over all the runs it took
 * @param spacing target weight of every gap, [pivots - 1]
 * @param profile of its path
 * @param length of its path, in the configured geometry
 * @param straightLength distance of the path's ends, in the same geometry
 * @param batchLosses highest batch loss over all pivots, ends included, before each step, [steps]
 */
public record CycleResult(
    int cycle,
    int steps,
    double seconds,
    float[] spacing,
    Profile profile,
    double length,
    double straightLength,
    float[] batchLosses) {

  /** Length of the path over that of the straight line, at least 1; NaN if its ends coincide. */
  public double stretch() {
    return length / straightLength;
  }

  /** Mini-batch gradients it took: one a step at every inner pivot. */
  public long gradients() {
    return (long) steps * (profile.gaps() - 1);
  }

  public Saddle saddle(StatisticsConvention convention) {
    return Saddle.of(profile, convention);
  }
}
