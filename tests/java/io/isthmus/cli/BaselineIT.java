package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Other ways to connect minima: what the verb leaves, what the report makes of it, mistakes. */
class BaselineIT {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir static Path shared;
  private static String run;
  private static JsonNode answer;

  @BeforeAll
  static void runOnce() throws IOException {
    Path config = TinyRun.config(shared, TinyRun.CONFIG);
    run = shared.resolve("run").toString();
    assertThat(Run.of("run", config.toString(), "-o", run, "--quiet").status()).isZero();
    Run baselines = Run.of("baseline", run, "--json");
    assertThat(baselines.status()).as(baselines.err()).isZero();
    answer = JSON.readTree(baselines.out());
  }

  @Test
  void everyPairOfTheTreeGetsEveryMethodAtTheCostOfItsPath() throws IOException {
    JsonNode pairs = JSON.readTree(Run.of("report", run, "--json").out()).at("/runs/0/pairs");
    List<String> tree = new ArrayList<>();
    for (JsonNode pair : pairs) {
      if (pair.get("in_tree").asBoolean()) {
        tree.add("%04d-%04d".formatted(pair.get("from").asInt(), pair.get("to").asInt()));
      }
    }
    List<String> expected = new ArrayList<>();
    tree.forEach(
        pair ->
            List.of("line", "matching", "polychain", "bezier")
                .forEach(method -> expected.add(pair + " " + method)));
    List<String> found = new ArrayList<>();
    for (JsonNode row : answer.get("baselines")) {
      found.add(row.get("pair").asString() + " " + row.get("method").asString());
      boolean trained = row.get("method").asString().matches("polychain|bezier");
      // Three inner pivots through 40 + 40 + 30 steps, and more where pivots were inserted.
      assertThat(row.get("gradients").asInt())
          .satisfies(n -> assertThat(trained ? n >= 330 : n == 0).isTrue());
      assertThat(Path.of(row.get("file").asString())).isNotEmptyFile();
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(Files.walk(Path.of(run, "baselines")).map(Path::toString))
        .noneMatch(name -> name.contains("checkpoint"));
  }

  @Test
  void theSameCommandReadsWhatIsThereAndAnotherRunMakesTheSameBytes() throws IOException {
    Run again = Run.of("baseline", run, "--json");
    assertThat(JSON.readTree(again.out())).isEqualTo(answer);
    assertThat(again.err()).doesNotContain("climbs to");
    String pair = answer.at("/baselines/0/pair").asString();
    Path file = Path.of(run, "baselines", pair, "bezier.h5");
    byte[] before = Files.readAllBytes(file);
    Files.delete(file);
    String[] numbers = pair.split("-");
    Run anew = Run.of("baseline", run, numbers[1], numbers[0], "-m", "bezier");
    assertThat(anew.status()).isZero();
    assertThat(anew.err()).contains("Bezier curve climbs to");
    assertThat(file).hasBinaryContent(before);
  }

  @ParameterizedTest
  @CsvSource({
    "terminal, 'other ways'",
    "terminal, 'one-bend polychain'",
    "csv, 'bezier (same pairs)'",
    "json, '\"method\" : \"matching\"'",
    "markdown, '| line after matching |'",
    "latex, 'one-bend polychain &'",
  })
  void everyFormatOfTheTableHasThem(String format, String part) {
    assertThat(Run.of("report", run, "--format", format).out()).contains(part);
  }

  @Test
  void pageAndFigureShowThem() throws IOException {
    Run figure = Run.of("report", run, "--figure", "baselines");
    assertThat(figure.status()).as(figure.err()).isZero();
    List<String> csv = Files.readAllLines(Path.of(run, "figures", "baselines.csv"));
    JsonNode row = answer.at("/baselines/3");
    String[] numbers = row.get("pair").asString().split("-");
    String start =
        "highest,bezier,%d-%d,,%s,"
            .formatted(
                Integer.parseInt(numbers[0]),
                Integer.parseInt(numbers[1]),
                row.at("/saddle/train_loss").asDouble());
    assertThat(csv).anyMatch(line -> line.startsWith(start));
    assertThat(Run.of("report", run, "--write").status()).isZero();
    assertThat(Files.readString(Path.of(run, "report.html"))).contains("Other ways to connect");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "-m besier; 2; (did you mean bezier?)",
        "1; 2; pairs are two numbers each",
        "1 1; 2; two different minima",
        "1 9; 2; minimum 9 of",
        "1 2 --all; 2; either pairs of minima or --all",
        "--gradients 7; 2; was made with other settings",
        "--learning-rate -1; 2; must be above 0",
      })
  void aMistakeIsNamed(String arguments, int status, String sentence) {
    List<String> command = new ArrayList<>(List.of("baseline", run));
    command.addAll(List.of(arguments.split(" ")));
    Run wrong = Run.of(command.toArray(String[]::new));
    assertThat(wrong.err()).contains(sentence);
    assertThat(wrong.status()).isEqualTo(status);
  }

  @Test
  void aSurfaceIsTrainedButNotMatched(@TempDir Path own) throws IOException {
    Path config =
        Files.writeString(
            own.resolve("surface.yaml"),
            """
            model: surface-egg-carton
            training: {minima: 2, steps: 200}
            """);
    String surface = own.resolve("run").toString();
    assertThat(Run.of("train", config.toString(), "-o", surface, "--quiet").status()).isZero();
    Run noTree = Run.of("baseline", surface);
    assertThat(noTree.err()).contains("has no tree of paths yet");
    Run noPath = Run.of("baseline", surface, "1", "2", "-m", "bezier");
    assertThat(noPath.err()).contains("no finished path whose cost could be the measure");
    Run matched = Run.of("baseline", surface, "1", "2", "-m", "matching");
    assertThat(matched.err()).contains("has no hidden units to be matched");
    assertThat(matched.status()).isEqualTo(2);
    Run trained =
        Run.of("baseline", surface, "--all", "-m", "line", "-m", "bezier", "--gradients", "5");
    assertThat(trained.status()).as(trained.err()).isZero();
  }
}
