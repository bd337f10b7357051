package io.isthmus.store;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The first 512 bytes of each HDF5 file Isthmus writes: an HDF5 user block, readable text that says
 * what the file is and carries the SHA-256 of all bytes after it. {@code head -c 512 file} shows
 * it; HDF5 readers skip it. It is checked before anything else of the file is looked at.
 *
 * @param version of the file format
 * @param kind what the file holds, e.g. "minimum"
 * @param bytes length of the file after the seal
 * @param sha256 of those bytes
 */
record Seal(int version, String kind, long bytes, byte[] sha256) {
  /** Size of an HDF5 user block: 512 is the smallest allowed. */
  static final int SIZE = 512;

  /** Version of the file format this code writes, and the only one it reads. */
  static final int VERSION = 1;

  private static final String START = "isthmus ";
  private static final Pattern TEXT =
      Pattern.compile(
          "isthmus (\\d{1,9}) ([a-z-]{1,40})\nbytes (\\d{1,18})\nsha256 ([0-9a-f]{64})\n.*",
          Pattern.DOTALL);
  private static final String EXPLANATION =
      "An HDF5 file behind a 512-byte user block; h5py, h5dump and jHDF open it as it is.\n"
          + "The SHA-256 is that of all bytes after these 512.\n";

  /** The block itself, exactly {@link #SIZE} bytes. */
  byte[] render() {
    String text =
        START
            + version
            + " "
            + kind
            + "\nbytes "
            + bytes
            + "\nsha256 "
            + HexFormat.of().formatHex(sha256)
            + "\n"
            + EXPLANATION;
    byte[] block = new byte[SIZE];
    Arrays.fill(block, (byte) '\n');
    byte[] ascii = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(ascii, 0, block, 0, ascii.length);
    return block;
  }

  /** True if a file that starts like this claims to be one of ours. */
  static boolean startsLikeOurs(byte[] start) {
    byte[] ours = START.getBytes(StandardCharsets.US_ASCII);
    return start.length >= ours.length
        && Arrays.equals(ours, 0, ours.length, start, 0, ours.length);
  }

  /** The seal of which {@code block} is the rendering, to the last byte; otherwise nothing. */
  static Optional<Seal> parse(ByteBuffer block) {
    if (block.remaining() != SIZE) {
      return Optional.empty();
    }
    byte[] bytes = new byte[SIZE];
    block.duplicate().get(bytes);
    Matcher matcher = TEXT.matcher(new String(bytes, StandardCharsets.US_ASCII));
    if (!matcher.matches()) {
      return Optional.empty();
    }
    Seal seal =
        new Seal(
            Integer.parseInt(matcher.group(1)),
            matcher.group(2),
            Long.parseLong(matcher.group(3)),
            HexFormat.of().parseHex(matcher.group(4)));
    boolean untouched = seal.version() != VERSION || Arrays.equals(bytes, seal.render());
    return untouched ? Optional.of(seal) : Optional.empty();
  }
}
