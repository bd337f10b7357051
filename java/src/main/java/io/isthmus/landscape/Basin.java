package io.isthmus.landscape;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A node of the disconnectivity tree (Becker and Karplus 1997), which is at the same time the
 * dendrogram of single linkage: minima whose saddles lie below an energy are in one basin. A leaf
 * is one minimum at its own loss; an inner basin has the height of the saddle at which its parts
 * join, parts that join at the same height are siblings.
 *
 * @param height training loss of the leaf, or of the saddle that joins the children
 * @param lowest number of the minimum of lowest loss inside
 * @param children at least two parts, that with the lowest minimum first; empty for a leaf
 */
public record Basin(double height, int lowest, List<Basin> children) {
  public Basin {
    children = List.copyOf(children);
  }

  public boolean isLeaf() {
    return children.isEmpty();
  }

  /** Numbers of the minima inside, in the order of the leaves. */
  public List<Integer> minima() {
    if (isLeaf()) {
      return List.of(lowest);
    }
    return children.stream().flatMap(child -> child.minima().stream()).toList();
  }

  /** The disconnectivity tree of a graph, one root for each connected part. */
  public static List<Basin> of(MinimaGraph graph) {
    Comparator<Basin> lowestFirst =
        Comparator.comparingDouble((Basin basin) -> graph.minimum(basin.lowest()).loss())
            .thenComparing(Basin::lowest);
    var sets = new DisjointSets();
    Map<Integer, Basin> basins = new HashMap<>();
    for (Minimum minimum : graph.minima()) {
      basins.put(minimum.number(), new Basin(minimum.loss(), minimum.number(), List.of()));
    }
    for (Edge edge : SpanningTree.of(graph).edges()) {
      Basin first = basins.remove(sets.find(edge.pair().first()));
      Basin second = basins.remove(sets.find(edge.pair().second()));
      var children = new ArrayList<Basin>();
      for (Basin basin : List.of(first, second)) {
        children.addAll(
            !basin.isLeaf() && basin.height() == edge.saddle() ? basin.children() : List.of(basin));
      }
      children.sort(lowestFirst);
      sets.join(edge.pair().first(), edge.pair().second());
      basins.put(
          sets.find(edge.pair().first()),
          new Basin(edge.saddle(), children.get(0).lowest(), children));
    }
    return basins.values().stream().sorted(lowestFirst).toList();
  }

  /**
   * Single-linkage clusters of a graph at an energy: the minima that paths no higher than {@code
   * height} join, each cluster in the order of its leaves.
   */
  public static List<List<Integer>> clusters(MinimaGraph graph, double height) {
    return of(graph).stream()
        .flatMap(root -> root.below(height).stream())
        .map(Basin::minima)
        .toList();
  }

  private List<Basin> below(double limit) {
    if (isLeaf() || height <= limit) {
      return List.of(this);
    }
    return children.stream().flatMap(child -> child.below(limit).stream()).toList();
  }
}
