package io.isthmus.report;

/** The images a metric is measured on. */
public enum Split {
  /** The training set. */
  TRAIN("training"),
  /** The test set. */
  TEST("test");

  private final String label;

  Split(String label) {
    this.label = label;
  }

  /** The word for it in tables, file headers and figures. */
  public String label() {
    return label;
  }
}
