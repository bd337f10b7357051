package io.isthmus.cli;

import io.isthmus.config.Geometry;
import io.isthmus.config.Precision;
import io.isthmus.config.Tangent;
import io.isthmus.engine.Dataset;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Model;
import io.isthmus.engine.Neb;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import io.isthmus.engine.Sgd;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares a device with the CPU: small networks, which together have every op, on the same points
 * and the same batches, through everything that an engine is asked for.
 */
final class AgreementCheck {
  /** Networks that together have every op and activation. */
  static final List<String> NETWORKS =
      List.of(
          "mlp-9:activation=tanh",
          "mlp-9-7:activation=sigmoid,batchnorm=1",
          "cnn-4-6:batchnorm=1,dense=8",
          "resnet8:width=4",
          "resnet8:shortcut=B,width=8",
          "densenet10-4",
          "densenet16-4-bc");

  private static final int POINTS = 3;
  private static final int BATCH = 8;
  private static final int STEPS = 2;
  private static final long SEED = 20180302;
  private static final long[] STREAMS = {1, 2, 3};
  private static final Sgd SGD = new Sgd(0.05f, 0.9f, 1e-3f, false);

  private AgreementCheck() {}

  /**
   * Everything that {@code engine} makes of one network, by name: losses, gradients, statistics,
   * predictions and what training steps and path steps add to the points.
   */
  static Map<String, float[]> results(Engine engine, String network, Precision precision) {
    Map<String, float[]> results = new LinkedHashMap<>();
    try (Dataset data = SelfCheck.images(engine);
        Model model = SelfCheck.model(engine, network, precision);
        Points points = Points.create(model, POINTS);
        Points start = Points.create(model, POINTS)) {
      for (int i = 0; i < POINTS; i++) {
        start.initialise(i, SEED + i);
        points.copy(i, start, i);
      }
      Sampling sampling = new Sampling(SEED, BATCH, 1, true);
      results.put("losses of a batch", points.gradient(data, sampling, STREAMS, 0));
      for (int i = 0; i < POINTS; i++) {
        results.put("gradient of point " + (i + 1), points.readGradient(i));
      }
      if (model.statistics() > 0) {
        results.put("statistics after a batch", added(start, points));
        points.recomputeStatistics(data, sampling, STREAMS, STEPS);
        results.put("recomputed statistics", added(start, points));
      }
      results.put("losses of the data set", losses(points.evaluate(data)));
      results.put("predictions", flat(points.predict(1, data)));
      results.put(
          "losses of training", flat(points.descend(data, sampling, STREAMS, SGD, 0, STEPS)));
      results.put("training steps", added(start, points));
      for (int i = 0; i < POINTS; i++) {
        points.copy(i, start, i);
      }
      Neb string =
          new Neb(SGD, Tangent.IMPROVED, Geometry.PARAMETERS, Float.POSITIVE_INFINITY, false);
      float[] spacing = {1, 2};
      results.put(
          "losses of a path",
          flat(points.relax(data, sampling, STREAMS, string, spacing, 0, STEPS)));
      results.put("path steps", added(start, points));
    }
    return results;
  }

  /** How far each result is from the exact one, relative to it; infinite where it is no number. */
  static Map<String, Double> distances(Map<String, float[]> results, Map<String, float[]> exact) {
    Map<String, Double> distances = new LinkedHashMap<>();
    exact.forEach((name, values) -> distances.put(name, relative(results.get(name), values)));
    return distances;
  }

  private static double relative(float[] some, float[] exact) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < exact.length; i++) {
      difference += Math.pow((double) some[i] - exact[i], 2);
      size += Math.pow(exact[i], 2);
    }
    double distance = Math.sqrt(difference / Math.max(size, Float.MIN_NORMAL));
    return Double.isNaN(distance) ? Double.POSITIVE_INFINITY : distance;
  }

  /** What all points have more than at the start, in one array. */
  private static float[] added(Points start, Points points) {
    int size = Math.toIntExact(points.model().size());
    float[] added = new float[POINTS * size];
    for (int i = 0; i < POINTS; i++) {
      FloatBuffer before = start.read(i);
      FloatBuffer after = points.read(i);
      for (int k = 0; k < size; k++) {
        added[i * size + k] = after.get(k) - before.get(k);
      }
    }
    return added;
  }

  private static float[] losses(Metrics[] metrics) {
    float[] losses = new float[metrics.length];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = (float) metrics[i].loss();
    }
    return losses;
  }

  private static float[] flat(float[][] rows) {
    float[] values = new float[rows.length * rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, values, i * rows[0].length, rows[0].length);
    }
    return values;
  }
}
