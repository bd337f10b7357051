package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Files that appear whole or not at all: written under a temporary name in the same folder, forced
 * to the disk, renamed, and the folder forced to the disk. A process may be killed, or the disk may
 * fill, at any moment; what was there before stays.
 */
public final class AtomicFile {
  /** Prefix of temporary names; a killed process may leave one behind. */
  static final String TEMPORARY = ".writing-";

  /** Suffix of the checkpoint before the newest. */
  private static final String PREVIOUS = ".prev";

  private static final AtomicLong SERIAL = new AtomicLong();

  private AtomicFile() {}

  /** Puts {@code parts}, one after the other, in place of {@code target}; makes its folder. */
  static void write(Path target, List<ByteBuffer> parts) {
    replace(target, parts, false);
  }

  /** Like {@link #write}, and what was there before is kept as {@link #previous}. */
  static void writeKeepingPrevious(Path target, List<ByteBuffer> parts) {
    replace(target, parts, true);
  }

  /** {@link #write} of text in UTF-8. */
  static void write(Path target, String text) {
    write(target, List.of(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8))));
  }

  /** Where {@link #writeKeepingPrevious} keeps the file before {@code target}. */
  static Path previous(Path target) {
    return target.resolveSibling(target.getFileName() + PREVIOUS);
  }

  private static void replace(Path target, List<ByteBuffer> parts, boolean keepPrevious) {
    Path folder = target.toAbsolutePath().getParent();
    Path temporary =
        folder.resolve(
            TEMPORARY
                + ProcessHandle.current().pid()
                + "-"
                + SERIAL.incrementAndGet()
                + "-"
                + target.getFileName());
    try {
      Files.createDirectories(folder);
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        for (ByteBuffer part : parts) {
          writeFully(channel, part);
        }
        channel.force(true);
      }
      if (keepPrevious && Files.exists(target)) {
        move(target, previous(target));
      }
      move(temporary, target);
      forceFolder(folder);
    } catch (IOException e) {
      deleteQuietly(temporary);
      throw failure("write", target, e);
    }
  }

  static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    ByteBuffer rest = bytes.duplicate();
    while (rest.hasRemaining()) {
      channel.write(rest);
    }
  }

  /** Renames within one file system; the target is replaced in the same instant. */
  static void move(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Makes creations and renames in a folder last through a loss of power. */
  static void forceFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** What to tell a user when the operating system refuses; {@code verb} is "read" or "write". */
  public static IsthmusException failure(String verb, Path file, IOException e) {
    String reason;
    String remedy;
    boolean read = verb.equals("read");
    String said =
        e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : text(e);
    if (e instanceof NoSuchFileException) {
      reason = read ? "there is no such file" : "its folder does not exist and cannot be made";
      remedy = "check the path";
    } else if (e instanceof FileAlreadyExistsException taken) {
      reason = taken.getFile() + " is a file";
      remedy = "choose another folder";
    } else if (said.contains("Is a directory")) {
      reason = "it is a folder";
      remedy = read ? "give a file" : "move it away or choose another name";
    } else if (said.contains("Not a directory")) {
      reason = "a part of its path is a file";
      remedy = "check the path";
    } else if (e instanceof AccessDeniedException) {
      reason = "permission denied";
      remedy = "check owner and permissions of the file and its folder";
    } else {
      reason = said;
      boolean full = reason.contains("No space left") || reason.contains("quota");
      remedy =
          full
              ? "free some space and run the same command again, nothing saved before is lost"
              : "check the disk and the folder";
    }
    return new IsthmusException(
        ExitCode.IO, "Cannot %s %s: %s; %s.".formatted(verb, file, reason, remedy), e);
  }

  private static String text(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // A leftover temporary file harms nothing; RunDirectory removes it when it next opens.
    }
  }
}
