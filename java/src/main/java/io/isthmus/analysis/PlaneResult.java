package io.isthmus.analysis;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.neb.Pair;
import java.util.List;

/**
 * The loss on the plane through a path, or as much of it as is evaluated.
 *
 * @param pair the minima at the path's ends
 * @param cycle the cycle whose path it is
 * @param settings how it is looked at
 * @param convention batch-norm statistics of the points of the grid: recomputed from training
 *     batches, or interpolated between the points that span the plane
 * @param grid where it is looked at
 * @param pivots where the pivots lie, from end to end; the first and the last are the minima
 * @param metrics on the training images; of a surface: its energy. Of the first points of the grid,
 *     of all of them when it is {@link #complete}
 */
public record PlaneResult(
    Pair pair,
    int cycle,
    PlaneSettings settings,
    StatisticsConvention convention,
    PlaneGrid grid,
    List<Place> pivots,
    List<Metrics> metrics) {

  /** Makes the lists unmodifiable and checks their lengths. */
  public PlaneResult {
    pivots = List.copyOf(pivots);
    metrics = List.copyOf(metrics);
    if (pivots.size() < 2 || metrics.size() > grid.size()) {
      throw new IllegalArgumentException(
          "a plane with %d pivots, and metrics of %d of %d points"
              .formatted(pivots.size(), metrics.size(), grid.size()));
    }
  }

  /** Whether every point of the grid is evaluated. */
  public boolean complete() {
    return metrics.size() == grid.size();
  }

  /** The same with other metrics. */
  public PlaneResult with(List<Metrics> evaluated) {
    return new PlaneResult(pair, cycle, settings, convention, grid, pivots, evaluated);
  }

  /** Losses {@code [rows][columns]} of a complete plane. */
  public double[][] losses() {
    double[][] losses = new double[grid.rows()][grid.columns()];
    for (int i = 0; i < grid.size(); i++) {
      losses[i / grid.columns()][i % grid.columns()] = metrics.get(i).loss();
    }
    return losses;
  }
}
