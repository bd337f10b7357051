package io.isthmus.analysis;

/**
 * Second derivatives of the loss at a point of a path, along its tangent t and across it.
 *
 * @param position arc length from the path's start, as a fraction of the whole, 0..1
 * @param pivot index of the pivot it is, -1 between pivots
 * @param loss over the mini-batches, in training mode
 * @param slope {@code g^T t}, first derivative along the tangent
 * @param gradient length of the gradient g
 * @param tangent {@code t^T H t}
 * @param tangentChange of {@code tangent} when the step of the difference is doubled
 * @param across lowest eigenvalue of the Hessian in the space across t
 * @param acrossChange of {@code across}, likewise
 * @param acrossResidual its residual, as of {@link Eigenvalue#residual}
 */
public record Curvature(
    double position,
    int pivot,
    double loss,
    double slope,
    double gradient,
    double tangent,
    double tangentChange,
    double across,
    double acrossChange,
    double acrossResidual) {
  /** The larger of residual and change of {@code across}. */
  public double acrossUncertainty() {
    return Math.max(acrossResidual, acrossChange);
  }
}
