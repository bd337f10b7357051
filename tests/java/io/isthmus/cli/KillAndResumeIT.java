package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole runs in processes that are killed or stopped, and what the same command makes of them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KillAndResumeIT {
  private static final int KILLS = 6;

  @TempDir static Path folder;
  private Path work;
  private SortedMap<String, byte[]> undisturbed;
  private long milliseconds;

  @BeforeAll
  void runUndisturbed() throws Exception {
    work = Files.createDirectory(folder.resolve("work"));
    // Long enough for kills at many stages, short enough for a test.
    TinyRun.config(work, TinyRun.CONFIG.replace("batch: 25", "batch: 100"));
    long begin = System.nanoTime();
    Run run = run("undisturbed");
    milliseconds = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    assertThat(run.status()).as(run.err()).isZero();
    undisturbed = TinyRun.results(work.resolve("undisturbed"));
    assertThat(undisturbed)
        .containsKeys(
            "minima/0003/minimum.h5",
            "paths/0001-0002/cycle-03.h5",
            "graph.json",
            "metrics.csv",
            "tables/table.csv",
            "figures/graph.svg");
  }

  @Test
  void killedAtRandomTimesItEndsWithTheSameBits() throws Exception {
    Random random = new Random(20180302);
    int killed = 0;
    for (int i = 0; i < KILLS; i++) {
      try (Child child = start("killed")) {
        long delay = (long) ((0.2 + 0.6 * random.nextDouble()) * milliseconds);
        if (child.runsAfter(delay)) {
          child.kill();
          killed++;
        }
      }
    }
    assertThat(killed).as("kills that met a running process").isPositive();
    Run last = run("killed");
    assertThat(last.status()).as(last.err()).isZero();
    assertSameResults("killed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT", "USR1"})
  void asksToStopItKeepsACheckpointAndGoesOn(String signal) throws Exception {
    Path checkpoint = work.resolve(signal).resolve("minima/0002/checkpoint.h5");
    try (Child child = start(signal)) {
      child.await(() -> Files.exists(checkpoint));
      child.signal(signal);
      Run stopped = child.finish();
      assertThat(stopped.status()).as(stopped.err()).isEqualTo(TinyRun.stopped());
      assertThat(stopped.err()).contains("SIG" + signal, "the same command goes on");
      assertThat(stopped.out()).isEmpty();
    }
    assertThat(work.resolve(signal).resolve("graph.json")).doesNotExist();
    Run last = run(signal);
    assertThat(last.status()).as(last.err()).isZero();
    assertSameResults(signal);
  }

  private void assertSameResults(String run) throws IOException {
    SortedMap<String, byte[]> results = TinyRun.results(work.resolve(run));
    assertThat(results.keySet()).isEqualTo(undisturbed.keySet());
    undisturbed.forEach((name, bytes) -> assertThat(results.get(name)).as(name).isEqualTo(bytes));
  }

  private Run run(String directory) throws IOException, InterruptedException {
    try (Child child = start(directory)) {
      return child.finish();
    }
  }

  private Child start(String directory) throws IOException {
    return Child.start(work, List.of("run", "tiny.yaml", "-o", directory));
  }
}
