package io.isthmus.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * Where words go: results to standard output, everything else to standard error. With {@code
 * --json} standard output is exactly one JSON document, whether the command succeeds or fails.
 */
final class Console {
  private final PrintStream out;
  private final PrintStream err;
  private final boolean terminal;
  private final boolean colours;
  private boolean json;
  private boolean quiet;
  private boolean debug;
  private ProgressLine progress;

  /**
   * Words to given streams.
   *
   * @param terminal whether {@code err} is a terminal, on which lines can be rewritten
   * @param colours whether {@code out} is a terminal and colours are wanted
   */
  Console(PrintStream out, PrintStream err, boolean terminal, boolean colours) {
    this.colours = colours;
    this.out = out;
    this.err = err;
    this.terminal = terminal;
  }

  /** The streams of this process. */
  static Console ofProcess() {
    return new Console(
        stream(FileDescriptor.out),
        stream(FileDescriptor.err),
        isTerminal("/proc/self/fd/2"),
        isTerminal("/proc/self/fd/1") && System.getenv("NO_COLOR") == null);
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  private static boolean isTerminal(String link) {
    try {
      String target = Files.readSymbolicLink(Path.of(link)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException | UnsupportedOperationException unknown) {
      return System.console() != null;
    }
  }

  PrintStream out() {
    return out;
  }

  PrintStream err() {
    return err;
  }

  /** Whether results may be coloured. */
  boolean colours() {
    return colours && !json;
  }

  boolean json() {
    return json;
  }

  void json(boolean on) {
    json = on;
  }

  void quiet(boolean on) {
    quiet = on;
  }

  boolean debug() {
    return debug;
  }

  void debug(boolean on) {
    debug = on;
  }

  /** The result of a command: a text for people, or with {@code --json} a document. */
  void answer(Object document, Supplier<String> text) {
    finishProgress();
    out.println((json ? Json.write(document) : text.get()).stripTrailing());
  }

  /** A remark on the way, not part of the result. */
  void note(String sentence) {
    if (!quiet) {
      progress().note(sentence);
    }
  }

  /** An error: its sentence, and with {@code --json} a document in place of the result. */
  void error(Failure failure, String command) {
    finishProgress();
    err.println(command + ": " + failure.sentence());
    if (json) {
      out.println(Json.write(failure.document()));
    }
    if (debug && failure.cause() != null) {
      failure.cause().printStackTrace(err);
    }
  }

  /** What renders the progress of this command on standard error. */
  ProgressLine progress() {
    if (progress == null) {
      progress = new ProgressLine(err, terminal, quiet);
    }
    return progress;
  }

  private void finishProgress() {
    if (progress != null) {
      progress.finish();
    }
  }

  /** False if something written to standard output never arrived there. */
  boolean delivered() {
    return !out.checkError();
  }
}
