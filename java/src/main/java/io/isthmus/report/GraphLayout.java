package io.isthmus.report;

import io.isthmus.landscape.Minimum;
import io.isthmus.report.RunSummary.Connection;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the minima of a run stand in the drawings of its graph: on a circle, in the order of a walk
 * through the tree that begins at the lowest minimum and takes lower saddles first. So no two edges
 * of the tree cross, no edge runs through a minimum, and close ones are neighbours; the same graph
 * is always the same picture.
 */
final class GraphLayout {
  private GraphLayout() {}

  /**
   * Places by the numbers of the minima, x and y on the unit circle around (0, 0), y downwards; the
   * first stands on top.
   */
  static Map<Integer, double[]> of(RunSummary run) {
    Map<Integer, double[]> places = new LinkedHashMap<>();
    List<Integer> order = order(run);
    for (int i = 0; i < order.size(); i++) {
      double angle = 2 * Math.PI * i / order.size() - Math.PI / 2;
      double across = order.size() == 1 ? 0 : Math.cos(angle);
      places.put(order.get(i), new double[] {across, Math.sin(angle)});
    }
    return places;
  }

  /** The minima in the order of a walk through the tree, part by part. */
  static List<Integer> order(RunSummary run) {
    List<Minimum> lowestFirst = new ArrayList<>(run.minima());
    lowestFirst.sort(Comparator.comparingDouble(Minimum::loss).thenComparingInt(Minimum::number));
    List<Integer> order = new ArrayList<>();
    List<Connection> lightestFirst = run.tree();
    for (Minimum minimum : lowestFirst) {
      walk(minimum.number(), lightestFirst, order);
    }
    return order;
  }

  private static void walk(int at, List<Connection> lightestFirst, List<Integer> order) {
    if (order.contains(at)) {
      return;
    }
    order.add(at);
    for (Connection connection : lightestFirst) {
      if (connection.touches(at)) {
        walk(connection.pair().first() + connection.pair().second() - at, lightestFirst, order);
      }
    }
  }
}
