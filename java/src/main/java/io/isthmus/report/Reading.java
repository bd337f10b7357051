package io.isthmus.report;

/** Which of its two readings a saddle's number follows. For the training loss they are the same. */
public enum Reading {
  /** Each metric's own maximum along the path. */
  OWN_MAXIMUM("own_maximum", "each metric’s own maximum along the path"),
  /** Every metric at the point of highest training loss. */
  AT_HIGHEST_TRAINING_LOSS(
      "at_highest_training_loss", "every metric at the point of highest training loss");

  private final String key;
  private final String label;

  Reading(String key, String label) {
    this.key = key;
    this.label = label;
  }

  /** Its name in data files. */
  public String key() {
    return key;
  }

  /** Its description in tables and on the page. */
  public String label() {
    return label;
  }
}
