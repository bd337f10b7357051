package io.isthmus.store;

import io.isthmus.baseline.BaselineState;
import io.isthmus.baseline.CurveSettings;
import io.isthmus.baseline.Method;
import io.isthmus.engine.TensorInfo;
import io.isthmus.neb.Pair;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A baseline in the making, enough to go on with the same bits: {@code
 * baselines/0001-0002/bezier-checkpoint.h5}.
 *
 * @param origin its experiment
 * @param tensors of each control point
 * @param state what the search goes on from
 */
public record BaselineCheckpoint(Origin origin, List<TensorInfo> tensors, BaselineState state) {
  static final String KIND = "baseline-checkpoint";
  private static final String MOMENTUM = "/momentum";

  /**
   * Puts it in place of {@code target}; the checkpoint before it is kept until the next one.
   *
   * @throws io.isthmus.config.IsthmusException DIVERGED if a value is NaN or infinite, IO if the
   *     disk refuses; the last checkpoint stays in both cases
   */
  public void write(Path target) {
    String what =
        "The checkpoint of the %s of %s, step %d,"
            .formatted(state.method().label(), state.pair(), state.batchLosses().length);
    state.controls().forEach(point -> Values.requireFinite(point, what));
    try (Hdf5Writer file = Hdf5Writer.create(KIND)) {
      origin.write(file);
      BaselineFile.write(file, state.pair(), state.method(), state.settings());
      file.attribute("/", "step", Integer.toString(state.batchLosses().length));
      file.attribute("/", PathResults.SECONDS, Double.toString(state.seconds()));
      Layout.write(file, tensors);
      Columns.floats(file, "/batch_loss", state.batchLosses());
      PathResults.write(file, "/samples", state.samples());
      file.rows(BaselineFile.CONTROLS, state.controls());
      if (state.momentum() != null) {
        Values.requireFinite(state.momentum(), what);
        file.rows(MOMENTUM, List.of(state.momentum()));
      }
      file.saveKeepingPrevious(target);
    }
  }

  /** Reads one file, verified. */
  public static BaselineCheckpoint read(Path source) {
    try (Hdf5Reader file = Hdf5Reader.open(source, KIND)) {
      List<TensorInfo> tensors = Layout.read(file);
      long size = file.building(() -> StateDict.sizeOf(tensors));
      Method method = BaselineFile.method(file);
      List<FloatBuffer> controls =
          file.rows(BaselineFile.CONTROLS, method.curve().controls(), size);
      List<FloatBuffer> momentum = file.has(MOMENTUM) ? file.rows(MOMENTUM, 1, size) : List.of();
      controls.forEach(point -> file.finite(BaselineFile.CONTROLS, point));
      momentum.forEach(vector -> file.finite(MOMENTUM, vector));
      return file.building(
          () -> {
            CurveSettings settings = BaselineFile.settings(file);
            return new BaselineCheckpoint(
                Origin.read(file),
                tensors,
                new BaselineState(
                    Pair.parse(file.attribute("/", "pair")),
                    method,
                    settings,
                    controls,
                    momentum.isEmpty() ? null : momentum.get(0),
                    Columns.floats(file, "/batch_loss", file.integer("/", "step", 0)),
                    PathResults.samples(file, "/samples"),
                    file.real("/", PathResults.SECONDS)));
          });
    }
  }

  /** As {@link PathCheckpoint#newest}. */
  public static Optional<BaselineCheckpoint> newest(Path target) {
    return Newest.of(target, BaselineCheckpoint::read);
  }
}
