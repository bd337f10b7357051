package io.isthmus.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Which images a network gets wrong. */
class MistakesTest {
  @Test
  void theMostProbableClassIsThePredictionAndOfEqualOnesTheFirst() {
    float[][] logProbabilities = {
      {-0.1f, -3f, -4f}, // 0, right
      {-3f, -0.2f, -2f}, // 1, wrong
      {-1.1f, -1.1f, -1.1f}, // 0, right
      {-1.1f, -1.1f, -1.1f}, // 0, wrong
      {Float.NEGATIVE_INFINITY, -9f, 0f} // 2, right
    };
    assertThat(Mistakes.of(logProbabilities, new int[] {0, 2, 0, 1, 2})).containsExactly(1, 3);
  }
}
