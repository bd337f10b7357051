package io.isthmus.analysis;

/** Vectors of double, summed from the first entry to the last. */
final class Vectors {
  private Vectors() {}

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  static double norm(double[] a) {
    return Math.sqrt(dot(a, a));
  }

  /** {@code a += factor * b}. */
  static void add(double[] a, double factor, double[] b) {
    for (int i = 0; i < a.length; i++) {
      a[i] += factor * b[i];
    }
  }

  static void scale(double[] a, double factor) {
    for (int i = 0; i < a.length; i++) {
      a[i] *= factor;
    }
  }

  /** Leaves of {@code a} what is across {@code unit}, which has length 1. */
  static void removeComponent(double[] a, double[] unit) {
    add(a, -dot(a, unit), unit);
  }

  /** Scales {@code a} to length 1 and returns it. */
  static double[] normalised(double[] a) {
    scale(a, 1 / norm(a));
    return a;
  }

  /** Length of {@code a - factor * b}. */
  static double distance(double[] a, double factor, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = a[i] - factor * b[i];
      sum += difference * difference;
    }
    return Math.sqrt(sum);
  }
}
