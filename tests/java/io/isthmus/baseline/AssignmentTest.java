package io.isthmus.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The linear assignment problem against all permutations. */
class AssignmentTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 7})
  void noPermutationGainsMore(int n) {
    Random random = new Random(n);
    for (int trial = 0; trial < 20; trial++) {
      double[][] gains = new double[n][n];
      for (double[] row : gains) {
        for (int j = 0; j < n; j++) {
          row[j] = trial % 2 == 0 ? random.nextGaussian() : random.nextInt(4) - 2; // with ties
        }
      }
      int[] best = Assignment.best(gains);
      assertThat(best).doesNotHaveDuplicates().hasSize(n);
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += gains[i][best[i]];
      }
      assertThat(sum).isCloseTo(highest(gains, 0, 0), within(1e-12));
    }
  }

  private static double highest(double[][] gains, int row, int taken) {
    if (row == gains.length) {
      return 0;
    }
    double highest = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < gains.length; j++) {
      if ((taken >> j & 1) == 0) {
        highest = Math.max(highest, gains[row][j] + highest(gains, row + 1, taken | 1 << j));
      }
    }
    return highest;
  }
}
