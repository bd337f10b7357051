package io.isthmus.landscape;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.neb.Pair;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.jgrapht.alg.spanning.KruskalMinimumSpanningTree;
import org.jgrapht.graph.DefaultWeightedEdge;
import org.jgrapht.graph.SimpleWeightedGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpanningTreeTest {

  @ParameterizedTest
  @ValueSource(ints = {1000000, 4})
  void hasTheWeightThatJGraphTFinds(int levels) {
    var random = new Random(levels);
    for (int trial = 0; trial < 300; trial++) {
      MinimaGraph graph =
          RandomLandscape.of(random, 1 + random.nextInt(14), levels)
              .sparse(random, random.nextDouble());
      var reference =
          new SimpleWeightedGraph<Integer, DefaultWeightedEdge>(DefaultWeightedEdge.class);
      graph.minima().forEach(minimum -> reference.addVertex(minimum.number()));
      for (Edge edge : graph.edges()) {
        var added = reference.addEdge(edge.pair().first(), edge.pair().second());
        reference.setEdgeWeight(added, edge.saddle());
      }
      var expected = new KruskalMinimumSpanningTree<>(reference).getSpanningTree();

      SpanningTree tree = SpanningTree.of(graph);

      assertThat(tree.edges()).hasSameSizeAs(expected.getEdges());
      assertThat(tree.weight()).isCloseTo(expected.getWeight(), within(1e-9));
      if (levels > 4) {
        var pairs = new HashSet<Pair>();
        for (DefaultWeightedEdge edge : expected.getEdges()) {
          pairs.add(Pair.of(reference.getEdgeSource(edge), reference.getEdgeTarget(edge)));
        }
        assertThat(tree.edges()).extracting(Edge::pair).hasSameElementsAs(pairs);
      }
    }
  }

  @Test
  void boundsAreTheLowestHighestSaddlesOfAllWays() {
    var random = new Random(7);
    for (int trial = 0; trial < 200; trial++) {
      int n = 2 + random.nextInt(9);
      MinimaGraph graph = RandomLandscape.of(random, n, 12).sparse(random, random.nextDouble());
      double[][] expected = RandomLandscape.minimax(graph);
      SpanningTree tree = SpanningTree.of(graph);
      for (int a = 1; a <= n; a++) {
        for (int b = 1; b <= n; b++) {
          if (a != b) {
            assertThat(tree.bound(a, b)).isEqualTo(expected[a][b]);
            for (int c = 1; c <= n; c++) {
              assertThat(tree.bound(a, b))
                  .isLessThanOrEqualTo(Math.max(tree.bound(a, c), tree.bound(c, b)));
            }
          }
        }
      }
    }
  }

  @Test
  void isTheSameWhateverTheOrderOfResults() {
    var random = new Random(3);
    for (int trial = 0; trial < 100; trial++) {
      RandomLandscape landscape = RandomLandscape.of(random, 9, 2);
      assertThat(SpanningTree.of(landscape.sparse(random, 1)).edges())
          .isEqualTo(SpanningTree.of(landscape.complete()).edges());
    }
  }

  @Test
  void takesEqualSaddlesInTheOrderOfTheirPairs() {
    RandomLandscape landscape = RandomLandscape.of(new Random(1), 4, 1);

    assertThat(SpanningTree.of(landscape.complete()).edges())
        .extracting(Edge::pair)
        .containsExactly(new Pair(1, 2), new Pair(1, 3), new Pair(1, 4));
  }

  @Test
  void isAForestWhereMinimaAreNotJoined() {
    MinimaGraph graph =
        RandomLandscape.of(new Random(1), 5, 10)
            .withoutPaths()
            .withPath(new Pair(1, 4), 2)
            .withPath(new Pair(2, 5), 3)
            .withFailure(new Pair(1, 5));

    SpanningTree forest = SpanningTree.of(graph);

    assertThat(forest.connected()).isFalse();
    assertThat(forest.components().stream().map(List::copyOf))
        .containsExactly(List.of(1, 4), List.of(2, 5), List.of(3));
    assertThat(forest.bound(1, 5)).isInfinite();
    assertThat(SpanningTree.of(graph.withPath(new Pair(1, 5), 1).withPath(new Pair(3, 4), 1)))
        .matches(SpanningTree::connected);
    assertThatThrownBy(() -> forest.bound(1, 6)).hasMessage("There is no minimum 6");
  }
}
