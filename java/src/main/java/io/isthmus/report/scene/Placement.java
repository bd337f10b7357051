package io.isthmus.report.scene;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds places for labels where they cover least of the curves and of each other. */
public final class Placement {
  private static final double OUTSIDE = 20;
  private static final double TAKEN = 10;
  private static final double POINT = 0.05;

  /** What each step down the list of candidates costs. */
  private static final double RANK = 0.04;

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
   * The best of some places; it is taken from now on.
   *
   * @param candidates at least one, the dearest first
   */
  public Box place(List<Box> candidates) {
    return place(candidates, Double.POSITIVE_INFINITY).orElseThrow();
  }

  /**
   * The best of some places, unless even there the label would cover too much.
   *
   * @param candidates at least one, the dearest first
   * @param limit share of the label that may be covered by others, 0..1
   */
  public Optional<Box> place(List<Box> candidates, double limit) {
    Box best = candidates.get(0);
    double least = Double.POSITIVE_INFINITY;
    for (int rank = 0; rank < candidates.size(); rank++) {
      Box candidate = candidates.get(rank);
      double cost = cost(candidate) + RANK * rank;
      if (cost < least) {
        least = cost;
        best = candidate;
      }
    }
    if (taken.stream().mapToDouble(best::overlap).sum() > limit * best.width() * best.height()) {
      return Optional.empty();
    }
    taken.add(best);
    return Optional.of(best);
  }

  /** Shares of the label's area that are covered, weighted by what covers them. */
  private double cost(Box box) {
    double area = box.width() * box.height();
    double cost = OUTSIDE * (1 - box.overlap(within) / area);
    for (Box other : taken) {
      cost += TAKEN * box.overlap(other) / area;
    }
    for (double[] point : points) {
      if (box.contains(point[0], point[1])) {
        cost += POINT;
      }
    }
    return cost;
  }
}
