package io.isthmus.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The cost of an experiment, against sums done by hand. */
class PlanTest {
  private static final Plan.Workload RESNET20 =
      new Plan.Workload(272_474, 1_568, 81_600_000, 50_000, 10_000, 3072);

  private static ExperimentConfig parse(String yaml) {
    return Config.parse(yaml, "f", List.of());
  }

  @Test
  void pairCostsWhatThePaperSays() {
    ExperimentConfig c =
        parse("preset: official\ndata: cifar10\nmodel: resnet20\nexploration: {max_pairs: 1}\n");
    Plan plan = Plan.of(c, RESNET20);
    assertThat(plan.pairs()).isEqualTo(new Plan.Range(1, 1));
    assertThat(plan.pathGradients()).isEqualTo(new Plan.Range(48_000, 248_000));
  }

  @Test
  void smallExperimentIsCountedByHand() {
    ExperimentConfig c =
        parse(
            """
            data: digits
            model: resnet8
            training: {minima: 3, batch: 10, steps: 100}
            exploration:
              batch: 20
              initial_pivots: 1
              insertion: {max_per_cycle: 5}
              autoneb: [{steps: 7, insert: true}, {}, {insert: false}]
            evaluation: {between: 1, statistics_batches: 4, train_limit: 500}
            """);
    Plan plan = Plan.of(c, new Plan.Workload(1000, 100, 10, 1438, 359, 64));
    assertThat(plan.pairs()).isEqualTo(new Plan.Range(2, 3));
    assertThat(plan.trainingGradients()).isEqualTo(300);
    // 1 inner pivot throughout, or 1, then one more in each of the 2 gaps, then none
    assertThat(plan.pathGradients()).isEqualTo(new Plan.Range(2 * 7 * 3, 3 * 7 * (1 + 3 + 3)));
    // samples: 5 with 1 inner pivot, 9 with 3; images: twice 859, and 4 batches of 20
    double images = 2 * 859 + 80;
    double ends = 3 * 7 * 2 * 20;
    assertThat(plan.forwardImages())
        .isEqualTo(
            new Plan.Range(
                3 * 859 + 2 * (4 * 5 * images + ends),
                3 * 859 + 3 * ((5 + 5 + 9 + 9) * images + ends)));
    assertThat(plan.flops().low())
        .isEqualTo(10 * (3.0 * 300 * 10 + 3.0 * 42 * 20 + plan.forwardImages().low()));
    assertThat(plan.memoryBytes()).isEqualTo(5 * 6 * 1100 * 4 + (1438 + 359) * 64);
  }

  @Test
  void withoutBatchNormTheConventionsAreOne() {
    ExperimentConfig c = parse("data: xor\nmodel: mlp-3\ntraining: {minima: 2}\n");
    Plan plan = Plan.of(c, new Plan.Workload(17, 0, 24, 4, 4, 2));
    double samples = 4 * 10 + 1;
    assertThat(plan.forwardImages().low()).isEqualTo(2 * 8 + 15 * samples * 8 + 16_000 * 2 * 4);
  }

  @Test
  void fewerMinimaThanAPairCostNoPaths() {
    ExperimentConfig c = parse("data: digits\nmodel: resnet8\ntraining: {minima: 1}\n");
    Plan plan = Plan.of(c, RESNET20);
    assertThat(plan.pathGradients()).isEqualTo(new Plan.Range(0, 0));
  }
}
