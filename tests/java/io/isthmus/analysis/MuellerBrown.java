package io.isthmus.analysis;

/** The surface of Mueller and Brown, Theor. Chim. Acta 53, 75 (1979), in plain double. */
final class MuellerBrown {
  private static final double[] HEIGHT = {-200, -100, -170, 15};
  private static final double[] XX = {-1, -1, -6.5, 0.7};
  private static final double[] XY = {0, 0, 11, 0.6};
  private static final double[] YY = {-10, -10, -6.5, 0.7};
  private static final double[] X = {1, 0, -0.5, -1};
  private static final double[] Y = {0, 0.5, 1.5, 1};

  private MuellerBrown() {}

  static double energy(double x, double y) {
    double sum = 0;
    for (int i = 0; i < 4; i++) {
      sum += term(i, x - X[i], y - Y[i]);
    }
    return sum;
  }

  static double[] gradient(double x, double y) {
    double[] gradient = new double[2];
    for (int i = 0; i < 4; i++) {
      double u = x - X[i];
      double v = y - Y[i];
      gradient[0] += term(i, u, v) * (2 * XX[i] * u + XY[i] * v);
      gradient[1] += term(i, u, v) * (XY[i] * u + 2 * YY[i] * v);
    }
    return gradient;
  }

  private static double term(int i, double u, double v) {
    return HEIGHT[i] * Math.exp(XX[i] * u * u + XY[i] * u * v + YY[i] * v * v);
  }
}
