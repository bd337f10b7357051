package io.isthmus.report;

import io.isthmus.engine.Metrics;

/** One of the two numbers of an evaluation. */
public enum Quantity {
  /** Mean cross-entropy (or the height of a surface). */
  LOSS("loss"),
  /** Share of wrongly classified images, a fraction of one; shown in percent. */
  ERROR("error");

  private final String label;

  Quantity(String label) {
    this.label = label;
  }

  /** The word for it in tables, file headers and figures. */
  public String label() {
    return label;
  }

  /** This quantity of an evaluation. */
  public double of(Metrics metrics) {
    return this == LOSS ? metrics.loss() : metrics.error();
  }
}
