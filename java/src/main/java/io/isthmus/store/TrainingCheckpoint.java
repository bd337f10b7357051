package io.isthmus.store;

import io.isthmus.engine.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A minimum in training, enough to go on with the same bits: {@code minima/0001/checkpoint.h5}. The
 * draws of batches depend on seed and step alone, so there is no other random state.
 *
 * @param origin its experiment
 * @param number of the minimum, from 1
 * @param step steps that are done
 * @param seconds of computing so far
 * @param curve of the training so far
 * @param state parameters and statistics
 * @param momentum of the optimiser, as long as the vector, a direct buffer
 */
public record TrainingCheckpoint(
    Origin origin,
    int number,
    long step,
    double seconds,
    TrainingCurve curve,
    StateDict state,
    FloatBuffer momentum) {
  static final String KIND = "training-checkpoint";

  /**
   * Puts it in place of {@code target}; the checkpoint before it is kept until the next one.
   *
   * @throws io.isthmus.config.IsthmusException DIVERGED if a value is NaN or infinite, IO if the
   *     disk refuses; the last checkpoint stays in both cases
   */
  public void write(Path target) {
    String what = "The checkpoint of minimum %04d at step %d".formatted(number, step);
    Values.requireFinite(state.values(), what);
    Values.requireFinite(momentum, what);
    try (Hdf5Writer file = Hdf5Writer.create(KIND)) {
      origin.write(file);
      file.attribute("/", "number", Integer.toString(number));
      file.attribute("/", "step", Long.toString(step));
      file.attribute("/", "seconds", Double.toString(seconds));
      Layout.write(file, state.tensors());
      file.floats("/values", state.values(), state.values().remaining());
      file.floats("/momentum", momentum, momentum.remaining());
      curve.write(file);
      file.saveKeepingPrevious(target);
    }
  }

  /** Reads one file, verified. */
  public static TrainingCheckpoint read(Path source) {
    try (Hdf5Reader file = Hdf5Reader.open(source, KIND)) {
      List<TensorInfo> tensors = Layout.read(file);
      long size = file.building(() -> StateDict.sizeOf(tensors));
      long step = file.number("/", "step", 0);
      return new TrainingCheckpoint(
          Origin.read(file),
          file.integer("/", "number", 1),
          step,
          file.real("/", "seconds"),
          TrainingCurve.read(file, step),
          new StateDict(tensors, file.finite("/values", file.floats("/values", size))),
          file.finite("/momentum", file.floats("/momentum", size)));
    }
  }

  /** The newest checkpoint there is; see {@link PathCheckpoint#newest}. */
  public static Optional<TrainingCheckpoint> newest(Path target) {
    return Newest.of(target, TrainingCheckpoint::read);
  }
}
