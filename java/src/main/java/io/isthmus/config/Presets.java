package io.isthmus.config;

import io.isthmus.config.ModelConfig.Family;
import java.util.ArrayList;
import java.util.List;

/**
 * What a configuration gets where it says nothing: the settings of the paper (Draxler et al. 2018,
 * section 4 and appendix) or of the authors' PyTorch-AutoNEB, by kind of model and data.
 */
final class Presets {
  private static final int DEFAULT_TRAIN_COUNT = 50_000;
  private static final int STATISTICS_IMAGES = 10_000;

  private final boolean official;
  private final ModelConfig model;
  private final NamedData data; // null: the user's own images, or a surface
  private final int trainCount;

  /** {@code trainLimit} as in the data section, 0 for all. */
  Presets(Preset preset, ModelConfig model, String dataName, int trainLimit) {
    this.official = preset == Preset.OFFICIAL;
    this.model = model;
    this.data = NamedData.of(dataName).orElse(null);
    int all = data == null ? DEFAULT_TRAIN_COUNT : data.trainCount();
    this.trainCount = trainLimit > 0 ? Math.min(trainLimit, all) : all;
  }

  /** Everything about the data but its name and places. */
  DataConfig data(String name, String folder, String file) {
    boolean augmented = data != null && data.augmented();
    boolean normalise = !official && !name.equals("none");
    return new DataConfig(name, folder, file, normalise, augmented ? 4 : 0, augmented, 0, 0);
  }

  /** {@code steps} may be the user's own; the milestones of the default schedule follow it. */
  long[] milestones(long steps) {
    return surface() ? new long[0] : new long[] {steps / 2, steps * 3 / 4};
  }

  TrainingConfig training() {
    boolean dense = model.family() == Family.DENSENET;
    int batch = surface() ? 1 : Math.min(dense ? 64 : 128, trainCount);
    long steps = surface() ? 20_000 : dense ? 300L * trainCount / batch : 64_000;
    return new TrainingConfig(
        10,
        batch,
        steps,
        learningRate(),
        List.of(),
        0.1f,
        surface() ? 0f : 0.9f,
        dense,
        official || surface() ? 0f : 1e-4f);
  }

  ExplorationConfig exploration(Preset preset) {
    return new ExplorationConfig(
        preset,
        pathBatch(),
        3,
        official ? Spacing.TARGET : Spacing.EQUAL,
        official ? Tangent.OFFICIAL : Tangent.IMPROVED,
        official ? Geometry.ALL : Geometry.PARAMETERS,
        Float.POSITIVE_INFINITY,
        surface() ? 0f : 0.9f,
        false,
        surface() ? 0f : 1e-4f,
        official ? new InsertionConfig(0.1, 2) : new InsertionConfig(0.2, 0),
        List.of(new CycleConfig(1000, learningRate(), true, false)),
        official ? PairValue.BEST_CYCLE : PairValue.LAST,
        official ? StatisticsConvention.INTERPOLATED : StatisticsConvention.RECOMPUTED,
        0,
        0);
  }

  /**
   * The paper's schedule, written as a user would: 4 x 1000 steps, 2 x 2000 (in the paper without
   * insertion), 4 x 1000 at a tenth of the learning rate, 4 x 1000 at a hundredth. A surface, being
   * smooth and free of noise, gets the first four alone.
   */
  Tree.Sequence autoneb() {
    String rate = Float.toString(learningRate());
    List<String> cycles = new ArrayList<>();
    cycles.add("{steps: 1000, learning_rate: " + rate + ", insert: true, climbing: false}");
    cycles.addAll(List.of("{}", "{}", "{}"));
    if (!surface()) {
      cycles.add("{steps: 2000, insert: " + official + "}");
      cycles.add("{}");
      cycles.add("{steps: 1000, learning_rate: 0.01, insert: true}");
      cycles.addAll(List.of("{}", "{}", "{}"));
      cycles.add("{learning_rate: 0.001}");
      cycles.addAll(List.of("{}", "{}", "{}"));
    }
    String preset = "the preset " + (official ? "official" : "paper");
    return (Tree.Sequence) YamlReader.read(cycles.toString(), preset);
  }

  /** {@code batch} is that of the paths. */
  EvaluationConfig evaluation(int batch) {
    int images = Math.min(STATISTICS_IMAGES, trainCount);
    int batches = surface() ? 1 : Math.max(1, (images + batch - 1) / Math.max(1, batch));
    return new EvaluationConfig(9, batches, official ? TrainPass.AUGMENTED : TrainPass.CLEAN, 0);
  }

  CheckpointConfig checkpoint() {
    return new CheckpointConfig(500, 60);
  }

  /** Images per pivot and step, limited by the training set. */
  private int pathBatch() {
    int batch =
        switch (model.family()) {
          case RESNET -> resnetDepth() > 32 ? 256 : 512;
          case DENSENET -> official ? 256 : 64;
          case MLP, CNN -> 512;
          case SURFACE -> 1;
        };
    return Math.min(batch, trainCount);
  }

  private int resnetDepth() {
    String digits = model.name().substring("resnet".length());
    return digits.matches("\\d{1,6}") ? Integer.parseInt(digits) : 0;
  }

  private float learningRate() {
    if (!surface()) {
      return 0.1f;
    }
    return model.name().equals("surface-mueller-brown")
        ? 1e-4f
        : 1e-2f; // its curvature is thousands
  }

  private boolean surface() {
    return model.family() == Family.SURFACE;
  }
}
