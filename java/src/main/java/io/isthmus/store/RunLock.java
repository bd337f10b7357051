package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps a second process out of a run directory: an operating-system lock on the file {@code lock},
 * which holds who has it. A killed process leaves the file but not the lock.
 */
final class RunLock implements AutoCloseable {
  static final String NAME = "lock";

  /** Folders held by this process, to which operating-system locks do not apply. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final FileChannel channel;

  private RunLock(Path folder, FileChannel channel) {
    this.folder = folder;
    this.channel = channel;
  }

  /** Takes the lock of an existing folder, or says who has it. */
  static RunLock take(Path folder) {
    Path file = folder.resolve(NAME);
    Path held;
    try {
      held = folder.toRealPath();
    } catch (IOException e) {
      throw AtomicFile.failure("read", folder, e);
    }
    if (!HELD.add(held)) {
      throw taken(folder, "this process");
    }
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        String owner = Files.readString(file).strip();
        throw taken(folder, owner.isEmpty() ? "another process" : owner);
      }
      channel.truncate(0);
      String owner = "process %d on %s\n".formatted(ProcessHandle.current().pid(), host());
      AtomicFile.writeFully(channel, ByteBuffer.wrap(owner.getBytes(StandardCharsets.UTF_8)));
      return new RunLock(held, channel);
    } catch (IOException e) {
      release(held, channel);
      throw AtomicFile.failure("write", file, e);
    } catch (RuntimeException | Error e) {
      release(held, channel);
      throw e;
    }
  }

  @Override
  public void close() {
    release(folder, channel);
  }

  private static void release(Path folder, FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      // The lock ends with the process at the latest.
    } finally {
      HELD.remove(folder);
    }
  }

  private static IsthmusException taken(Path folder, String owner) {
    return new IsthmusException(
        ExitCode.USAGE,
        "%s works in %s; wait until it ends, stop it, or choose another folder."
            .formatted(Character.toUpperCase(owner.charAt(0)) + owner.substring(1), folder));
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "an unnamed host";
    }
  }
}
