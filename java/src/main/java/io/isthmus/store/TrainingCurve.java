package io.isthmus.store;

import io.isthmus.engine.Metrics;
import java.util.ArrayList;
import java.util.List;

/**
 * How a minimum was found.
 *
 * @param batchLosses batch loss before each step, [steps]
 * @param evaluations of the whole sets on the way, by rising step
 */
public record TrainingCurve(float[] batchLosses, List<Evaluation> evaluations) {
  private static final String GROUP = "/training";

  /** Makes the list unmodifiable. */
  public TrainingCurve {
    evaluations = List.copyOf(evaluations);
  }

  /** Before the first step. */
  public static TrainingCurve empty() {
    return new TrainingCurve(new float[0], List.of());
  }

  /**
   * Metrics on the way.
   *
   * @param step steps that were done
   * @param train on the training set
   * @param test on the test set
   */
  public record Evaluation(long step, Metrics train, Metrics test) {}

  void write(Hdf5Writer file) {
    Columns.floats(file, GROUP + "/batch_loss", batchLosses);
    int n = evaluations.size();
    if (n > 0) {
      file.longs(
          GROUP + "/evaluation/step",
          evaluations.stream().mapToLong(Evaluation::step).toArray(),
          n);
      Columns.metrics(
          file,
          GROUP + "/evaluation",
          "train",
          evaluations.stream().map(Evaluation::train).toList());
      Columns.metrics(
          file, GROUP + "/evaluation", "test", evaluations.stream().map(Evaluation::test).toList());
    }
  }

  static TrainingCurve read(Hdf5Reader file, long steps) {
    float[] batchLosses = Columns.floats(file, GROUP + "/batch_loss", steps);
    List<Evaluation> evaluations = new ArrayList<>();
    if (file.has(GROUP + "/evaluation/step")) {
      long n = Columns.length(file, GROUP + "/evaluation/step");
      long[] at = file.longs(GROUP + "/evaluation/step", n);
      List<Metrics> train = Columns.metrics(file, GROUP + "/evaluation", "train", n);
      List<Metrics> test = Columns.metrics(file, GROUP + "/evaluation", "test", n);
      for (int i = 0; i < n; i++) {
        evaluations.add(new Evaluation(at[i], train.get(i), test.get(i)));
      }
    }
    return new TrainingCurve(batchLosses, evaluations);
  }
}
