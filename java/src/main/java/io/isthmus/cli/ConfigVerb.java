package io.isthmus.cli;

import io.isthmus.config.BuiltinConfigs;
import io.isthmus.config.Config;
import io.isthmus.config.ExperimentConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code isthmus config}: configurations, without running anything. */
@Command(
    name = "config",
    description = "Show, list and compare configurations.",
    subcommands = {
      ConfigVerb.Show.class,
      ConfigVerb.Builtins.class,
      ConfigVerb.Diff.class,
      ConfigVerb.Schema.class
    })
final class ConfigVerb implements Callable<Integer> {
  @Spec private CommandSpec spec;

  ConfigVerb(Console console) {}

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "say what: show, list, diff or schema");
  }

  /** {@code config show}. */
  @Command(
      name = "show",
      description =
          "Print the resolved configuration: every setting, defaults and presets filled in.")
  static final class Show implements Callable<Integer> {
    private final Console console;

    @Mixin private ConfigurationArguments arguments = new ConfigurationArguments();

    Show(Console console) {
      this.console = console;
    }

    @Override
    public Integer call() {
      ExperimentConfig config = arguments.load(console);
      console.answer(config, () -> Config.toYaml(config));
      return 0;
    }
  }

  /** {@code config list}. */
  @Command(
      name = "list",
      description =
          "List the built-in configurations: the rows of the paper's table, each with its reduced"
              + " sibling for processors below it.")
  static final class Builtins implements Callable<Integer> {
    private final Console console;

    Builtins(Console console) {
      this.console = console;
    }

    @Override
    public Integer call() {
      Map<String, String> builtins = new LinkedHashMap<>();
      BuiltinConfigs.names().forEach(name -> builtins.put(name, BuiltinConfigs.description(name)));
      console.answer(
          builtins,
          () ->
              builtins.entrySet().stream()
                  .map(entry -> "%-30s %s".formatted(indented(entry.getKey()), entry.getValue()))
                  .collect(Collectors.joining(System.lineSeparator())));
      return 0;
    }
  }

  /** A name, moved to the right where it is the sibling of a row. */
  private static String indented(String name) {
    return BuiltinConfigs.row(name).isPresent() ? "  " + name : name;
  }

  /** {@code config diff}. */
  @Command(name = "diff", description = "Show the settings in which two configurations differ.")
  static final class Diff implements Callable<Integer> {
    private final Console console;

    @Parameters(index = "0", paramLabel = "BEFORE", description = "YAML file or built-in name.")
    private Path before;

    @Parameters(index = "1", paramLabel = "AFTER", description = "YAML file or built-in name.")
    private Path after;

    Diff(Console console) {
      this.console = console;
    }

    @Override
    public Integer call() {
      List<String> lines =
          Config.diff(
              Config.load(List.of(before), List.of()), Config.load(List.of(after), List.of()));
      console.answer(
          lines,
          () -> lines.isEmpty() ? "no difference" : String.join(System.lineSeparator(), lines));
      return 0;
    }
  }

  /** {@code config schema}. */
  @Command(
      name = "schema",
      description = "Print the JSON schema of configuration files, for editors that complete YAML.")
  static final class Schema implements Callable<Integer> {
    private final Console console;

    Schema(Console console) {
      this.console = console;
    }

    @Override
    public Integer call() {
      console.answer(Json.read(Config.schema()), Config::schema);
      return 0;
    }
  }
}
