package io.isthmus.bench;

import io.isthmus.config.Geometry;
import io.isthmus.config.Precision;
import io.isthmus.config.Tangent;
import io.isthmus.data.ImageSet;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Dataset;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Model;
import io.isthmus.engine.Neb;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import io.isthmus.engine.Sgd;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a path step costs in Java: the same call as {@link PointsBenchmark#relax}, with as many
 * points, on a network so small that next to nothing is left to compute. The little that is left
 * counts as Java's, so this is a bound from above.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 7, time = 1)
@Fork(3)
public class BoundaryBenchmark {
  private static final int POINTS = PointsBenchmark.PIVOTS + 2;

  private final Sampling sampling = new Sampling(1, 1, 0, false);
  private final Neb neb =
      new Neb(
          new Sgd(0, 0.9f, 0, false),
          Tangent.IMPROVED,
          Geometry.PARAMETERS,
          Float.POSITIVE_INFINITY,
          false);
  private Engine engine;
  private Dataset dataset;
  private Model model;
  private Points path;
  private long step;

  @Setup(Level.Trial)
  public void open() {
    engine = Engine.open(Backend.CPU, 0, 1);
    var images = new ImageSet("pixels", 2, 1, 1, 1, 2, new byte[] {0, 1}, new int[] {0, 1});
    dataset = Dataset.create(engine, images, new float[] {0.5f}, new float[] {0.5f});
    model = Model.create(engine, "mlp", 1, 1, 1, 2, Precision.FP32);
    path = Points.create(model, POINTS);
    for (int i = 0; i < POINTS; i++) {
      path.initialise(i, i);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    path.close();
    model.close();
    dataset.close();
    engine.close();
  }

  @Benchmark
  public float[][] relax() {
    float[] spacing = new float[POINTS - 1];
    Arrays.fill(spacing, 1);
    long[] streams = LongStream.range(0, POINTS).toArray();
    return path.relax(dataset, sampling, streams, neb, spacing, step++, 1);
  }
}
