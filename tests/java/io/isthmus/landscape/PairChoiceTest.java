package io.isthmus.landscape;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.engine.Metrics;
import io.isthmus.landscape.PairChoice.Stop;
import io.isthmus.neb.Pair;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class PairChoiceTest {
  private static final PairChoice ALL = new PairChoice(0, 0);

  private static Minimum minimum(int number, double loss) {
    return new Minimum(number, new Metrics(loss, 0), new Metrics(loss, 0));
  }

  @Test
  void startsWithTheStarOfTheLowestMinimumInTheOrderOfLoss() {
    MinimaGraph graph =
        MinimaGraph.of(List.of(minimum(1, 0.5), minimum(2, 0.1), minimum(3, 0.1), minimum(4, 0.3)));
    var order = new ArrayList<Pair>();
    for (int i = 0; i < 3; i++) {
      Pair pair = ALL.next(graph).orElseThrow();
      order.add(pair);
      graph = graph.withPath(pair, 1);
    }

    assertThat(order).containsExactly(new Pair(2, 3), new Pair(2, 4), new Pair(1, 2));
  }

  @Test
  void replacesTheHighestEdgeByTheBestPairAcrossIt() {
    // Star around 1; taking out 1-4 leaves 4 alone, and 2 is the lowest untried partner for it.
    MinimaGraph graph =
        MinimaGraph.of(List.of(minimum(1, 0.1), minimum(2, 0.2), minimum(3, 0.3), minimum(4, 0.25)))
            .withPath(new Pair(1, 2), 1)
            .withPath(new Pair(1, 3), 2)
            .withPath(new Pair(1, 4), 3);
    assertThat(ALL.next(graph)).contains(new Pair(2, 4));

    // 2-4 lies below: it is in the tree now, and the highest edge is 1-3. Across it, 2-3 and 3-4
    // have the same higher end; 2-3 has the lower sum.
    graph = graph.withPath(new Pair(2, 4), 1.5);
    assertThat(ALL.next(graph)).contains(new Pair(2, 3));

    // Still 1-3, now with 3-4 as the only pair left.
    graph = graph.withPath(new Pair(2, 3), 5);
    assertThat(ALL.next(graph)).contains(new Pair(3, 4));
    assertThat(ALL.stop(graph)).isEmpty();

    graph = graph.withFailure(new Pair(3, 4));
    assertThat(ALL.next(graph)).isEmpty();
    assertThat(ALL.stop(graph)).contains(Stop.ALL_TRIED);
  }

  @Test
  void ignoresTheHighestEdgeWhenEveryPairAcrossItIsTried() {
    MinimaGraph graph =
        MinimaGraph.of(List.of(minimum(1, 0.1), minimum(2, 0.2), minimum(3, 0.3), minimum(4, 0.4)))
            .withPath(new Pair(1, 2), 1)
            .withPath(new Pair(1, 3), 2)
            .withPath(new Pair(1, 4), 3)
            .withPath(new Pair(2, 4), 4)
            .withFailure(new Pair(3, 4));

    assertThat(ALL.next(graph)).contains(new Pair(2, 3));
  }

  @Test
  void exploringEverythingEndsAtTheTreeOfTheCompleteGraphAndNeverMakesItHeavier() {
    var random = new Random(11);
    for (int trial = 0; trial < 150; trial++) {
      int n = 2 + random.nextInt(9);
      RandomLandscape landscape = RandomLandscape.of(random, n, 4 + random.nextInt(40));
      MinimaGraph graph = landscape.withoutPaths();
      double weight = Double.POSITIVE_INFINITY;
      for (Optional<Pair> pair; (pair = ALL.next(graph)).isPresent(); ) {
        assertThat(graph.state(pair.get())).isEqualTo(PairState.UNTRIED);
        graph = graph.withPath(pair.get(), landscape.saddles().get(pair.get()));
        SpanningTree tree = SpanningTree.of(graph);
        if (tree.connected()) {
          assertThat(tree.weight()).isLessThanOrEqualTo(weight + 1e-12);
          weight = tree.weight();
        } else {
          assertThat(graph.tried()).isLessThan(n - 1);
        }
      }
      assertThat(graph.tried()).isEqualTo(n * (n - 1) / 2);
      double[][] expected = RandomLandscape.minimax(landscape.complete());
      SpanningTree tree = SpanningTree.of(graph);
      for (int a = 1; a <= n; a++) {
        for (int b = a + 1; b <= n; b++) {
          assertThat(tree.bound(a, b)).isEqualTo(expected[a][b]);
        }
      }
    }
  }

  @Test
  void choosesWhatTheDefinitionByBruteForceChooses() {
    var random = new Random(12);
    for (int trial = 0; trial < 300; trial++) {
      int n = 2 + random.nextInt(7);
      RandomLandscape landscape = RandomLandscape.of(random, n, 2 + random.nextInt(30));
      MinimaGraph graph = landscape.withoutPaths();
      int centre = graph.lowest().number();
      for (int other = 1; other <= n; other++) {
        if (other != centre) {
          Pair pair = Pair.of(centre, other);
          graph = graph.withPath(pair, landscape.saddles().get(pair));
        }
      }
      for (Pair pair : graph.untried()) {
        graph =
            switch (random.nextInt(3)) {
              case 0 -> graph.withPath(pair, landscape.saddles().get(pair));
              case 1 -> graph.withFailure(pair);
              default -> graph;
            };
      }

      assertThat(ALL.next(graph)).isEqualTo(bruteForce(graph));
    }
  }

  /** Tree by dropping every edge that closes a cycle of lighter ones; cuts by flooding. */
  private static Optional<Pair> bruteForce(MinimaGraph graph) {
    List<Edge> known = new ArrayList<>(graph.edges());
    known.sort(Comparator.comparingDouble(Edge::saddle).thenComparing(Edge::pair));
    var tree = new ArrayList<Edge>();
    for (int i = 0; i < known.size(); i++) {
      Pair pair = known.get(i).pair();
      if (!flood(pair.first(), known.subList(0, i)).contains(pair.second())) {
        tree.add(known.get(i));
      }
    }
    for (int i = tree.size() - 1; i >= 0; i--) {
      var others = new ArrayList<>(tree);
      Edge out = others.remove(i);
      Set<Integer> side = flood(out.pair().first(), others);
      Pair best = null;
      for (Pair pair : new TreeSet<>(graph.untried())) {
        boolean crosses = side.contains(pair.first()) != side.contains(pair.second());
        if (crosses && (best == null || better(graph, pair, best))) {
          best = pair;
        }
      }
      if (best != null) {
        return Optional.of(best);
      }
    }
    return Optional.empty();
  }

  private static boolean better(MinimaGraph graph, Pair pair, Pair than) {
    double a1 = graph.minimum(pair.first()).loss();
    double a2 = graph.minimum(pair.second()).loss();
    double b1 = graph.minimum(than.first()).loss();
    double b2 = graph.minimum(than.second()).loss();
    return Math.max(a1, a2) < Math.max(b1, b2)
        || Math.max(a1, a2) == Math.max(b1, b2) && a1 + a2 < b1 + b2;
  }

  private static Set<Integer> flood(int start, List<Edge> edges) {
    Set<Integer> reached = new HashSet<>(Set.of(start));
    boolean grew = true;
    while (grew) {
      grew = false;
      for (Edge edge : edges) {
        if (reached.contains(edge.pair().first()) != reached.contains(edge.pair().second())) {
          reached.add(edge.pair().first());
          reached.add(edge.pair().second());
          grew = true;
        }
      }
    }
    return reached;
  }

  @Test
  void joinsThePartsThatFailuresOfTheStarLeft() {
    MinimaGraph graph =
        MinimaGraph.of(List.of(minimum(1, 0.1), minimum(2, 0.2), minimum(3, 0.3), minimum(4, 0.4)))
            .withPath(new Pair(1, 2), 9)
            .withFailure(new Pair(1, 3))
            .withFailure(new Pair(1, 4));

    assertThat(ALL.next(graph)).contains(new Pair(2, 3));
    graph = graph.withPath(new Pair(2, 3), 1);
    assertThat(ALL.next(graph)).contains(new Pair(2, 4));
    graph = graph.withFailure(new Pair(2, 4));
    assertThat(ALL.next(graph)).contains(new Pair(3, 4));
    graph = graph.withFailure(new Pair(3, 4));
    assertThat(ALL.stop(graph)).contains(Stop.ALL_TRIED);
  }

  @Test
  void stopsAtItsBudget() {
    MinimaGraph graph = RandomLandscape.of(new Random(2), 6, 100).withoutPaths();
    PairChoice choice = new PairChoice(0, 7);
    int computed = 0;
    for (Optional<Pair> pair; (pair = choice.next(graph)).isPresent(); computed++) {
      graph = computed == 3 ? graph.withFailure(pair.get()) : graph.withPath(pair.get(), 1);
    }

    assertThat(computed).isEqualTo(7);
    assertThat(choice.stop(graph)).contains(Stop.BUDGET);
    assertThat(new PairChoice(0, 3).candidates(graph, 9)).isEmpty();
    assertThat(
            new PairChoice(0, 3)
                .candidates(RandomLandscape.of(new Random(2), 6, 100).withoutPaths(), 9))
        .hasSize(3);
  }

  @Test
  void stopsOnceTheSaddlesOfTheTreeAreSimilarButNotBeforeTheStarIsDone() {
    MinimaGraph star =
        MinimaGraph.of(List.of(minimum(1, 0.1), minimum(2, 0.2), minimum(3, 0.3), minimum(4, 0.4)))
            .withPath(new Pair(1, 2), 0.91)
            .withPath(new Pair(1, 3), 1.0);
    PairChoice choice = new PairChoice(0.1, 0);

    assertThat(choice.next(star)).contains(new Pair(1, 4));
    assertThat(choice.stop(star.withPath(new Pair(1, 4), 0.95))).contains(Stop.SIMILAR_SADDLES);
    assertThat(choice.stop(star.withPath(new Pair(1, 4), 1.1))).isEmpty();
    assertThat(ALL.stop(star.withPath(new Pair(1, 4), 0.95))).isEmpty();
  }

  @Test
  void thereIsNothingToChooseWithFewerThanTwoMinima() {
    assertThat(ALL.stop(MinimaGraph.of(List.of()))).contains(Stop.ALL_TRIED);
    assertThat(ALL.next(MinimaGraph.of(List.of(minimum(1, 0.1))))).isEmpty();
  }

  @Test
  void theGraphDoesNotDependOnHowManyWorkOnIt() {
    var random = new Random(13);
    for (int trial = 0; trial < 60; trial++) {
      RandomLandscape landscape = RandomLandscape.of(random, 3 + random.nextInt(6), 25);
      PairChoice choice = new PairChoice(0.2, random.nextInt(12));
      List<Edge> alone = List.copyOf(explore(landscape, choice, 1).edges());
      for (int workers = 2; workers <= 4; workers++) {
        assertThat(List.copyOf(explore(landscape, choice, workers).edges())).isEqualTo(alone);
      }
    }
  }

  /** Computes candidates side by side; a result counts when its pair is the next. */
  private static MinimaGraph explore(RandomLandscape landscape, PairChoice choice, int workers) {
    MinimaGraph graph = landscape.withoutPaths();
    Set<Pair> computed = new HashSet<>();
    while (true) {
      List<Pair> candidates = choice.candidates(graph, workers);
      Optional<Pair> next = choice.next(graph);
      assertThat(candidates.stream().findFirst()).isEqualTo(next);
      assertThat(candidates).hasSizeLessThanOrEqualTo(workers).doesNotHaveDuplicates();
      computed.addAll(candidates);
      if (next.isEmpty()) {
        return graph;
      }
      if (computed.contains(next.get())) {
        graph = graph.withPath(next.get(), landscape.saddles().get(next.get()));
      }
    }
  }

  @Test
  void allCandidatesOfTheStarAreAskedForWhateverTheirResults() {
    var random = new Random(14);
    for (int trial = 0; trial < 50; trial++) {
      RandomLandscape landscape = RandomLandscape.of(random, 7, 25);
      MinimaGraph graph = landscape.withoutPaths();
      List<Pair> candidates = ALL.candidates(graph, 100);
      assertThat(candidates).hasSize(6);
      for (Pair candidate : candidates) {
        assertThat(ALL.next(graph)).contains(candidate);
        graph =
            random.nextBoolean()
                ? graph.withFailure(candidate)
                : graph.withPath(candidate, landscape.saddles().get(candidate));
      }
    }
  }
}
