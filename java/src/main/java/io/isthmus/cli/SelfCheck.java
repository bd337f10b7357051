package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.Precision;
import io.isthmus.data.ImageSet;
import io.isthmus.engine.Dataset;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Model;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import io.isthmus.engine.Sgd;
import io.isthmus.engine.TensorInfo;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.Origin;
import io.isthmus.store.StateDict;
import io.isthmus.store.TrainingCurve;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * Asks the engine to prove itself on tiny networks: is its gradient the slope of its loss, and does
 * it give the same bits twice; and the store, whether a file comes back as it was written. Takes a
 * fraction of a second.
 */
final class SelfCheck {
  private static final int IMAGES = 16;
  private static final int SIZE = 8;
  private static final int CLASSES = 4;
  private static final double STEP = 1e-2;
  private static final long SEED = 20180302;

  private SelfCheck() {}

  /**
   * Largest difference between the gradient of a perceptron with smooth activations and central
   * differences of its loss, relative to the largest slope. Below 1e-3 on a sound machine.
   */
  static double gradientError(Engine engine) {
    try (Dataset data = images(engine);
        Model model = model(engine, "mlp-6:activation=tanh", Precision.FP32);
        Points points = Points.create(model, 1);
        Points probe = Points.create(model, 2)) {
      points.initialise(0, SEED);
      FloatBuffer start = points.read(0);
      points.gradient(data, new Sampling(SEED, IMAGES, 0, false), new long[] {1}, 0);
      float[] gradient = points.readGradient(0);
      double largestSlope = 0;
      double largestError = 0;
      for (int i = 0; i < gradient.length; i += 7) {
        float value = start.get(i);
        start.put(i, (float) (value + STEP));
        double up = start.get(i);
        probe.write(0, start);
        start.put(i, (float) (value - STEP));
        double down = start.get(i);
        probe.write(1, start);
        start.put(i, value);
        Metrics[] losses = probe.evaluate(data);
        double slope = (losses[0].loss() - losses[1].loss()) / (up - down);
        largestSlope = Math.max(largestSlope, Math.abs(slope));
        largestError = Math.max(largestError, Math.abs(slope - gradient[i]));
      }
      return largestError / largestSlope;
    }
  }

  /** Whether a few steps of a small ResNet leave the same bits in two tries. */
  static boolean repeats(Engine engine) {
    try (Dataset data = images(engine);
        Model model = model(engine, "resnet8:width=4", Precision.FP32)) {
      return trained(model, data).equals(trained(model, data));
    }
  }

  private static FloatBuffer trained(Model model, Dataset data) {
    try (Points points = Points.create(model, 2)) {
      points.initialise(0, SEED);
      points.initialise(1, SEED + 1);
      Sampling sampling = new Sampling(SEED, 8, 1, true);
      points.descend(data, sampling, new long[] {1, 2}, new Sgd(0.1f, 0.9f, 1e-4f, false), 0, 4);
      return points.read(1);
    }
  }

  /** A network for {@link #images}. */
  static Model model(Engine engine, String spec, Precision precision) {
    return Model.create(engine, spec, 1, SIZE, SIZE, CLASSES, precision);
  }

  /** A few images of noise, with labels. */
  static Dataset images(Engine engine) {
    Random random = new Random(SEED);
    byte[] pixels = new byte[IMAGES * SIZE * SIZE];
    random.nextBytes(pixels);
    int[] labels = random.ints(IMAGES, 0, CLASSES).toArray();
    ImageSet set = new ImageSet("self-check", IMAGES, 1, SIZE, SIZE, CLASSES, pixels, labels);
    return Dataset.create(engine, set, new float[] {0.5f}, new float[] {0.3f});
  }

  /** Writes a small file as runs do, and reads it back. */
  static String storage() throws IOException {
    Path folder = Files.createTempDirectory("isthmus-doctor");
    Path file = folder.resolve("minimum.h5");
    try {
      FloatBuffer values =
          ByteBuffer.allocateDirect(2 * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();
      values.put(0, 1f).put(1, Float.MIN_VALUE);
      TensorInfo tensor = new TensorInfo("weight", false, 0, new long[] {2});
      new MinimumFile(
              new Origin("mlp", "none", Precision.FP32, SEED),
              1,
              0,
              new Metrics(0, 0),
              new Metrics(0, 0),
              null,
              TrainingCurve.empty(),
              new StateDict(List.of(tensor), values))
          .write(file);
      if (!MinimumFile.read(file).state().values().equals(values)) {
        throw new IsthmusException(
            ExitCode.INTERNAL,
            "a file came back changed from " + folder + ": do not trust this disk");
      }
      return "a file written, verified and read back in " + folder.getParent();
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(folder);
    }
  }
}
