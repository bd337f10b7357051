package io.isthmus.report.scene;

import java.util.ArrayList;
import java.util.List;

/** Finds places for labels where they cover least of the curves and of each other. */
public final class Placement {
  private final Box within;
  private final List<Box> taken = new ArrayList<>();
  private final List<double[]> points = new ArrayList<>();

  /**
   * Begins without obstacles.
   *
   * @param within what labels must not leave
   */
  public Placement(Box within) {
    this.within = within;
  }

  /** A label or marker that must not be covered. */
  public void avoid(Box box) {
    taken.add(box);
  }

  /** A line that should not be covered, seen as a point every few units. */
  public void avoid(double x1, double y1, double x2, double y2) {
    if (!Double.isFinite(x1 + y1 + x2 + y2)) {
      return;
    }
    int parts = 1 + (int) (Math.hypot(x2 - x1, y2 - y1) / 3);
    for (int i = 0; i <= parts; i++) {
      double t = (double) i / parts;
      points.add(new double[] {x1 + t * (x2 - x1), y1 + t * (y2 - y1)});
    }
  }

  /**
   * The best of some places, the first among equals; it is taken from now on.
   *
   * @param candidates at least one, the dearest first
   */
  public Box place(List<Box> candidates) {
    Box best = candidates.get(0);
    double least = Double.POSITIVE_INFINITY;
    for (Box candidate : candidates) {
      double cost = cost(candidate);
      if (cost < least) {
        least = cost;
        best = candidate;
      }
    }
    taken.add(best);
    return best;
  }

  private double cost(Box box) {
    double area = box.width() * box.height();
    double cost = 20 * (area - box.overlap(within));
    for (Box other : taken) {
      cost += 10 * box.overlap(other);
    }
    for (double[] point : points) {
      if (box.contains(point[0], point[1])) {
        cost += 0.05 * area;
      }
    }
    return cost;
  }
}
