package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;

/**
 * How high a curve climbs, in both readings that a saddle has.
 *
 * @param convention batch-norm convention that all numbers here use
 * @param index sample with the highest training loss (the first of several)
 * @param position its arc length fraction
 * @param train metrics on the training set at that sample
 * @param test metrics on the test set at that sample; NaN when not measured
 * @param trainMaximum each training metric's own maximum along the curve, wherever it lies
 * @param testMaximum each test metric's own maximum along the curve; NaN when not measured
 */
public record Saddle(
    StatisticsConvention convention,
    int index,
    double position,
    Metrics train,
    Metrics test,
    Metrics trainMaximum,
    Metrics testMaximum) {

  private static final Metrics UNKNOWN = new Metrics(Double.NaN, Double.NaN);

  /** The saddle of a curve that has not been measured: NaN throughout, index -1. */
  static Saddle unknown(StatisticsConvention convention) {
    return new Saddle(convention, -1, Double.NaN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
  }

  /**
   * The saddle of a curve. A sample whose training loss is NaN never counts as the highest.
   *
   * @return NaN throughout and index -1 when no training loss was measured under this convention
   */
  public static Saddle of(Curve curve, StatisticsConvention convention) {
    Metrics[] train = curve.metrics(Split.TRAIN, convention);
    Metrics[] test = curve.metrics(Split.TEST, convention);
    int highest = -1;
    for (int i = 0; i < train.length; i++) {
      double loss = train[i].loss();
      if (!Double.isNaN(loss) && (highest < 0 || loss > train[highest].loss())) {
        highest = i;
      }
    }
    if (highest < 0) {
      return unknown(convention);
    }
    return new Saddle(
        convention,
        highest,
        curve.position()[highest],
        train[highest],
        test.length == 0 ? UNKNOWN : test[highest],
        maxima(train),
        maxima(test));
  }

  /** The metrics of one split, at the highest training loss or each one's own maximum. */
  public Metrics metrics(Split split, Reading reading) {
    if (reading == Reading.AT_HIGHEST_TRAINING_LOSS) {
      return split == Split.TRAIN ? train : test;
    }
    return split == Split.TRAIN ? trainMaximum : testMaximum;
  }

  private static Metrics maxima(Metrics[] samples) {
    double loss = Double.NaN;
    double error = Double.NaN;
    for (Metrics sample : samples) {
      loss = Double.isNaN(loss) || sample.loss() > loss ? sample.loss() : loss;
      error = Double.isNaN(error) || sample.error() > error ? sample.error() : error;
    }
    return new Metrics(loss, error);
  }

  /** Which of the two readings of a saddle a number follows. */
  public enum Reading {
    /** Each metric's own maximum along the path. */
    OWN_MAXIMUM("each metric's own maximum"),
    /** Every metric at the point of highest training loss. */
    AT_HIGHEST_TRAINING_LOSS("at the highest training loss");

    private final String label;

    Reading(String label) {
      this.label = label;
    }

    /** The words for it in tables, file headers and figures. */
    public String label() {
      return label;
    }
  }
}
