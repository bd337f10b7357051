package io.isthmus.neb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.ExitCode;
import io.isthmus.config.InsertionConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.Preset;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** AutoNEB on the engine: known saddles, ends, resuming, divergence. */
class AutoNebIT {
  private static final Pair PAIR = new Pair(1, 2);
  private static final PathObserver NOBODY = new PathObserver() {};

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

  // --- known saddles --------------------------------------------------------------------------

  /** Mueller and Brown 1979: the way from the deepest minimum to the second passes -40.66484. */
  @ParameterizedTest
  @EnumSource(Preset.class)
  void findsTheSaddleOfTheMuellerBrownSurface(Preset preset) {
    SmallExperiment experiment = muellerBrown();
    experiment.preset = preset;
    try (Objective objective = objective(experiment)) {
      PathResult result = run(objective, muellerBrownEnds(), NOBODY);

      Saddle saddle = last(result).saddle(StatisticsConvention.RECOMPUTED);
      assertThat(saddle.trainLoss()).isCloseTo(-40.6648435087, within(1e-5));
      assertThat(saddle.testThere().loss()).isEqualTo(saddle.trainLoss());
      assertThat(Saddle.of(result.line(), StatisticsConvention.RECOMPUTED).trainLoss())
          .isGreaterThan(0);
      assertThat(last(result).stretch()).isBetween(1.2, 1.6);
    }
  }

  /**
   * A finite spring instead of respacing, and the other surfaces: LEPS with a harmonic oscillator
   * (Jonsson, Mills and Jacobsen 1998), and two whose saddles are 0 and 1 by construction.
   */
  @ParameterizedTest
  @CsvSource({
    "surface-mueller-brown, 1e-4, 500, -0.5582236, 1.4417258, 0.6234994, 0.0280378, -40.6648435087",
    "surface-mueller-brown, 1e-4, inf, 0.6234994, 0.0280378, -0.0500108, 0.4666941, -72.2489401123",
    "surface-leps, 0.02, inf, 0.7415207, 1.3034192, 3.0012758, -1.3043384, -0.8752246797",
    "surface-egg-carton, 0.02, inf, -0.5, -0.5, 0.5, -0.5, 0",
    "surface-curvy-valley, 0.02, inf, -7.8539816, -1, 7.8539816, 1, 1",
  })
  void findsKnownSaddles(
      String spec,
      float rate,
      String spring,
      float x0,
      float y0,
      float x1,
      float y1,
      double saddle) {
    SmallExperiment experiment = climb(spec, rate);
    experiment.spring = spring.equals("inf") ? Float.POSITIVE_INFINITY : Float.parseFloat(spring);
    try (Objective objective = objective(experiment)) {
      PathState ends = PathState.between(PAIR, vector(x0, y0), vector(x1, y1));

      Saddle found = last(run(objective, ends, NOBODY)).saddle(StatisticsConvention.RECOMPUTED);

      assertThat(found.trainLoss()).isCloseTo(saddle, within(1e-5));
    }
  }

  private static SmallExperiment muellerBrown() {
    return climb("surface-mueller-brown", 1e-4f);
  }

  /** Three cycles of the string method, then one in which the highest pivot climbs. */
  private static SmallExperiment climb(String spec, float rate) {
    SmallExperiment experiment = SmallExperiment.surface(spec);
    experiment.initialPivots = 7;
    experiment.cycles =
        List.of(
            new CycleConfig(1500, rate, true, false),
            new CycleConfig(1500, rate, true, false),
            new CycleConfig(1500, rate, true, false),
            new CycleConfig(4000, rate, true, true));
    experiment.insertion = new InsertionConfig(0.02, 0);
    return experiment;
  }

  private static PathState muellerBrownEnds() {
    return PathState.between(PAIR, vector(-0.5582236f, 1.4417258f), vector(0.6234994f, 0.0280378f));
  }

  // --- the shape of a run ---------------------------------------------------------------------

  @Test
  void startsWithTheStraightLineAndEqualPivotsAndInsertsBetweenCycles() {
    try (Objective objective = objective(SmallExperiment.network())) {
      var observed = new Recorder();
      PathResult result = run(objective, ends(objective), observed);

      assertThat(result.line().size()).isEqualTo(17);
      assertThat(result.line().gaps()).isEqualTo(1);
      assertThat(result.cycles()).extracting(CycleResult::cycle).containsExactly(1, 2, 3);
      assertThat(result.cycles()).extracting(CycleResult::steps).containsExactly(6, 5, 4);
      CycleResult first = result.cycles().get(0);
      CycleResult second = result.cycles().get(1);
      CycleResult third = result.cycles().get(2);
      assertThat(first.profile().gaps()).isEqualTo(4);
      List<Insertion> wanted =
          Insertion.wanted(
              first.profile(),
              StatisticsConvention.RECOMPUTED,
              objective.config().exploration().insertion());
      assertThat(second.profile().gaps()).isEqualTo(4 + wanted.size());
      assertThat(third.profile().gaps()).isEqualTo(second.profile().gaps());
      assertThat(first.profile().positions()).isSorted().startsWith(0.0).endsWith(1.0);
      assertThat(first.batchLosses()).hasSize(6);
      assertThat(first.stretch()).isGreaterThanOrEqualTo(1 - 1e-6);
      assertThat(observed.steps).isEqualTo(15);
      assertThat(observed.lineFinished).isEqualTo(result.line());
    }
  }

  @Test
  void bothEndsKeepEveryBitAndTheirMetrics() {
    try (Objective objective = objective(SmallExperiment.network())) {
      PathState start = ends(objective);
      var observed = new Recorder();
      PathResult result = run(objective, start, observed);

      PathState end = observed.states.get(observed.states.size() - 1);
      assertThat(bits(end.pivots().get(0))).isEqualTo(bits(start.pivots().get(0)));
      assertThat(bits(end.pivots().get(end.pivots().size() - 1)))
          .isEqualTo(bits(start.pivots().get(1)));
      for (CycleResult cycle : result.cycles()) {
        List<Sample> samples = cycle.profile().samples();
        for (int index : new int[] {0, samples.size() - 1}) {
          Sample sample = samples.get(index);
          Sample onLine = result.line().samples().get(index == 0 ? 0 : 16);
          assertThat(sample.trainRecomputed()).isEqualTo(sample.trainInterpolated());
          assertThat(sample.trainRecomputed()).isEqualTo(onLine.trainRecomputed());
          assertThat(sample.testRecomputed()).isEqualTo(onLine.testRecomputed());
        }
      }
    }
  }

  @Test
  void theConventionsDifferBetweenTheEndsOfANetworkWithBatchNorm() {
    try (Objective objective = objective(SmallExperiment.network())) {
      PathResult result = run(objective, ends(objective), NOBODY);

      List<Sample> samples = result.line().samples();
      assertThat(samples.subList(1, samples.size() - 1))
          .allMatch(s -> !s.trainRecomputed().equals(s.trainInterpolated()));
    }
  }

  @Test
  void theOfficialPresetKeepsTargetDistances() {
    SmallExperiment experiment = SmallExperiment.network();
    experiment.preset = Preset.OFFICIAL;
    experiment.insertion = new InsertionConfig(0, 2);
    try (Objective objective = objective(experiment)) {
      PathResult result = run(objective, ends(objective), NOBODY);

      float[] spacing = result.cycles().get(0).spacing();
      assertThat(spacing).containsExactly(0.25f, 0.25f, 0.25f, 0.25f);
      List<Insertion> wanted =
          Insertion.wanted(
              result.cycles().get(0).profile(),
              StatisticsConvention.INTERPOLATED,
              experiment.insertion);
      assertThat(wanted).hasSizeBetween(1, 2);
      float[] split = result.cycles().get(1).spacing();
      assertThat(split).hasSize(4 + wanted.size());
      Insertion first = wanted.get(0);
      assertThat(split[first.gap()]).isEqualTo((float) (0.25f * first.fraction()));
      assertThat(result.cycles().get(2).spacing()).containsExactly(split);
    }
  }

  @Test
  void startsFromAGivenPath() {
    SmallExperiment experiment = muellerBrown();
    experiment.cycles = List.of(new CycleConfig(1, 1e-9f, true, false));
    try (Objective objective = objective(experiment)) {
      PathState ends = muellerBrownEnds();
      FloatBuffer bend = vector(-0.5f, 0.3f);
      PathResult result =
          run(
              objective,
              PathState.along(PAIR, List.of(ends.pivots().get(0), bend, ends.pivots().get(1))),
              NOBODY);

      assertThat(result.line().size()).isEqualTo(21);
      assertThat(last(result).profile().gaps()).isEqualTo(2);
      assertThat(last(result).stretch()).isGreaterThan(1.1);
    }
  }

  // --- resuming -------------------------------------------------------------------------------

  @ParameterizedTest
  @EnumSource(Preset.class)
  void goesOnFromEveryCheckpointWithTheSameBits(Preset preset) {
    SmallExperiment experiment = SmallExperiment.network();
    experiment.preset = preset;
    var undisturbed = new Recorder();
    PathResult expected;
    try (Objective objective = objective(experiment)) {
      expected = run(objective, ends(objective), undisturbed);
    }
    assertThat(undisturbed.checkpoints).isZero();
    PathState expectedEnd = undisturbed.last();

    experiment.checkpointSeconds = 1e-9;
    try (Objective objective = objective(experiment)) {
      var often = new Recorder();
      assertSame(run(objective, ends(objective), often), expected);
      assertThat(often.checkpoints).isGreaterThan(20);
      for (PathState state : often.states) {
        var resumed = new Recorder();
        assertSame(run(objective, state, resumed), expected);
        if (!resumed.states.isEmpty()) {
          assertSamePivots(resumed.last(), expectedEnd);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 50})
  void resultsDoNotDependOnWhatIsEvaluatedTogetherNorOnCheckpoints(int group) {
    SmallExperiment experiment = SmallExperiment.network();
    try (Objective objective = objective(experiment)) {
      PathResult expected = run(objective, ends(objective), NOBODY);
      experiment.checkpointSteps = group;
      try (Objective other = objective(experiment)) {
        assertSame(new AutoNeb(other, PAIR, group).run(ends(other), NOBODY), expected);
      }
    }
  }

  @Test
  void aRunThatIsStoppedAtEveryLookGetsThereInTheEnd() {
    try (Objective objective = objective(SmallExperiment.network())) {
      PathResult expected = run(objective, ends(objective), NOBODY);
      PathState state = ends(objective);
      PathResult result = null;
      int stops = 0;
      while (result == null) {
        var impatient = new Recorder();
        impatient.stop = true;
        try {
          result = run(objective, state, impatient);
        } catch (Stopped stopped) {
          assertThat(stopped.code()).isEqualTo(ExitCode.STOPPED);
          assertThat(stopped).hasMessageContaining("0001-0002");
          state = impatient.last();
          stops++;
        }
      }
      assertThat(stops).isGreaterThan(10);
      assertSame(result, expected);
    }
  }

  // --- errors ---------------------------------------------------------------------------------

  @Test
  void aLearningRateThatIsTooHighIsFoundAndNothingOfItIsHandedOn() {
    SmallExperiment experiment = SmallExperiment.network();
    experiment.checkpointSeconds = 1e-9;
    experiment.cycles =
        List.of(new CycleConfig(2, 0.01f, true, false), new CycleConfig(200, 1e30f, true, false));
    try (Objective objective = objective(experiment)) {
      var observed = new Recorder();
      assertThatThrownBy(() -> run(objective, ends(objective), observed))
          .isInstanceOf(Diverged.class)
          .hasMessageContaining("ath 0001-0002")
          .hasMessageContaining("cycle 2")
          .hasMessageContaining("learning rate")
          .matches(e -> ((IsthmusException) e).code() == ExitCode.DIVERGED);
      assertThat(observed.results).extracting(CycleResult::cycle).containsExactly(1);
      for (PathState state : observed.states) {
        assertThat(state.pivots()).allMatch(Diverged::isFinite);
        assertThat(state.momentum()).allMatch(Diverged::isFinite);
      }
    }
  }

  @Test
  void refusesAStateThatIsNotOfThisPath() {
    try (Objective objective = objective(SmallExperiment.network())) {
      var wrongSize = PathState.between(PAIR, vector(1, 2), vector(3, 4));
      assertThatThrownBy(() -> run(objective, wrongSize, NOBODY))
          .isInstanceOf(IsthmusException.class)
          .hasMessageContaining("remove that state")
          .matches(e -> ((IsthmusException) e).code() == ExitCode.DATA);

      PathState ends = ends(objective);
      var wrongPair = PathState.along(new Pair(1, 3), ends.pivots());
      assertThatThrownBy(() -> run(objective, wrongPair, NOBODY))
          .hasMessageContaining("0001-0003")
          .hasMessageContaining("0001-0002");
    }
  }

  // --- helpers --------------------------------------------------------------------------------

  private Objective objective(SmallExperiment experiment) {
    return Objective.open(engine, experiment.config(), experiment.data());
  }

  private static PathResult run(Objective objective, PathState start, PathObserver observer) {
    return new AutoNeb(objective, PAIR).run(start, observer);
  }

  /** Two slightly trained minima. */
  private static PathState ends(Objective objective) {
    var training = new MinimaTraining(objective);
    List<MinimumResult> minima =
        training.run(List.of(training.start(1), training.start(2)), new TrainingObserver() {});
    return PathState.between(PAIR, minima.get(0).values(), minima.get(1).values());
  }

  private static CycleResult last(PathResult result) {
    return result.cycles().get(result.cycles().size() - 1);
  }

  private static void assertSame(PathResult result, PathResult expected) {
    assertThat(result.line()).isEqualTo(expected.line());
    assertThat(result.cycles()).hasSameSizeAs(expected.cycles());
    for (int i = 0; i < expected.cycles().size(); i++) {
      CycleResult cycle = result.cycles().get(i);
      CycleResult other = expected.cycles().get(i);
      assertThat(cycle.profile()).isEqualTo(other.profile());
      assertThat(cycle.spacing()).isEqualTo(other.spacing());
      assertThat(cycle.batchLosses()).isEqualTo(other.batchLosses());
      assertThat(cycle.length()).isEqualTo(other.length());
      assertThat(cycle.steps()).isEqualTo(other.steps());
    }
  }

  private static void assertSamePivots(PathState state, PathState expected) {
    assertThat(state.pivots()).hasSameSizeAs(expected.pivots());
    for (int i = 0; i < expected.pivots().size(); i++) {
      assertThat(bits(state.pivots().get(i))).isEqualTo(bits(expected.pivots().get(i)));
    }
  }

  private static int[] bits(FloatBuffer values) {
    int[] bits = new int[values.remaining()];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values.get(values.position() + i));
    }
    return bits;
  }

  private static FloatBuffer vector(float... values) {
    return ByteBuffer.allocateDirect(Float.BYTES * values.length)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer()
        .put(values)
        .flip();
  }

  /** Keeps everything it is told. */
  private static final class Recorder implements PathObserver {
    final List<PathState> states = new ArrayList<>();
    final List<CycleResult> results = new ArrayList<>();
    Profile lineFinished;
    int checkpoints;
    int steps;
    boolean stop;

    PathState last() {
      return states.get(states.size() - 1);
    }

    @Override
    public void stepped(int cycle, int done, float[][] losses) {
      steps += losses.length;
    }

    @Override
    public void lineFinished(Profile line, PathState state) {
      lineFinished = line;
      states.add(state);
    }

    @Override
    public void cycleFinished(CycleResult result, PathState state) {
      results.add(result);
      states.add(state);
    }

    @Override
    public void checkpoint(PathState state) {
      checkpoints++;
      states.add(state);
    }

    @Override
    public boolean stopRequested() {
      return stop;
    }
  }
}
