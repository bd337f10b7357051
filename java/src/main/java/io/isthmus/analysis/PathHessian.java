package io.isthmus.analysis;

import io.isthmus.neb.Pair;
import java.util.List;

/**
 * The Hessian at the saddle of a path, and along the path where that was asked for.
 *
 * @param pair the minima at the path's ends
 * @param cycle that the path is of
 * @param settings how it was taken
 * @param saddle both ends of the spectrum at the saddle, the sample of highest training loss
 * @param at curvature at the saddle
 * @param along curvature at every pivot, ends included; empty if not asked for
 */
public record PathHessian(
    Pair pair,
    int cycle,
    HessianSettings settings,
    Spectrum saddle,
    Curvature at,
    List<Curvature> along) {
  /** Makes the list unmodifiable. */
  public PathHessian {
    along = List.copyOf(along);
  }
}
