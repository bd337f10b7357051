package io.isthmus.cli;

import io.isthmus.experiment.Progress;
import io.isthmus.experiment.ProgressListener;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Shows progress on standard error: on a terminal as one line that is rewritten, elsewhere as plain
 * lines, the first after a second and then one every ten.
 *
 * <p>Rate and time left are those of the work in hand since it started in this process.
 */
final class ProgressLine implements ProgressListener {
  private static final long REWRITE = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long FIRST_LINE = TimeUnit.SECONDS.toNanos(1);
  private static final long NEXT_LINE = TimeUnit.SECONDS.toNanos(10);
  private static final int BAR = 20;

  private final PrintStream err;
  private final boolean terminal;
  private final boolean quiet;
  private final LongSupplier clock;
  private final int width;
  private final Rate work = new Rate();
  private final Rate innermost = new Rate();
  private String what = "";
  private List<Object> nest = List.of();
  private long shown;
  private boolean open;

  ProgressLine(PrintStream err, boolean terminal, boolean quiet) {
    this(err, terminal, quiet, System::nanoTime, terminal && !quiet ? terminalWidth() : 0);
  }

  ProgressLine(PrintStream err, boolean terminal, boolean quiet, LongSupplier clock, int width) {
    this.err = err;
    this.terminal = terminal;
    this.quiet = quiet;
    this.clock = clock;
    this.width = width;
  }

  @Override
  public synchronized void progress(Progress progress) {
    if (quiet) {
      return;
    }
    long now = clock.getAsLong();
    if (!progress.what().equals(what)) {
      what = progress.what();
      work.start(now, progress.done());
      shown = terminal ? now - REWRITE : now - NEXT_LINE + FIRST_LINE;
    }
    if (!nestOf(progress).equals(nest)) {
      nest = nestOf(progress);
      innermost.start(now, progress.innermost().done());
    }
    if (now - shown < (terminal ? REWRITE : NEXT_LINE)) {
      return;
    }
    shown = now;
    String line = render(progress, now);
    if (terminal) {
      String fitted = line.length() < width ? line : line.substring(0, Math.max(0, width - 1));
      err.print("\r" + fitted + "\u001b[K");
      err.flush();
      open = true;
    } else {
      err.println(line);
    }
  }

  @Override
  public synchronized void note(String sentence) {
    if (!quiet) {
      finish();
      err.println(sentence);
    }
  }

  /** Takes the rewritten line away, so that what follows starts at the left. */
  synchronized void finish() {
    if (open) {
      err.print("\r\u001b[K");
      err.flush();
      open = false;
    }
  }

  private String render(Progress progress, long now) {
    double fraction = Math.min(1, progress.done() / progress.total());
    StringBuilder line = new StringBuilder();
    if (terminal) {
      int filled = (int) (fraction * BAR);
      line.append('[').append("#".repeat(filled)).append(".".repeat(BAR - filled)).append("] ");
    }
    line.append("%3d%% %s".formatted((int) (100 * fraction), progress.what()));
    for (Progress.Level level : progress.levels()) {
      line.append(", %s %d/%d".formatted(level.name(), level.done(), level.total()));
    }
    if (!Double.isNaN(progress.value())) {
      line.append(String.format(Locale.ROOT, ", %s %.4g", progress.quantity(), progress.value()));
    }
    double rate = innermost.perSecond(now, progress.innermost().done());
    if (rate > 0) {
      line.append(
          String.format(
              Locale.ROOT,
              rate < 100 ? ", %.2g %ss/s" : ", %.0f %ss/s",
              rate,
              progress.innermost().name()));
    }
    double left = (progress.total() - progress.done()) / work.perSecond(now, progress.done());
    if (Double.isFinite(left)) {
      line.append(", ").append(duration(Math.max(0, left))).append(" left");
    }
    return line.toString();
  }

  /** What must stay the same for the innermost count to go on: all but its own progress. */
  private static List<Object> nestOf(Progress progress) {
    List<Progress.Level> levels = progress.levels();
    List<Object> nest = new ArrayList<>(levels.subList(0, levels.size() - 1));
    nest.add(progress.what());
    nest.add(progress.innermost().name());
    return nest;
  }

  /** Work per second since a start; 0 while too little time has passed to tell. */
  private static final class Rate {
    private long started;
    private double startedAt;

    void start(long now, double done) {
      started = now;
      startedAt = done;
    }

    double perSecond(long now, double done) {
      double seconds = (now - started) * 1e-9;
      return seconds < 0.5 ? 0 : (done - startedAt) / seconds;
    }
  }

  /** Seconds as people say them: 45 s, 3 min 05 s, 2 h 10 min, 3 d 4 h. */
  static String duration(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    if (whole < 3600) {
      return "%d min %02d s".formatted(whole / 60, whole % 60);
    }
    if (whole < 48 * 3600) {
      return "%d h %02d min".formatted(whole / 3600, whole % 3600 / 60);
    }
    return "%d d %d h".formatted(whole / 86400, whole % 86400 / 3600);
  }

  private static int terminalWidth() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new java.io.File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String size =
          new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
      int columns = Integer.parseInt(size.substring(size.indexOf(' ') + 1));
      return columns > 0 ? columns : 80;
    } catch (IOException | NumberFormatException unknown) {
      return 80;
    }
  }
}
