package io.isthmus.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.Config;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.data.DataSets;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Points;
import io.isthmus.engine.Seeds;
import io.isthmus.neb.Diverged;
import io.isthmus.neb.Objective;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Sample;
import io.isthmus.neb.Stopped;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Curves with a trained bend: their gradient, what they reach, going on after a stop. */
class BaselineSearchIT {
  private static final Pair PAIR = new Pair(1, 2);
  private static final BaselineObserver NOBODY = new BaselineObserver() {};

  private Engine engine;
  private long handles;

  @BeforeEach
  void open() {
    handles = Engine.liveHandles();
    engine = Engine.open(Backend.CPU, 0, 2);
  }

  @AfterEach
  void everythingIsClosed() {
    engine.close();
    assertThat(Engine.liveHandles()).isEqualTo(handles);
  }

  /** The energy at phi(t) as a function of the bend, by central differences. */
  @ParameterizedTest
  @EnumSource(
      value = Method.class,
      names = {"POLYCHAIN", "BEZIER"})
  void aStepFollowsTheGradientOfTheLossOnTheCurveByTheBend(Method method) {
    try (Objective objective = surface("surface-egg-carton")) {
      float rate = 0.25f;
      float decay = 0.1f;
      var settings = new CurveSettings(1, rate, 1, 0, false, decay);
      BaselineState start =
          BaselineSearch.beginning(
              objective, PAIR, method, settings, vector(-0.5f, -0.4f), vector(0.5f, -0.7f));
      FloatBuffer bend = start.controls().get(1);
      assertThat(bend.get(0)).isZero();
      FloatBuffer after;
      try (BaselineSearch search = new BaselineSearch(objective, start, NOBODY)) {
        search.run();
        after = search.controls().get(1);
      }
      long draw =
          Seeds.derive(
              objective.config().seed(), "baseline", "0001-0002", method.key() + "/step-0");
      double[] weights = method.curve().weights((draw >>> 11) * 0x1p-53);
      for (int axis = 0; axis < 2; axis++) {
        float h = 1e-2f;
        double slope =
            (energy(objective, start, weights, axis, h)
                    - energy(objective, start, weights, axis, -h))
                / (2 * h);
        double there = 0;
        for (int i = 0; i < 3; i++) {
          there += weights[i] * start.controls().get(i).get(axis);
        }
        double expected = bend.get(axis) - rate * (slope + decay * weights[1] * there);
        assertThat((double) after.get(axis)).isCloseTo(expected, within(2e-3));
        assertThat(after.get(axis)).isNotEqualTo(bend.get(axis));
      }
    }
  }

  private static double energy(
      Objective objective, BaselineState start, double[] weights, int axis, float shift) {
    try (Points controls = Points.create(objective.model(), 4)) {
      for (int i = 0; i < 3; i++) {
        controls.write(i, start.controls().get(i));
      }
      FloatBuffer bend = controls.read(1);
      controls.write(1, bend.put(axis, bend.get(axis) + shift));
      controls.combine(3, controls, new int[] {0, 1, 2}, weights);
      return objective.trainMetrics(controls)[3].loss();
    }
  }

  /** From one minimum of the valley to another: the mean energy of the curve falls. */
  @ParameterizedTest
  @CsvSource({"POLYCHAIN, 400", "BEZIER, 400"})
  void aTrainedCurveLiesLowerThanTheLine(Method method, int gradients) {
    try (Objective objective = surface("surface-curvy-valley")) {
      FloatBuffer a = vector(-2.5f, -0.6f);
      FloatBuffer b = vector(2.5f, 0.6f);
      var settings = new CurveSettings(gradients, 0.05f, 1, 0.9f, false, 0);
      BaselineResult curve = run(objective, method, settings, a, b);
      BaselineResult line = run(objective, Method.LINE, CurveSettings.NONE, a, b);
      assertThat(mean(curve)).isLessThan(mean(line));
      assertThat(curve.length()).isGreaterThan(curve.straightLength());
      assertThat(line.length()).isCloseTo(line.straightLength(), within(1e-6));
    }
  }

  @ParameterizedTest
  @EnumSource(Method.class)
  void aSearchThatWasStoppedEndsWithTheSameBits(Method method) {
    ExperimentConfig config =
        Config.parse(
            """
            data: {name: digits, train_limit: 64, test_limit: 32}
            model: resnet8:width=4
            training: {batch: 16}
            exploration: {batch: 16}
            evaluation: {between: 1, statistics_batches: 2}
            """,
            "test",
            List.of());
    try (Objective objective = Objective.open(engine, config, DataSets.load(config.data()))) {
      FloatBuffer a = fresh(objective, 1);
      FloatBuffer b = fresh(objective, 2);
      CurveSettings settings =
          method.isTrained()
              ? new CurveSettings(7, 0.05f, 16, 0.9f, true, 1e-4f)
              : CurveSettings.NONE;
      BaselineState start = BaselineSearch.beginning(objective, PAIR, method, settings, a, b);
      BaselineResult whole;
      List<FloatBuffer> controls;
      try (BaselineSearch search = new BaselineSearch(objective, start, NOBODY)) {
        whole = search.run();
        controls = search.controls();
      }
      Stopping stopping = new Stopping();
      stopping.kept = start;
      BaselineResult resumed = null;
      List<FloatBuffer> after = null;
      int stops = 0;
      while (resumed == null) {
        try (BaselineSearch search = new BaselineSearch(objective, stopping.kept, stopping)) {
          resumed = search.run();
          after = search.controls();
        } catch (Stopped stopped) {
          stops++;
        }
      }
      assertThat(stops).isGreaterThan(method.isTrained() ? 4 : 1);
      assertThat(resumed.profile()).isEqualTo(whole.profile());
      assertThat(resumed.batchLosses()).containsExactly(whole.batchLosses());
      assertThat(after).isEqualTo(controls);
      assertThat(controls.get(0)).isEqualTo(a);
      assertThat(controls.get(controls.size() - 1)).isEqualTo(b);
    }
  }

  @Test
  void aCurveThatDivergesSaysSo() {
    try (Objective objective = surface("surface-mueller-brown")) {
      var settings = new CurveSettings(200, 1e6f, 1, 0, false, 0);
      assertThatThrownBy(
              () ->
                  run(
                      objective,
                      Method.BEZIER,
                      settings,
                      vector(-0.56f, 1.44f),
                      vector(0.62f, 0.03f)))
          .isInstanceOf(Diverged.class)
          .hasMessageContaining("Bezier curve of pair 0001-0002 diverged")
          .hasMessageContaining("--learning-rate");
    }
  }

  /** Stops at every second opportunity, so that both training and evaluation are interrupted. */
  private static final class Stopping implements BaselineObserver {
    private BaselineState kept;
    private int asked;

    @Override
    public void checkpoint(BaselineState state) {
      kept = state;
    }

    @Override
    public boolean stopRequested() {
      return ++asked % 2 == 0;
    }
  }

  private Objective surface(String spec) {
    ExperimentConfig config = Config.parse("model: " + spec, "test", List.of());
    return Objective.open(engine, config, null);
  }

  private static BaselineResult run(
      Objective objective, Method method, CurveSettings settings, FloatBuffer a, FloatBuffer b) {
    BaselineState start = BaselineSearch.beginning(objective, PAIR, method, settings, a, b);
    try (BaselineSearch search = new BaselineSearch(objective, start, NOBODY)) {
      return search.run();
    }
  }

  private static double mean(BaselineResult result) {
    List<Double> losses = new ArrayList<>();
    for (Sample sample : result.profile().samples()) {
      losses.add(sample.train(StatisticsConvention.RECOMPUTED).loss());
    }
    return losses.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  private static FloatBuffer fresh(Objective objective, long seed) {
    try (Points point = Points.create(objective.model(), 1)) {
      point.initialise(0, seed);
      return point.read(0);
    }
  }

  private static FloatBuffer vector(float x, float y) {
    return java.nio.ByteBuffer.allocateDirect(8)
        .order(java.nio.ByteOrder.nativeOrder())
        .asFloatBuffer()
        .put(new float[] {x, y})
        .flip();
  }
}
