package io.isthmus.report;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * How the loss fell while a minimum was trained: the loss of each mini-batch, as training sees it,
 * so on augmented images and with the batch's own batch-norm statistics.
 *
 * @param minimum its number
 * @param batchLosses loss of the batch before each step, [steps]
 * @param stepsPerEpoch steps in which every training image is drawn once, need not be whole; NaN
 *     where there are no images to count
 * @param augmented whether the images of the batches were shifted and flipped at random
 */
public record LearningCurve(
    int minimum, float[] batchLosses, double stepsPerEpoch, boolean augmented) implements Finding {

  /** Windows of a curve that knows no epochs. */
  private static final int WINDOWS = 200;

  /** Whether it is counted in epochs; otherwise in windows of steps. */
  public boolean hasEpochs() {
    return Double.isFinite(stepsPerEpoch);
  }

  /** Steps of a window: an epoch, or a fixed share of the training where there are none. */
  public double window() {
    return hasEpochs() ? stepsPerEpoch : Math.max(1, batchLosses.length / WINDOWS);
  }

  /**
   * Mean of the batch losses over each window; window i holds the steps from i to i + 1 times
   * {@link #window}. A last window of less than half its steps is left out unless it is the only
   * one.
   */
  public double[] means() {
    List<Double> means = new ArrayList<>();
    int begin = 0;
    for (int i = 1; begin < batchLosses.length; i++) {
      int end = (int) Math.min(batchLosses.length, Math.ceil(i * window() - 1e-9));
      double sum = 0;
      for (int step = begin; step < end; step++) {
        sum += batchLosses[step];
      }
      if (i == 1 || end - begin >= window() / 2) {
        means.add(sum / (end - begin));
      }
      begin = end;
    }
    return means.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /**
   * The first window, counted from 1, whose mean is at most {@code loss}: the epoch in which
   * training passed the height of a saddle (figure 7 of the paper). Empty if none is that low.
   */
  public OptionalInt reaches(double loss) {
    double[] means = means();
    for (int i = 0; i < means.length; i++) {
      if (means[i] <= loss) {
        return OptionalInt.of(i + 1);
      }
    }
    return OptionalInt.empty();
  }
}
