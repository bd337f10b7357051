package io.isthmus.analysis;

import io.isthmus.analysis.EnsembleScore.Kind;
import io.isthmus.neb.Pair;
import java.util.List;

/**
 * Ensembles along a path, of sizes 2 to {@code size}, and ensembles of independent minima, of sizes
 * 1 to {@code size} or the number of minima.
 *
 * @param pair the minima at the path's ends
 * @param cycle that the path is of
 * @param size of the largest ensemble
 * @param minima trained minima of the run, from which independent ensembles are drawn
 * @param images of the test set
 * @param scores by kind and rising size
 */
public record EnsembleResult(
    Pair pair, int cycle, int size, int minima, int images, List<EnsembleScore> scores) {
  /** Makes the list unmodifiable. */
  public EnsembleResult {
    scores = List.copyOf(scores);
  }

  /** All ensembles of a kind and size. */
  public List<EnsembleScore> scores(Kind kind, int size) {
    return scores.stream().filter(s -> s.kind() == kind && s.size() == size).toList();
  }
}
