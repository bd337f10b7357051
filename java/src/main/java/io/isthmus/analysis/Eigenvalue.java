package io.isthmus.analysis;

/**
 * One eigenvalue of a Hessian.
 *
 * @param value Rayleigh quotient of its vector y, from a product computed anew, {@code y^T H y}
 * @param residual {@code |H y - value y|} of the same product, rounding and kinks included: an
 *     eigenvalue of a symmetric H lies this close
 * @param change of the Rayleigh quotient when the step of the difference is doubled
 * @param overlap {@code |y^T t|} with the path's tangent t, 0..1; NaN where there is no path
 */
public record Eigenvalue(double value, double residual, double change, double overlap) {
  /** The larger of residual and change: a value below it is not told from zero. */
  public double uncertainty() {
    return Math.max(residual, change);
  }
}
