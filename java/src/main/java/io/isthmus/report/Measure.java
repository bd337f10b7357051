package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
import io.isthmus.neb.Sample;

/** One of the four numbers that an evaluation yields, and where each result keeps it. */
public enum Measure {
  /** Mean cross-entropy on the training set, or the energy of a surface. */
  TRAIN_LOSS("train_loss", "training loss", true, false),
  /** Share of wrongly classified training images, 0..1. */
  TRAIN_ERROR("train_error", "training error", true, true),
  /** Mean cross-entropy on the test set. */
  TEST_LOSS("test_loss", "test loss", false, false),
  /** Share of wrongly classified test images, 0..1. */
  TEST_ERROR("test_error", "test error", false, true);

  private final String key;
  private final String label;
  private final boolean train;
  private final boolean error;

  Measure(String key, String label, boolean train, boolean error) {
    this.key = key;
    this.label = label;
    this.train = train;
    this.error = error;
  }

  /** Its name in data files. */
  public String key() {
    return key;
  }

  /** Its name in tables and figures. */
  public String label() {
    return label;
  }

  /** Whether it is an error rate, which is shown in percent. */
  public boolean isError() {
    return error;
  }

  /** At a minimum, with the statistics of its own training. */
  public double of(Minimum minimum) {
    return of(train ? minimum.train() : minimum.test());
  }

  /** At a point of a path. */
  public double of(Sample sample, StatisticsConvention convention) {
    return of(train ? sample.train(convention) : sample.test(convention));
  }

  /** Of a saddle. */
  public double of(Saddle saddle, Reading reading) {
    if (reading == Reading.AT_HIGHEST_TRAINING_LOSS) {
      return of(train ? saddle.trainThere() : saddle.testThere());
    }
    return switch (this) {
      case TRAIN_LOSS -> saddle.trainLoss();
      case TRAIN_ERROR -> saddle.trainError();
      case TEST_LOSS -> saddle.testLoss();
      case TEST_ERROR -> saddle.testError();
    };
  }

  /** At every sample of a profile. */
  public double[] along(Profile profile, StatisticsConvention convention) {
    return profile.samples().stream().mapToDouble(sample -> of(sample, convention)).toArray();
  }

  private double of(Metrics metrics) {
    return error ? metrics.error() : metrics.loss();
  }
}
