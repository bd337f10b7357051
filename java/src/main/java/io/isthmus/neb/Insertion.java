package io.isthmus.neb;

import io.isthmus.config.InsertionConfig;
import io.isthmus.config.StatisticsConvention;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A pivot to be added to a path, as AutoNEB decides it: where the true loss exceeds the linear
 * interpolation between two neighbouring pivots the most (Kolsbjerg, Groves and Hammer 2016;
 * Draxler et al. 2018, figure 3).
 *
 * @param gap index of the pivot before it
 * @param fraction of the way to the pivot after it, strictly between 0 and 1
 */
public record Insertion(int gap, double fraction) {
  public Insertion {
    if (gap < 0 || !(fraction > 0 && fraction < 1)) {
      throw new IllegalArgumentException(
          "A pivot goes into a gap >= 0 at a fraction inside 0..1, got gap %d and fraction %s"
              .formatted(gap, fraction));
    }
  }

  private record Excess(Insertion at, double value) {}

  /**
   * Where a profile asks for new pivots, in order, one per gap at most: at the largest excess of
   * each gap if that is positive and at least {@code config.threshold()} of the energy span, which
   * is the range of the training loss over the pivots. Where {@code config.maxPerCycle()} limits
   * them, those of largest excess remain, of equal ones the earlier.
   */
  public static List<Insertion> wanted(
      Profile profile, StatisticsConvention convention, InsertionConfig config) {
    double[] excess = excess(profile, convention);
    double least = config.threshold() * span(profile, convention);
    var candidates = new ArrayList<Excess>();
    for (int gap = 0; profile.stride() > 1 && gap < profile.gaps(); gap++) {
      Excess largest = largest(excess, gap, profile.stride());
      if (largest.value() > 0 && largest.value() >= least) {
        candidates.add(largest);
      }
    }
    return candidates.stream()
        .sorted(Comparator.comparingDouble(Excess::value).reversed())
        .limit(config.maxPerCycle() == 0 ? Long.MAX_VALUE : config.maxPerCycle())
        .map(Excess::at)
        .sorted(Comparator.comparingInt(Insertion::gap))
        .toList();
  }

  /**
   * Training loss of every sample over the linear interpolation between the two pivots around it;
   * zero at pivots.
   */
  public static double[] excess(Profile profile, StatisticsConvention convention) {
    double[] losses = profile.trainLosses(convention);
    int stride = profile.stride();
    double[] excess = new double[losses.length];
    for (int i = 0; i < losses.length; i++) {
      if (i % stride != 0) {
        double fraction = (double) (i % stride) / stride;
        int start = i - i % stride;
        double linear = (1 - fraction) * losses[start] + fraction * losses[start + stride];
        excess[i] = losses[i] - linear;
      }
    }
    return excess;
  }

  /** The energy span of a path: the range of the training loss over its pivots. */
  public static double span(Profile profile, StatisticsConvention convention) {
    double[] losses = profile.trainLosses(convention);
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < losses.length; i += profile.stride()) {
      low = Math.min(low, losses[i]);
      high = Math.max(high, losses[i]);
    }
    return high - low;
  }

  private static Excess largest(double[] excess, int gap, int stride) {
    int best = 1;
    for (int i = 2; i < stride; i++) {
      if (excess[gap * stride + i] > excess[gap * stride + best]) {
        best = i;
      }
    }
    return new Excess(new Insertion(gap, (double) best / stride), excess[gap * stride + best]);
  }
}
