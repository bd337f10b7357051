package io.isthmus.config;

/** Which of a pair's cycles gives its saddle to the graph. */
public enum PairValue {
  /** The last one. */
  LAST,
  /** The one of lowest training saddle. */
  BEST_CYCLE
}
