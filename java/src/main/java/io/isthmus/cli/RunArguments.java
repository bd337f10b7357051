package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.OptionalLong;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The arguments of verbs that start a run or go on with one. */
final class RunArguments {
  @Mixin private ConfigurationArguments configuration = new ConfigurationArguments();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      description =
          "Run directory (default: runs/<name of the configuration>). One that holds a run is gone on"
              + " with, and needs no CONFIG.")
  private Path output;

  /** The run directory. */
  Path folder() {
    if (output == null && configuration.isEmpty()) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "no configuration given; name a YAML file or a built-in one such as 'demo', or an existing"
              + " run with -o");
    }
    return output != null ? output : Path.of("runs", configuration.name());
  }

  /** The resolved configuration: as given, or that of the run in the folder. */
  ExperimentConfig config(Console console) {
    Path folder = folder();
    boolean run = RunDirectory.isRun(folder);
    if (configuration.isEmpty()) {
      return configuration.over(RunDirectory.view(folder).config(), console);
    }
    return configuration.load(
        console,
        run ? OptionalLong.of(RunDirectory.view(folder).config().seed()) : OptionalLong.empty());
  }

  /** Opens the run for work. */
  RunDirectory open(Console console) {
    return RunDirectory.open(folder(), config(console), configuration.given());
  }
}
