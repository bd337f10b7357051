package io.isthmus.neb;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.config.CheckpointConfig;
import org.junit.jupiter.api.Test;

class PaceTest {
  private long now;

  private Pace pace(int steps, double seconds) {
    Pace pace = new Pace(new CheckpointConfig(steps, seconds), () -> now);
    pace.kept(0);
    return pace;
  }

  @Test
  void neverPassesTheEndNorTheStepOfACheckpoint() {
    Pace pace = pace(7, 1e9);
    for (int i = 0; i < 20; i++) {
      pace.took(1, 1e-6);
    }
    assertThat(pace.next(0, 100)).isEqualTo(7);
    assertThat(pace.next(5, 100)).isEqualTo(2);
    assertThat(pace.next(5, 6)).isEqualTo(1);
    pace.kept(5);
    assertThat(pace.next(5, 100)).isEqualTo(7);
  }

  @Test
  void takesOneStepAtATimeWhereStepsAreSlowAndManyWhereTheyAreFast() {
    Pace pace = pace(1000000, 1e9);
    assertThat(pace.next(0, 5000)).isEqualTo(1);
    pace.took(1, 3);
    assertThat(pace.next(1, 5000)).isEqualTo(1);
    for (int i = 0; i < 20; i++) {
      pace.took(pace.next(1, 5000), 1e-6 * pace.next(1, 5000));
    }
    assertThat(pace.next(1, 5000)).isEqualTo(1000);
    pace.took(1000, 20);
    assertThat(pace.next(1, 5000)).isEqualTo(10);
  }

  @Test
  void aCheckpointIsDueBySteps() {
    Pace pace = pace(7, 1e9);
    assertThat(pace.checkpointDue(6)).isFalse();
    assertThat(pace.checkpointDue(7)).isTrue();
    pace.kept(7);
    assertThat(pace.checkpointDue(7)).isFalse();
  }

  @Test
  void orBySeconds() {
    Pace pace = pace(1000, 2);
    now += 1_900_000_000L;
    assertThat(pace.checkpointDue(1)).isFalse();
    now += 200_000_000L;
    assertThat(pace.checkpointDue(1)).isTrue();
    pace.kept(1);
    assertThat(pace.checkpointDue(1)).isFalse();
  }
}
