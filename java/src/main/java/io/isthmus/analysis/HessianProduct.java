package io.isthmus.analysis;

import io.isthmus.engine.Dataset;
import io.isthmus.engine.Model;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import io.isthmus.engine.Seeds;
import io.isthmus.neb.Objective;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * The Hessian of the training loss at one point, as products with vectors: the central difference
 * of the gradient along the vector,
 *
 * <pre>H v = (g(x + h v) - g(x - h v)) / 2h,   h |v| = STEP max(1, |x|)</pre>
 *
 * <p>The loss is the one that AutoNEB climbs, without augmentation: the mean over a fixed set of
 * mini-batches of the loss in training mode, so that batch norm uses the statistics of each batch.
 * The batches are steps 0, 1, ... of a stream that depends on the experiment's seed alone, the same
 * for every point. A surface has neither images nor batches.
 *
 * <p>Gradients are float32 and both points are computed side by side; differences are summed over
 * the batches in double. What that costs in accuracy is seen by comparing two steps, see {@link
 * #times(double[], double)}.
 *
 * <p>The difference is the Hessian's mean over the stretch from x - h v to x + h v. With ReLU the
 * gradient jumps wherever a unit of one image switches, so the Hessian is a smooth part and kinks
 * of no width; the mean holds both, and is linear in v only as far as the stretch holds many kinks.
 * On the demo's ResNet-8 (19,074 parameters, 1,024 images) products of a random unit vector by two
 * steps differ by 0.0007 at a step of 0.05, 0.002 at 0.003, 0.007 at 0.0004 (the highest eigenvalue
 * is 0.09), because fewer kinks weigh more each; along the highest eigenvector the mean is 0.43,
 * 0.13 and 0.085 at steps of 0.025, 0.003 and 0.0004. STEP lies between. Rounding shows below 3e-6.
 * Networks without kinks have no such trouble.
 *
 * <p>In front of a batch norm the loss does not depend on the length of a filter, which makes
 * eigenvalues that are zero at a stationary point.
 */
public final class HessianProduct implements SymmetricOperator, AutoCloseable {
  /** Length of the step as a share of the point's own length, or of 1 if that is longer. */
  public static final double STEP = 2e-3;

  private final Dataset dataset;
  private final Sampling sampling;
  private final int batches;
  private final double weightDecay;
  private final int size;
  private final Points places;
  private final Points pair;
  private final FloatBuffer values;
  private final FloatBuffer direction;
  private final double length;
  private final long[] streams;

  /**
   * Prepares products at a point.
   *
   * @param objective in fp32
   * @param point parameters and statistics, of which the latter do not matter
   * @param sample mini-batches; ignored by a surface
   * @param seed root seed of the experiment
   * @param weightDecay adds this much to every eigenvalue, as L2 regularisation of that weight does
   */
  public HessianProduct(
      Objective objective, FloatBuffer point, BatchSample sample, long seed, double weightDecay) {
    Model model = objective.model();
    this.dataset = objective.train();
    this.sampling = objective.isSurface() ? null : new Sampling(seed, sample.batch(), 0, false);
    this.batches = objective.isSurface() ? 1 : sample.batches();
    this.weightDecay = weightDecay;
    this.size = Math.toIntExact(model.parameters());
    this.values = point.duplicate();
    this.direction = Points.allocate(model);
    this.length = length(values, size);
    this.streams = objective.isSurface() ? null : new long[2];
    if (streams != null) {
      Arrays.fill(streams, Seeds.derive(seed, "hessian", "", "batches"));
    }
    this.places = Points.create(model, 2);
    this.pair = Points.create(model, 2);
    places.write(0, values);
  }

  /** Number of trainable parameters. */
  @Override
  public int size() {
    return size;
  }

  @Override
  public double[] times(double[] vector) {
    return times(vector, STEP);
  }

  /**
   * The product with a step of another length; products by two steps differ by about the error of
   * the less exact one.
   *
   * @param vector {@code [size]}
   * @param step as {@link #STEP}, above 0
   */
  public double[] times(double[] vector, double step) {
    double norm = Vectors.norm(vector);
    double[] product = new double[size];
    if (norm == 0) {
      return product;
    }
    for (int i = 0; i < size; i++) {
      direction.put(i, (float) (vector[i] / norm));
    }
    places.write(1, direction);
    double h = step * Math.max(1, length);
    pair.combine(0, places, new int[] {0, 1}, new double[] {1, h});
    pair.combine(1, places, new int[] {0, 1}, new double[] {1, -h});
    for (int batch = 0; batch < batches; batch++) {
      pair.gradient(dataset, sampling, streams, batch);
      float[] up = pair.readGradient(0);
      float[] down = pair.readGradient(1);
      for (int i = 0; i < size; i++) {
        product[i] += (double) up[i] - down[i];
      }
    }
    double scale = norm / (2 * h * batches);
    for (int i = 0; i < size; i++) {
      product[i] = product[i] * scale + weightDecay * vector[i];
    }
    return product;
  }

  /** Loss and gradient at the point itself, over the same mini-batches. */
  public Slope slope() {
    pair.copy(0, places, 0);
    pair.copy(1, places, 0);
    double[] gradient = new double[size];
    double loss = 0;
    for (int batch = 0; batch < batches; batch++) {
      loss += pair.gradient(dataset, sampling, streams, batch)[0];
      float[] here = pair.readGradient(0);
      for (int i = 0; i < size; i++) {
        gradient[i] += here[i];
      }
    }
    double squares = 0;
    for (int i = 0; i < size; i++) {
      double value = values.get(values.position() + i);
      gradient[i] = gradient[i] / batches + weightDecay * value;
      squares += value * value;
    }
    return new Slope(loss / batches + weightDecay / 2 * squares, gradient);
  }

  /**
   * First-order quantities of a point.
   *
   * @param loss mean over the mini-batches in training mode, with weight decay if there is any
   * @param gradient {@code [size]}, of that loss
   */
  public record Slope(double loss, double[] gradient) {}

  @Override
  public void close() {
    pair.close();
    places.close();
  }

  private static double length(FloatBuffer values, int size) {
    double squares = 0;
    for (int i = 0; i < size; i++) {
      double value = values.get(values.position() + i);
      squares += value * value;
    }
    return Math.sqrt(squares);
  }
}
