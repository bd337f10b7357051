package io.isthmus.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Curves in the plane, measured with a ruler. */
class CurveTest {
  private static final double[][] CONTROLS = {{0, 0}, {1, 3}, {4, -1}};

  @ParameterizedTest
  @EnumSource(Curve.class)
  void beginsAndEndsAtTheMinimaAndIsAnAverageInBetween(Curve curve) {
    int last = curve.controls() - 1;
    for (double t = 0; t <= 1; t += 1 / 64.0) {
      double[] weights = curve.weights(t);
      assertThat(Arrays.stream(weights).sum()).isCloseTo(1, within(1e-15));
      assertThat(Arrays.stream(weights)).allMatch(weight -> weight >= 0 && weight <= 1);
    }
    assertThat(curve.weights(0)[0]).isEqualTo(1);
    assertThat(curve.weights(1)[last]).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(value = Curve.class, names = "LINE", mode = EnumSource.Mode.EXCLUDE)
  void theBendHasTheWeightOfGaripovEtAl(Curve curve) {
    for (double t : new double[] {0.1, 0.25, 0.5, 0.8}) {
      double expected = curve == Curve.BEZIER ? 2 * t * (1 - t) : 2 * Math.min(t, 1 - t);
      assertThat(curve.weights(t)[1]).isCloseTo(expected, within(1e-15));
    }
  }

  /** Against 20,000 small steps along the curve, with other distances than a line has. */
  @ParameterizedTest
  @EnumSource(Curve.class)
  void arcLengthsAreThoseOfManySmallSteps(Curve curve) {
    double[] lengths = curve.lengths(10, distance(0, 1), distance(1, 2), distance(0, 2));
    int fine = 2000;
    double walked = 0;
    double[] before = at(curve, 0);
    for (int k = 1; k <= 10; k++) {
      for (int i = 1; i <= fine; i++) {
        double[] now = at(curve, (k - 1 + (double) i / fine) / 10);
        walked += Math.hypot(now[0] - before[0], now[1] - before[1]);
        before = now;
      }
      assertThat(lengths[k]).isCloseTo(walked, within(1e-6));
    }
  }

  private static double[] at(Curve curve, double t) {
    double[] weights = curve.weights(t);
    double[] sum = new double[2];
    for (int i = 0; i < weights.length; i++) {
      double[] control = CONTROLS[curve.hasBend() ? i : 2 * i];
      sum[0] += weights[i] * control[0];
      sum[1] += weights[i] * control[1];
    }
    return sum;
  }

  private static double distance(int a, int b) {
    return Math.hypot(CONTROLS[a][0] - CONTROLS[b][0], CONTROLS[a][1] - CONTROLS[b][1]);
  }
}
