package io.isthmus.analysis;

import java.nio.FloatBuffer;
import java.util.Optional;

/**
 * The plane through three points of parameter space, with an orthonormal basis (figure 1, left, of
 * the paper, where the points are two minima and the mean of the path between them).
 *
 * <p>The first point A is the origin, the first axis points to the second one B, the second axis
 * makes the third one M lie above the first axis:
 *
 * <pre>
 * u = (B - A) / |B - A|      v = w / |w|,  w = (M - A) - ((M - A) . u) u
 * </pre>
 *
 * All sums are taken in double, in the order of the coordinates.
 */
public final class Plane {
  /** Below this share of |B - A| the third point's distance from the line is rounding. */
  private static final double FLAT = 1e-6;

  private final FloatBuffer origin;
  private final double[] across;
  private final double[] up;
  private final double length;
  private final double thirdX;
  private final double thirdY;

  private Plane(
      FloatBuffer origin,
      double[] across,
      double[] up,
      double length,
      double thirdX,
      double thirdY) {
    this.origin = origin;
    this.across = across;
    this.up = up;
    this.length = length;
    this.thirdX = thirdX;
    this.thirdY = thirdY;
  }

  /**
   * The plane through three points; empty where they lie on one line.
   *
   * @param coordinates how many leading values of the points count: {@link
   *     io.isthmus.engine.Model#parameters()}, or {@link io.isthmus.engine.Model#size()} where
   *     batch-norm statistics are coordinates too
   */
  public static Optional<Plane> through(
      FloatBuffer first, FloatBuffer second, FloatBuffer third, int coordinates) {
    double[] across = difference(second, first, coordinates);
    double length = Vectors.norm(across);
    if (!(length > 0)) {
      return Optional.empty();
    }
    Vectors.scale(across, 1 / length);
    double[] up = difference(third, first, coordinates);
    double thirdX = Vectors.dot(up, across);
    Vectors.add(up, -thirdX, across);
    Vectors.add(up, -Vectors.dot(up, across), across); // what rounding left
    double thirdY = Vectors.norm(up);
    if (!(thirdY > FLAT * length)) {
      return Optional.empty();
    }
    Vectors.scale(up, 1 / thirdY);
    return Optional.of(new Plane(first.slice(), across, up, length, thirdX, thirdY));
  }

  /** Coordinates of the three points: the first is the origin. */
  public Place[] corners() {
    return new Place[] {new Place(0, 0, 0), new Place(length, 0, 0), new Place(thirdX, thirdY, 0)};
  }

  /** Orthogonal projection of any point, and its distance from the plane. */
  public Place project(FloatBuffer point) {
    double[] difference = difference(point, origin, across.length);
    double x = Vectors.dot(difference, across);
    double y = Vectors.dot(difference, up);
    Vectors.add(difference, -x, across);
    Vectors.add(difference, -y, up);
    return new Place(x, y, Vectors.norm(difference));
  }

  /**
   * Weights of the three points, of sum 1, that make the point of the plane at these coordinates;
   * they interpolate everything that belongs to a point, batch-norm statistics too.
   */
  public double[] weights(double x, double y) {
    double third = y / thirdY;
    double second = (x - third * thirdX) / length;
    return new double[] {1 - second - third, second, third};
  }

  /** The basis vectors: dot products of the two with themselves and with each other. */
  double[] gram() {
    return new double[] {Vectors.dot(across, across), Vectors.dot(up, up), Vectors.dot(across, up)};
  }

  private static double[] difference(FloatBuffer a, FloatBuffer b, int count) {
    double[] difference = new double[count];
    for (int i = 0; i < count; i++) {
      difference[i] = (double) a.get(a.position() + i) - b.get(b.position() + i);
    }
    return difference;
  }
}
