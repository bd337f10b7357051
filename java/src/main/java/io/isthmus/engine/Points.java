package io.isthmus.engine;

import static io.isthmus.engine.c.IsthmusApi.IST_GEOMETRY_ALL;
import static io.isthmus.engine.c.IsthmusApi.IST_GEOMETRY_PARAMETERS;
import static io.isthmus.engine.c.IsthmusApi.IST_TANGENT_IMPROVED;
import static io.isthmus.engine.c.IsthmusApi.IST_TANGENT_OFFICIAL;
import static io.isthmus.engine.c.IsthmusApi.IST_TANGENT_UPWIND;
import static io.isthmus.engine.c.IsthmusApi.ist_points_combine;
import static io.isthmus.engine.c.IsthmusApi.ist_points_create;
import static io.isthmus.engine.c.IsthmusApi.ist_points_descend;
import static io.isthmus.engine.c.IsthmusApi.ist_points_distance;
import static io.isthmus.engine.c.IsthmusApi.ist_points_evaluate;
import static io.isthmus.engine.c.IsthmusApi.ist_points_gradient;
import static io.isthmus.engine.c.IsthmusApi.ist_points_initialise;
import static io.isthmus.engine.c.IsthmusApi.ist_points_predict;
import static io.isthmus.engine.c.IsthmusApi.ist_points_read;
import static io.isthmus.engine.c.IsthmusApi.ist_points_read_gradient;
import static io.isthmus.engine.c.IsthmusApi.ist_points_read_momentum;
import static io.isthmus.engine.c.IsthmusApi.ist_points_recompute_statistics;
import static io.isthmus.engine.c.IsthmusApi.ist_points_relax;
import static io.isthmus.engine.c.IsthmusApi.ist_points_respace;
import static io.isthmus.engine.c.IsthmusApi.ist_points_write;
import static io.isthmus.engine.c.IsthmusApi.ist_points_write_momentum;

import io.isthmus.config.Geometry;
import io.isthmus.config.Tangent;
import io.isthmus.engine.c.IsthmusApi;
import io.isthmus.engine.c.ist_dataset;
import io.isthmus.engine.c.ist_metrics;
import io.isthmus.engine.c.ist_neb;
import io.isthmus.engine.c.ist_points;
import io.isthmus.engine.c.ist_sampling;
import io.isthmus.engine.c.ist_sgd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * n parameter vectors of one model on the device: minima being trained, the pivots of a path, or
 * samples to be evaluated.
 *
 * <p>A point is {@link Model#size()} float32 values, parameters first, then batch-norm statistics,
 * in the order of {@link Model#tensors()}. New points are all zeros. Wherever a data set, a
 * sampling and streams are asked for, they are null for a surface and required for a network;
 * {@code streams} has one entry per point and says which draws the point sees. Losses are means
 * over a mini-batch, taken before the step that follows.
 */
public final class Points implements AutoCloseable {
  private final NativeHandle<ist_points> handle;
  private final Model model;
  private final int count;

  private Points(ist_points pointer, Model model, int count) {
    handle = new NativeHandle<>("Points", pointer, IsthmusApi::ist_points_destroy);
    this.model = model;
    this.count = count;
  }

  /**
   * Makes n points of zeros.
   *
   * @throws EngineException if memory is short
   */
  public static Points create(Model model, int n) {
    ist_points out = new ist_points();
    NativeHandle.check(ist_points_create(model.pointer(), n, out));
    return new Points(out, model, n);
  }

  /** Number of points. */
  public int count() {
    return count;
  }

  /** The model they belong to. */
  public Model model() {
    return model;
  }

  /** A direct buffer for one point of {@code model}: {@link Model#size()} floats, zero. */
  public static FloatBuffer allocate(Model model) {
    return ByteBuffer.allocateDirect(Math.toIntExact(Math.multiplyExact(model.size(), Float.BYTES)))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  // --- values -------------------------------------------------------------------------------

  /** He initialisation of convolutions, PyTorch's default for linear layers, batch norm 1 and 0. */
  public void initialise(int index, long seed) {
    NativeHandle.check(ist_points_initialise(pointer(), index, seed));
  }

  /** Sets a point from a direct buffer and clears its momentum; the buffer's position stays. */
  public void write(int index, FloatBuffer values) {
    NativeHandle.check(ist_points_write(pointer(), index, point(values)));
  }

  /** A point's values in a fresh direct buffer. */
  public FloatBuffer read(int index) {
    FloatBuffer out = allocate(model);
    read(index, out);
    return out;
  }

  /** Copies a point's values into a direct buffer; the buffer's position stays. */
  public void read(int index, FloatBuffer out) {
    NativeHandle.check(ist_points_read(pointer(), index, point(out)));
  }

  /** Sets the optimiser's momentum of a point from a direct buffer. */
  public void writeMomentum(int index, FloatBuffer values) {
    NativeHandle.check(ist_points_write_momentum(pointer(), index, point(values)));
  }

  /** The optimiser's momentum of a point in a fresh direct buffer; zeros before the first step. */
  public FloatBuffer readMomentum(int index) {
    FloatBuffer out = allocate(model);
    readMomentum(index, out);
    return out;
  }

  /** Copies the optimiser's momentum of a point into a direct buffer. */
  public void readMomentum(int index, FloatBuffer out) {
    NativeHandle.check(ist_points_read_momentum(pointer(), index, point(out)));
  }

  /**
   * Sets a point to the sum of {@code weights[k] * source[indices[k]]}, parameters and statistics
   * alike, summed in double; one term of weight 1 copies the bits. Clears the point's momentum.
   */
  public void combine(int index, Points source, int[] indices, double[] weights) {
    Lengths.check("weights", weights.length, indices.length);
    NativeHandle.check(
        ist_points_combine(pointer(), index, source.pointer(), indices.length, indices, weights));
  }

  /** Copies the bits of a point of {@code source} and clears the momentum. */
  public void copy(int index, Points source, int sourceIndex) {
    combine(index, source, new int[] {sourceIndex}, new double[] {1});
  }

  /** Euclidean distance of two points. */
  public double distance(int a, int b, Geometry geometry) {
    double[] out = new double[1];
    NativeHandle.check(ist_points_distance(pointer(), a, b, code(geometry), out));
    return out[0];
  }

  // --- training -----------------------------------------------------------------------------

  /**
   * Gradient of the mini-batch loss at every point, without weight decay; statistics are updated as
   * in a training step. {@link #readGradient} fetches it.
   *
   * @return {@code [count]} losses
   */
  public float[] gradient(Dataset dataset, Sampling sampling, long[] streams, long step) {
    checkStreams(streams);
    float[] losses = new float[count];
    try (ist_sampling s = struct(sampling)) {
      NativeHandle.check(
          ist_points_gradient(pointer(), pointer(dataset), s, streams, step, losses));
    }
    return losses;
  }

  /** The gradient left by the last call that computed one: {@link Model#parameters()} floats. */
  public float[] readGradient(int index) {
    float[] out = new float[Math.toIntExact(model.parameters())];
    NativeHandle.check(ist_points_read_gradient(pointer(), index, out));
    return out;
  }

  /**
   * Trains every point on its own batches.
   *
   * @param firstStep number of the first step, which decides the draws
   * @param steps how many
   * @return losses {@code [steps][count]}
   */
  public float[][] descend(
      Dataset dataset, Sampling sampling, long[] streams, Sgd sgd, long firstStep, int steps) {
    checkStreams(streams);
    float[] losses = losses(steps);
    try (ist_sampling s = struct(sampling);
        ist_sgd optimiser = fill(new ist_sgd(), sgd)) {
      NativeHandle.check(
          ist_points_descend(
              pointer(), pointer(dataset), s, streams, optimiser, firstStep, steps, losses));
    }
    return rows(losses, steps);
  }

  /**
   * Relaxes the path from point 0 to point count-1 (at least 3 points); both ends keep every bit.
   *
   * @param spacing {@code [count - 1]} target weights of the gaps, above 0, of which only the
   *     ratios count; ignored, and may be null, with a finite spring
   * @return losses {@code [steps][count]}, ends included
   */
  public float[][] relax(
      Dataset dataset,
      Sampling sampling,
      long[] streams,
      Neb neb,
      float[] spacing,
      long firstStep,
      int steps) {
    checkStreams(streams);
    if (spacing != null) {
      checkSpacing(spacing);
    }
    float[] losses = losses(steps);
    try (ist_sampling s = struct(sampling);
        ist_neb n = struct(neb)) {
      NativeHandle.check(
          ist_points_relax(
              pointer(), pointer(dataset), s, streams, n, spacing, firstStep, steps, losses));
    }
    return rows(losses, steps);
  }

  /** Puts the inner pivots at their target spacing along the present polyline; ends stay. */
  public void respace(Geometry geometry, float[] spacing) {
    checkSpacing(spacing);
    NativeHandle.check(ist_points_respace(pointer(), code(geometry), spacing));
  }

  // --- evaluation ---------------------------------------------------------------------------

  /**
   * Replaces the statistics of every point by the average of batch means and unbiased variances
   * over {@code batches} batches, steps 0 .. batches-1 of its stream.
   */
  public void recomputeStatistics(Dataset dataset, Sampling sampling, long[] streams, int batches) {
    checkStreams(streams);
    try (ist_sampling s = struct(sampling)) {
      NativeHandle.check(
          ist_points_recompute_statistics(pointer(), pointer(dataset), s, streams, batches));
    }
  }

  /** Loss and error of every point over the whole data set, in inference mode, no augmentation. */
  public Metrics[] evaluate(Dataset dataset) {
    Metrics[] metrics = new Metrics[count];
    try (ist_metrics out = new ist_metrics(count)) {
      NativeHandle.check(ist_points_evaluate(pointer(), pointer(dataset), out));
      for (int i = 0; i < count; i++) {
        out.position(i);
        metrics[i] = new Metrics(out.loss(), out.error());
      }
    }
    return metrics;
  }

  /** Log-probabilities {@code [images][classes]} of one point over the whole data set. */
  public float[][] predict(int index, Dataset dataset) {
    int classes = dataset.classes();
    float[] out = new float[Math.multiplyExact(dataset.count(), classes)];
    NativeHandle.check(ist_points_predict(pointer(), index, dataset.pointer(), out));
    float[][] rows = new float[dataset.count()][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Arrays.copyOfRange(out, i * classes, (i + 1) * classes);
    }
    return rows;
  }

  @Override
  public void close() {
    handle.close();
  }

  // --- crossing the boundary ----------------------------------------------------------------

  private ist_points pointer() {
    return handle.pointer();
  }

  private static ist_dataset pointer(Dataset dataset) {
    return dataset == null ? null : dataset.pointer();
  }

  private FloatBuffer point(FloatBuffer values) {
    if (!values.isDirect() || values.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException("a point crosses in a direct buffer of native byte order");
    }
    Lengths.check("the buffer of a point", values.remaining(), model.size());
    return values;
  }

  private void checkStreams(long[] streams) {
    if (streams != null) {
      Lengths.check("streams", streams.length, count);
    }
  }

  private void checkSpacing(float[] spacing) {
    Lengths.check("spacing", spacing.length, count - 1);
  }

  private float[] losses(int steps) {
    return new float[Math.multiplyExact(Math.max(0, steps), count)];
  }

  private float[][] rows(float[] losses, int steps) {
    float[][] rows = new float[steps][];
    for (int i = 0; i < steps; i++) {
      rows[i] = Arrays.copyOfRange(losses, i * count, (i + 1) * count);
    }
    return rows;
  }

  private static ist_sampling struct(Sampling sampling) {
    return sampling == null
        ? null
        : new ist_sampling()
            .seed(sampling.seed())
            .batch_size(sampling.batch())
            .crop_padding(sampling.cropPadding())
            .flip(sampling.flip() ? 1 : 0);
  }

  private static ist_sgd fill(ist_sgd struct, Sgd sgd) {
    return struct
        .learning_rate(sgd.learningRate())
        .momentum(sgd.momentum())
        .weight_decay(sgd.weightDecay())
        .nesterov(sgd.nesterov() ? 1 : 0);
  }

  private static ist_neb struct(Neb neb) {
    ist_neb struct =
        new ist_neb()
            .tangent(code(neb.tangent()))
            .geometry(code(neb.geometry()))
            .spring(neb.spring())
            .climbing(neb.climbing() ? 1 : 0);
    fill(struct.sgd(), neb.sgd());
    return struct;
  }

  private static int code(Tangent tangent) {
    return switch (tangent) {
      case UPWIND -> IST_TANGENT_UPWIND;
      case IMPROVED -> IST_TANGENT_IMPROVED;
      case OFFICIAL -> IST_TANGENT_OFFICIAL;
    };
  }

  private static int code(Geometry geometry) {
    return switch (geometry) {
      case PARAMETERS -> IST_GEOMETRY_PARAMETERS;
      case ALL -> IST_GEOMETRY_ALL;
    };
  }
}
