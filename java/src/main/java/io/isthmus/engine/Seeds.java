package io.isthmus.engine;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Independent random streams for every job of an experiment, from one root seed.
 *
 * <p>A stream is the first 8 bytes, big-endian, of SHA-256 over the root seed (8 bytes, big-endian)
 * followed by job kind, job id and purpose, each as its UTF-8 length (4 bytes, big-endian) and
 * bytes. The result depends on nothing else: not on the order of jobs, nor on the number of
 * workers.
 */
public final class Seeds {
  private Seeds() {}

  /**
   * Derives one stream.
   *
   * @param root the experiment's seed
   * @param jobKind for example {@code minimum} or {@code path}
   * @param jobId for example {@code 0001} or {@code 0001-0002}
   * @param purpose for example {@code initialise} or {@code batches}
   */
  public static long derive(long root, String jobKind, String jobId, String purpose) {
    MessageDigest digest = sha256();
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(root).flip());
    for (String part : new String[] {jobKind, jobId, purpose}) {
      byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
      digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
      digest.update(bytes);
    }
    return ByteBuffer.wrap(digest.digest()).getLong();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
