package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs whose device, an emulated one, fails or fills up on the way, and what the same command makes
 * of them.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeviceFailureIT {
  private static final String CONFIG =
      """
      data: {name: digits, train_limit: 40, test_limit: 20}
      model: mlp-300-300
      backend: emulated
      training: {minima: 2, batch: 20, steps: 5}
      exploration: {batch: 20, autoneb: [{steps: 4, learning_rate: 0.1}, {steps: 2}]}
      checkpoint: {interval_steps: 2}
      """;

  @TempDir static Path folder;
  private Path work;
  private SortedMap<String, byte[]> undisturbed;

  @BeforeAll
  void runUndisturbed() throws Exception {
    work = Files.createDirectory(folder.resolve("work"));
    TinyRun.config(work, CONFIG);
    assertThat(run("undisturbed", Map.of()).status()).isZero();
    undisturbed = TinyRun.results(work.resolve("undisturbed"));
  }

  @Test
  void aDeviceThatFailsWhileAPathIsSought() throws Exception {
    Run failed = run("failed", Map.of("ISTHMUS_EMULATED_FAIL_AFTER", "1100"));
    assertRefused(
        failed, "CUDA failed to [^;]*illegal memory access[^;]*; start the same command again");
    assertGoesOn("failed");
  }

  @Test
  void aDeviceWhoseMemoryIsFullWhenAPathBegins() throws Exception {
    Run failed = run("full", Map.of("ISTHMUS_EMULATED_MEMORY", "5"));
    assertRefused(
        failed,
        "out of memory on Emulated GPU: asked for [^;]*; use fewer points or a smaller batch");
    assertGoesOn("full");
  }

  private static void assertRefused(Run run, String reason) {
    assertThat(run.status()).as(run.err()).isEqualTo(69);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().strip().lines().filter(line -> line.startsWith("isthmus")))
        .singleElement()
        .asString()
        .containsPattern("^isthmus run: \\w+: " + reason);
    assertThat(run.err()).doesNotContain("\tat ", "internal error");
  }

  /** What it had saved is whole, and the same command ends with the bits of an undisturbed run. */
  private void assertGoesOn(String directory) throws Exception {
    Path checkpoint = work.resolve(directory).resolve("paths/0001-0002/checkpoint.h5");
    assertThat(checkpoint).exists();
    Run inspected = Run.of("inspect", checkpoint.toString());
    assertThat(inspected.status()).as(inspected.err()).isZero();
    Run last = run(directory, Map.of());
    assertThat(last.status()).as(last.err()).isZero();
    SortedMap<String, byte[]> results = TinyRun.results(work.resolve(directory));
    assertThat(results.keySet()).isEqualTo(undisturbed.keySet());
    undisturbed.forEach((name, bytes) -> assertThat(results.get(name)).as(name).isEqualTo(bytes));
  }

  private Run run(String directory, Map<String, String> environment)
      throws IOException, InterruptedException {
    List<String> command = List.of("run", "tiny.yaml", "-o", directory);
    try (Child child = Child.start(work, Isthmus.class, command, List.of(), environment)) {
      return child.finish();
    }
  }
}
