package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.experiment.Progress;
import io.isthmus.experiment.Progress.Level;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Progress on standard error, with a clock that the test turns. */
class ProgressLineTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream err = new PrintStream(bytes, true);
  private double seconds;

  @Test
  void elsewhereThanOnATerminalItPrintsALineAfterASecondAndThenOneEveryTenSeconds() {
    ProgressLine line = line(false, false);
    for (int step = 0; step <= 100; step++) {
      seconds = step * 0.25;
      line.progress(path(step));
    }
    line.finish();
    assertThat(bytes.toString().lines())
        .containsExactly(
            "  2% path 1-3, pair 2/10, cycle 1/4, step 4/200, loss 0.5000, 4.0 steps/s, 49 s left",
            " 22% path 1-3, pair 2/10, cycle 1/4, step 44/200, loss 0.5000, 4.0 steps/s, 39 s left",
            " 42% path 1-3, pair 2/10, cycle 1/4, step 84/200, loss 0.5000, 4.0 steps/s, 29 s left");
  }

  @Test
  void onATerminalOneLineIsRewrittenWithinTheWidthAndTakenAwayAtTheEnd() {
    ProgressLine line = line(true, false);
    line.progress(path(0));
    seconds = 10;
    line.progress(path(100));
    line.note("minimum 1 is trained");
    String[] writes = bytes.toString().split("\r");
    assertThat(writes[1]).startsWith("[....................]   0% path 1-3");
    assertThat(writes[2]).startsWith("[##########..........]  50% path 1-3").hasSize(59 + 3);
    assertThat(writes[3]).isEqualTo("\u001b[Kminimum 1 is trained" + System.lineSeparator());
  }

  @Test
  void itIsRewrittenAtMostTenTimesASecond() {
    ProgressLine line = line(true, false);
    for (int i = 0; i <= 1000; i++) {
      seconds = i * 0.001;
      line.progress(path(1));
    }
    assertThat(bytes.toString().chars().filter(c -> c == '\r').count()).isBetween(9L, 11L);
  }

  @Test
  void theRateOfAResumedPieceOfWorkCountsOnlyWhatWasDoneSince() {
    ProgressLine line = line(false, false);
    line.progress(path(100));
    seconds = 5;
    line.progress(path(105));
    assertThat(bytes.toString()).contains("step 105/200", "1.0 steps/s", "1 min 35 s left");
  }

  @Test
  void quietMeansNothingAtAll() {
    ProgressLine line = line(true, true);
    line.progress(path(1));
    line.note("a remark");
    line.finish();
    assertThat(bytes.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "0.4, 0 s",
    "59.4, 59 s",
    "60, 1 min 00 s",
    "185, 3 min 05 s",
    "7800, 2 h 10 min",
    "273600, 3 d 4 h"
  })
  void durationsReadLikeSpeech(double value, String text) {
    assertThat(ProgressLine.duration(value)).isEqualTo(text);
  }

  private ProgressLine line(boolean terminal, boolean quiet) {
    return new ProgressLine(
        err, terminal, quiet, () -> (long) (seconds * TimeUnit.SECONDS.toNanos(1)), 60);
  }

  private static Progress path(int step) {
    return new Progress(
        "path 1-3",
        List.of(new Level("pair", 2, 10), new Level("cycle", 1, 4), new Level("step", step, 200)),
        step,
        200,
        0.5);
  }
}
