package io.isthmus.report;

import io.isthmus.analysis.MinimumHessian;
import io.isthmus.analysis.PathHessian;
import java.util.List;

/**
 * Hessians of a run.
 *
 * @param minima at minima, by rising number
 * @param paths at saddles and along paths, by pair
 */
public record HessianFinding(List<MinimumHessian> minima, List<PathHessian> paths)
    implements Finding {
  /** Makes the lists unmodifiable. */
  public HessianFinding {
    minima = List.copyOf(minima);
    paths = List.copyOf(paths);
  }
}
