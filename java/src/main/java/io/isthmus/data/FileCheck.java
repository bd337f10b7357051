package io.isthmus.data;

/**
 * What was found of one file of a data set.
 *
 * @param file its path
 * @param state the verdict
 * @param text the verdict in words
 */
public record FileCheck(String file, State state, String text) {
  /** From good to bad. */
  public enum State {
    /** Byte for byte the published file. */
    OK,
    /** Of the right size; no checksum is known to compare with. */
    UNVERIFIED,
    /** Not there. */
    MISSING,
    /** There, but not the published file, or not readable. */
    DAMAGED
  }

  /** {@code ok /data/cifar10/test_batch.bin: ...}. */
  public String line() {
    return "%-10s %s: %s".formatted(state.name().toLowerCase(java.util.Locale.ROOT), file, text);
  }
}
