package io.isthmus.neb;

import io.isthmus.config.PairValue;
import io.isthmus.config.StatisticsConvention;
import java.util.Comparator;
import java.util.List;

/**
 * A finished search for the path between two minima.
 *
 * @param pair the minima
 * @param line profile of the straight line between them
 * @param cycles results of all cycles, in order, at least one
 */
public record PathResult(Pair pair, Profile line, List<CycleResult> cycles) {
  public PathResult {
    cycles = List.copyOf(cycles);
    if (cycles.isEmpty()) {
      throw new IllegalArgumentException("Path " + pair + " has no finished cycle");
    }
  }

  /** The cycle that gives the pair its value; of equally good ones the first. */
  public CycleResult valued(PairValue value, StatisticsConvention convention) {
    return switch (value) {
      case LAST -> cycles.get(cycles.size() - 1);
      case BEST_CYCLE ->
          cycles.stream()
              .min(Comparator.comparingDouble(cycle -> cycle.saddle(convention).trainLoss()))
              .orElseThrow();
    };
  }
}
