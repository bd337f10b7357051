package io.isthmus.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The command line in a process of its own, so that it can be killed. */
final class Child implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 120;

  private final Process process;
  private final Path out;
  private final Path err;

  private Child(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  /** Starts a command in a folder; what it prints goes to files beside the folder. */
  static Child start(Path folder, List<String> arguments) throws IOException {
    return start(folder, Isthmus.class, arguments, List.of(), Map.of());
  }

  /**
   * Starts a program.
   *
   * @param main its class
   * @param prefix what starts the JVM, such as a shell with limits
   * @param environment variables it gets besides this process's own
   */
  static Child start(
      Path folder,
      Class<?> main,
      List<String> arguments,
      List<String> prefix,
      Map<String, String> environment)
      throws IOException {
    // In a background job of a shell SIGINT is ignored, and so it would be in a child.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
    command.addAll(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
    for (String name : System.getProperties().stringPropertyNames().stream().sorted().toList()) {
      if (name.startsWith("org.bytedeco.") || name.equals("java.library.path")) {
        command.add("-D" + name + "=" + System.getProperty(name));
      }
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(arguments);
    Path out = Files.createTempFile(folder.toAbsolutePath().getParent(), "child", ".out");
    Path err = Files.createTempFile(folder.toAbsolutePath().getParent(), "child", ".err");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().putAll(environment);
    return new Child(builder.start(), out, err);
  }

  /** Waits for its end; the exit code. */
  Run finish() throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("the command did not end; it printed " + Files.readString(err));
    }
    return new Run(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  /** Whether it still runs after so many milliseconds. */
  boolean runsAfter(long milliseconds) throws InterruptedException {
    return !process.waitFor(milliseconds, TimeUnit.MILLISECONDS);
  }

  /** Waits until something has happened while it runs. */
  void await(BooleanSupplier event) throws InterruptedException, IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!event.getAsBoolean()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw new AssertionError("it never happened; the command printed " + Files.readString(err));
      }
      Thread.sleep(5);
    }
  }

  /** Sends a signal by name, such as USR1. */
  void signal(String name) throws IOException, InterruptedException {
    String kill = "kill -" + name + " " + process.pid();
    if (new ProcessBuilder("sh", "-c", kill).inheritIO().start().waitFor() != 0) {
      throw new AssertionError(kill + " failed");
    }
  }

  /** As kill -9 does. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  @Override
  public void close() throws InterruptedException {
    kill();
  }
}
