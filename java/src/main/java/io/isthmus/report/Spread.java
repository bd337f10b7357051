package io.isthmus.report;

import java.util.Arrays;

/**
 * Mean and standard deviation of a few results.
 *
 * @param count how many there are
 * @param mean NaN when there is none
 * @param deviation of the sample (divided by count - 1); NaN when there are fewer than two
 */
record Spread(int count, double mean, double deviation) {
  static Spread of(double[] values) {
    double mean = Arrays.stream(values).average().orElse(Double.NaN);
    double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
    double deviation = values.length < 2 ? Double.NaN : Math.sqrt(squares / (values.length - 1));
    return new Spread(values.length, mean, deviation);
  }

  /** Standard error of the mean; NaN when there are fewer than two. */
  double error() {
    return deviation / Math.sqrt(count);
  }
}
