package io.isthmus.neb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.config.ExplorationConfig;
import io.isthmus.config.Spacing;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PathPlanTest {
  @Test
  void aStraightPathHasEquallySpacedPivots() {
    for (Spacing mode : Spacing.values()) {
      PathPlan plan = PathPlan.straight(3, mode);

      assertThat(plan.insertions())
          .containsExactly(new Insertion(0, 0.25), new Insertion(0, 0.5), new Insertion(0, 0.75));
      assertThat(plan.pivots()).isEqualTo(5);
      assertThat(plan.spacing()).containsOnly(plan.spacing()[0]);
    }
  }

  @Test
  void targetSpacingSplitsTheWeightOfTheGapForGood() {
    float[] spacing = {0.25f, 0.5f, 0.25f};

    PathPlan first = PathPlan.of(spacing, List.of(new Insertion(1, 0.25)), Spacing.TARGET);
    assertThat(first.spacing()).containsExactly(0.25f, 0.125f, 0.375f, 0.25f);

    PathPlan second = PathPlan.of(first.spacing(), List.of(new Insertion(2, 0.5)), Spacing.TARGET);
    assertThat(second.spacing()).containsExactly(0.25f, 0.125f, 0.1875f, 0.1875f, 0.25f);

    assertThat(PathPlan.of(second.spacing(), List.of(), Spacing.TARGET).spacing())
        .containsExactly(second.spacing());
  }

  @Test
  void equalSpacingForgetsWhereThePivotWasInserted() {
    assertThat(
            PathPlan.of(new float[] {1, 1}, List.of(new Insertion(1, 0.1)), Spacing.EQUAL)
                .spacing())
        .containsExactly(1, 1, 1);
  }

  @Test
  void splittingKeepsTheSumOfWeights() {
    var random = new Random(1);
    for (int trial = 0; trial < 100; trial++) {
      float[] spacing = {random.nextFloat() + 0.1f, random.nextFloat() + 0.1f};
      double fraction = 0.01 + 0.49 * random.nextDouble();
      float[] split =
          PathPlan.of(
                  spacing,
                  List.of(
                      new Insertion(0, fraction),
                      new Insertion(0, fraction + 0.4),
                      new Insertion(1, fraction)),
                  Spacing.TARGET)
              .spacing();

      assertThat(split[0] + split[1] + split[2])
          .isCloseTo(spacing[0], org.assertj.core.api.Assertions.within(1e-6f));
      assertThat(split[0] / spacing[0])
          .isCloseTo((float) fraction, org.assertj.core.api.Assertions.within(1e-6f));
      assertThat(split[3] + split[4])
          .isCloseTo(spacing[1], org.assertj.core.api.Assertions.within(1e-6f));
    }
  }

  @Test
  void refusesInsertionsOutOfOrder() {
    var behind = List.of(new Insertion(2, 0.5));
    var unordered = List.of(new Insertion(1, 0.5), new Insertion(0, 0.5));

    assertThatThrownBy(() -> PathPlan.of(new float[] {1, 1}, behind, Spacing.TARGET))
        .hasMessageContaining("behind the last of 2 gaps");
    assertThatThrownBy(() -> PathPlan.of(new float[] {1, 1}, unordered, Spacing.TARGET))
        .hasMessageContaining("out of order");
  }

  @Test
  void aCycleInsertsWhatTheFormerProfileAsksForIfItMay() {
    SmallExperiment experiment = SmallExperiment.network();
    experiment.initialPivots = 2;
    ExplorationConfig exploration = experiment.config().exploration();
    float[] two = {1, 1};
    Profile bump = Profiles.of(2, 0, 9, 1, 0.5, 0);

    assertThat(PathPlan.ofCycle(1, new float[] {1}, null, exploration).pivots()).isEqualTo(4);
    assertThat(PathPlan.ofCycle(1, two, null, exploration).pivots()).isEqualTo(3);
    assertThat(PathPlan.ofCycle(2, two, bump, exploration).insertions())
        .containsExactly(new Insertion(0, 0.5));
    assertThat(PathPlan.ofCycle(3, two, bump, exploration).insertions()).isEmpty();
  }
}
