package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that appear whole or not at all. */
class AtomicFileTest {
  @TempDir Path folder;

  @Test
  void makesFoldersAndReplacesWhatWasThere() {
    Path file = folder.resolve("a/b/file");
    AtomicFile.write(file, "one");
    AtomicFile.write(file, "two");
    assertThat(file).hasContent("two");
    assertThat(AtomicFile.previous(file)).doesNotExist();
    assertThat(file.getParent()).isDirectoryNotContaining("glob:**.writing*");
  }

  @Test
  void keepsThePreviousOne() {
    Path file = folder.resolve("file");
    for (String text : List.of("one", "two", "three")) {
      AtomicFile.writeKeepingPrevious(file, List.of(ByteBuffer.wrap(text.getBytes())));
    }
    assertThat(file).hasContent("three");
    assertThat(AtomicFile.previous(file)).hasContent("two");
  }

  @Test
  void aFileInPlaceOfAFolderIsASentence() {
    AtomicFile.write(folder.resolve("file"), "text");
    Sentences.io(() -> AtomicFile.write(folder.resolve("file/inside"), "more"))
        .contains("Cannot write", "file/inside");
    Sentences.io(() -> AtomicFile.write(folder.resolve("file/deep/inside"), "more"))
        .contains("Cannot write");
    assertThat(folder.resolve("file")).hasContent("text");
  }

  @Test
  void aNameTooLongIsASentence() {
    Sentences.io(() -> AtomicFile.write(folder.resolve("x".repeat(300)), "text"))
        .contains("name too long");
  }

  @Test
  void aFolderWithoutPermissionIsASentence() throws IOException {
    Path closed = Files.createDirectory(folder.resolve("closed"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("r-xr-xr-x"));
    assumeTrue(!"root".equals(System.getProperty("user.name")), "root may write in every folder");
    Sentences.io(() -> AtomicFile.write(closed.resolve("file"), "text"))
        .contains("permission denied", "check owner and permissions");
  }

  @Test
  void aFolderNobodyCanWriteInIsASentence() {
    Path proc = Path.of("/proc");
    assumeTrue(Files.isDirectory(proc), "there is no /proc here");
    Sentences.io(() -> AtomicFile.write(proc.resolve("isthmus"), "text")).contains("Cannot write");
  }

  @Test
  void aFullDiskIsASentenceAndTheLastFileStays() throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk.toString()) == 0,
        "mounting a tiny disk needs root");
    try {
      Path file = disk.resolve("checkpoint.h5");
      byte[] small = new byte[20_000];
      AtomicFile.writeKeepingPrevious(file, List.of(ByteBuffer.wrap(small)));
      small[0] = 1;
      AtomicFile.writeKeepingPrevious(file, List.of(ByteBuffer.wrap(small)));
      Sentences.io(
              () ->
                  AtomicFile.writeKeepingPrevious(
                      file, List.of(ByteBuffer.wrap(new byte[100_000]))))
          .contains("No space left on device", "free some space", "nothing saved before is lost");
      assertThat(file).hasBinaryContent(small);
      assertThat(AtomicFile.previous(file)).hasSize(20_000);
      try (Stream<Path> inside = Files.list(disk)) {
        assertThat(inside).hasSize(2);
      }

      RunLog log = RunLog.open(disk, "metrics");
      log.add("minimum", "0001", "loss", 1);
      Files.write(disk.resolve("rest"), new byte[12_000]);
      int rows = fill(log);
      assertThat(rows).isPositive();
      RunLog back = RunLog.read(disk, "metrics");
      assertThat(back.rows()).hasSizeBetween(rows, rows + 1);
      assertThat(Files.readString(disk.resolve("metrics.csv"))).endsWith("\n");
      assertThat(Files.readString(disk.resolve("metrics.jsonl"))).endsWith("\n");
    } finally {
      run("umount", disk.toString());
    }
  }

  /** Adds rows until the disk is full; how many there are. */
  private static int fill(RunLog log) {
    for (int i = 1; i < 10_000; i++) {
      try {
        log.add("minimum", "%04d".formatted(i), "loss", i);
      } catch (IsthmusException full) {
        Sentences.io(() -> throwIt(full)).contains("No space left on device");
        return i - 1;
      }
    }
    throw new AssertionError("the disk never filled up");
  }

  private static void throwIt(IsthmusException e) {
    throw e;
  }

  private static int run(String... command) throws Exception {
    try {
      return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor();
    } catch (IOException e) {
      return -1;
    }
  }
}
