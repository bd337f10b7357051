package io.isthmus.store;

import io.isthmus.analysis.Place;
import io.isthmus.analysis.PlaneGrid;
import io.isthmus.analysis.PlaneResult;
import io.isthmus.analysis.PlaneSettings;
import io.isthmus.config.Geometry;
import io.isthmus.config.Precision;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.TensorInfo;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathState;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Sample;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Small files of each kind with random content, the same for the same seed. */
final class Examples {
  /** A convolution, its batch norm and a linear layer: 54 + 4 + 10 parameters, 4 statistics. */
  static final List<TensorInfo> TENSORS =
      List.of(
          new TensorInfo("conv1.weight", false, 0, new long[] {2, 3, 3, 3}),
          new TensorInfo("bn1.weight", false, 54, new long[] {2}),
          new TensorInfo("bn1.bias", false, 56, new long[] {2}),
          new TensorInfo("linear.weight", false, 58, new long[] {4, 2}),
          new TensorInfo("linear.bias", false, 66, new long[] {2}),
          new TensorInfo("bn1.running_mean", true, 68, new long[] {2}),
          new TensorInfo("bn1.running_var", true, 70, new long[] {2}));

  static final Origin ORIGIN = new Origin("resnet8:shortcut=B", "digits", Precision.FP32, -7);

  private Examples() {}

  static FloatBuffer vector(Random random) {
    FloatBuffer values = Values.allocate(StateDict.sizeOf(TENSORS));
    while (values.hasRemaining()) {
      values.put((float) random.nextGaussian());
    }
    values.put(0, Float.MIN_VALUE).put(1, -0f).put(2, Float.MAX_VALUE);
    return values.flip();
  }

  static Metrics metrics(Random random) {
    return new Metrics(random.nextDouble(), random.nextDouble());
  }

  static TrainingCurve curve(Random random, int steps) {
    List<TrainingCurve.Evaluation> evaluations =
        List.of(
            new TrainingCurve.Evaluation(0, metrics(random), metrics(random)),
            new TrainingCurve.Evaluation(steps, metrics(random), metrics(random)));
    return new TrainingCurve(losses(random, steps), evaluations);
  }

  /** A grid of 4 by 3, so many of whose points are evaluated. */
  static PlaneFile plane(long seed, int evaluated) {
    Random random = new Random(seed);
    List<Place> pivots = new ArrayList<>();
    List<Metrics> metrics = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      pivots.add(new Place(random.nextGaussian(), random.nextGaussian(), random.nextDouble()));
    }
    for (int i = 0; i < evaluated; i++) {
      metrics.add(metrics(random));
    }
    return new PlaneFile(
        ORIGIN,
        new PlaneResult(
            new Pair(2, 5),
            3,
            new PlaneSettings(4, 0.3, 100, 2),
            StatisticsConvention.INTERPOLATED,
            new PlaneGrid(-1.25, 1e-3, 0.1, 4, 3),
            pivots,
            metrics));
  }

  static MinimumFile minimum(long seed) {
    Random random = new Random(seed);
    return new MinimumFile(
        ORIGIN,
        3,
        20,
        metrics(random),
        metrics(random),
        new int[] {1, 4, 90},
        curve(random, 20),
        new StateDict(TENSORS, vector(random)));
  }

  static TrainingCheckpoint training(long seed) {
    Random random = new Random(seed);
    return new TrainingCheckpoint(
        ORIGIN,
        2,
        15,
        0.1,
        curve(random, 15),
        new StateDict(TENSORS, vector(random)),
        vector(random));
  }

  static PathFile path(long seed) {
    Random random = new Random(seed);
    return new PathFile(
        ORIGIN,
        Pair.of(1, 2),
        Geometry.PARAMETERS,
        TENSORS,
        vectors(random, 5),
        result(random, 3, 5));
  }

  static PathCheckpoint checkpoint(long seed) {
    Random random = new Random(seed);
    PathState state =
        new PathState(
            Pair.of(3, 2),
            2,
            7,
            12.5,
            losses(random, 4),
            vectors(random, 5),
            vectors(random, 5),
            losses(random, 7),
            profile(random, 5).samples().subList(0, 6),
            profile(random, 2),
            List.of(result(random, 1, 4)));
    return new PathCheckpoint(ORIGIN, TENSORS, state);
  }

  static CycleResult result(Random random, int cycle, int pivots) {
    return new CycleResult(
        cycle,
        9,
        0.25,
        losses(random, pivots - 1),
        profile(random, pivots),
        random.nextDouble(),
        random.nextDouble(),
        losses(random, 9));
  }

  static Profile profile(Random random, int pivots) {
    List<Sample> samples = new ArrayList<>();
    int stride = 3;
    for (int i = 0; i <= (pivots - 1) * stride; i++) {
      samples.add(
          new Sample(
              random.nextDouble(),
              i % stride == 0 ? i / stride : -1,
              metrics(random),
              metrics(random),
              metrics(random),
              metrics(random)));
    }
    return new Profile(samples);
  }

  private static List<FloatBuffer> vectors(Random random, int count) {
    List<FloatBuffer> vectors = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      vectors.add(vector(random));
    }
    return vectors;
  }

  private static float[] losses(Random random, int count) {
    float[] losses = new float[count];
    for (int i = 0; i < count; i++) {
      losses[i] = random.nextFloat();
    }
    return losses;
  }
}
