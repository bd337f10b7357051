package io.isthmus.bench;

import io.isthmus.config.Geometry;
import io.isthmus.config.Precision;
import io.isthmus.config.Tangent;
import io.isthmus.data.ImageSet;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Dataset;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Model;
import io.isthmus.engine.Neb;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import io.isthmus.engine.Sgd;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The three kinds of work through the Java API, milliseconds per call: a training step of two
 * minima, a step of a path with {@link #PIVOTS} inner pivots and two ends, and an evaluation of two
 * points on {@link #IMAGES} images.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3)
@Measurement(iterations = 10)
@Fork(3)
public class PointsBenchmark {
  static final int IMAGES = 2000;
  static final int PIVOTS = 8;
  private static final int POINTS = 2;
  private static final int BATCH = 128;

  @Param({"resnet20"})
  String spec;

  @Param({"FP32", "BF16"})
  Precision precision;

  private final Sampling sampling = new Sampling(1, BATCH, 4, true);
  private final Sgd sgd = new Sgd(0.01f, 0.9f, 1e-4f, false);
  private final Neb neb =
      new Neb(sgd, Tangent.IMPROVED, Geometry.PARAMETERS, Float.POSITIVE_INFINITY, false);
  private Engine engine;
  private Dataset dataset;
  private Model model;
  private Points minima;
  private Points path;
  private long step;

  @Setup(Level.Trial)
  public void open() {
    engine = Engine.open(Backend.CPU, 0, 0);
    Random random = new Random(1);
    byte[] pixels = new byte[IMAGES * 3 * 32 * 32];
    random.nextBytes(pixels);
    int[] labels = random.ints(IMAGES, 0, 10).toArray();
    var images = new ImageSet("noise", IMAGES, 3, 32, 32, 10, pixels, labels);
    float[] half = {0.5f, 0.5f, 0.5f};
    dataset = Dataset.create(engine, images, half, half);
    model = Model.create(engine, spec, 3, 32, 32, 10, precision);
    minima = Points.create(model, POINTS);
    path = Points.create(model, PIVOTS + 2);
    for (int i = 0; i < POINTS; i++) {
      minima.initialise(i, i);
    }
    for (int i = 0; i < path.count(); i++) {
      double fraction = i / (PIVOTS + 1.0);
      path.combine(i, minima, new int[] {0, 1}, new double[] {1 - fraction, fraction});
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    path.close();
    minima.close();
    model.close();
    dataset.close();
    engine.close();
  }

  @Benchmark
  public float[][] train() {
    return minima.descend(dataset, sampling, streams(POINTS), sgd, step++, 1);
  }

  @Benchmark
  public float[][] relax() {
    float[] spacing = new float[PIVOTS + 1];
    java.util.Arrays.fill(spacing, 1);
    return path.relax(dataset, sampling, streams(PIVOTS + 2), neb, spacing, step++, 1);
  }

  @Benchmark
  public Metrics[] evaluate() {
    return minima.evaluate(dataset);
  }

  private static long[] streams(int n) {
    return LongStream.range(0, n).toArray();
  }
}
