package io.isthmus.engine;

/** The one rule the C API cannot check: an array is as long as the call says. */
final class Lengths {
  private Lengths() {}

  /** Throws {@link IllegalArgumentException} unless {@code actual == expected}. */
  static void check(String what, long actual, long expected) {
    if (actual != expected) {
      throw new IllegalArgumentException(
          what + " must have " + expected + " entries, got " + actual);
    }
  }
}
