package io.isthmus.landscape;

/** What is known about the path between two minima. */
public enum PairState {
  /** Nobody has looked for a path yet. */
  UNTRIED,
  /** A path is known. */
  KNOWN,
  /** The search diverged; it is not tried again. */
  FAILED
}
