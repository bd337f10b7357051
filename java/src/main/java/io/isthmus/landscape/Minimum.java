package io.isthmus.landscape;

import io.isthmus.engine.Metrics;

/**
 * A trained minimum, a node of the graph.
 *
 * @param number its number in the run, at least 1
 * @param train loss and error on the training set; the loss is the node's energy
 * @param test loss and error on the test set
 */
public record Minimum(int number, Metrics train, Metrics test) {
  public Minimum {
    if (number < 1 || !Double.isFinite(train.loss())) {
      throw new IllegalArgumentException(
          "A minimum needs a number >= 1 and a finite training loss, got number %d and loss %s"
              .formatted(number, train.loss()));
    }
  }

  /** Training loss, the energy of this node. */
  public double loss() {
    return train.loss();
  }
}
