package io.isthmus.analysis;

import java.util.List;

/** Networks that predict together by the mean of their probabilities. */
public final class Ensemble {
  private Ensemble() {}

  /**
   * Logarithm of the members' mean probabilities, without underflow.
   *
   * @param members log-probabilities {@code [images][classes]} of each, at least one
   * @return {@code [images][classes]}
   */
  public static double[][] logProbabilities(List<float[][]> members) {
    int images = members.get(0).length;
    double[][] mean = new double[images][];
    for (int image = 0; image < images; image++) {
      int classes = members.get(0)[image].length;
      mean[image] = new double[classes];
      for (int k = 0; k < classes; k++) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float[][] member : members) {
          largest = Math.max(largest, member[image][k]);
        }
        double sum = 0;
        for (float[][] member : members) {
          sum += Math.exp(member[image][k] - largest);
        }
        mean[image][k] = largest + Math.log(sum / members.size());
      }
    }
    return mean;
  }

  /**
   * Share of images on which two members predict different classes, averaged over all pairs of
   * members; NaN for one member.
   *
   * @param members log-probabilities {@code [images][classes]} of each
   */
  public static double disagreement(List<float[][]> members) {
    long differences = 0;
    long compared = 0;
    for (int a = 0; a < members.size(); a++) {
      for (int b = a + 1; b < members.size(); b++) {
        for (int image = 0; image < members.get(a).length; image++) {
          int one = highest(members.get(a)[image]);
          int other = highest(members.get(b)[image]);
          differences += one == other ? 0 : 1;
          compared++;
        }
      }
    }
    return compared == 0 ? Double.NaN : (double) differences / compared;
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
