package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.config.Config;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.engine.Metrics;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.Pair;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The folder of a run. */
class RunDirectoryTest {
  private static final String YAML = "model: surface-mueller-brown\nseed: 7\n# mine\n";

  @TempDir Path temporary;
  private Path folder;

  @BeforeEach
  void nameTheFolder() {
    folder = temporary.resolve("runs/first");
  }

  private static ExperimentConfig config(String... sets) {
    return Config.parse(YAML, "test.yaml", List.of(sets));
  }

  private RunDirectory open(String... sets) {
    return RunDirectory.open(folder, config(sets), YAML);
  }

  @Test
  void startsWithTheConfigurationAsGivenAndAsResolved() {
    assertThat(RunDirectory.isRun(folder)).isFalse();
    try (RunDirectory run = open()) {
      assertThat(folder.resolve("config.yaml")).hasContent(YAML);
      assertThat(Config.load(List.of(folder.resolve("resolved.yaml")), List.of()))
          .isEqualTo(run.config());
      assertThat(RunDirectory.isRun(folder)).isTrue();
      assertThat(run.minima()).isEmpty();
      assertThat(run.paths()).isEmpty();
      assertThat(run.graph()).isEmpty();
      assertThat(run.environments()).isEmpty();
    }
  }

  @Test
  void theSameConfigurationGoesOnAndKeepsTheFirstText() {
    open().close();
    RunDirectory.open(folder, config(), "other words").close();
    assertThat(folder.resolve("config.yaml")).hasContent(YAML);
    RunDirectory.resume(folder).close();
    assertThat(RunDirectory.view(folder).config()).isEqualTo(config());
  }

  @Test
  void beforeAnythingIsComputedTheConfigurationMayChange() {
    open("model=surface-leps").close();
    RunDirectory.open(folder, config(), "corrected").close();
    assertThat(RunDirectory.view(folder).config()).isEqualTo(config());
    assertThat(folder.resolve("config.yaml")).hasContent("corrected");
    RunDirectory.resume(folder).close();
    assertThat(folder.resolve("config.yaml")).hasContent("corrected");
  }

  @Test
  void aChangedConfigurationIsRefusedWithTheDifference() {
    try (RunDirectory run = open()) {
      run.metrics().add("minimum", "0001", "train_loss", 1);
    }
    Sentences.usage(() -> open("seed=8", "training.steps=3"))
        .contains(folder.toString(), "seed: 7 -> 8", "training.steps: ", " -> 3", "choose another");
    open("threads=1", "checkpoint.interval_steps=3").close();
    open().close();
  }

  @Test
  void verifiedDataMayLieInAnotherFolderWhenARunGoesOn() {
    String yaml = "data: {name: cifar10, folder: %s}\nmodel: resnet8\n";
    for (String where : List.of("here", "there")) {
      ExperimentConfig config = Config.parse(yaml.formatted(where), "test.yaml", List.of());
      try (RunDirectory run = RunDirectory.open(folder, config, yaml)) {
        assertThat(run.config().data().folder()).endsWith(where);
      }
    }
  }

  @Test
  void aFolderWithOtherThingsIsRefusedAndLeftAlone() throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("thesis.tex"), "text");
    Sentences.usage(this::open).contains("not empty", "thesis.tex");
    assertThat(folder).isDirectoryNotContaining("glob:**lock");
    Sentences.usage(() -> RunDirectory.view(folder)).contains("holds no run");
    Sentences.usage(() -> RunDirectory.resume(temporary.resolve("none"))).contains("holds no run");
    Files.writeString(temporary.resolve("file"), "text");
    Sentences.io(() -> RunDirectory.open(temporary.resolve("file"), config(), YAML));
  }

  @Test
  void aKillDuringTheStartIsNoHindrance() throws IOException {
    Files.createDirectories(folder.resolve("minima/0001"));
    Files.delete(folder.resolve("minima/0001"));
    Files.delete(folder.resolve("minima"));
    Files.writeString(folder.resolve("lock"), "process 1 on somewhere\n");
    Files.writeString(folder.resolve("config.yaml"), "torn");
    Files.writeString(folder.resolve(".writing-1-1-resolved.yaml"), "to");
    open().close();
    assertThat(folder.resolve("config.yaml")).hasContent(YAML);
    assertThat(folder.resolve(".writing-1-1-resolved.yaml")).doesNotExist();
  }

  @Test
  void oneProcessAtATime() throws Exception {
    try (RunDirectory first = open()) {
      Sentences.usage(this::open).contains("This process works in", folder.toString());
      assertThat(RunDirectory.view(folder).minima()).isEmpty();
      Process other = ChildJvm.start(Opener.class, folder.toString());
      try (BufferedReader said = other.inputReader()) {
        assertThat(said.readLine())
            .contains("Process %d on ".formatted(ProcessHandle.current().pid()))
            .contains("works in " + folder);
      }
      assertThat(other.waitFor()).isZero();
      first.metrics().add("minimum", "0001", "loss", 1);
    }
    Process other = ChildJvm.start(Opener.class, folder.toString());
    try (BufferedReader said = other.inputReader()) {
      assertThat(said.readLine()).isEqualTo("opened");
      Sentences.usage(this::open).contains("Process %d on ".formatted(other.pid()));
      other.toHandle().destroyForcibly();
      other.waitFor();
    }
    open().close(); // the lock went with the process
  }

  /** Opens the run, tells how it went, and stays if it could. */
  static final class Opener {
    private Opener() {}

    public static void main(String[] arguments) throws InterruptedException {
      try {
        RunDirectory.open(Path.of(arguments[0]), config(), YAML);
      } catch (io.isthmus.config.IsthmusException e) {
        System.out.println(e.getMessage());
        return;
      }
      System.out.println("opened");
      Thread.sleep(60_000);
    }
  }

  @Test
  void listsWhatIsThere() throws IOException {
    try (RunDirectory run = open()) {
      Pair pair = new Pair(1, 2);
      for (Path file :
          List.of(
              run.minimum(1),
              run.trainingCheckpoint(2),
              run.cycle(pair, 0),
              run.cycle(pair, 1),
              run.cycle(pair, 2),
              run.pathCheckpoint(pair),
              run.pathCheckpoint(new Pair(1, 3)),
              run.cycle(new Pair(2, 3), 0),
              folder.resolve("paths/0002-0001/cycle-00.h5"),
              folder.resolve("paths/notes/cycle-00.h5"),
              folder.resolve("minima/0000/minimum.h5"))) {
        Files.createDirectories(file.getParent());
        Files.createFile(file);
      }
      Files.createDirectories(folder.resolve("minima/0003"));
      assertThat(folder.resolve("minima/0001/minimum.h5")).exists();
      assertThat(folder.resolve("paths/0001-0002/cycle-02.h5")).exists();
      assertThat(run.minima())
          .containsExactly(
              new RunDirectory.MinimumStatus(1, true), new RunDirectory.MinimumStatus(2, false));
      assertThat(run.paths())
          .containsExactly(
              new RunDirectory.PathStatus(pair, 2, true),
              new RunDirectory.PathStatus(new Pair(1, 3), -1, true),
              new RunDirectory.PathStatus(new Pair(2, 3), 0, false));
      Files.createFile(AtomicFile.previous(run.trainingCheckpoint(2)));
      run.removeTrainingCheckpoint(2);
      run.removePathCheckpoint(pair);
      run.removePathCheckpoint(pair);
      assertThat(run.minima()).containsExactly(new RunDirectory.MinimumStatus(1, true));
      assertThat(run.paths()).contains(new RunDirectory.PathStatus(pair, 2, false));
    }
  }

  @Test
  void theGraphComesBack() throws IOException {
    MinimaGraph graph =
        MinimaGraph.of(
                List.of(
                    new Minimum(1, new Metrics(0.1, 0.01), new Metrics(Double.NaN, 0.02)),
                    new Minimum(2, new Metrics(0.2, 0.03), new Metrics(0.3, 0.04)),
                    new Minimum(3, new Metrics(1e-17, 0), new Metrics(0.5, 0.06))))
            .withPath(new Pair(1, 2), 0.1 + 0.2)
            .withPath(new Pair(1, 3), 4)
            .withPath(new Pair(2, 3), 5)
            .withFailure(new Pair(1, 3));
    try (RunDirectory run = open()) {
      run.saveGraph(graph);
      MinimaGraph back = run.graph().orElseThrow();
      assertThat(back.minima()).containsExactlyElementsOf(graph.minima());
      assertThat(back.edges()).containsExactlyElementsOf(graph.edges());
      assertThat(back.failures()).containsExactlyElementsOf(graph.failures());
      assertThat(folder.resolve("graph.json")).content().contains("\"tree\" : true");
      for (String damage :
          List.of(
              "",
              "{",
              "[]",
              "{\"format\":\"isthmus graph\",\"version\":2}",
              "{\"format\":\"isthmus graph\",\"version\":1}",
              "{\"format\":\"isthmus graph\",\"version\":1,\"minima\":[{\"number\":\"x\"}]}")) {
        Files.writeString(folder.resolve("graph.json"), damage);
        Sentences.data(run::graph)
            .contains("graph.json is damaged", "delete it")
            .doesNotContain("Source");
      }
    }
  }

  @Test
  void theEnvironmentIsNotedOnceForEachPlace() {
    Environment here = Environment.here("0.1.0", "", 2, "cpu: some, 2 threads");
    assertThat(here.cores()).isPositive();
    assertThat(here.cpu()).isNotBlank();
    try (RunDirectory run = open()) {
      run.saveEnvironment(here);
      run.saveEnvironment(here);
      Environment there = Environment.here("0.1.0", "", 64, "cuda");
      run.saveEnvironment(there);
      assertThat(run.environments()).containsExactly(here, there);
      run.write("env.json", "{");
      Sentences.data(run::environments).contains("env.json is damaged");
    }
  }

  @Test
  void numbersSurviveTheEndOfTheProcess() {
    try (RunDirectory run = open()) {
      run.metrics().add("minimum", "0001", "train_loss", 0.25);
      run.timings().add("minimum", "0001", "seconds", 12);
    }
    try (RunDirectory run = open()) {
      assertThat(run.metrics().find("minimum", "0001", "train_loss")).hasValue(0.25);
      assertThat(run.timings().find("minimum", "0001", "seconds")).hasValue(12);
    }
    assertThat(folder.resolve("metrics.csv")).content().doesNotContain("seconds");
  }
}
