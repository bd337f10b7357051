package io.isthmus.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.analysis.PlaneEvaluation;
import io.isthmus.analysis.PlaneGrid;
import io.isthmus.analysis.PlaneResult;
import io.isthmus.config.Config;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.Geometry;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Points;
import io.isthmus.neb.Objective;
import io.isthmus.neb.Pair;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.PathFile;
import io.isthmus.store.RunDirectory;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The plane of a path of small networks: right values, the same bits after stops, refusals. */
class PlanesIT {
  private static final String CONFIG =
      """
      data: {name: digits, train_limit: 100, test_limit: 50}
      model: resnet8:width=4
      training: {minima: 3, batch: 25, steps: 20}
      exploration:
        batch: 25
        autoneb: [{steps: 10, learning_rate: 0.1}]
      evaluation: {between: 1, statistics_batches: 4}
      """;
  private static final Pair PAIR = new Pair(1, 2);
  private static final PlaneRequest SMALL = new PlaneRequest(5, null, 60);

  @TempDir static Path folder;
  private static ExperimentConfig config;

  @BeforeAll
  static void connect() throws IOException {
    Path file = Files.writeString(folder.resolve("small.yaml"), CONFIG);
    config = Config.load(List.of(file), List.of());
    in(
        "run",
        () -> false,
        experiment -> {
          experiment.train();
          return experiment.connect(PAIR);
        });
  }

  private interface Stage<T> {
    T of(Experiment experiment);
  }

  private static <T> T in(String name, BooleanSupplier stop, Stage<T> stage) {
    try (RunDirectory run = RunDirectory.open(folder.resolve(name), config, CONFIG);
        Experiment experiment = new Experiment(run, config, ProgressListener.SILENT, stop)) {
      return stage.of(experiment);
    }
  }

  @Test
  void
      the_minima_of_the_plane_have_the_values_of_the_minima_and_other_points_those_of_their_sums() {
    RunDirectory run = RunDirectory.view(folder.resolve("run"));
    List<FloatBuffer> pivots = PathFile.read(run.cycle(PAIR, 1)).pivots();
    try (Workbench bench = Workbench.open(config);
        PlaneEvaluation plane =
            new PlaneEvaluation(bench.objective(), PAIR, pivots, Geometry.PARAMETERS)) {
      double length = plane.pivots().get(pivots.size() - 1).x();
      assertThat(length)
          .isCloseTo(PathFile.readResult(run.cycle(PAIR, 1)).straightLength(), within(1e-6));
      PlaneGrid grid = new PlaneGrid(0, 0, length, 2, 2);
      List<Metrics> kept = plane.metrics(grid, StatisticsConvention.INTERPOLATED, 0, 2);
      assertThat(kept.get(0)).isEqualTo(MinimumFile.read(run.minimum(1)).train());
      assertThat(kept.get(1)).isEqualTo(MinimumFile.read(run.minimum(2)).train());

      // Halfway between the minima, by arithmetic of this test.
      Objective objective = bench.objective();
      try (Points middle = Points.create(objective.model(), 1)) {
        FloatBuffer half = Points.allocate(objective.model());
        for (int i = 0; i < half.capacity(); i++) {
          half.put(
              i,
              (float) ((pivots.get(0).get(i) + (double) pivots.get(pivots.size() - 1).get(i)) / 2));
        }
        middle.write(0, half);
        objective.recomputeStatistics(middle);
        PlaneGrid finer = new PlaneGrid(0, 0, length / 2, 3, 2);
        assertThat(plane.metrics(finer, StatisticsConvention.RECOMPUTED, 1, 1).get(0).loss())
            .isCloseTo(objective.trainMetrics(middle)[0].loss(), within(1e-4));
      }
    }
  }

  @Test
  void stopped_at_every_opportunity_it_ends_with_the_same_bits_and_is_then_found_there()
      throws IOException {
    in("run", () -> false, experiment -> experiment.plane(PAIR, SMALL));
    RunDirectory run = RunDirectory.view(folder.resolve("run"));
    byte[] whole = Files.readAllBytes(run.plane(PAIR));
    Files.delete(run.plane(PAIR));
    int stops = 0;
    PlaneResult result = null;
    while (result == null) {
      AtomicInteger questions = new AtomicInteger();
      try {
        result =
            in(
                "run",
                () -> questions.incrementAndGet() > 3,
                experiment -> experiment.plane(PAIR, SMALL));
      } catch (IsthmusException stopped) {
        assertThat(stopped.code()).isEqualTo(ExitCode.STOPPED);
        assertThat(run.planeCheckpoint(PAIR)).exists();
        stops++;
      }
    }
    assertThat(stops).isGreaterThan(2);
    assertThat(Files.readAllBytes(run.plane(PAIR))).isEqualTo(whole);
    assertThat(run.planeCheckpoint(PAIR)).doesNotExist();
    // Nobody is asked whether to stop where there is nothing left to do.
    PlaneResult again = in("run", () -> true, e -> e.plane(PAIR, PlaneRequest.OPEN));
    assertThat(again).isEqualTo(result);
  }

  @Test
  void what_cannot_be_is_a_sentence() throws IOException {
    refused(ExitCode.USAGE, "'isthmus connect", e -> e.plane(new Pair(1, 3), SMALL));
    refused(ExitCode.USAGE, "minimum 9", e -> e.plane(new Pair(1, 9), SMALL));
    for (int points : new int[] {0, 1, 100_000}) {
      refused(
          ExitCode.USAGE,
          "--points must be from 3 to 1001, but is " + points,
          e -> e.plane(PAIR, new PlaneRequest(points, null, null)));
    }
    refused(
        ExitCode.USAGE, "--margin", e -> e.plane(PAIR, new PlaneRequest(null, Double.NaN, null)));
    refused(ExitCode.USAGE, "--images", e -> e.plane(PAIR, new PlaneRequest(null, null, -1)));
  }

  private static void refused(ExitCode code, String part, Stage<PlaneResult> stage) {
    assertThatThrownBy(() -> in("run", () -> false, stage))
        .isInstanceOfSatisfying(IsthmusException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageContaining(part);
  }
}
