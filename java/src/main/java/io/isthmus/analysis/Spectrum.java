package io.isthmus.analysis;

import java.util.List;

/**
 * The Hessian at one point.
 *
 * @param loss over the mini-batches, in training mode; of a surface its energy
 * @param gradient length of the gradient of that loss; small where the point is stationary
 * @param lowest eigenvalues from the low end, rising
 * @param highest eigenvalues from the high end, falling
 * @param products that it took, those of the check included
 */
public record Spectrum(
    double loss, double gradient, List<Eigenvalue> lowest, List<Eigenvalue> highest, int products) {
  /** Makes the lists unmodifiable; there is at least one eigenvalue at each end. */
  public Spectrum {
    lowest = List.copyOf(lowest);
    highest = List.copyOf(highest);
    if (lowest.isEmpty() || highest.isEmpty()) {
      throw new IllegalArgumentException("A spectrum needs an eigenvalue at each end");
    }
  }

  /** The lowest eigenvalue. */
  public Eigenvalue bottom() {
    return lowest.get(0);
  }

  /** The highest eigenvalue. */
  public Eigenvalue top() {
    return highest.get(0);
  }

  /** How many of the lowest eigenvalues are below zero by more than their uncertainty. */
  public int negative() {
    return (int) lowest.stream().filter(e -> e.value() < -e.uncertainty()).count();
  }
}
