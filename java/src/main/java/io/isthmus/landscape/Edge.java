package io.isthmus.landscape;

import io.isthmus.neb.Pair;
import java.util.Comparator;

/**
 * A path known between two minima.
 *
 * @param pair the minima it joins
 * @param saddle its training loss at the highest point, the edge's weight; finite
 */
public record Edge(Pair pair, double saddle) {
  /** From the lightest edge to the heaviest; equal weights by the numbers of their minima. */
  static final Comparator<Edge> LIGHTEST_FIRST =
      Comparator.comparingDouble(Edge::saddle).thenComparing(Edge::pair);

  public Edge {
    if (!Double.isFinite(saddle)) {
      throw new IllegalArgumentException("Saddle of %s is not finite: %s".formatted(pair, saddle));
    }
  }
}
