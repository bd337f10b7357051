package io.isthmus.analysis;

import java.util.List;
import java.util.stream.IntStream;

/**
 * How good a classifier's probabilities are on a set of labelled images.
 *
 * @param error share of images whose most probable class is not their label, 0..1
 * @param loss negative log-likelihood: mean over images of {@code -log p(label)}, in nats
 * @param brier mean over images of the squared distance of the probabilities from the label's
 *     indicator, {@code sum over classes of (p - y)^2}, 0..2 (Brier 1950)
 * @param calibrationError expected calibration error: mean over images of the gap between a bin's
 *     accuracy and its mean confidence, 0..1 (Guo et al. 2017, equation 3)
 * @param bins the bins of confidence, from low to high
 */
public record Calibration(
    double error, double loss, double brier, double calibrationError, List<Bin> bins) {
  /** Number of equal bins of confidence, as in Guo et al. 2017. */
  public static final int BINS = 15;

  /** Makes the list unmodifiable. */
  public Calibration {
    bins = List.copyOf(bins);
  }

  /**
   * Images whose confidence, the probability of their most probable class, lies in {@code ((m - 1)
   * / BINS, m / BINS]}.
   *
   * @param count how many
   * @param confidence mean confidence, NaN without images
   * @param accuracy share whose most probable class is right, NaN without images
   */
  public record Bin(int count, double confidence, double accuracy) {}

  /**
   * Judges predictions.
   *
   * @param logProbabilities {@code [images][classes]}, at least one image; of equally probable
   *     classes the first counts
   * @param labels {@code [images]}
   */
  public static Calibration of(double[][] logProbabilities, int[] labels) {
    int[] counts = new int[BINS];
    double[] confidences = new double[BINS];
    int[] right = new int[BINS];
    double loss = 0;
    double brier = 0;
    for (int image = 0; image < labels.length; image++) {
      double[] row = logProbabilities[image];
      int predicted = highest(row);
      double confidence = Math.exp(row[predicted]);
      int bin = Math.max(0, Math.min(BINS - 1, (int) Math.ceil(confidence * BINS) - 1));
      counts[bin]++;
      confidences[bin] += confidence;
      right[bin] += predicted == labels[image] ? 1 : 0;
      loss -= row[labels[image]];
      for (int k = 0; k < row.length; k++) {
        double difference = Math.exp(row[k]) - (k == labels[image] ? 1 : 0);
        brier += difference * difference;
      }
    }
    double gaps = 0;
    for (int bin = 0; bin < BINS; bin++) {
      gaps += Math.abs(right[bin] - confidences[bin]);
    }
    int n = labels.length;
    List<Bin> bins =
        IntStream.range(0, BINS)
            .mapToObj(
                b -> new Bin(counts[b], confidences[b] / counts[b], (double) right[b] / counts[b]))
            .toList();
    double accuracy = (double) IntStream.of(right).sum() / n;
    return new Calibration(1 - accuracy, loss / n, brier / n, gaps / n, bins);
  }

  /** Index of the largest value, of equal ones the first. */
  static int highest(double[] values) {
    int highest = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[highest]) {
        highest = i;
      }
    }
    return highest;
  }
}
