package io.isthmus.cli;

import io.isthmus.config.DidYouMean;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.EngineException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * How a command failed: the exit code, and one sentence that says what, where and what to do.
 *
 * @param code what the process ends with
 * @param sentence for the user
 * @param cause what {@code --debug} prints; null where the sentence says it all
 */
record Failure(ExitCode code, String sentence, Throwable cause) {
  /** How picocli lists the constants of an enum. */
  private static final Pattern CHOICES =
      Pattern.compile("one of \\[([A-Z_, ]+)] \\(case-(?:in)?sensitive\\)");

  static Failure of(Throwable thrown) {
    if (thrown instanceof EngineException engine
        && engine.status() == EngineException.Status.DEVICE_ERROR) {
      return new Failure(engine.code(), deviceFailed(engine.getMessage()), thrown);
    }
    if (thrown instanceof IsthmusException known) {
      return new Failure(known.code(), known.getMessage(), thrown);
    }
    if (thrown instanceof UncheckedIOException io) {
      return of(io.getCause());
    }
    if (thrown instanceof IOException io) {
      return new Failure(ExitCode.IO, inputOutput(io), thrown);
    }
    if (thrown instanceof OutOfMemoryError) {
      return new Failure(
          ExitCode.UNAVAILABLE,
          "out of memory in Java's heap of %d MiB (%s); give it more with ISTHMUS_JAVA_OPTIONS=-Xmx<size>, or use a smaller batch"
              .formatted(Runtime.getRuntime().maxMemory() >> 20, thrown.getMessage()),
          thrown);
    }
    if (thrown instanceof LinkageError) {
      return new Failure(
          ExitCode.UNAVAILABLE,
          "a native library cannot be loaded ("
              + thrown.getMessage()
              + "); 'isthmus doctor' says what is missing",
          thrown);
    }
    return new Failure(
        ExitCode.INTERNAL,
        "internal error (" + thrown + "); this is a bug: please report what --debug prints",
        thrown);
  }

  /** What the user typed does not fit the verb. */
  static Failure of(ParameterException wrong) {
    String verb = wrong.getCommandLine().getCommandSpec().qualifiedName();
    String problem = CHOICES.matcher(wrong.getMessage()).replaceAll(Failure::choices);
    problem = problem.replaceAll("\\s*\\R\\s*", " ").strip();
    if (wrong instanceof UnmatchedArgumentException unmatched) {
      problem = unexpected(unmatched.getUnmatched().get(0), wrong.getCommandLine());
    }
    return new Failure(
        ExitCode.USAGE,
        decapitalise(problem) + "; '" + verb + " --help' shows what there is",
        wrong);
  }

  private static String unexpected(String argument, CommandLine where) {
    CommandSpec spec = where.getCommandSpec();
    if (argument.startsWith("-")) {
      return "unknown option '"
          + argument
          + "'"
          + DidYouMean.hint(argument, spec.optionsMap().keySet());
    }
    if (!spec.subcommands().isEmpty()) {
      return "unknown verb '"
          + argument
          + "'"
          + DidYouMean.hint(argument, spec.subcommands().keySet());
    }
    return "unexpected argument '" + argument + "'";
  }

  /** The document that takes the place of a result. */
  Document document() {
    return new Document(new Reason(code.status(), code, sentence));
  }

  /** What stands in place of a result. */
  record Document(Reason error) {}

  /** Why there is no result. */
  record Reason(int status, ExitCode kind, String message) {}

  private static String deviceFailed(String reason) {
    return reason.replaceFirst("\\.$", "")
        + "; start the same command again (a run goes on from its last checkpoint), and if the device fails again,"
        + " test it with 'isthmus doctor --backend cuda'";
  }

  private static String inputOutput(IOException io) {
    if (io instanceof NoSuchFileException missing) {
      return missing.getFile() + " does not exist; check the path";
    }
    if (io instanceof AccessDeniedException denied) {
      return denied.getFile() + " cannot be opened: permission denied";
    }
    if (io instanceof FileSystemException failed && failed.getReason() != null) {
      return failed.getFile() + ": " + failed.getReason();
    }
    return "input or output failed: " + io.getMessage();
  }

  private static String choices(MatchResult list) {
    return "one of " + list.group(1).toLowerCase(Locale.ROOT);
  }

  private static String decapitalise(String text) {
    boolean word = text.length() > 1 && Character.isLowerCase(text.charAt(1));
    return word ? Character.toLowerCase(text.charAt(0)) + text.substring(1) : text;
  }
}
