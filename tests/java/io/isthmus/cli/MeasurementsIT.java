package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.analysis.Spectrum;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.experiment.Experiment;
import io.isthmus.experiment.HessianRequest;
import io.isthmus.experiment.ProgressListener;
import io.isthmus.store.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code hessian} and {@code ensemble} on one tiny run and on a surface. */
class MeasurementsIT {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String SURFACE =
      "model: surface-mueller-brown\n"
          + "training: {minima: 3, steps: 300}\n"
          + "exploration: {max_pairs: 2, autoneb: [{steps: 200, learning_rate: 1e-4}]}\n";

  @TempDir static Path shared;
  private static String run;
  private static String surface;

  @BeforeAll
  static void runOnce() throws IOException {
    run = shared.resolve("run").toString();
    String smooth = TinyRun.CONFIG.replace("mlp-12", "mlp-4:activation=tanh");
    Run whole = Run.of("run", TinyRun.config(shared, smooth).toString(), "-o", run);
    assertThat(whole.status()).as(whole.err()).isZero();
    surface = shared.resolve("surface").toString();
    Path yaml = Files.writeString(shared.resolve("surface.yaml"), SURFACE);
    assertThat(Run.of("run", yaml.toString(), "-o", surface).status()).isZero();
  }

  @Test
  void withoutArgumentsTheHighestSaddleAndItsMinimaAreMeasuredOnce() throws IOException {
    String[] command = {"hessian", run, "--images", "75", "--products", "60", "--json"};
    Run first = Run.of(command);
    assertThat(first.status()).as(first.err()).isZero();
    JsonNode result = JSON.readTree(first.out());
    assertThat(result.get("minima").size()).isEqualTo(2);
    JsonNode path = result.get("paths").get(0);
    assertThat(path.get("settings").get("images").asInt()).isEqualTo(75);
    double tangent = path.get("at").get("tangent").asDouble();
    assertThat(tangent)
        .isBetween(
            path.get("saddle").get("lowest").get(0).get("value").asDouble() - 0.01,
            path.get("saddle").get("highest").get(0).get("value").asDouble() + 0.01);
    String name =
        path.get("pair").get("first").asInt() + "-" + path.get("pair").get("second").asInt();
    Path file = Path.of(run, "hessian/path-%s.json".formatted(longName(name)));
    byte[] bytes = Files.readAllBytes(file);
    Run again = Run.of(command);
    assertThat(again.err()).as("nothing is computed").doesNotContain("Hessian at");
    assertThat(again.out()).isEqualTo(first.out());
    assertThat(file).hasBinaryContent(bytes);

    Run along = Run.of("hessian", run, "--images", "75", "--products", "60", "--along");
    assertThat(along.err()).contains("curvature along path").doesNotContain("Hessian at minimum");
    JsonNode kept = JSON.readTree(Files.readAllBytes(file)).get("result");
    assertThat(kept.get("along").size()).isGreaterThanOrEqualTo(5);
    assertThat(kept.get("saddle")).isEqualTo(JSON.readTree(bytes).get("result").get("saddle"));
    assertThat(Path.of(run, "figures/curvature.png")).isNotEmptyFile();
    assertThat(Path.of(run, "figures/curvature-" + name + ".csv")).isNotEmptyFile();
    assertThat(Files.readString(Path.of(run, "report.html"))).contains("id=\"curvature\"");
  }

  @Test
  void weightDecayShiftsEveryEigenvalueByItself() {
    Spectrum plain = spectrumOfMinimum(0);
    Spectrum shifted = spectrumOfMinimum(0.5);
    for (int i = 0; i < 2; i++) {
      assertThat(shifted.lowest().get(i).value())
          .isCloseTo(plain.lowest().get(i).value() + 0.5, within(5e-3));
      assertThat(shifted.highest().get(i).value())
          .isCloseTo(plain.highest().get(i).value() + 0.5, within(5e-3));
    }
  }

  private static Spectrum spectrumOfMinimum(double weightDecay) {
    HessianRequest request =
        new HessianRequest(List.of(1), List.of(), 2, 50, weightDecay, 100, false);
    try (RunDirectory directory = RunDirectory.resume(Path.of(run));
        Experiment experiment =
            new Experiment(directory, directory.config(), ProgressListener.SILENT, () -> false)) {
      return experiment.hessian(request).minima().get(0).spectrum();
    }
  }

  @Test
  void aStopAfterAnyProductKeepsWhatIsFinishedAndEndsWithTheSameBits() throws IOException {
    HessianRequest request = new HessianRequest(List.of(2, 3), List.of(), 1, 25, 0, 12, false);
    byte[] second;
    try (RunDirectory directory = RunDirectory.resume(Path.of(run))) {
      Files.deleteIfExists(directory.hessian(2));
      Files.deleteIfExists(directory.hessian(3));
      AtomicInteger questions = new AtomicInteger();
      try (Experiment experiment =
          new Experiment(
              directory,
              directory.config(),
              ProgressListener.SILENT,
              () -> questions.incrementAndGet() > 15)) {
        assertThatThrownBy(() -> experiment.hessian(request))
            .isInstanceOfSatisfying(
                IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.STOPPED))
            .hasMessageContaining("Hessian at minimum 3 was stopped");
      }
      assertThat(directory.hessian(2)).exists();
      assertThat(directory.hessian(3)).doesNotExist();
      second = Files.readAllBytes(directory.hessian(2));
      try (Experiment experiment =
          new Experiment(directory, directory.config(), ProgressListener.SILENT, () -> false)) {
        experiment.hessian(request);
        byte[] third = Files.readAllBytes(directory.hessian(3));
        assertThat(directory.hessian(2)).hasBinaryContent(second);
        Files.delete(directory.hessian(3));
        experiment.hessian(request);
        assertThat(directory.hessian(3)).hasBinaryContent(third);
      }
    }
  }

  @Test
  void anEnsembleIsJudgedAndReadAgain() throws IOException {
    Run first = Run.of("ensemble", run, "--pair", "1-3", "--size", "4");
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(first.out())
        .contains(
            "one minimum", "both ends of path 1-3", "4 along path 1-3", "The run has 3 minima");
    byte[] bytes = Files.readAllBytes(Path.of(run, "ensembles/0001-0003.json"));
    JsonNode result = JSON.readTree(bytes).get("result");
    JsonNode ends = null;
    JsonNode minima = null;
    JsonNode single = null;
    for (JsonNode score : result.get("scores")) {
      String key = score.get("kind").asString() + score.get("members");
      ends = key.equals("path[0.0,1.0]") ? score : ends;
      minima = key.equals("independent[1.0,3.0]") ? score : minima;
      single = key.equals("independent[2.0]") ? score : single;
    }
    assertThat(ends.get("calibration"))
        .as("the ends are these minima")
        .isEqualTo(minima.get("calibration"));
    JsonNode trained =
        JSON.readTree(Run.of("train", "-o", run, "--json").out()).get("minima").get(1).get("test");
    assertThat(single.get("calibration").get("error").asDouble())
        .isCloseTo(trained.get("error").asDouble(), within(1e-6));
    assertThat(single.get("calibration").get("loss").asDouble())
        .isCloseTo(trained.get("loss").asDouble(), within(1e-5));
    assertThat(Run.of("ensemble", run, "--pair", "3-1", "--size", "4").out())
        .isEqualTo(first.out());
    assertThat(Path.of(run, "ensembles/0001-0003.json")).hasBinaryContent(bytes);
    assertThat(Path.of(run, "figures/ensemble-1-3.svg")).isNotEmptyFile();
  }

  @Test
  void onASurfaceTheSaddleHasOneNegativeEigenvalueAlongThePath() {
    Run measured = Run.of("hessian", surface, "--json");
    assertThat(measured.status()).as(measured.err()).isZero();
    JsonNode saddle = JSON.readTree(measured.out()).get("paths").get(0).get("saddle");
    assertThat(saddle.get("lowest").size()).isEqualTo(2);
    assertThat(saddle.get("lowest").get(0).get("value").asDouble()).isNegative();
    assertThat(saddle.get("lowest").get(1).get("value").asDouble()).isPositive();
    assertThat(saddle.get("lowest").get(0).get("overlap").asDouble()).isGreaterThan(0.8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          hessian RUN --minimum 9      | 2 | has no trained minimum 9; its minima are 1, 2, 3
          hessian RUN --pair 1-9       | 2 | no finished path 1-9; find it with 'isthmus connect
          hessian RUN --pair 2-2       | 2 | not a pair of two different minima such as 2-5
          hessian RUN --eigenvalues 0  | 2 | --eigenvalues must be at least 1, but is 0
          hessian RUN --images 0       | 2 | --images must be at least 1
          hessian RUN --products 3     | 2 | --products must be at least 5
          hessian RUN --weight-decay -1 | 2 | --weight-decay must be 0 or more
          ensemble RUN --size 0        | 2 | --size must be at least 1, but is 0
          ensemble RUN --pair 1-9      | 2 | no finished path 1-9
          ensemble SURFACE             | 2 | classifies nothing
          hessian OWN                  | 2 | holds no run
          """)
  void eachMistakeIsOneSentenceWithItsExitCode(String command, int status, String part) {
    String[] words =
        command
            .replace("RUN", run)
            .replace("SURFACE", surface)
            .replace("OWN", shared.toString())
            .split(" ");
    Run wrong = Run.of(words);
    assertThat(wrong.status()).as(wrong.err()).isEqualTo(status);
    assertThat(wrong.out()).isEmpty();
    assertThat(wrong.err()).contains(part).doesNotContain("Exception").hasLineCount(1);
  }

  @Test
  void aDamagedResultIsRefusedWithItsName() throws IOException {
    Path file = Path.of(surface, "ensembles/0001-0002.json");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "{\"format\": \"isthmus ensemble\", \"version\": 1}");
    Run report = Run.of("report", surface);
    Files.delete(file);
    assertThat(report.status()).isEqualTo(65);
    assertThat(report.err()).contains("0001-0002.json is damaged", "delete it").hasLineCount(1);
  }

  private static String longName(String pair) {
    String[] ends = pair.split("-");
    return "%04d-%04d".formatted(Integer.parseInt(ends[0]), Integer.parseInt(ends[1]));
  }
}
