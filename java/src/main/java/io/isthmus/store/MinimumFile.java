package io.isthmus.store;

import io.isthmus.engine.Metrics;
import io.isthmus.engine.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A trained minimum: {@code minima/0001/minimum.h5}.
 *
 * @param origin its experiment
 * @param number its number in the run, from 1
 * @param steps optimiser steps it was trained for
 * @param train metrics on the training set
 * @param test metrics on the test set
 * @param testMistakes indices of the test images it gets wrong, rising; null if not known
 * @param curve of its training
 * @param state its parameters and statistics
 */
public record MinimumFile(
    Origin origin,
    int number,
    long steps,
    Metrics train,
    Metrics test,
    int[] testMistakes,
    TrainingCurve curve,
    StateDict state) {
  static final String KIND = "minimum";
  private static final String GROUP = "/state_dict/";
  private static final String MISTAKES = "/test_mistakes";

  /**
   * Puts it in place of {@code target}, whole or not at all.
   *
   * @throws io.isthmus.config.IsthmusException DIVERGED if a value is NaN or infinite, IO if the
   *     disk refuses
   */
  public void write(Path target) {
    Values.requireFinite(state.values(), "minimum %04d".formatted(number));
    try (Hdf5Writer file = Hdf5Writer.create(KIND)) {
      origin.write(file);
      file.attribute("/", "number", Integer.toString(number));
      file.attribute("/", "steps", Long.toString(steps));
      file.attribute("/", "train_loss", Double.toString(train.loss()));
      file.attribute("/", "train_error", Double.toString(train.error()));
      file.attribute("/", "test_loss", Double.toString(test.loss()));
      file.attribute("/", "test_error", Double.toString(test.error()));
      file.attribute(
          "/", "mistakes", testMistakes == null ? "-1" : Integer.toString(testMistakes.length));
      if (testMistakes != null && testMistakes.length > 0) {
        file.longs(
            MISTAKES, Arrays.stream(testMistakes).asLongStream().toArray(), testMistakes.length);
      }
      Layout.write(file, state.tensors());
      for (TensorInfo tensor : state.tensors()) {
        file.floats(GROUP + tensor.name(), state.values(tensor), tensor.shape());
      }
      for (String counter : state.counters()) {
        file.longs(GROUP + counter, new long[] {steps});
      }
      curve.write(file);
      file.save(target);
    }
  }

  /**
   * Reads it back, verified.
   *
   * @throws io.isthmus.config.IsthmusException DATA if it is damaged or something else, IO if it is
   *     missing or cannot be read
   */
  public static MinimumFile read(Path source) {
    try (Hdf5Reader file = Hdf5Reader.open(source, KIND)) {
      List<TensorInfo> tensors = Layout.read(file);
      FloatBuffer values = Values.allocate(file.building(() -> StateDict.sizeOf(tensors)));
      for (TensorInfo tensor : tensors) {
        values.put(file.floats(GROUP + tensor.name(), tensor.shape()));
      }
      long steps = file.number("/", "steps", 0);
      long mistakes = file.number("/", "mistakes", -1);
      int[] testMistakes =
          mistakes < 0
              ? null
              : mistakes == 0
                  ? new int[0]
                  : Arrays.stream(file.longs(MISTAKES, mistakes)).mapToInt(i -> (int) i).toArray();
      return new MinimumFile(
          Origin.read(file),
          file.integer("/", "number", 1),
          steps,
          new Metrics(file.real("/", "train_loss"), file.real("/", "train_error")),
          new Metrics(file.real("/", "test_loss"), file.real("/", "test_error")),
          testMistakes,
          TrainingCurve.read(file, steps),
          new StateDict(tensors, file.finite("/state_dict", values.flip())));
    }
  }

  /** Share of the test images wrong at either minimum that are wrong at both; NaN if not known. */
  public static double sharedMistakes(MinimumFile a, MinimumFile b) {
    if (a.testMistakes == null || b.testMistakes == null) {
      return Double.NaN;
    }
    long both =
        IntStream.of(a.testMistakes)
            .filter(i -> Arrays.binarySearch(b.testMistakes, i) >= 0)
            .count();
    long either = a.testMistakes.length + b.testMistakes.length - both;
    return either == 0 ? Double.NaN : (double) both / either;
  }
}
