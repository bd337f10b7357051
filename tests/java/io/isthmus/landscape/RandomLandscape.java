package io.isthmus.landscape;

import io.isthmus.engine.Metrics;
import io.isthmus.neb.Pair;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** A landscape whose every saddle is known: random minima, random saddles, ties included. */
record RandomLandscape(List<Minimum> minima, Map<Pair, Double> saddles) {

  /** Losses and saddles are multiples of 1/{@code levels}: few levels make many ties. */
  static RandomLandscape of(Random random, int minima, int levels) {
    var nodes = new ArrayList<Minimum>();
    for (int number = 1; number <= minima; number++) {
      double loss = (double) random.nextInt(levels) / levels;
      nodes.add(new Minimum(number, new Metrics(loss, 0.1), new Metrics(2 * loss, 0.2)));
    }
    var saddles = new TreeMap<Pair, Double>();
    for (Minimum first : nodes) {
      for (Minimum second : nodes) {
        if (first.number() < second.number()) {
          saddles.put(
              new Pair(first.number(), second.number()),
              Math.max(first.loss(), second.loss()) + (double) random.nextInt(levels) / levels);
        }
      }
    }
    return new RandomLandscape(nodes, saddles);
  }

  MinimaGraph withoutPaths() {
    return MinimaGraph.of(minima);
  }

  MinimaGraph complete() {
    return sparse(new Random(0), 1);
  }

  /** A graph of a random share of the paths, added in random order. */
  MinimaGraph sparse(Random random, double share) {
    var pairs = new ArrayList<>(saddles.keySet());
    Collections.shuffle(pairs, random);
    MinimaGraph graph = withoutPaths();
    for (Pair pair : pairs.subList(0, (int) Math.round(share * pairs.size()))) {
      graph = graph.withPath(pair, saddles.get(pair));
    }
    return graph;
  }

  /** Lowest possible highest saddle on the way between any two minima, by Floyd and Warshall. */
  static double[][] minimax(MinimaGraph graph) {
    int n = graph.minima().size();
    var bound = new double[n + 1][n + 1];
    for (double[] row : bound) {
      java.util.Arrays.fill(row, Double.POSITIVE_INFINITY);
    }
    for (Edge edge : graph.edges()) {
      int a = edge.pair().first();
      int b = edge.pair().second();
      bound[a][b] = bound[b][a] = edge.saddle();
    }
    for (int via = 1; via <= n; via++) {
      for (int a = 1; a <= n; a++) {
        for (int b = 1; b <= n; b++) {
          bound[a][b] = Math.min(bound[a][b], Math.max(bound[a][via], bound[via][b]));
        }
      }
    }
    return bound;
  }
}
