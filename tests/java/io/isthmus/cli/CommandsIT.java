package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.landscape.MinimaGraph;
import io.isthmus.neb.Pair;
import io.isthmus.store.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every verb on one tiny run, and its sentence and exit code for every kind of mistake. */
class CommandsIT {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir static Path shared;
  @TempDir Path own;
  private static String config;
  private static String run;

  @BeforeAll
  static void runOnce() throws IOException {
    config = TinyRun.config(shared, TinyRun.CONFIG).toString();
    run = shared.resolve("run").toString();
    Run whole = Run.of("run", config, "-o", run);
    assertThat(whole.status()).as(whole.err()).isZero();
    assertThat(whole.out())
        .contains("The highest saddle of the tree is", "times a minimum", "report.html");
    assertThat(whole.err()).contains("minimum 3: loss", "path 1-3: cycle 3 of 3");
  }

  // --- what a run leaves --------------------------------------------------------------------

  @Test
  void aRunLeavesEverythingItPromises() {
    assertThat(
            List.of(
                "config.yaml",
                "resolved.yaml",
                "env.json",
                "minima/0001/minimum.h5",
                "paths/0001-0003/cycle-00.h5",
                "paths/0001-0003/cycle-03.h5",
                "graph.json",
                "metrics.csv",
                "metrics.jsonl",
                "timings.csv",
                "tables/table.csv",
                "tables/table.json",
                "tables/table.md",
                "tables/table.tex",
                "tables/table.txt",
                "figures/graph.svg",
                "figures/graph.png",
                "figures/graph.csv",
                "figures/profile-1-3.svg",
                "figures/disconnectivity.svg",
                "report.html"))
        .allSatisfy(name -> assertThat(Path.of(run, name)).isNotEmptyFile());
    assertThat(Path.of(run, "minima/0001/checkpoint.h5")).doesNotExist();
    assertThat(Path.of(run, "paths/0001-0003/checkpoint.h5")).doesNotExist();
  }

  @Test
  void theReportIsOneFileThatNeedsNoNetwork() throws IOException {
    String page = Files.readString(Path.of(run, "report.html"));
    assertThat(page).contains("<svg", "MLP 12", "digits");
    assertThat(page).doesNotContainPattern("(src|href)=[\"']?(https?:)?//");
  }

  @Test
  void theSameCommandAgainShowsTheSameResultAndComputesNothing() {
    Run again = Run.of("run", config, "-o", run);
    assertThat(again.status()).isZero();
    assertThat(again.err()).isEmpty();
    assertThat(again.out()).contains("The highest saddle");
    assertThat(Run.of("run", "-o", run).out()).isEqualTo(again.out());
  }

  @Test
  void trainConnectAndExploreLeadToTheSameGraphAsRun() throws IOException {
    String steps = own.resolve("steps").toString();
    assertThat(Run.of("train", config, "-o", steps, "--quiet").err()).isEmpty();
    Run connected = Run.of("connect", steps, "2", "1");
    assertThat(connected.out()).contains("path 1-2: the saddle is at training loss");
    assertThat(Run.of("explore", steps).status()).isZero();
    assertThat(Path.of(steps, "graph.json")).hasSameBinaryContentAs(Path.of(run, "graph.json"));
  }

  @Test
  void connectGoesOnFromAGivenPathInEitherDirection() throws IOException {
    String other = own.resolve("other").toString();
    assertThat(Run.of("train", config, "-o", other).status()).isZero();
    String path = run + "/paths/0001-0003/cycle-03.h5";
    Run wrong = Run.of("connect", other, "1", "2", "--from", path);
    assertThat(wrong.status()).isEqualTo(2);
    assertThat(wrong.err()).contains("does not lead from minimum 1 to minimum 2");
    Run further = Run.of("connect", other, "3", "1", "--from", path, "--json");
    assertThat(further.status()).as(further.err()).isZero();
    JsonNode found = JSON.readTree(further.out());
    JsonNode before = JSON.readTree(Run.of("connect", run, "1", "3", "--json").out());
    assertThat(found.get("pivots").asInt()).isGreaterThanOrEqualTo(before.get("pivots").asInt());
    Run again = Run.of("connect", other, "1", "3", "--from", path);
    assertThat(again.err()).contains("is finished; remove");
  }

  @Test
  void aMistakeBeforeAnythingIsComputedDoesNotSpoilTheFolder() {
    String folder = own.resolve("corrected").toString();
    assertThat(Run.of("train", config, "-o", folder, "-s", "model=mlp-99999999").status())
        .isEqualTo(2);
    assertThat(Run.of("train", config, "-o", folder, "-s", "training.steps=3").status()).isZero();
  }

  @Test
  void aDrawnSeedIsPrintedStoredAndKept() throws IOException {
    String drawn = own.resolve("drawn").toString();
    String[] command = {"train", config, "-o", drawn, "--seed", "random", "-s", "training.steps=5"};
    Run first = Run.of(command);
    assertThat(first.err()).containsPattern("seed: \\d+ \\(drawn\\)");
    String seed = first.err().replaceAll("(?s)seed: (\\d+).*", "$1");
    assertThat(Files.readString(Path.of(drawn, "resolved.yaml"))).contains("seed: " + seed);
    assertThat(Run.of(command).status()).as("the same command goes on").isZero();
  }

  @Test
  void aSurfaceIsRunToItsKnownSaddleAndShowsHowItsPathRelaxed() throws IOException {
    String surface = own.resolve("surface").toString();
    Run whole = Run.of("run", "surface-mueller-brown", "-o", surface);
    assertThat(whole.status()).as(whole.err()).isZero();
    // Mueller and Brown 1979; the climbing pivot sits on the saddle itself.
    double highest =
        Files.readAllLines(Path.of(surface, "figures/relaxation-1-2.csv")).stream()
            .filter(row -> row.startsWith("Converged"))
            .mapToDouble(row -> Double.parseDouble(row.split(",")[4]))
            .max()
            .orElseThrow();
    assertThat(highest).isCloseTo(-40.66484351, within(1e-5));
    Run figure = Run.of("report", surface, "--figure", "2");
    assertThat(figure.status()).isZero();
    assertThat(figure.out()).contains("relaxation-1-2.svg", "relaxation-1-2.png");
    Run plane = Run.of("plane", surface, "--points", "21");
    assertThat(plane.out()).contains("plane 1-2: 21 by 17 points", "plane-1-2.svg");
  }

  @Test
  void figure1EvaluatesItsPlaneAndFindsItThereTheNextTime() {
    Run first = Run.of("report", run, "--figure", "1", "--pair", "3-1");
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(first.err()).contains("plane 1-3: 31 by 25 points, each 200 training images");
    assertThat(first.out()).contains("plane-1-3.svg", "profile-1-3.svg");
    assertThat(Run.of("report", run, "--figure", "plane", "--pair", "1-3").err()).isEmpty();
    Run shown = Run.of("plane", run, "3", "1", "--json");
    assertThat(JSON.readTree(shown.out()).get("columns").asInt()).isEqualTo(31);
    assertThat(shown.err()).isEmpty();
  }

  @Test
  void aDamagedPlaneIsNamed() throws IOException {
    String copy = own.resolve("copy").toString();
    assertThat(Run.of("run", "surface-leps", "-o", copy).status()).isZero();
    assertThat(Run.of("plane", copy, "--pair", "1-2", "--points", "5").status()).isZero();
    Path file = Path.of(copy, "planes/0001-0002.h5");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    Run damaged = Run.of("plane", copy);
    assertThat(damaged.status()).isEqualTo(65);
    assertThat(damaged.err()).contains(file.toString(), "is damaged", "delete it");
  }

  // --- reading ------------------------------------------------------------------------------

  @ParameterizedTest
  @CsvSource({
    "terminal, straight line",
    "csv, train_loss_saddles_mean",
    "json, shared_mistakes",
    "markdown, | digits | MLP 12 |",
    "latex, \\toprule"
  })
  void reportPrintsTheTableInEveryFormat(String format, String part) {
    assertThat(Run.of("report", run, "--format", format).out()).contains(part);
  }

  @Test
  void everyVerbThatOnlyReadsPrintsOneJsonDocument() {
    String minimum = run + "/minima/0001/minimum.h5";
    for (List<String> command :
        List.of(
            List.of("report", run),
            List.of("inspect", run),
            List.of("inspect", minimum),
            List.of("eval", minimum),
            List.of("config", "show", config),
            List.of("config", "list"),
            List.of("config", "diff", "demo", config),
            List.of("config", "schema"),
            List.of("data", "list"),
            List.of("data", "check", "digits"),
            List.of("data", "where", "cifar10"),
            List.of("doctor"),
            List.of("run", config, "-o", run + "2", "--dry-run"),
            List.of("connect", run, "1", "2"))) {
      String[] words = command.toArray(String[]::new);
      words = java.util.Arrays.copyOf(words, words.length + 1);
      words[words.length - 1] = "--json";
      Run read = Run.of(words);
      assertThat(read.status()).as(command + read.err()).isZero();
      assertThat(JSON.readTree(read.out()).isContainer()).as(command.toString()).isTrue();
    }
  }

  @Test
  void evaluatingAMinimumGivesTheMetricsItWasStoredWith() {
    Run eval = Run.of("eval", run + "/minima/0002/minimum.h5", "--json");
    JsonNode point = JSON.readTree(eval.out()).get("points").get(0);
    JsonNode stored =
        JSON.readTree(Run.of("train", "-o", run, "--json").out()).get("minima").get(1);
    assertThat(point.get("train")).isEqualTo(stored.get("train"));
    assertThat(point.get("test")).isEqualTo(stored.get("test"));
  }

  @Test
  void evaluatingAPathGivesTheLossesOfItsProfileAtThePivots() throws IOException {
    Run eval = Run.of("eval", run + "/paths/0001-0003/cycle-03.h5", "--json");
    JsonNode points = JSON.readTree(eval.out()).get("points");
    JsonNode minima = JSON.readTree(Run.of("train", "-o", run, "--json").out()).get("minima");
    assertThat(points.size()).isGreaterThanOrEqualTo(5);
    assertThat(points.get(0).get("test")).isEqualTo(minima.get(0).get("test"));
    assertThat(points.get(points.size() - 1).get("test")).isEqualTo(minima.get(2).get("test"));
  }

  @Test
  void aFileOutsideItsRunIsEvaluatedByWhatItSaysOfItself() throws IOException {
    Path copy = Files.copy(Path.of(run, "minima/0001/minimum.h5"), own.resolve("copy.h5"));
    Run eval = Run.of("eval", copy.toString(), "-s", "data.test_limit=100", "--json");
    Run inside = Run.of("eval", run + "/minima/0001/minimum.h5", "--json");
    JsonNode point = JSON.readTree(eval.out()).get("points").get(0);
    assertThat(point.get("index").asInt()).isZero();
    assertThat(point.get("test").get("loss").isNumber()).isTrue();
    assertThat(inside.status()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"safetensors", "h5"})
  void whatIsExportedComesBackWithTheSameMetrics(String format) {
    String file = own.resolve("one." + format).toString();
    Run export = Run.of("export", run + "/minima/0003/minimum.h5", "-o", file);
    assertThat(export.status()).as(export.err()).isZero();
    String again = own.resolve("again").toString();
    Run brought = Run.of("import", file, "-o", again, "--config", config);
    assertThat(brought.status()).as(brought.err()).isZero();
    assertThat(brought.out().strip()).isEqualTo(file + " is minimum 1");
    JsonNode first = JSON.readTree(Run.of("inspect", again, "--json").out());
    assertThat(first.get("minima").size()).isEqualTo(1);
    assertThat(points(again + "/minima/0001/minimum.h5"))
        .isEqualTo(points(run + "/minima/0003/minimum.h5"));
  }

  @Test
  void onePivotOfAPathCanBeExported() {
    String path = run + "/paths/0001-0003/cycle-03.h5";
    String file = own.resolve("pivot.safetensors").toString();
    assertThat(Run.of("export", path, "-o", file, "--pivot", "2").status()).isZero();
    JsonNode pivot = points(file, "-s", "model=mlp-12", "-s", "data=digits");
    assertThat(pivot.size()).isEqualTo(1);
    Run none = Run.of("export", path, "-o", own.resolve("x.h5").toString(), "--pivot", "99");
    assertThat(none.status()).isEqualTo(2);
    assertThat(none.err()).contains("say which with --pivot 0 to");
  }

  @ParameterizedTest
  @ValueSource(strings = {"safetensors", "h5"})
  void anExportedPathIsEvaluatedImportedAndGoneOnFrom(String format) throws IOException {
    String path = run + "/paths/0001-0003/cycle-03.h5";
    String file = own.resolve("path." + format).toString();
    Run export = Run.of("export", path, "-o", file);
    assertThat(export.status()).as(export.err()).isZero();
    assertThat(export.out()).contains(" pivots in " + file);
    JsonNode stored = points(path);
    JsonNode alone =
        points(
            file,
            "-s",
            "data={name: digits, train_limit: 200, test_limit: 100}",
            "-s",
            "model=mlp-12",
            "-s",
            "exploration.batch=25",
            "-s",
            "training.batch=25");
    assertThat(alone).isEqualTo(stored);
    String again = own.resolve("again").toString();
    Run brought = Run.of("import", file, "-o", again, "--config", config);
    assertThat(brought.out().strip())
        .as(brought.err())
        .isEqualTo("the ends of " + file + " are minima 1 and 2");
    Run connected = Run.of("connect", again, "1", "2", "--from", file, "--json");
    assertThat(connected.status()).as(connected.err()).isZero();
    assertThat(JSON.readTree(connected.out()).get("pivots").asInt())
        .isGreaterThanOrEqualTo(stored.size());
    Run full = Run.of("import", file, "-o", again);
    assertThat(full.status()).isEqualTo(2);
    assertThat(full.err()).contains("lacks one of its 3 minima, but");
  }

  @ParameterizedTest
  @ValueSource(strings = {"graphml", "dot"})
  void theGraphOfARunIsExported(String format) throws IOException {
    Path file = own.resolve("graph." + format);
    Run export = Run.of("export", run, "-o", file.toString());
    assertThat(export.status()).as(export.err()).isZero();
    assertThat(export.out()).contains("3 minima and ", " paths in ");
    assertThat(Files.readString(file)).contains("saddle_train_loss", "done");
  }

  @Test
  void aFileOfPyTorchAutonebRunsUnchanged() throws IOException {
    String yaml =
        """
        dataset: cifar10
        architecture: {name: MLP, depth: 1, widths: 8}
        device: cuda
        minima_count: 2
        minimum:
          nsteps: 20
          algorithm: {name: SGD, lr: 0.1, momentum: 0.9}
          scheduler: {name: MultiStepLR, milestones: [10, 32000]}
          eval: {batch_size: 16}
        exploration:
          value_key: train_loss
          weight_key: saddle_train_loss
          suggest: [unfinished, disconnected, mst]
          autoneb:
            - insert: {name: equal, count: 3}
              subsample_pivot_count: 1
              spring_constant: inf
              weight_decay: 0.0001
              optim:
                nsteps: 5
                algorithm: {name: SGD, lr: 0.1, momentum: 0.9}
                eval: {batch_size: 32}
            - insert: {count: 0}
            - insert: {name: highest, count: 2, key: dense_train_loss}
              optim: {algorithm: {lr: 0.01}}
        """;
    Path file = Files.writeString(own.resolve("theirs.yaml"), yaml);
    Run run =
        Run.of("run", file.toString(), "-o", own.resolve("theirs").toString(), "-s", "data=digits");
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.err())
        .contains("a file of PyTorch-AutoNEB: device: cuda is not taken over")
        .contains("path 1-2: cycle 3 of 3, ");
  }

  @Test
  void inspectNamesTensorsAndSaysThatEveryByteIsVerified() {
    assertThat(Run.of("inspect", run + "/minima/0001/minimum.h5").out())
        .contains("minimum", "every byte verified", "architecture: mlp-12", "/state_dict/");
  }

  @Test
  void aSurfaceIsAnExperimentLikeAnyOther() throws IOException {
    String yaml =
        "model: surface-mueller-brown\n"
            + "training: {minima: 3, steps: 300}\n"
            + "exploration: {max_pairs: 2, autoneb: [{steps: 50, learning_rate: 1e-4}]}\n";
    Path file = Files.writeString(own.resolve("surface.yaml"), yaml);
    Run surface = Run.of("run", file.toString(), "-o", own.resolve("surface").toString());
    assertThat(surface.status()).as(surface.err()).isZero();
    assertThat(surface.err()).contains("minimum 1: energy");
    assertThat(surface.out()).contains("energy");
  }

  @Test
  void aDryRunSaysWhatItCostsAndLeavesNothing() {
    String folder = own.resolve("dry").toString();
    Run dry = Run.of("run", config, "-o", folder, "--dry-run");
    assertThat(dry.status()).as(dry.err()).isZero();
    assertThat(dry.out()).contains("seed: 1", "240 mini-batch gradients", "memory", "time");
    assertThat(Path.of(folder)).doesNotExist();
  }

  @Test
  void aDryRunNeedsNoImages() {
    String nowhere = own.resolve("nowhere").toString();
    String[] command = {
      "run",
      config,
      "-s",
      "data=fashion-mnist",
      "-s",
      "data.train_limit=100",
      "-s",
      "data.test_limit=50",
      "-s",
      "data.folder=" + nowhere,
      "--dry-run"
    };
    Run dry = Run.of(command);
    assertThat(dry.status()).as(dry.err()).isZero();
    assertThat(dry.err())
        .contains("fashion-mnist are not in " + nowhere, "data where fashion-mnist");
    assertThat(dry.out()).contains("240 mini-batch gradients", "at the speed measured here");
  }

  @Test
  void aFigureIsDrawnByItsNumberOrName() throws IOException {
    Run third = Run.of("report", run, "--figure", "3", "--pair", "3-1", "--json");
    assertThat(third.status()).as(third.err()).isZero();
    JsonNode figure = JSON.readTree(third.out()).get("figures").get(0);
    assertThat(figure.get("name").asString()).isEqualTo("insertion-1-3");
    for (String kind : List.of("svg", "png", "csv")) {
      assertThat(Path.of(figure.get(kind).asString()))
          .isNotEmptyFile()
          .hasParent(Path.of(run, "figures"));
    }
    Run both = Run.of("report", run, run, "--figure", "5", "-o", own.resolve("both").toString());
    assertThat(both.status()).as(both.err()).isZero();
    assertThat(own.resolve("both/minima-and-saddles-of-runs.svg")).content().contains("MLP 12");
    for (String name : List.of("1", "4", "6", "7", "disconnectivity", "graph", "cycles")) {
      assertThat(Run.of("report", run, "--figure", name).status()).as(name).isZero();
    }
  }

  // --- mistakes -----------------------------------------------------------------------------

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          run                              | 2  | no configuration given
          run nothing-like-it              | 74 | there is no file nothing-like-it
          run demi                         | 74 | did you mean demo?
          run CONFIG -o OWN/a -s training.stpes=3 | 2 | did you mean steps?
          run CONFIG -o OWN/a -s training.steps=-3 | 2 | training.steps
          run CONFIG -o RUN -s training.steps=81 | 2 | training.steps: 80 -> 81
          run CONFIG -o SHARED             | 2  | is not empty and holds no run
          run CONFIG -o CONFIG             | 74 | tiny.yaml is a file; choose another folder
          run CONFIG -o CONFIG/a           | 74 | a part of its path is a file
          run CONFIG -o OWN/a -s training.minima=99999999999 | 2 | must be at most 2147483647
          run CONFIG -o OWN/a -s model=mlp-0 | 2 | model 'mlp-0'
          eval RUN                         | 74 | it is a folder; give a file
          run CONFIG -o OWN/a --seed x     | 2  | seed
          run CONFIG -o OWN/a -s precision=fp64 | 2 | precision
          run CONFIG -o OWN/a -s backend=cuda | 69 | backend cpu
          run CONFIG -o OWN/a -s backend=gpu | 2 | must be one of cpu, cuda, emulated
          run CONFIG -o OWN/a -s model=resnet9 | 2 | resnet9
          run CONFIG -o OWN/a -s data=cifar10 -s data.folder=OWN | 74 | data_batch_1.bin
          explore OWN                      | 2  | holds no run
          connect RUN 1 1                  | 2  | two different minima
          connect RUN 1 9                  | 2  | minimum 9
          connect RUN one 2                | 2  | 'one' is not an int
          report OWN                       | 2  | holds no run
          report RUN --format pdf          | 2  | markdown
          report RUN --figure profle       | 2  | did you mean profile?
          report RUN --figure 1 --pair 1-9 | 2  | has no minimum 9; there are 1, 2, 3
          report RUN --figure 1 --pair 1   | 2  | write it like 1-2
          report RUN --pair 1-2            | 2  | say which with --figure
          report RUN --saddle top          | 2  | maxima, point
          inspect OWN/missing.h5           | 74 | missing.h5
          inspect CONFIG                   | 65 | tiny.yaml
          eval CONFIG                      | 65 | tiny.yaml
          export RUN/graph.json -o OWN/x.h5 | 65 | graph.json
          export MINIMUM -o OWN/x.pt       | 2  | must end in .safetensors or .h5
          export MINIMUM -o OWN/x.graphml  | 2  | must end in .safetensors or .h5
          export RUN -o OWN/x.h5           | 2  | must end in .graphml or .dot
          export OWN -o OWN/x.dot          | 2  | holds no run
          export MINIMUM -o MINIMUM        | 2  | exists already
          export MINIMUM -o OWN/x.h5 --pivot 1 | 2 | has no pivots
          import MINIMUM -o RUN            | 2  | has all its 3 minima
          import CONFIG -o OWN/b -c CONFIG | 65 | tiny.yaml
          data check nothing               | 2  | there is no data set nothing
          data                             | 2  | say what: list, check or where
          config diff demo                 | 2  | missing required parameter
          """)
  void eachMistakeIsOneSentenceWithItsExitCode(String command, int status, String part) {
    Run wrong = Run.of(filled(command));
    assertThat(wrong.status()).as(wrong.err()).isEqualTo(status);
    assertThat(wrong.out()).isEmpty();
    assertThat(wrong.err()).contains(part).doesNotContain("Exception", "\tat ");
    assertThat(wrong.err().lines()).hasSize(1);
    Run json = Run.of((String.join(" ", filled(command)) + " --json").split(" "));
    JsonNode error = JSON.readTree(json.out()).get("error");
    assertThat(error.get("status").asInt()).isEqualTo(status);
  }

  @Test
  void anEmptyNameIsNoFolder() {
    Run wrong = Run.of("run", config, "-o", "");
    assertThat(wrong.status()).isEqualTo(2);
    assertThat(wrong.err()).contains("'--output'", "'' names no file or folder").hasLineCount(1);
    assertThat(Run.of("inspect", " ").status()).isEqualTo(2);
  }

  @Test
  void aConfigurationThatARunHasLostIsDamageOfTheRun() throws IOException {
    Path copy = copyOfRun();
    Files.writeString(copy.resolve("resolved.yaml"), "");
    for (String verb : List.of("report", "inspect", "explore")) {
      Run damaged = Run.of(verb, copy.toString());
      assertThat(damaged.status()).as(verb).isEqualTo(65);
      assertThat(damaged.err()).contains("resolved.yaml is damaged").hasLineCount(1);
    }
  }

  @Test
  void debugAddsTheStackTrace() {
    assertThat(Run.of("explore", own.toString(), "--debug").err())
        .contains("holds no run", "\tat ");
  }

  @Test
  void aYamlMistakeNamesFileLineAndColumn() throws IOException {
    Path file =
        Files.writeString(own.resolve("bad.yaml"), "data: digits\nmodel: mlp-4\ntrainnig: {}\n");
    Run wrong = Run.of("run", file.toString(), "-o", own.resolve("x").toString());
    assertThat(wrong.status()).isEqualTo(2);
    assertThat(wrong.err()).contains("bad.yaml:3:1", "did you mean training?");
  }

  @Test
  void aFlippedBitInAMinimumIsRefusedByEveryVerbThatReadsIt() throws IOException {
    Path copy = copyOfRun();
    Path minimum = copy.resolve("minima/0002/minimum.h5");
    byte[] bytes = Files.readAllBytes(minimum);
    bytes[bytes.length / 2] ^= 4;
    Files.write(minimum, bytes);
    for (List<String> command :
        List.of(
            List.of("run", config, "-o", copy.toString()),
            List.of("report", copy.toString()),
            List.of("inspect", minimum.toString()),
            List.of("eval", minimum.toString()),
            List.of("export", minimum.toString(), "-o", own.resolve("x.h5").toString()))) {
      Run damaged = Run.of(command.toArray(String[]::new));
      assertThat(damaged.status()).as(command.toString()).isEqualTo(65);
      assertThat(damaged.err()).contains("minimum.h5").hasLineCount(1);
    }
  }

  @Test
  void aTruncatedPathIsRefusedAndComputedAnewOnceItIsGone() throws IOException {
    Path copy = copyOfRun();
    Path last = copy.resolve("paths/0001-0003/cycle-03.h5");
    byte[] whole = Files.readAllBytes(last);
    Files.write(last, java.util.Arrays.copyOf(whole, whole.length / 3));
    Run damaged = Run.of("run", config, "-o", copy.toString());
    assertThat(damaged.status()).isEqualTo(65);
    assertThat(damaged.err()).contains("cycle-03.h5");
    Files.delete(last);
    Run repaired = Run.of("run", config, "-o", copy.toString());
    assertThat(repaired.status()).as(repaired.err()).isZero();
    assertThat(last).hasBinaryContent(whole);
  }

  @Test
  void aDivergentTrainingEndsWith76AndLeavesNoMinimum() throws IOException {
    String yaml =
        "data: {name: digits, train_limit: 64, test_limit: 32}\nmodel: resnet8:width=4\n"
            + "training: {minima: 2, batch: 32, steps: 60, learning_rate: 1e6}\n";
    Path file = Files.writeString(own.resolve("wild.yaml"), yaml);
    Path folder = own.resolve("wild");
    Run wild = Run.of("run", file.toString(), "-o", folder.toString());
    assertThat(wild.status()).as(wild.err()).isEqualTo(76);
    assertThat(wild.err()).contains("diverged", "training.learning_rate");
    assertThat(folder.resolve("minima")).doesNotExist();
    assertThat(folder.resolve("report.html")).doesNotExist();
  }

  @Test
  void aPairThatDivergedIsReportedWith76AndTheOthersStand() throws IOException {
    Path copy = copyOfRun();
    for (int cycle = 1; cycle <= 3; cycle++) {
      Files.delete(copy.resolve("paths/0002-0003/cycle-0" + cycle + ".h5"));
    }
    try (var run = RunDirectory.resume(copy)) {
      MinimaGraph graph = run.graph().orElseThrow();
      run.saveGraph(graph.withFailure(new Pair(2, 3)));
    }
    Run explored = Run.of("explore", copy.toString());
    assertThat(explored.status()).isEqualTo(76);
    assertThat(explored.out()).contains("Not complete: 1 pair diverged.", "The highest saddle");
  }

  @Test
  void aRunAtWorkIsLeftAlone() throws IOException {
    Path copy = copyOfRun();
    try (var held = RunDirectory.resume(copy)) {
      Run second = Run.of("explore", copy.toString());
      assertThat(second.status()).isEqualTo(2);
      assertThat(second.err()).contains("works in", held.folder().toString());
      assertThat(Run.of("report", copy.toString()).status()).as("reading is allowed").isZero();
    }
  }

  private JsonNode points(String file, String... more) {
    List<String> words = new java.util.ArrayList<>(List.of("eval", file, "--json"));
    words.addAll(List.of(more));
    Run eval = Run.of(words.toArray(String[]::new));
    assertThat(eval.status()).as(eval.err()).isZero();
    return JSON.readTree(eval.out()).get("points");
  }

  private String[] filled(String command) {
    return command
        .replace("CONFIG", config)
        .replace("SHARED", shared.toString())
        .replace("MINIMUM", run + "/minima/0001/minimum.h5")
        .replace("RUN", run)
        .replace("OWN", own.toString())
        .split(" ");
  }

  private Path copyOfRun() throws IOException {
    Path copy = own.resolve("copy");
    try (var files = Files.walk(Path.of(run))) {
      for (Path file : files.toList()) {
        Path target = copy.resolve(Path.of(run).relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
      }
    }
    return copy;
  }
}
