package io.isthmus.experiment;

import io.isthmus.config.ExperimentConfig;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Points;
import io.isthmus.neb.Objective;
import io.isthmus.store.Import;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One stored point, judged on a data set.
 *
 * @param index of the pivot on its path; 0 for a minimum
 * @param train metrics on the training set, with the batch-norm statistics it is stored with
 * @param test the same on the test set
 * @param trainRecomputed metrics on the training set with recomputed statistics; equal to {@code
 *     train} for a model without any
 * @param testRecomputed the same on the test set
 */
public record Evaluation(
    int index, Metrics train, Metrics test, Metrics trainRecomputed, Metrics testRecomputed) {

  /**
   * Evaluates every point of a file of any origin: a minimum, a state dictionary, or the pivots of
   * a path.
   *
   * @throws io.isthmus.config.IsthmusException DATA if the file is damaged or does not fit the
   *     model
   */
  public static List<Evaluation> of(Path file, ExperimentConfig config) {
    try (Workbench bench = Workbench.open(config)) {
      Objective objective = bench.objective();
      List<Evaluation> evaluations = new ArrayList<>();
      for (FloatBuffer values : Import.points(file, objective.model().tensors())) {
        evaluations.add(judged(evaluations.size(), values, objective));
      }
      return evaluations;
    }
  }

  private static Evaluation judged(int index, FloatBuffer values, Objective objective) {
    try (Points point = Points.create(objective.model(), 1)) {
      point.write(0, values);
      Metrics train = objective.trainMetrics(point)[0];
      Metrics test = objective.testMetrics(point)[0];
      if (!objective.hasStatistics()) {
        return new Evaluation(index, train, test, train, test);
      }
      objective.recomputeStatistics(point);
      return new Evaluation(
          index, train, test, objective.trainMetrics(point)[0], objective.testMetrics(point)[0]);
    }
  }
}
