package io.isthmus.neb;

import static io.isthmus.config.StatisticsConvention.INTERPOLATED;
import static io.isthmus.config.StatisticsConvention.RECOMPUTED;
import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.config.PairValue;
import io.isthmus.engine.Metrics;
import java.util.List;
import org.junit.jupiter.api.Test;

class SaddleTest {
  private static Sample sample(double position, int pivot, double... values) {
    return new Sample(
        position,
        pivot,
        new Metrics(values[0], values[1]),
        new Metrics(values[2], values[3]),
        new Metrics(values[4], 0),
        new Metrics(values[5], 0));
  }

  private final Profile profile =
      new Profile(
          List.of(
              sample(0.0, 0, 0.1, 0.01, 0.30, 0.05, 0.1, 0.3),
              sample(0.3, -1, 0.7, 0.20, 0.80, 0.30, 0.9, 0.8),
              sample(0.6, -1, 0.7, 0.15, 0.95, 0.20, 1.1, 0.9),
              sample(1.0, 1, 0.2, 0.25, 0.40, 0.40, 0.2, 0.4)));

  @Test
  void everyMetricHasItsOwnMaximumAndItsValueAtTheHighestTrainingLoss() {
    Saddle saddle = Saddle.of(profile, RECOMPUTED);

    assertThat(saddle.trainLoss()).isEqualTo(0.7);
    assertThat(saddle.trainError()).isEqualTo(0.25);
    assertThat(saddle.testLoss()).isEqualTo(0.95);
    assertThat(saddle.testError()).isEqualTo(0.4);
    assertThat(saddle.sample()).isEqualTo(1);
    assertThat(saddle.position()).isEqualTo(0.3);
    assertThat(saddle.trainThere()).isEqualTo(new Metrics(0.7, 0.2));
    assertThat(saddle.testThere()).isEqualTo(new Metrics(0.8, 0.3));
  }

  @Test
  void eachConventionHasItsOwnSaddle() {
    Saddle saddle = Saddle.of(profile, INTERPOLATED);

    assertThat(saddle.sample()).isEqualTo(2);
    assertThat(saddle.trainLoss()).isEqualTo(1.1);
    assertThat(saddle.testThere().loss()).isEqualTo(0.9);
  }

  @Test
  void anEndCanBeTheHighestPoint() {
    assertThat(Saddle.of(Profiles.of(2, 1, 0, 3), RECOMPUTED).position()).isEqualTo(1);
  }

  @Test
  void aPairIsWorthItsLastOrItsBestCycle() {
    PathResult result =
        new PathResult(
            new Pair(1, 2),
            Profiles.of(1, 0, 9, 0),
            List.of(cycle(1, 4), cycle(2, 2), cycle(3, 2), cycle(4, 3)));

    assertThat(result.valued(PairValue.LAST, RECOMPUTED).cycle()).isEqualTo(4);
    assertThat(result.valued(PairValue.BEST_CYCLE, RECOMPUTED).cycle()).isEqualTo(2);
  }

  private static CycleResult cycle(int number, double saddle) {
    Profile profile = Profiles.of(1, 0, saddle, 0);
    return new CycleResult(number, 0, 0, new float[] {1, 1}, profile, 3, 2, new float[0]);
  }
}
