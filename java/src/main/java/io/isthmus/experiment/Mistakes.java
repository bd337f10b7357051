package io.isthmus.experiment;

import java.util.stream.IntStream;

/** Which images a network gets wrong. */
final class Mistakes {
  private Mistakes() {}

  /**
   * Indices of the images whose label is not the one predicted, rising.
   *
   * @param logProbabilities {@code [images][classes]}; of equally probable classes the first counts
   * @param labels {@code [images]}
   */
  static int[] of(float[][] logProbabilities, int[] labels) {
    return IntStream.range(0, labels.length)
        .filter(image -> highest(logProbabilities[image]) != labels[image])
        .toArray();
  }

  private static int highest(float[] values) {
    int highest = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[highest]) {
        highest = i;
      }
    }
    return highest;
  }
}
