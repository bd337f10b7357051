package io.isthmus.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Calibration and ensembles, by hand and by plain loops. */
class CalibrationTest {

  @Test
  void four_images_by_hand() {
    double[][] p = {{0.9, 0.1}, {0.9, 0.1}, {0.3, 0.7}, {0.5, 0.5}};
    Calibration found = Calibration.of(logs(p), new int[] {0, 1, 1, 1});
    // Right: images 0 and 2; of the tie the first class counts, so image 3 is wrong.
    assertThat(found.error()).isCloseTo(0.5, within(1e-12));
    double loss = -(Math.log(0.9) + Math.log(0.1) + Math.log(0.7) + Math.log(0.5)) / 4;
    assertThat(found.loss()).isCloseTo(loss, within(1e-12));
    // 0.01 + 0.01, 0.81 + 0.81, 0.09 + 0.09, 0.25 + 0.25
    assertThat(found.brier()).isCloseTo((0.02 + 1.62 + 0.18 + 0.5) / 4, within(1e-12));
    // Bins of 1/15: 0.9 twice, half right; 0.7 right; 0.5 wrong.
    double gaps = 2 * Math.abs(0.5 - 0.9) + Math.abs(1 - 0.7) + Math.abs(0 - 0.5);
    assertThat(found.calibrationError()).isCloseTo(gaps / 4, within(1e-12));
    assertThat(found.bins().get(13).count()).isEqualTo(2);
    assertThat(found.bins().get(13).confidence()).isCloseTo(0.9, within(1e-12));
    assertThat(found.bins().get(13).accuracy()).isEqualTo(0.5);
    assertThat(found.bins().get(0).count()).isZero();
    assertThat(found.bins().get(0).accuracy()).isNaN();
  }

  @Test
  void certainty_belongs_to_the_last_bin_and_costs_nothing_when_right() {
    double[][] logs = {{0, Double.NEGATIVE_INFINITY}, {1e-7, -20}};
    Calibration found = Calibration.of(logs, new int[] {0, 0});
    assertThat(found.bins().get(14).count()).isEqualTo(2);
    assertThat(found.error()).isZero();
    assertThat(found.calibrationError()).isCloseTo(0, within(1e-6));
    assertThat(found.brier()).isCloseTo(0, within(1e-12));
  }

  @Test
  void random_predictions_agree_with_plain_loops() {
    Random random = new Random(5);
    int images = 500;
    double[][] p = new double[images][4];
    int[] labels = new int[images];
    for (int i = 0; i < images; i++) {
      double sum = 0;
      for (int k = 0; k < 4; k++) {
        p[i][k] = Math.pow(random.nextDouble(), 4);
        sum += p[i][k];
      }
      for (int k = 0; k < 4; k++) {
        p[i][k] /= sum;
      }
      labels[i] = random.nextInt(4);
    }
    Calibration found = Calibration.of(logs(p), labels);
    double calibrationError = 0;
    for (int m = 1; m <= 15; m++) {
      double inside = 0;
      double confidence = 0;
      double accuracy = 0;
      for (int i = 0; i < images; i++) {
        int best = 0;
        for (int k = 1; k < 4; k++) {
          best = p[i][k] > p[i][best] ? k : best;
        }
        if (p[i][best] > (m - 1) / 15.0 && p[i][best] <= m / 15.0) {
          inside++;
          confidence += p[i][best];
          accuracy += best == labels[i] ? 1 : 0;
        }
      }
      if (inside > 0) {
        calibrationError += inside / images * Math.abs(accuracy / inside - confidence / inside);
      }
    }
    assertThat(found.calibrationError()).isCloseTo(calibrationError, within(1e-12));
    assertThat(found.bins().stream().mapToInt(Calibration.Bin::count).sum()).isEqualTo(images);
  }

  @Test
  void an_ensemble_averages_probabilities_and_does_not_underflow() {
    float[][] one = {{(float) Math.log(0.8), (float) Math.log(0.2)}};
    float[][] other = {{(float) Math.log(0.4), (float) Math.log(0.6)}};
    double[][] mean = Ensemble.logProbabilities(List.of(one, other));
    assertThat(Math.exp(mean[0][0])).isCloseTo(0.6, within(1e-7));
    assertThat(Math.exp(mean[0][1])).isCloseTo(0.4, within(1e-7));
    double[][] tiny =
        Ensemble.logProbabilities(List.of(new float[][] {{-900}}, new float[][] {{-901}}));
    assertThat(tiny[0][0]).isCloseTo(-900 + Math.log((1 + Math.exp(-1)) / 2), within(1e-12));
  }

  @Test
  void disagreement_is_the_mean_over_pairs() {
    float[][] a = {{0, -1}, {0, -1}};
    float[][] b = {{-1, 0}, {0, -1}};
    float[][] c = {{-1, 0}, {-1, 0}};
    // a and b differ on one of two images, b and c on one, a and c on both.
    assertThat(Ensemble.disagreement(List.of(a, b, c))).isCloseTo(4 / 6.0, within(1e-12));
    assertThat(Ensemble.disagreement(java.util.Collections.singletonList(a))).isNaN();
  }

  @Test
  void subsets_are_all_there_are_or_different_ones() {
    assertThat(Subsets.of(List.of(1, 2, 4), 2, 3, 9))
        .containsExactly(List.of(1, 2), List.of(1, 4), List.of(2, 4));
    List<Integer> numbers = java.util.stream.IntStream.rangeClosed(1, 12).boxed().toList();
    List<List<Integer>> drawn = Subsets.of(numbers, 5, 20, 9);
    assertThat(drawn).hasSize(20).doesNotHaveDuplicates().isEqualTo(Subsets.of(numbers, 5, 20, 9));
    assertThat(drawn).allSatisfy(s -> assertThat(s).hasSize(5).doesNotHaveDuplicates().isSorted());
  }

  private static double[][] logs(double[][] probabilities) {
    double[][] logs = new double[probabilities.length][];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = java.util.Arrays.stream(probabilities[i]).map(Math::log).toArray();
    }
    return logs;
  }
}
