package io.isthmus.experiment;

import io.isthmus.neb.Pair;
import java.util.List;

/**
 * What {@link Experiment#hessian} is to measure. Without minima and pairs: the path of the tree's
 * highest saddle and the minima at its ends.
 *
 * @param minima numbers of minima
 * @param pairs finished paths, at whose saddles the Hessian is measured
 * @param eigenvalues how many from each end of the spectrum, at least 1
 * @param images of the training set that the loss is taken over, at least 1
 * @param weightDecay added to every eigenvalue
 * @param products at most so many of Lanczos's method for each point
 * @param along whether to measure the curvature at every pivot as well
 */
public record HessianRequest(
    List<Integer> minima,
    List<Pair> pairs,
    int eigenvalues,
    int images,
    double weightDecay,
    int products,
    boolean along) {
  /** Copies the lists. */
  public HessianRequest {
    minima = List.copyOf(minima);
    pairs = List.copyOf(pairs);
  }
}
