package io.isthmus.config;

/** Target distances between neighbouring pivots of a path. */
public enum Spacing {
  /** All gaps alike. */
  EQUAL,
  /** An insertion at fraction a of a gap splits the gap's target into a and 1 - a, for good. */
  TARGET
}
