package io.isthmus.neb;

import io.isthmus.config.CheckpointConfig;
import io.isthmus.config.CycleConfig;
import io.isthmus.config.DataConfig;
import io.isthmus.config.EvaluationConfig;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.ExplorationConfig;
import io.isthmus.config.Geometry;
import io.isthmus.config.InsertionConfig;
import io.isthmus.config.ModelConfig;
import io.isthmus.config.PairValue;
import io.isthmus.config.Precision;
import io.isthmus.config.Preset;
import io.isthmus.config.Spacing;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.config.Tangent;
import io.isthmus.config.TrainPass;
import io.isthmus.config.TrainingConfig;
import io.isthmus.data.DataSource;
import io.isthmus.data.ImageSet;
import java.util.List;
import java.util.Random;

/** Experiments that take a moment: a ResNet-8 of 4 channels on 64 images, and surfaces. */
final class SmallExperiment {
  String spec = "resnet8:width=4";
  int crop = 1;
  boolean flip = true;
  Preset preset = Preset.PAPER;
  int checkpointSteps = 1000;
  double checkpointSeconds = 1e6;
  InsertionConfig insertion = new InsertionConfig(0.2, 0);
  List<CycleConfig> cycles =
      List.of(
          new CycleConfig(6, 0.05f, true, false),
          new CycleConfig(5, 0.05f, true, false),
          new CycleConfig(4, 0.01f, false, false));
  int between = 3;
  int initialPivots = 3;
  float momentum = 0.9f;
  float weightDecay = 1e-4f;
  float spring = Float.POSITIVE_INFINITY;
  int evalTrainLimit = 0;
  TrainingConfig training =
      new TrainingConfig(3, 16, 12, 0.1f, List.of(5L, 9L), 0.1f, 0.9f, false, 1e-4f);

  static SmallExperiment network() {
    return new SmallExperiment();
  }

  static SmallExperiment surface(String spec) {
    var experiment = new SmallExperiment();
    experiment.spec = spec;
    experiment.crop = 0;
    experiment.flip = false;
    experiment.momentum = 0;
    experiment.weightDecay = 0;
    experiment.between = 9;
    return experiment;
  }

  boolean isSurface() {
    return spec.startsWith("surface");
  }

  ExperimentConfig config() {
    boolean paper = preset == Preset.PAPER;
    return new ExperimentConfig(
        42,
        "cpu",
        2,
        Precision.FP32,
        new DataConfig(isSurface() ? "none" : "digits", null, null, false, crop, flip, 0, 0),
        new ModelConfig(spec),
        training,
        new ExplorationConfig(
            preset,
            16,
            initialPivots,
            paper ? Spacing.EQUAL : Spacing.TARGET,
            paper ? Tangent.IMPROVED : Tangent.OFFICIAL,
            paper ? Geometry.PARAMETERS : Geometry.ALL,
            spring,
            momentum,
            false,
            weightDecay,
            insertion,
            cycles,
            paper ? PairValue.LAST : PairValue.BEST_CYCLE,
            paper ? StatisticsConvention.RECOMPUTED : StatisticsConvention.INTERPOLATED,
            0,
            0),
        new EvaluationConfig(
            between, 2, paper ? TrainPass.CLEAN : TrainPass.AUGMENTED, evalTrainLimit),
        new CheckpointConfig(checkpointSteps, checkpointSeconds));
  }

  /** Three kinds of bright bands in noise, which a small network learns in a few steps. */
  DataSource data() {
    return isSurface()
        ? null
        : new DataSource(
            images("training", 64, 1), images("test", 32, 2), new float[] {0}, new float[] {1});
  }

  private static ImageSet images(String name, int count, long seed) {
    var random = new Random(seed);
    byte[] pixels = new byte[count * 64];
    int[] labels = new int[count];
    for (int image = 0; image < count; image++) {
      labels[image] = random.nextInt(3);
      for (int i = 0; i < 64; i++) {
        int glow = i / 8 / 3 == labels[image] ? 120 : 0;
        pixels[image * 64 + i] = (byte) (glow + random.nextInt(100));
      }
    }
    return new ImageSet(name, count, 1, 8, 8, 3, pixels, labels);
  }
}
