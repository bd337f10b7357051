package io.isthmus.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.config.Config;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.neb.Diverged;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Stopped;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.PathFile;
import io.isthmus.store.RunDirectory;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Experiments on the exclusive or, stopped and broken in every way, inside this process. */
class StopAndResumeIT {
  private static final String CONFIG =
      """
      data: xor
      model: mlp-3:activation=tanh
      training: {minima: 3, batch: 4, steps: 30, learning_rate: 0.5}
      exploration:
        batch: 4
        insertion: {threshold: 0.01, max_per_cycle: 1}
        autoneb: [{steps: 15, learning_rate: 0.1}, {steps: 10}]
      evaluation: {between: 2}
      checkpoint: {interval_steps: 7}
      """;

  @TempDir Path folder;
  private final List<String> notes = new ArrayList<>();
  private final List<Progress> progress = new ArrayList<>();

  @BeforeEach
  void forget() {
    notes.clear();
    progress.clear();
  }

  @Test
  void stoppedAtEveryOpportunityItEndsWithTheSameBits() throws IOException {
    run("whole", CONFIG, () -> false);
    int stops = 0;
    for (boolean finished = false; !finished; ) {
      // One more question than the one before lets it move on by one opportunity at a time.
      AtomicInteger questions = new AtomicInteger();
      try {
        run("stopped", CONFIG, () -> questions.incrementAndGet() > 1);
        finished = true;
      } catch (Stopped stopped) {
        assertThat(stopped.code()).isEqualTo(ExitCode.STOPPED);
        stops++;
      }
    }
    assertThat(stops).isGreaterThan(10);
    assertThat(results("stopped")).isEqualTo(results("whole"));
  }

  @Test
  void checkpointsThatAKillLeftBesideFinishedFilesAreRemoved() throws IOException {
    run("whole", CONFIG, () -> false);
    Map<String, String> whole = results("whole");
    Files.delete(folder.resolve("whole/graph.json"));
    for (String left : List.of("minima/0002/checkpoint.h5", "paths/0001-0002/checkpoint.h5.prev")) {
      Files.writeString(folder.resolve("whole").resolve(left), "left");
    }
    run("whole", CONFIG, () -> false);
    assertThat(results("whole")).isEqualTo(whole);
  }

  @Test
  void aDamagedCheckpointIsPutAsideAndTheOneBeforeItUsed() throws IOException {
    run("whole", CONFIG, () -> false);
    Path folderOfPath = folder.resolve("damaged/paths/0001-0003");
    Path checkpoint = folderOfPath.resolve("checkpoint.h5");
    BooleanSupplier twoCheckpoints = () -> Files.exists(folderOfPath.resolve("checkpoint.h5.prev"));
    assertThatThrownBy(() -> run("damaged", CONFIG, twoCheckpoints)).isInstanceOf(Stopped.class);
    byte[] bytes = Files.readAllBytes(checkpoint);
    bytes[bytes.length - 100] ^= 1;
    Files.write(checkpoint, bytes);
    run("damaged", CONFIG, () -> false);
    Map<String, String> results = results("damaged");
    assertThat(results.remove("paths/0001-0003/checkpoint.h5.damaged")).isNotNull();
    assertThat(results).isEqualTo(results("whole"));
  }

  @Test
  void bothEndsOfEveryPathAreTheMinimaBitForBit() throws IOException {
    run("ends", CONFIG, () -> false);
    try (RunDirectory run = RunDirectory.view(folder.resolve("ends"))) {
      assertThat(run.paths()).hasSize(3);
      for (RunDirectory.PathStatus path : run.paths()) {
        for (int cycle = 0; cycle <= path.cycles(); cycle++) {
          List<FloatBuffer> pivots = PathFile.read(run.cycle(path.pair(), cycle)).pivots();
          assertThat(pivots.get(0)).isEqualTo(minimum(run, path.pair().first()));
          assertThat(pivots.get(pivots.size() - 1)).isEqualTo(minimum(run, path.pair().second()));
        }
      }
    }
  }

  @Test
  void aFinishedRunOpensNoEngineAndSaysTheSame() throws IOException {
    MinimaGraph first = run("twice", CONFIG, () -> false);
    notes.clear();
    progress.clear();
    MinimaGraph second =
        run(
            "twice",
            CONFIG,
            () -> {
              throw new AssertionError("a finished run has nothing to stop");
            });
    assertThat(List.copyOf(second.edges())).isEqualTo(List.copyOf(first.edges()));
    assertThat(notes).isEmpty();
    assertThat(progress).isEmpty();
  }

  @Test
  void progressNeverGoesBeyondItsTotalAndNamesPairCycleAndStep() throws IOException {
    run("progress", CONFIG, () -> false);
    assertThat(progress)
        .allSatisfy(p -> assertThat(p.done()).isBetween(0.0, p.total() * (1 + 1e-12)))
        .anySatisfy(p -> assertThat(p.what()).isEqualTo("training 3 minima"))
        .anySatisfy(
            p ->
                assertThat(p.levels())
                    .containsExactly(
                        new Progress.Level("pair", 3, 3),
                        new Progress.Level("cycle", 2, 2),
                        new Progress.Level("step", 10, 10)));
    Progress last = progress.get(progress.size() - 1);
    assertThat(last.done()).isEqualTo(last.total(), org.assertj.core.api.Assertions.within(1e-6));
    assertThat(notes).anyMatch(note -> note.matches("minimum 2: loss .*, test error .* %"));
  }

  @Test
  void aDivergentTrainingIsFoundAndNothingOfItIsKept() throws IOException {
    String wild = CONFIG.replace("mlp-3:activation=tanh", "mlp-8-8").replace("0.5", "1e30");
    assertThatThrownBy(() -> run("wild", wild, () -> false))
        .isInstanceOf(Diverged.class)
        .hasMessageContaining("training.learning_rate");
    assertThat(results("wild").keySet()).containsExactly("config.yaml", "resolved.yaml");
  }

  @Test
  void aDivergentPathKeepsTheMinimaAndTheLineAlone() throws IOException {
    String wild =
        CONFIG
            .replace("mlp-3:activation=tanh", "mlp-8-8")
            .replace("{steps: 15, learning_rate: 0.1}", "{steps: 15, learning_rate: 1e30}");
    assertThatThrownBy(() -> run("wild", wild, () -> false))
        .isInstanceOf(Diverged.class)
        .hasMessageContaining("cycle 1");
    assertThat(results("wild").keySet())
        .contains("minima/0001/minimum.h5", "minima/0003/minimum.h5")
        .noneMatch(name -> name.contains("cycle-01"));
    try (RunDirectory run = RunDirectory.view(folder.resolve("wild"))) {
      assertThat(run.graph().orElseThrow().edges()).isEmpty();
      assertThat(Summary.of(run).minima()).hasSize(3);
    }
  }

  @Test
  void aMinimumOfAnotherExperimentIsRefused() throws IOException {
    run("one", CONFIG, () -> false);
    String other = CONFIG + "seed: 2\n";
    ExperimentConfig config = Config.parse(other, "test", List.of());
    try (RunDirectory run = RunDirectory.open(folder.resolve("other"), config, other)) {
      Files.createDirectories(run.minimum(1).getParent());
      Files.copy(folder.resolve("one/minima/0001/minimum.h5"), run.minimum(1));
      Experiment experiment = new Experiment(run, config, ProgressListener.SILENT, () -> false);
      assertThatThrownBy(
              () -> {
                experiment.train();
                experiment.explore();
              })
          .isInstanceOf(IsthmusException.class)
          .hasMessageContaining("belongs to another experiment");
      experiment.close();
    }
  }

  @Test
  void aPairWithoutATrainedMinimumIsRefused() throws IOException {
    ExperimentConfig config = Config.parse(CONFIG, "test", List.of());
    try (RunDirectory run = RunDirectory.open(folder.resolve("empty"), config, CONFIG);
        Experiment experiment = new Experiment(run, config, ProgressListener.SILENT, () -> false)) {
      assertThatThrownBy(() -> experiment.connect(new Pair(1, 2)))
          .isInstanceOf(IsthmusException.class)
          .hasMessageContaining("minimum 1")
          .hasMessageContaining("not trained yet");
      experiment.train();
      Files.delete(run.minimum(2));
      assertThat(experiment.connect(new Pair(1, 3)).cycles()).hasSize(2);
      assertThatThrownBy(experiment::explore)
          .isInstanceOf(IsthmusException.class)
          .hasMessageContaining("minimum 2");
    }
  }

  private MinimaGraph run(String name, String yaml, BooleanSupplier stop) {
    ExperimentConfig config = Config.parse(yaml, "test", List.of());
    ProgressListener listener =
        new ProgressListener() {
          @Override
          public void progress(Progress now) {
            progress.add(now);
          }

          @Override
          public void note(String sentence) {
            notes.add(sentence);
          }
        };
    try (RunDirectory run = RunDirectory.open(folder.resolve(name), config, yaml);
        Experiment experiment = new Experiment(run, config, listener, stop)) {
      experiment.train();
      return experiment.explore();
    }
  }

  private static FloatBuffer minimum(RunDirectory run, int number) {
    return MinimumFile.read(run.minimum(number)).state().values();
  }

  /** Everything computed, as text of its bytes, by file name. */
  private Map<String, String> results(String name) throws IOException {
    Map<String, String> results = new TreeMap<>();
    Path run = folder.resolve(name);
    try (Stream<Path> files = Files.walk(run)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String inside = run.relativize(file).toString();
        if (!inside.matches("env\\.json|timings\\.(csv|jsonl)|lock")) {
          results.put(inside, java.util.HexFormat.of().formatHex(Files.readAllBytes(file)));
        }
      }
    }
    return results;
  }
}
