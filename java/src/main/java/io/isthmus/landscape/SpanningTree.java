package io.isthmus.landscape;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * Minimum spanning tree of the known paths (Kruskal 1956), or forest where minima are not joined
 * yet. Equal saddles are taken in the order of their pairs, so a graph has exactly one tree.
 *
 * <p>Of all ways from one minimum to another the one along the tree has the lowest highest saddle,
 * which makes {@link #bound} an ultrametric: bound(a, c) is at most the larger of bound(a, b) and
 * bound(b, c).
 */
public final class SpanningTree {
  private final NavigableSet<Integer> numbers = new TreeSet<>();
  private final List<Edge> edges;
  private final Map<Integer, List<Edge>> incident = new HashMap<>();

  private SpanningTree(MinimaGraph graph, List<Edge> edges) {
    this.edges = List.copyOf(edges);
    for (Minimum minimum : graph.minima()) {
      numbers.add(minimum.number());
      incident.put(minimum.number(), new ArrayList<>());
    }
    for (Edge edge : edges) {
      incident.get(edge.pair().first()).add(edge);
      incident.get(edge.pair().second()).add(edge);
    }
  }

  public static SpanningTree of(MinimaGraph graph) {
    var sets = new DisjointSets();
    List<Edge> edges =
        graph.edges().stream()
            .sorted(Edge.LIGHTEST_FIRST)
            .filter(edge -> sets.join(edge.pair().first(), edge.pair().second()))
            .toList();
    return new SpanningTree(graph, edges);
  }

  /** Its edges, the lightest first. */
  public List<Edge> edges() {
    return edges;
  }

  /** Whether it reaches every minimum. */
  public boolean connected() {
    return edges.size() + 1 >= numbers.size();
  }

  /** Sum of its saddles. */
  public double weight() {
    return edges.stream().mapToDouble(Edge::saddle).sum();
  }

  /**
   * Upper bound on the saddle between two minima: the highest saddle on the way along the tree.
   * Infinite where the tree does not join them, negative infinity from a minimum to itself.
   */
  public double bound(int from, int to) {
    if (!numbers.contains(from) || !numbers.contains(to)) {
      throw new IllegalArgumentException(
          "There is no minimum " + (numbers.contains(from) ? to : from));
    }
    return reach(from, null).getOrDefault(to, Double.POSITIVE_INFINITY);
  }

  /** The trees of the forest, each as the numbers of its minima, by smallest number. */
  public List<NavigableSet<Integer>> components() {
    var components = new ArrayList<NavigableSet<Integer>>();
    var left = new TreeSet<>(numbers);
    while (!left.isEmpty()) {
      var component = new TreeSet<>(reach(left.first(), null).keySet());
      components.add(component);
      left.removeAll(component);
    }
    return components;
  }

  /** The minima on one end's side once this edge is taken out. */
  NavigableSet<Integer> side(int end, Edge without) {
    return new TreeSet<>(reach(end, without).keySet());
  }

  /** Highest saddle on the way from {@code start} to each minimum in reach, one edge left out. */
  private Map<Integer, Double> reach(int start, Edge without) {
    var highest = new HashMap<Integer, Double>(Map.of(start, Double.NEGATIVE_INFINITY));
    var queue = new ArrayDeque<Integer>(List.of(start));
    while (!queue.isEmpty()) {
      int at = queue.remove();
      for (Edge edge : incident.get(at)) {
        int next = edge.pair().first() + edge.pair().second() - at;
        if (!edge.equals(without) && !highest.containsKey(next)) {
          highest.put(next, Math.max(highest.get(at), edge.saddle()));
          queue.add(next);
        }
      }
    }
    return highest;
  }
}
