package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A whole experiment with CUDA's kernels, on the emulated device, against the processor. */
class EmulatedRunIT {
  private static final String CONFIG =
      """
      data: {name: digits, train_limit: 40, test_limit: 20}
      model: cnn-4:batchnorm=1
      training: {minima: 2, batch: 20, steps: 5}
      exploration: {batch: 20, autoneb: [{steps: 2, learning_rate: 0.1}, {steps: 1}]}
      """;

  @TempDir Path folder;

  private JsonNode verdict(String backend) throws IOException {
    Path config = Files.writeString(folder.resolve("tiny.yaml"), CONFIG);
    Run run =
        Run.of(
            "run",
            config.toString(),
            "-o",
            folder.resolve(backend).toString(),
            "-s",
            "backend=" + backend,
            "--json");
    assertThat(run.status()).as(run.err()).isZero();
    return new JsonMapper().readTree(run.out()).get("verdict");
  }

  @Test
  void trainsFindsThePathAndReportsWhatTheProcessorDoes() throws IOException {
    JsonNode there = verdict("emulated");
    JsonNode here = verdict("cpu");
    for (String loss : new String[] {"minimum", "saddle", "line"}) {
      double expected = here.get(loss).asDouble();
      assertThat(there.get(loss).asDouble()).as(loss).isCloseTo(expected, within(1e-4 * expected));
    }
    assertThat(there.get("saddle").asDouble()).isLessThan(there.get("line").asDouble());
    assertThat(folder.resolve("emulated/report.html")).isNotEmptyFile();
  }
}
