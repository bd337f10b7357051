package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The operating system refuses a write, at any place of a run: a sentence, and nothing is lost. */
class WriteErrorsIT {
  private static final int FAILURES = 16;
  private static final String CONFIG =
      """
      data: {name: digits, train_limit: 50, test_limit: 20}
      model: mlp-4
      training: {minima: 2, batch: 25, steps: 12}
      exploration: {batch: 25, autoneb: [{steps: 6, learning_rate: 0.1}, {steps: 6}]}
      evaluation: {between: 1}
      checkpoint: {interval_steps: 4}
      """;

  @TempDir Path folder;

  @Test
  void wheneverTheDiskFailsARunEndsWith74AndTheSameCommandFinishesWithTheSameBits()
      throws Exception {
    Path work = Files.createDirectory(folder.resolve("work"));
    TinyRun.config(work, CONFIG);
    Path control = FailingDisk.control(folder.resolve("control"));
    Map<String, String> disk =
        Map.of(
            "LD_PRELOAD", library().toString(),
            "FAILING_DISK_UNDER", work.toRealPath().toString(),
            "FAILING_DISK_CONTROL", control.toString());
    List<String> arguments =
        List.of(work.toRealPath().toString(), control.toString(), Integer.toString(FAILURES));
    Run all;
    try (Child child = Child.start(work, FailingDisk.class, arguments, List.of(), disk)) {
      all = child.finish();
    }
    assertThat(all.status()).as(all.err()).isZero();
    List<String> lines = all.out().lines().toList();
    assertThat(Long.parseLong(lines.get(0))).as("calls of one run").isGreaterThan(100);
    assertThat(lines).hasSize(1 + FAILURES);
    assertThat(lines.subList(1, lines.size()))
        .allSatisfy(
            line -> {
              String[] cells = line.split("\\|", 5);
              assertThat(cells[1]).as("failed calls").isNotEqualTo("0");
              assertThat(cells[2]).as("exit code").isEqualTo("74");
              assertThat(cells[3]).as("the same results afterwards").isEqualTo("true");
              assertThat(cells[4])
                  .startsWith("isthmus run: Cannot write ")
                  .containsAnyOf("No space left on device; free some space", "Input/output error;");
            });
  }

  /** The preloaded library, built with the C compiler that built the engine. */
  private Path library() throws Exception {
    Path library = folder.resolve("failing_disk.so");
    Path source = Path.of("tests/e2e/failing_disk.c").toAbsolutePath();
    String compiler = System.getenv().getOrDefault("CC", "cc");
    assumeTrue(
        new ProcessBuilder("sh", "-c", "command -v " + compiler).start().waitFor() == 0,
        "there is no C compiler here");
    List<String> command =
        List.of(
            compiler,
            "-O1",
            "-shared",
            "-fPIC",
            source.toString(),
            "-o",
            library.toString(),
            "-ldl");
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    return library;
  }
}
