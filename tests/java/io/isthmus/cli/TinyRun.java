package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A whole experiment that takes about a second: perceptrons on the digits. */
final class TinyRun {
  /** Three minima, three cycles with insertion, checkpoints often. */
  static final String CONFIG =
      """
      data: {name: digits, train_limit: 200, test_limit: 100}
      model: mlp-12
      training: {minima: 3, batch: 25, steps: 80}
      exploration:
        batch: 25
        insertion: {threshold: 0.05, max_per_cycle: 2}
        autoneb: [{steps: 40, learning_rate: 0.1}, {}, {steps: 30, learning_rate: 0.01}]
      evaluation: {between: 4}
      checkpoint: {interval_steps: 20}
      """;

  private TinyRun() {}

  /** Writes a configuration file. */
  static Path config(Path folder, String yaml) throws IOException {
    return Files.writeString(folder.resolve("tiny.yaml"), yaml);
  }

  /**
   * Everything a run has computed, by name: all files but those that tell of the machine, the time
   * it took, and the process.
   */
  static SortedMap<String, byte[]> results(Path run) throws IOException {
    SortedMap<String, byte[]> results = new TreeMap<>();
    try (Stream<Path> files = Files.walk(run)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = run.relativize(file).toString();
        if (!name.matches("env\\.json|timings\\.(csv|jsonl)|lock|report\\.html")) {
          results.put(name, Files.readAllBytes(file));
        }
      }
    }
    return results;
  }

  /** Exit code of a command that was stopped. */
  static int stopped() {
    return ExitCode.STOPPED.status();
  }
}
