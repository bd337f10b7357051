package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IFactory;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The command line: one verb per class of this package, and what all of them share - the global
 * options, error sentences and exit codes.
 *
 * <p>Verbs hold plain fields only and touch the rest of Isthmus when they are called, so that help
 * and completion load nothing of it.
 */
@Command(
    name = "isthmus",
    description = {
      "Minimum energy paths between minima of neural network loss surfaces.",
      "",
      "Start with 'isthmus demo'."
    },
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = Version.class,
    sortOptions = false,
    commandListHeading = "%nVerbs:%n",
    optionListHeading = "%nOptions:%n",
    parameterListHeading = "%nParameters:%n",
    footerHeading = "%n")
public final class Isthmus implements Callable<Integer> {
  private static final int HELP_WIDTH = 96;

  private static final List<Class<?>> VERBS =
      List.of(
          Demo.class,
          RunVerb.class,
          Train.class,
          Connect.class,
          Explore.class,
          Baseline.class,
          Eval.class,
          HessianVerb.class,
          EnsembleVerb.class,
          ReportVerb.class,
          PlaneVerb.class,
          Export.class,
          ImportVerb.class,
          Inspect.class,
          DataVerb.class,
          ConfigVerb.class,
          Doctor.class,
          Completion.class,
          Man.class);

  private final Console console;

  @Spec private CommandSpec spec;

  private Isthmus(Console console) {
    this.console = console;
  }

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      order = 100,
      description = "Print one JSON document on standard output: the result, or {\"error\": ...}.")
  void json(boolean on) {
    console.json(on);
  }

  @Option(
      names = "--quiet",
      scope = ScopeType.INHERIT,
      order = 101,
      description = "No progress and no remarks, only the result and errors.")
  void quiet(boolean on) {
    console.quiet(on);
  }

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      order = 102,
      description = "Print the stack trace of an error.")
  void debug(boolean on) {
    console.debug(on);
  }

  @Override
  public Integer call() {
    if (console.json()) {
      throw new ParameterException(spec.commandLine(), "no verb given");
    }
    spec.commandLine().usage(console.err());
    return ExitCode.USAGE.status();
  }

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT); // numbers in files and results look the same everywhere
    System.exit(run(Console.ofProcess(), args));
  }

  /** Runs one command; the exit code. */
  static int run(Console console, String... args) {
    CommandLine commandLine = commandLine(console, called(args));
    int status;
    try {
      status = commandLine.execute(args);
    } catch (Error error) {
      status = fail(console, commandLine, Failure.of(error));
    }
    if (!console.delivered()) {
      console.error(
          new Failure(
              ExitCode.IO, "the result could not be written to standard output in full", null),
          "isthmus");
      return ExitCode.IO.status();
    }
    return status;
  }

  /** The verb that is called alone where it comes first: to read the others takes time. */
  private static List<Class<?>> called(String... args) {
    return VERBS.stream()
        .filter(verb -> args.length > 0 && args[0].equals(name(verb)))
        .findFirst()
        .<List<Class<?>>>map(List::of)
        .orElse(VERBS);
  }

  private static String name(Class<?> verb) {
    return verb.getAnnotation(Command.class).name();
  }

  /** The whole tree of verbs. */
  static CommandLine commandLine(Console console) {
    return commandLine(console, VERBS);
  }

  private static CommandLine commandLine(Console console, List<Class<?>> verbs) {
    CommandLine commandLine = new CommandLine(new Isthmus(console), verbs(console));
    for (Class<?> verb : verbs) {
      commandLine.addSubcommand(verb);
    }
    commandLine
        .getCommandSpec()
        .usageMessage()
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(exitCodes());
    return commandLine
        .registerConverter(Path.class, Isthmus::path)
        .setOut(new java.io.PrintWriter(console.out(), true))
        .setErr(new java.io.PrintWriter(console.err(), true))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpWidth(HELP_WIDTH)
        .setParameterExceptionHandler(
            (wrong, args) -> {
              if (Arrays.asList(args).contains("--json")) {
                console.json(true);
              }
              return fail(console, wrong.getCommandLine(), Failure.of(wrong));
            })
        .setExecutionExceptionHandler(
            (thrown, failed, parsed) -> fail(console, failed, Failure.of(thrown)));
  }

  private static Path path(String text) {
    if (text.isBlank() || text.indexOf('\0') >= 0) {
      throw new CommandLine.TypeConversionException("'" + text + "' names no file or folder");
    }
    return Path.of(text);
  }

  private static Map<String, String> exitCodes() {
    Map<String, String> codes = new LinkedHashMap<>();
    for (ExitCode code : ExitCode.values()) {
      codes.put(Integer.toString(code.status()), ExitCodes.meaning(code));
    }
    return codes;
  }

  private static int fail(Console console, CommandLine where, Failure failure) {
    console.error(failure, where.getCommandSpec().qualifiedName());
    return failure.code().status();
  }

  /** Makes verbs, which all take the console; everything else as picocli would. */
  private static IFactory verbs(Console console) {
    IFactory usual = CommandLine.defaultFactory();
    return new IFactory() {
      @Override
      public <K> K create(Class<K> type) throws Exception {
        try {
          return type.getDeclaredConstructor(Console.class).newInstance(console);
        } catch (NoSuchMethodException noVerb) {
          return usual.create(type);
        }
      }
    };
  }
}
