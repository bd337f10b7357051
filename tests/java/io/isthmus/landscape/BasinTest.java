package io.isthmus.landscape;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.engine.Metrics;
import io.isthmus.neb.Pair;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BasinTest {
  private static MinimaGraph minima(double... losses) {
    var minima = new ArrayList<Minimum>();
    for (double loss : losses) {
      minima.add(new Minimum(minima.size() + 1, new Metrics(loss, 0), new Metrics(loss, 0)));
    }
    return MinimaGraph.of(minima);
  }

  @Test
  void partsThatJoinAtOneHeightAreSiblingsTheLowestFirst() {
    MinimaGraph graph =
        minima(0.3, 0.1, 0.2, 0.05)
            .withPath(new Pair(1, 2), 0.5)
            .withPath(new Pair(2, 3), 0.5)
            .withPath(new Pair(1, 3), 0.7)
            .withPath(new Pair(3, 4), 0.9);

    assertThat(Basin.of(graph))
        .containsExactly(
            new Basin(
                0.9,
                4,
                List.of(
                    new Basin(0.05, 4, List.of()),
                    new Basin(
                        0.5,
                        2,
                        List.of(
                            new Basin(0.1, 2, List.of()),
                            new Basin(0.2, 3, List.of()),
                            new Basin(0.3, 1, List.of()))))));
  }

  @Test
  void aPathNoHigherThanItsEndStillJoinsThem() {
    assertThat(Basin.of(minima(0.2, 0.4).withPath(new Pair(1, 2), 0.4)))
        .singleElement()
        .matches(basin -> basin.minima().equals(List.of(1, 2)) && basin.height() == 0.4);
  }

  @Test
  void clustersAreWhatPathsBelowTheHeightJoin() {
    var random = new Random(5);
    for (int trial = 0; trial < 200; trial++) {
      int n = 1 + random.nextInt(10);
      MinimaGraph graph = RandomLandscape.of(random, n, 6).sparse(random, random.nextDouble());
      double[][] bound = RandomLandscape.minimax(graph);
      for (double height = 0; height < 2.1; height += 1.0 / 12) {
        List<List<Integer>> clusters = Basin.clusters(graph, height);
        Set<Integer> seen = new HashSet<>();
        for (List<Integer> cluster : clusters) {
          int first = cluster.get(0);
          assertThat(seen).doesNotContainAnyElementsOf(cluster);
          seen.addAll(cluster);
          for (int other = 1; other <= n; other++) {
            boolean joined = other == first || bound[first][other] <= height;
            assertThat(cluster.contains(other)).isEqualTo(joined);
          }
        }
        assertThat(seen).hasSize(n);
      }
    }
  }

  @Test
  void everyBasinIsHigherThanItsInnerParts() {
    var random = new Random(6);
    for (int trial = 0; trial < 100; trial++) {
      Basin.of(RandomLandscape.of(random, 8, 5).complete()).forEach(BasinTest::checkHeights);
    }
  }

  private static void checkHeights(Basin basin) {
    assertThat(basin.children().size()).isNotEqualTo(1);
    for (Basin child : basin.children()) {
      assertThat(child.height()).isLessThanOrEqualTo(basin.height());
      assertThat(child.isLeaf() || child.height() < basin.height()).isTrue();
      checkHeights(child);
    }
  }
}
