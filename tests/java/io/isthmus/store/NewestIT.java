package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.neb.PathState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The checkpoint before the newest stands in for a damaged one. */
class NewestIT {
  @TempDir Path folder;
  private Path file;
  private Path previous;

  @BeforeEach
  void saveTwice() {
    file = folder.resolve("checkpoint.h5");
    previous = folder.resolve("checkpoint.h5.prev");
    assertThat(PathCheckpoint.newest(file)).isEmpty();
    save(1);
    assertThat(previous).doesNotExist();
    save(2);
    assertThat(seed()).isEqualTo(2);
  }

  /** A checkpoint with this number of seconds. */
  private void save(int seconds) {
    PathCheckpoint c = Examples.checkpoint(3);
    PathState s = c.state();
    PathState numbered =
        new PathState(
            s.pair(),
            s.cycle(),
            s.step(),
            seconds,
            s.spacing(),
            s.pivots(),
            s.momentum(),
            s.batchLosses(),
            s.samples(),
            s.line(),
            s.results());
    new PathCheckpoint(c.origin(), c.tensors(), numbered).write(file);
  }

  private double seed() {
    return PathCheckpoint.newest(file).orElseThrow().state().seconds();
  }

  private static void damage(Path path) throws IOException {
    Files.write(path, new byte[] {1}, StandardOpenOption.APPEND);
  }

  @Test
  void aDamagedOneIsPutAsideAndTheOneBeforeItUsed() throws IOException {
    damage(file);
    assertThat(seed()).isEqualTo(1);
    assertThat(folder.resolve("checkpoint.h5.damaged")).exists();
    assertThat(file).doesNotExist();
  }

  @Test
  void savingOnKeepsTheGoodOneUntilANewOneIsThere() throws IOException {
    damage(file);
    seed();
    save(3);
    assertThat(seed()).isEqualTo(3);
    damage(file);
    assertThat(seed()).isEqualTo(1);
  }

  @Test
  void aKillBetweenTheTwoRenamesLosesNothing() throws IOException {
    Files.move(file, previous, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertThat(seed()).isEqualTo(2);
  }

  @Test
  void bothDamagedIsASentenceAndNothingIsMoved() throws IOException {
    damage(file);
    damage(previous);
    Sentences.data(() -> PathCheckpoint.newest(file)).contains(file.toString(), "is damaged");
    assertThat(file).exists();
    assertThat(previous).exists();
  }

  @Test
  void anotherKindOfFileIsNotASentenceAboutThePreviousOne() {
    Examples.path(1).write(file);
    assertThat(seed()).isEqualTo(1);
    Examples.path(1).write(file);
    Examples.path(1).write(previous);
    Sentences.data(() -> PathCheckpoint.newest(file)).contains("holds a path");
  }
}
