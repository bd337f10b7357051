package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.atLeast;
import static io.isthmus.config.InvalidSetting.present;

/**
 * How densely and on which images paths are judged.
 *
 * @param between points evaluated between neighbouring pivots
 * @param statisticsBatches training batches over which batch-norm statistics are recomputed
 * @param trainPass training images as they are, or augmented
 * @param evalTrainLimit the training loss is taken over the first so many training images; 0: all
 */
public record EvaluationConfig(
    int between, int statisticsBatches, TrainPass trainPass, int evalTrainLimit) {
  /** Checks each value. */
  public EvaluationConfig {
    atLeast(0, between, "evaluation.between");
    atLeast(1, statisticsBatches, "evaluation.statistics_batches");
    present(trainPass, "evaluation.train_pass");
    atLeast(0, evalTrainLimit, "evaluation.train_limit");
  }
}
