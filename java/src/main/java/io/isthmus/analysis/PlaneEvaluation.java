package io.isthmus.analysis;

import io.isthmus.config.ExitCode;
import io.isthmus.config.Geometry;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Model;
import io.isthmus.engine.Points;
import io.isthmus.neb.Objective;
import io.isthmus.neb.Pair;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Evaluates the loss on the plane through both ends of a path and the mean of its pivots, a few
 * points at a time. (With or without the ends in the mean, it is the same plane.) The plane of a
 * surface is the surface, in its own coordinates.
 */
public final class PlaneEvaluation implements AutoCloseable {
  private static final int[] CORNERS = {0, 1, 2};

  private final Objective objective;
  private final Points corners;
  private final Plane plane;
  private final List<Place> places;

  /**
   * Finds the plane.
   *
   * @param objective takes the metrics
   * @param pair the minima, for the message
   * @param pivots of the path, from end to end
   * @param geometry the coordinates that count
   * @throws IsthmusException USAGE if the path is straight, so that there is no plane
   */
  public PlaneEvaluation(
      Objective objective, Pair pair, List<FloatBuffer> pivots, Geometry geometry) {
    this.objective = objective;
    Model model = objective.model();
    corners = Points.create(model, CORNERS.length);
    try {
      span(pivots);
      int coordinates =
          Math.toIntExact(geometry == Geometry.ALL ? model.size() : model.parameters());
      plane =
          Plane.through(corners.read(0), corners.read(1), corners.read(2), coordinates)
              .orElseThrow(
                  () ->
                      new IsthmusException(
                          ExitCode.USAGE,
                          ("the path between minima %d and %d is straight, so it spans no plane;"
                                  + " choose another pair")
                              .formatted(pair.first(), pair.second())));
      places = pivots.stream().map(plane::project).toList();
    } catch (RuntimeException | Error e) {
      corners.close();
      throw e;
    }
  }

  private void span(List<FloatBuffer> pivots) {
    if (objective.isSurface()) {
      for (int i = 0; i < CORNERS.length; i++) {
        FloatBuffer corner = Points.allocate(corners.model());
        corners.write(i, corner.put(new float[] {i == 1 ? 1 : 0, i == 2 ? 1 : 0}).flip());
      }
      return;
    }
    int n = pivots.size();
    try (Points all = Points.create(corners.model(), n)) {
      int[] indices = new int[n];
      double[] equal = new double[n];
      Arrays.fill(equal, 1.0 / n);
      for (int i = 0; i < n; i++) {
        all.write(i, pivots.get(i));
        indices[i] = i;
      }
      corners.copy(0, all, 0);
      corners.copy(1, all, n - 1);
      corners.combine(2, all, indices, equal);
    }
  }

  /** Where the pivots lie. */
  public List<Place> pivots() {
    return places;
  }

  /** Metrics on the training images of {@code count} points of a grid from number {@code first}. */
  public List<Metrics> metrics(
      PlaneGrid grid, StatisticsConvention convention, int first, int count) {
    try (Points scratch = Points.create(corners.model(), count)) {
      for (int i = 0; i < count; i++) {
        double x = grid.x((first + i) % grid.columns());
        double y = grid.y((first + i) / grid.columns());
        scratch.combine(i, corners, CORNERS, plane.weights(x, y));
      }
      if (convention == StatisticsConvention.RECOMPUTED && objective.hasStatistics()) {
        objective.recomputeStatistics(scratch);
      }
      return List.of(objective.trainMetrics(scratch));
    }
  }

  @Override
  public void close() {
    corners.close();
  }
}
