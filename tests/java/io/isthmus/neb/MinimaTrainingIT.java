package io.isthmus.neb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.TrainingConfig;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Points;
import io.isthmus.engine.Seeds;
import io.isthmus.engine.Sgd;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Training of minima on the engine: the schedule, grouping, resuming, divergence. */
class MinimaTrainingIT {
  private static final TrainingObserver NOBODY = new TrainingObserver() {};

  private final SmallExperiment experiment = SmallExperiment.network();
  private Engine engine;

  @BeforeEach
  void open() {
    engine = Engine.open(Backend.CPU, 0, 2);
  }

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void followsTheScheduleFromItsOwnStreams() {
    try (Objective objective = objective();
        Points point = Points.create(objective.model(), 1)) {
      MinimumResult result = train(objective, NOBODY, 2).get(0);

      point.initialise(0, Seeds.derive(42, "minimum", "0002", "initialise"));
      long[] streams = {Seeds.derive(42, "minimum", "0002", "batches")};
      var losses = new ArrayList<Float>();
      int[] milestones = {0, 5, 9, 12};
      float[] rates = {0.1f, 0.01f, 0.001f};
      for (int i = 0; i < rates.length; i++) {
        float[][] segment =
            point.descend(
                objective.train(),
                objective.sampling(16),
                streams,
                new Sgd(rates[i], 0.9f, 1e-4f, false),
                milestones[i],
                milestones[i + 1] - milestones[i]);
        for (float[] step : segment) {
          losses.add(step[0]);
        }
      }
      assertThat(bits(result.values())).isEqualTo(bits(point.read(0)));
      for (int i = 0; i < 12; i++) {
        assertThat(result.batchLosses()[i]).isEqualTo(losses.get(i));
      }
      assertThat(result.train()).isEqualTo(objective.trainMetrics(point)[0]);
      assertThat(result.test()).isEqualTo(objective.testMetrics(point)[0]);
    }
  }

  @Test
  void learns() {
    experiment.training = new TrainingConfig(1, 16, 60, 0.05f, List.of(), 0.1f, 0.9f, false, 1e-4f);
    try (Objective objective = objective()) {
      MinimumResult result = train(objective, NOBODY, 1).get(0);

      assertThat(result.train().loss()).isLessThan(0.1);
      assertThat(result.train().error()).isLessThan(0.05);
    }
  }

  @Test
  void aMinimumIsTheSameWhicheverOthersAreTrainedBesideIt() {
    try (Objective objective = objective()) {
      List<MinimumResult> together = train(objective, NOBODY, 3, 1, 2);

      assertThat(together).extracting(MinimumResult::minimum).containsExactly(3, 1, 2);
      for (MinimumResult result : together) {
        assertSame(train(objective, NOBODY, result.minimum()).get(0), result);
      }
      assertThat(bits(together.get(0).values())).isNotEqualTo(bits(together.get(1).values()));
    }
  }

  @Test
  void goesOnFromEveryCheckpointEvenWhereSomeAreBehind() {
    List<MinimumResult> expected;
    try (Objective objective = objective()) {
      expected = train(objective, NOBODY, 1, 2, 3);
    }
    experiment.checkpointSteps = 2;
    try (Objective objective = objective()) {
      var observed = new Recorder();
      assertSame(train(objective, observed, 1, 2, 3), expected);
      assertThat(observed.checkpoints)
          .extracting(states -> states.get(0).step())
          .containsExactly(2L, 4L, 6L, 8L, 10L, 12L);
      for (List<TrainingState> states : observed.checkpoints) {
        var training = new MinimaTraining(objective);
        assertSame(training.run(states, NOBODY), expected);
        assertSame(
            training.run(
                List.of(observed.checkpoints.get(3).get(0), training.start(2), states.get(2)),
                NOBODY),
            expected);
      }
    }
  }

  @Test
  void stopsAfterACheckpoint() {
    try (Objective objective = objective()) {
      var observed = new Recorder();
      observed.stop = true;
      assertThatThrownBy(() -> train(objective, observed, 1, 2))
          .isInstanceOf(Stopped.class)
          .hasMessageContaining("2 minima");
      assertThat(observed.checkpoints)
          .singleElement()
          .matches(states -> states.size() == 2 && states.get(0).step() >= 1);
      assertThat(observed.finished).isEmpty();
    }
  }

  @Test
  void aLearningRateThatIsTooHighIsFoundAndNothingOfItIsHandedOn() {
    experiment.training = new TrainingConfig(2, 16, 100, 1e30f, List.of(), 0.1f, 0.9f, false, 0);
    experiment.checkpointSeconds = 1e-9;
    try (Objective objective = objective()) {
      var observed = new Recorder();
      assertThatThrownBy(() -> train(objective, observed, 1, 2))
          .isInstanceOf(Diverged.class)
          .hasMessageContaining("Minimum 000")
          .hasMessageContaining("training.learning_rate")
          .matches(e -> ((IsthmusException) e).code() == ExitCode.DIVERGED);
      assertThat(observed.finished).isEmpty();
      for (List<TrainingState> states : observed.checkpoints) {
        assertThat(states).allMatch(state -> Diverged.isFinite(state.values()));
      }
    }
  }

  @Test
  void refusesAStateOfAnotherModelOrSchedule() {
    try (Objective objective = objective()) {
      var training = new MinimaTraining(objective);
      TrainingState start = training.start(1);
      var tooFar = new TrainingState(1, 13, start.values(), null, new float[13]);
      assertThatThrownBy(() -> training.run(List.of(tooFar), NOBODY))
          .hasMessageContaining("step 13")
          .hasMessageContaining("12 steps");
      var small = new TrainingState(1, 0, start.values().slice(0, 9), null, new float[0]);
      assertThatThrownBy(() -> training.run(List.of(small), NOBODY))
          .hasMessageContaining("9 values")
          .matches(e -> ((IsthmusException) e).code() == ExitCode.DATA);
    }
  }

  private Objective objective() {
    return Objective.open(engine, experiment.config(), experiment.data());
  }

  private static List<MinimumResult> train(
      Objective objective, TrainingObserver observer, int... minima) {
    var training = new MinimaTraining(objective);
    return training.run(Arrays.stream(minima).mapToObj(training::start).toList(), observer);
  }

  private static void assertSame(List<MinimumResult> results, List<MinimumResult> expected) {
    assertThat(results).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertSame(results.get(i), expected.get(i));
    }
  }

  private static void assertSame(MinimumResult result, MinimumResult expected) {
    assertThat(result.minimum()).isEqualTo(expected.minimum());
    assertThat(bits(result.values())).isEqualTo(bits(expected.values()));
    assertThat(result.batchLosses()).isEqualTo(expected.batchLosses());
    assertThat(result.train()).isEqualTo(expected.train());
    assertThat(result.test()).isEqualTo(expected.test());
  }

  private static int[] bits(FloatBuffer values) {
    int[] bits = new int[values.remaining()];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values.get(values.position() + i));
    }
    return bits;
  }

  /** Keeps everything it is told. */
  private static final class Recorder implements TrainingObserver {
    final List<List<TrainingState>> checkpoints = new ArrayList<>();
    final List<MinimumResult> finished = new ArrayList<>();
    boolean stop;

    @Override
    public void checkpoint(List<TrainingState> states) {
      checkpoints.add(states);
    }

    @Override
    public void finished(MinimumResult result) {
      finished.add(result);
    }

    @Override
    public boolean stopRequested() {
      return stop;
    }
  }
}
