package io.isthmus.cli;

import io.isthmus.config.BuiltinConfigs;
import io.isthmus.config.Config;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The arguments that make up a configuration. */
final class ConfigurationArguments {
  private static final String RANDOM = "random";

  @Parameters(
      arity = "0..*",
      paramLabel = "CONFIG",
      description =
          "YAML file, or the name of a built-in configuration ('isthmus config list'); of several"
              + " the later wins.")
  private List<Path> files = List.of();

  @Option(
      names = {"-s", "--set"},
      paramLabel = "KEY=VALUE",
      description = "Override a setting, such as exploration.autoneb.0.steps=200; may be repeated.")
  private List<String> sets = List.of();

  @Option(
      names = "--seed",
      paramLabel = "N|random",
      description = "Root of all random streams; a drawn one is printed and stored.")
  private String seed;

  /** To be filled in by the command line. */
  ConfigurationArguments() {}

  /** Files without overrides. */
  ConfigurationArguments(List<Path> files) {
    this.files = files;
  }

  /** Whether no file was named. */
  boolean isEmpty() {
    return files.isEmpty();
  }

  /** The configuration as given, for a verb that makes no run. */
  ExperimentConfig load(Console console) {
    return load(console, OptionalLong.empty());
  }

  /** The configuration as given; {@code kept} is the seed of the run it continues, if any. */
  ExperimentConfig load(Console console, OptionalLong kept) {
    if (files.isEmpty()) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "no configuration given; name a YAML file or a built-in one such as 'demo'"
              + " ('isthmus config list' shows them)");
    }
    ExperimentConfig config = Config.load(files, overrides(console, kept));
    Config.differences(files).forEach(console::note);
    return config;
  }

  /** The configuration of a run, as changed by the overrides. */
  ExperimentConfig over(ExperimentConfig run, Console console) {
    return sets.isEmpty() && seed == null
        ? run
        : Config.parse(
            Config.toYaml(run),
            "the run's configuration",
            overrides(console, OptionalLong.of(run.seed())));
  }

  /** What a run of this configuration is called: the last file without folder and extension. */
  String name() {
    String last = files.get(files.size() - 1).getFileName().toString();
    int dot = last.lastIndexOf('.');
    return dot > 0 ? last.substring(0, dot) : last;
  }

  /** What was given, as a text to keep: the files, and the overrides as comments. */
  String given() {
    StringBuilder text = new StringBuilder();
    for (Path file : files) {
      text.append("# --- ").append(file).append('\n').append(text(file)).append('\n');
    }
    sets.forEach(set -> text.append("# -s ").append(set).append('\n'));
    if (seed != null) {
      text.append("# --seed ").append(seed).append('\n');
    }
    return text.toString();
  }

  private static String text(Path file) {
    try {
      return Files.isRegularFile(file)
          ? Files.readString(file)
          : BuiltinConfigs.text(file.toString()).orElse("");
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  private List<String> overrides(Console console, OptionalLong kept) {
    List<String> all = new ArrayList<>(sets);
    if (RANDOM.equals(seed)) {
      all.add("seed=" + (kept.isPresent() ? kept.getAsLong() : drawn(console)));
    } else if (seed != null) {
      all.add("seed=" + seed);
    }
    return all;
  }

  private static long drawn(Console console) {
    long seed = new SecureRandom().nextLong() >>> 1;
    console.note("seed: " + seed + " (drawn)");
    return seed;
  }
}
