package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process is killed (SIGKILL) while it saves: what it said was saved can be read, always. */
class KilledWriterIT {
  private static final int KILLS = 30;

  @TempDir Path folder;

  /**
   * Saves a checkpoint, a minimum and a row of a log again and again, and tells after each round.
   */
  static final class Writer {
    private Writer() {}

    public static void main(String[] arguments) {
      Path folder = Path.of(arguments[0]);
      TrainingCheckpoint c = Examples.training(1);
      RunLog log = RunLog.open(folder, "metrics");
      for (long step = Long.parseLong(arguments[1]); ; step++) {
        TrainingCurve curve = new TrainingCurve(new float[(int) step], c.curve().evaluations());
        new TrainingCheckpoint(c.origin(), 2, step, 0.5, curve, c.state(), c.momentum())
            .write(folder.resolve("checkpoint.h5"));
        MinimumFile m = Examples.minimum(step);
        m.write(folder.resolve("minimum.h5"));
        log.add("round", "%09d".formatted(step), "loss", step);
        System.out.println(step);
      }
    }
  }

  @Test
  void theNewestOrThePreviousSaveIsReadableAfterEveryKill() throws Exception {
    Random random = new Random(1803);
    long saved = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      Process writer = ChildJvm.start(Writer.class, folder.toString(), Long.toString(saved + 1));
      try (BufferedReader said = writer.inputReader()) {
        String first = said.readLine();
        assertThat(first).isEqualTo(Long.toString(saved + 1));
        Thread.sleep(random.nextInt(60), random.nextInt(1_000_000));
        writer.toHandle().destroyForcibly(); // leaves its output to be read
        writer.waitFor();
        saved++;
        for (String line; (line = said.readLine()) != null; ) {
          saved = Long.parseLong(line);
        }
      }
      TrainingCheckpoint newest =
          TrainingCheckpoint.newest(folder.resolve("checkpoint.h5")).orElseThrow();
      assertThat(newest.step()).isBetween(saved, saved + 1);
      assertThat(newest.state().values()).isEqualTo(Examples.training(1).state().values());
      MinimumFile minimum = MinimumFile.read(folder.resolve("minimum.h5"));
      assertThat(minimum.state().values())
          .isIn(
              Examples.minimum(saved).state().values(),
              Examples.minimum(saved + 1).state().values());
      RunLog log = RunLog.read(folder, "metrics");
      for (long step = 1; step <= saved; step++) {
        assertThat(log.find("round", "%09d".formatted(step), "loss")).hasValue(step);
      }
    }
    assertThat(folder.resolve("checkpoint.h5.damaged")).doesNotExist();
    assertThat(temporaries()).as("a kill leaves at most one").isLessThanOrEqualTo(KILLS);
  }

  private long temporaries() throws IOException {
    try (Stream<Path> inside = Files.list(folder)) {
      return inside
          .filter(path -> path.getFileName().toString().startsWith(AtomicFile.TEMPORARY))
          .count();
    }
  }
}
