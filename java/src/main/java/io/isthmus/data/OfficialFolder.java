package io.isthmus.data;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The files of one published data set on disk. Reads each whole, plain or gzipped, never more than
 * its published size, and checks size and SHA-256 of the content.
 */
final class OfficialFolder {
  private final DataSetInfo info;
  private final Path folder;

  /** {@code folder} holds the files, or the folder that the published archive unpacks to. */
  OfficialFolder(DataSetInfo info, Path folder) {
    this.info = info;
    Path inner = folder.resolve(info.subfolder());
    boolean unpacked = !info.subfolder().isEmpty() && Files.isDirectory(inner);
    this.folder = unpacked ? inner : folder;
  }

  /** The bytes of a file, uncompressed. */
  byte[] read(OfficialFile file) {
    Path path = find(file);
    byte[] content = new byte[Math.toIntExact(file.bytes())];
    int length;
    try (InputStream in = open(path)) {
      length = in.readNBytes(content, 0, content.length);
      if (length == content.length && in.read() >= 0) {
        throw damaged(path, "holds more than the " + content.length + " bytes it should");
      }
    } catch (NoSuchFileException e) {
      throw new IsthmusException(
          ExitCode.IO, info.set().key() + ": " + path + " is missing; " + remedy());
    } catch (EOFException e) {
      throw damaged(path, "is cut off");
    } catch (ZipException e) {
      throw damaged(path, "is not a sound gzip file (" + e.getMessage() + ")");
    } catch (IOException e) {
      throw new IsthmusException(
          ExitCode.IO,
          info.set().key()
              + ": cannot read "
              + path
              + ": "
              + e.getMessage()
              + "; check its permissions and the disk",
          e);
    }
    if (length < content.length) {
      throw damaged(path, "holds " + length + " bytes instead of " + content.length);
    }
    String sum = sha256(content);
    if (file.sha256() != null && !file.sha256().equals(sum)) {
      throw damaged(
          path,
          "is not the published file: its SHA-256 is " + sum + " instead of " + file.sha256());
    }
    return content;
  }

  /** An error in the content of a file. */
  IsthmusException damaged(OfficialFile file, String problem) {
    return damaged(find(file), problem);
  }

  /** The verdict on a file; never throws for what is wrong with it. */
  FileCheck check(OfficialFile file) {
    Path path = find(file);
    if (!Files.exists(path)) {
      return new FileCheck(path.toString(), FileCheck.State.MISSING, "is missing");
    }
    try {
      String sum = sha256(read(file));
      return file.sha256() == null
          ? new FileCheck(
              path.toString(),
              FileCheck.State.UNVERIFIED,
              "has the right size, "
                  + file.bytes()
                  + " bytes; no checksum of the single file is"
                  + " known, its SHA-256 is "
                  + sum)
          : new FileCheck(path.toString(), FileCheck.State.OK, "SHA-256 " + sum);
    } catch (IsthmusException e) {
      return new FileCheck(path.toString(), FileCheck.State.DAMAGED, e.getMessage());
    }
  }

  /** Whether a file is there, whatever is in it. */
  boolean holds(OfficialFile file) {
    return Files.exists(find(file));
  }

  private Path find(OfficialFile file) {
    Path plain = folder.resolve(file.name());
    Path packed = folder.resolve(file.name() + ".gz");
    return !Files.exists(plain) && Files.exists(packed) ? packed : plain;
  }

  private static InputStream open(Path path) throws IOException {
    InputStream file = Files.newInputStream(path);
    if (!path.toString().endsWith(".gz")) {
      return file;
    }
    try {
      return new GZIPInputStream(file, 1 << 16);
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  private IsthmusException damaged(Path path, String problem) {
    return new IsthmusException(
        ExitCode.DATA, info.set().key() + ": " + path + " " + problem + "; " + remedy());
  }

  private String remedy() {
    return "put "
        + info.source()
        + " into "
        + folder
        + " (unpacked), or name their folder with data.folder";
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every Java platform has it
    }
  }
}
