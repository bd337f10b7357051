package io.isthmus.neb;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Everything {@link AutoNeb} needs to go on from where it was: the checkpoint of a path.
 *
 * <p>Cycle 0 is the evaluation of the straight line, before any step. A cycle is finished when its
 * result is in {@code results}; the next one's pivots are not inserted yet then.
 *
 * @param pair the minima at its ends
 * @param cycle cycle in progress or just finished, 0..
 * @param step steps of that cycle that are done
 * @param seconds of computing spent in that cycle
 * @param spacing target weight of every gap, [pivots - 1]
 * @param pivots from end to end, each a direct buffer of the model's parameters and statistics
 * @param momentum of every pivot, shaped like {@code pivots}; empty stands for zeros
 * @param batchLosses highest batch loss before each of these steps, [step]
 * @param samples of the profile that is being evaluated, as far as it got; else empty
 * @param line profile of the straight line, null while in cycle 0
 * @param results of the finished cycles, in order
 */
public record PathState(
    Pair pair,
    int cycle,
    int step,
    double seconds,
    float[] spacing,
    List<FloatBuffer> pivots,
    List<FloatBuffer> momentum,
    float[] batchLosses,
    List<Sample> samples,
    Profile line,
    List<CycleResult> results) {

  public PathState {
    pivots = List.copyOf(pivots);
    momentum = List.copyOf(momentum);
    samples = List.copyOf(samples);
    results = List.copyOf(results);
    if (pivots.size() < 2
        || spacing.length != pivots.size() - 1
        || !(momentum.isEmpty() || momentum.size() == pivots.size())
        || batchLosses.length != step
        || cycle < 0
        || (line == null && cycle > 0)
        || !(results.size() == cycle || results.size() == cycle - 1)) {
      throw new IllegalArgumentException(
          ("State of path %s is inconsistent: cycle %d, step %d, %d pivots, %d momentum vectors,"
                  + " %d gaps, %d batch losses, %d results")
              .formatted(
                  pair,
                  cycle,
                  step,
                  pivots.size(),
                  momentum.size(),
                  spacing.length,
                  batchLosses.length,
                  results.size()));
    }
  }

  /** Start of the straight path between two minima, each a direct buffer. */
  public static PathState between(Pair pair, FloatBuffer first, FloatBuffer second) {
    return along(pair, List.of(first, second));
  }

  /**
   * Start from a given path. With more than two points, these are the pivots of the first cycle;
   * with two, the configured number of inner pivots is laid between them.
   */
  public static PathState along(Pair pair, List<FloatBuffer> path) {
    float[] spacing = new float[path.size() - 1];
    Arrays.fill(spacing, 1f);
    return new PathState(
        pair, 0, 0, 0, spacing, path, List.of(), new float[0], List.of(), null, List.of());
  }

  /** Whether {@code cycle} is finished, its result the last of {@code results}. */
  public boolean cycleFinished() {
    return line != null && results.size() == cycle;
  }
}
