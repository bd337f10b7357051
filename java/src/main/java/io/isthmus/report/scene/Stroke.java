package io.isthmus.report.scene;

/**
 * How a line is drawn, with round caps and joins.
 *
 * @param ink colour
 * @param width in scene units
 * @param dash lengths drawn and skipped in turn, from the start; empty for a solid line
 */
public record Stroke(Ink ink, double width, double... dash) {
  /** Long dashes, for the second of two curves. */
  public static final double[] DASHED = {6, 4};

  /** Dots, for what is not finished. */
  public static final double[] DOTTED = {0.1, 4};
}
