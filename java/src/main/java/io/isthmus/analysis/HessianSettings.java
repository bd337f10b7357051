package io.isthmus.analysis;

/**
 * How Hessians are taken.
 *
 * @param eigenvalues how many from each end, at least 1
 * @param batch images in a mini-batch; 0 for a surface
 * @param images of all mini-batches together; 0 for a surface
 * @param weightDecay added to every eigenvalue; 0 for the loss alone
 * @param products of Lanczos's method at most, at least 1
 */
public record HessianSettings(
    int eigenvalues, int batch, int images, double weightDecay, int products) {
  /** Residual of a wanted eigenvalue at which Lanczos's method ends, over the spectral radius. */
  public static final double TOLERANCE = 1e-4;

  /** The mini-batches; null for a surface. */
  BatchSample sample() {
    return batch == 0 ? null : new BatchSample(batch, images / batch);
  }
}
