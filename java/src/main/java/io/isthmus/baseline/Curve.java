package io.isthmus.baseline;

/**
 * A curve between two minima as a weighted sum of its control points: phi(t) = sum of weights(t) *
 * control points, t from 0 at the first minimum to 1 at the second (Garipov et al. 2018, section
 * 3.2).
 */
public enum Curve {
  /** Two control points, the minima: (1 - t, t). */
  LINE {
    @Override
    public double[] weights(double t) {
      return new double[] {1 - t, t};
    }

    @Override
    double[] slopes(double t) {
      return new double[] {-1, 1};
    }
  },

  /** A polygonal chain with one bend, reached at t = 1/2. */
  POLYCHAIN {
    @Override
    public double[] weights(double t) {
      return t <= 0.5 ? new double[] {1 - 2 * t, 2 * t, 0} : new double[] {0, 2 - 2 * t, 2 * t - 1};
    }

    @Override
    double[] slopes(double t) {
      return t <= 0.5 ? new double[] {-2, 2, 0} : new double[] {0, -2, 2};
    }
  },

  /** A quadratic Bezier curve: ((1 - t)^2, 2 t (1 - t), t^2). Its bend does not lie on it. */
  BEZIER {
    @Override
    public double[] weights(double t) {
      return new double[] {(1 - t) * (1 - t), 2 * t * (1 - t), t * t};
    }

    @Override
    double[] slopes(double t) {
      return new double[] {-2 * (1 - t), 2 - 4 * t, 2 * t};
    }
  };

  /** Nodes and weights of Gauss-Legendre quadrature of order 5 on -1..1. */
  private static final double[][] GAUSS = {
    {0, 128 / 225.0},
    {Math.sqrt(5 - 2 * Math.sqrt(10 / 7.0)) / 3, (322 + 13 * Math.sqrt(70)) / 900},
    {-Math.sqrt(5 - 2 * Math.sqrt(10 / 7.0)) / 3, (322 + 13 * Math.sqrt(70)) / 900},
    {Math.sqrt(5 + 2 * Math.sqrt(10 / 7.0)) / 3, (322 - 13 * Math.sqrt(70)) / 900},
    {-Math.sqrt(5 + 2 * Math.sqrt(10 / 7.0)) / 3, (322 - 13 * Math.sqrt(70)) / 900}
  };

  /** Weights of the control points at t: first minimum, bend if there is one, second minimum. */
  public abstract double[] weights(double t);

  /** Derivatives of {@link #weights}; at a kink those from the left. */
  abstract double[] slopes(double t);

  /** Number of control points, ends included. */
  public int controls() {
    return weights(0).length;
  }

  /** Whether there is a control point to be trained. */
  public boolean hasBend() {
    return controls() == 3;
  }

  /**
   * How many equal intervals of t a profile has that asks for {@code wanted}: so many, or one more
   * where a kink must fall on a sample.
   */
  int intervals(int wanted) {
    return this == POLYCHAIN ? wanted + wanted % 2 : wanted;
  }

  /**
   * Arc length from t = 0 at every {@code k / intervals}.
   *
   * @param first distance of first minimum and bend; of a line not used
   * @param second distance of bend and second minimum; of a line not used
   * @param straight distance of the minima
   * @return {@code [intervals + 1]}
   */
  double[] lengths(int intervals, double first, double second, double straight) {
    double[] lengths = new double[intervals + 1];
    for (int k = 0; k < intervals; k++) {
      double integral = 0;
      for (double[] node : GAUSS) {
        double t = (k + 0.5 + 0.5 * node[0]) / intervals;
        integral += node[1] * speed(t, first, second, straight);
      }
      lengths[k + 1] = lengths[k] + integral / (2 * intervals);
    }
    return lengths;
  }

  /**
   * |phi'(t)|. The slopes sum to 0, so phi' = -w0' (bend - first) + w2' (second - bend), and the
   * scalar product of the two differences follows from the three distances.
   */
  private double speed(double t, double first, double second, double straight) {
    if (!hasBend()) {
      return straight;
    }
    double[] slopes = slopes(t);
    double a = -slopes[0];
    double b = slopes[2];
    double product = (straight * straight - first * first - second * second) / 2;
    double square = a * a * first * first + b * b * second * second + 2 * a * b * product;
    return Math.sqrt(Math.max(0, square));
  }
}
