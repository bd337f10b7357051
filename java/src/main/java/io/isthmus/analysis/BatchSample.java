package io.isthmus.analysis;

/**
 * The mini-batches over which a Hessian is taken.
 *
 * @param batch images in each, at least 1
 * @param batches how many, at least 1
 */
public record BatchSample(int batch, int batches) {
  /** Refuses an empty sample. */
  public BatchSample {
    if (batch < 1 || batches < 1) {
      throw new IllegalArgumentException(
          "A sample needs a batch and batches of at least 1, got %d and %d"
              .formatted(batch, batches));
    }
  }

  /**
   * As many whole batches as hold at least {@code images} images, or the whole training set if that
   * is smaller.
   *
   * @param images wanted, at least 1
   * @param batch images in each batch, at most {@code trainCount}
   * @param trainCount images of the training set
   */
  public static BatchSample of(int images, int batch, int trainCount) {
    int wanted = Math.min(images, trainCount);
    return new BatchSample(batch, (wanted + batch - 1) / batch);
  }

  /** Images of all batches together. */
  public int images() {
    return batch * batches;
  }
}
