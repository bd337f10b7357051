package io.isthmus.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Goes once through what verbs load, so that the JVM that runs it can write down the classes for
 * the archive from which {@code ./isthmus} starts. What a verb finds or misses here is of no
 * interest.
 */
final class Tour {
  private static final String CONFIG =
      """
      data: {name: digits, train_limit: 100, test_limit: 50}
      model: mlp-4
      training: {minima: 2, batch: 25, steps: 4}
      exploration: {batch: 25, autoneb: [{steps: 2, learning_rate: 0.1}, {steps: 2}]}
      threads: 1
      """;

  private Tour() {}

  /**
   * Goes through the verbs.
   *
   * @param arguments an empty folder to work in
   */
  public static void main(String[] arguments) throws IOException {
    Locale.setDefault(Locale.ROOT);
    Path folder = Path.of(arguments[0]);
    String config = Files.writeString(folder.resolve("tour.yaml"), CONFIG).toString();
    String run = folder.resolve("run").toString();
    verb("--help");
    verb("--version");
    verb("config", "list");
    verb("config", "show", "demo");
    verb("run", config, "-o", run);
    verb("inspect", run);
    verb("inspect", run + "/minima/0001/minimum.h5");
    verb("report", run, "--json");
  }

  private static void verb(String... arguments) {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    Isthmus.run(new Console(nowhere, nowhere, false, false), arguments);
  }
}
