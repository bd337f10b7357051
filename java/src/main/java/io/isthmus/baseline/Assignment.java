package io.isthmus.baseline;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.jgrapht.Graph;
import org.jgrapht.alg.matching.KuhnMunkresMinimalWeightBipartitePerfectMatching;
import org.jgrapht.graph.DefaultWeightedEdge;
import org.jgrapht.graph.SimpleWeightedGraph;

/** The linear assignment problem, by Kuhn and Munkres's algorithm. */
final class Assignment {
  private Assignment() {}

  /**
   * The permutation p that maximises the sum of {@code gains[i][p[i]]}.
   *
   * @param gains square
   */
  static int[] best(double[][] gains) {
    int n = gains.length;
    Graph<Integer, DefaultWeightedEdge> graph =
        new SimpleWeightedGraph<>(DefaultWeightedEdge.class);
    Set<Integer> places = new LinkedHashSet<>(IntStream.range(0, n).boxed().toList());
    Set<Integer> units = new LinkedHashSet<>(IntStream.range(n, 2 * n).boxed().toList());
    places.forEach(graph::addVertex);
    units.forEach(graph::addVertex);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        graph.setEdgeWeight(graph.addEdge(i, n + j), -gains[i][j]);
      }
    }
    int[] best = new int[n];
    new KuhnMunkresMinimalWeightBipartitePerfectMatching<>(graph, places, units)
        .getMatching()
        .getEdges()
        .forEach(edge -> best[graph.getEdgeSource(edge)] = graph.getEdgeTarget(edge) - n);
    return best;
  }
}
