package io.isthmus.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Locale;
import java.util.SortedMap;

/**
 * Runs a tiny experiment on a disk that fails (tests/e2e/failing_disk.c, preloaded into this JVM),
 * again and again, each time failing later, and tells what came of it.
 */
final class FailingDisk {
  /** EIO, for one call: a broken disk. */
  private static final int BROKEN = 5;

  /** ENOSPC, from one call on: a full disk. */
  private static final int FULL = 28;

  private static final int CONTROL_BYTES = 5 * Long.BYTES;

  private final Path folder;
  private final ByteBuffer control;

  private FailingDisk(Path folder, ByteBuffer control) {
    this.folder = folder;
    this.control = control;
  }

  /** A file through which {@link #main} and the preloaded library talk. */
  static Path control(Path file) throws IOException {
    return Files.write(file, new byte[CONTROL_BYTES]);
  }

  /**
   * Prints how many calls a run makes, then a line for each failure: the call that failed, how many
   * failed in all, exit code, whether the same command afterwards came to the same results, and
   * what the failed one printed.
   *
   * @param arguments folder of {@code tiny.yaml}, control file, number of failures
   */
  public static void main(String[] arguments) throws IOException {
    Locale.setDefault(Locale.ROOT);
    try (FileChannel file =
        FileChannel.open(
            Path.of(arguments[1]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer control =
          file.map(FileChannel.MapMode.READ_WRITE, 0, CONTROL_BYTES).order(ByteOrder.nativeOrder());
      new FailingDisk(Path.of(arguments[0]), control).failOften(Integer.parseInt(arguments[2]));
    }
    System.exit(0);
  }

  private void failOften(int failures) throws IOException {
    if (run("undisturbed").status() != 0) {
      throw new AssertionError("the undisturbed run failed");
    }
    SortedMap<String, byte[]> undisturbed = TinyRun.results(folder.resolve("undisturbed"));
    long calls = control.getLong(0);
    System.out.println(calls);
    for (int i = 0; i < failures; i++) {
      long call = 1 + calls * i / failures;
      String directory = "failing-at-" + call;
      arm(call, i % 2 == 0 ? FULL : BROKEN);
      Run failed = run(directory);
      long count = control.getLong(4 * Long.BYTES);
      arm(0, 0);
      Run last = run(directory);
      boolean same =
          last.status() == 0 && equal(undisturbed, TinyRun.results(folder.resolve(directory)));
      System.out.printf(
          "%d|%d|%d|%s|%s%n",
          call,
          count,
          failed.status(),
          same,
          failed.err().strip().lines().reduce((a, b) -> b).orElse("") + last.err());
    }
  }

  private Run run(String directory) {
    return Run.of(
        "run",
        folder.resolve("tiny.yaml").toString(),
        "-o",
        folder.resolve(directory).toString(),
        "--quiet");
  }

  private void arm(long call, int error) {
    control.putLong(0, 0);
    control.putLong(2 * Long.BYTES, error);
    control.putLong(3 * Long.BYTES, error == FULL ? 1 : 0);
    control.putLong(4 * Long.BYTES, 0);
    control.putLong(Long.BYTES, call);
  }

  private static boolean equal(SortedMap<String, byte[]> a, SortedMap<String, byte[]> b) {
    return a.keySet().equals(b.keySet())
        && a.keySet().stream().allMatch(name -> Arrays.equals(a.get(name), b.get(name)));
  }
}
