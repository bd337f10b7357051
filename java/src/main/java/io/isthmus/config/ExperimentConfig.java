package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.atLeast;
import static io.isthmus.config.InvalidSetting.present;
import static io.isthmus.config.InvalidSetting.require;

import java.util.List;

/**
 * A whole experiment, complete and checked: what {@code Config.load} makes of the user's few lines.
 *
 * @param seed root of every random stream
 * @param backend cpu, cuda, or for tests emulated
 * @param threads of the cpu backend; 0: one per available core
 * @param precision of the networks' arithmetic
 * @param data which images
 * @param model which network or surface
 * @param training how minima are found
 * @param exploration how they are connected
 * @param evaluation how paths are judged
 * @param checkpoint how often work in progress is saved
 */
public record ExperimentConfig(
    long seed,
    String backend,
    int threads,
    Precision precision,
    DataConfig data,
    ModelConfig model,
    TrainingConfig training,
    ExplorationConfig exploration,
    EvaluationConfig evaluation,
    CheckpointConfig checkpoint) {

  /** Checks each value and that the sections go together. */
  public ExperimentConfig {
    present(backend, "backend");
    require(
        List.of("cpu", "cuda", "emulated").contains(backend),
        "backend",
        "must be cpu, cuda or (for tests) emulated, but is '" + backend + "'");
    atLeast(0, threads, "threads");
    present(precision, "precision");
    present(data, "data");
    present(model, "model");
    present(training, "training");
    present(exploration, "exploration");
    present(evaluation, "evaluation");
    present(checkpoint, "checkpoint");
    boolean surface = model.family() == ModelConfig.Family.SURFACE;
    require(
        surface == data.name().equals("none"),
        "data.name",
        surface
            ? "must be none for the surface " + model.spec() + ", but is " + data.name()
            : "is none, but " + model.spec() + " needs images");
    require(
        !surface || precision == Precision.FP32,
        "precision",
        "must be fp32 for the surface " + model.spec());
    require(
        !data.name().equals("xor") || model.family() == ModelConfig.Family.MLP,
        "model.spec",
        "is " + model.spec() + ", but xor has single pixels; use a perceptron such as mlp-3");
    NamedData.of(data.name())
        .ifPresent(
            set -> {
              int all = set.trainCount();
              int limit = data.trainLimit();
              requireBatches(training, exploration, limit > 0 ? Math.min(limit, all) : all);
            });
  }

  /**
   * Checks that no batch is larger than the training set; done here for data sets of known size.
   *
   * @throws IsthmusException USAGE if one is
   */
  public void requireBatches(int trainCount) {
    requireBatches(training, exploration, trainCount);
  }

  private static void requireBatches(
      TrainingConfig training, ExplorationConfig exploration, int trainCount) {
    String problem = "must be at most the number of training images, " + trainCount + ", but is ";
    require(training.batch() <= trainCount, "training.batch", problem + training.batch());
    require(exploration.batch() <= trainCount, "exploration.batch", problem + exploration.batch());
  }
}
