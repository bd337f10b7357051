package io.isthmus.store;

import io.isthmus.engine.TensorInfo;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathState;
import io.isthmus.neb.Profile;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A path in the middle of a cycle, enough to go on with the same bits: {@code
 * paths/0001-0002/checkpoint.h5}.
 *
 * @param origin its experiment
 * @param tensors of each pivot
 * @param state what AutoNEB goes on from
 */
public record PathCheckpoint(Origin origin, List<TensorInfo> tensors, PathState state) {
  static final String KIND = "path-checkpoint";
  private static final String PIVOTS = "/pivots";
  private static final String MOMENTUM = "/momentum";

  /**
   * Puts it in place of {@code target}; the checkpoint before it is kept until the next one.
   *
   * @throws io.isthmus.config.IsthmusException DIVERGED if a value is NaN or infinite, IO if the
   *     disk refuses; the last checkpoint stays in both cases
   */
  public void write(Path target) {
    String what =
        "The checkpoint of path %s at cycle %d, step %d,"
            .formatted(state.pair(), state.cycle(), state.step());
    state.pivots().forEach(pivot -> Values.requireFinite(pivot, what));
    state.momentum().forEach(vector -> Values.requireFinite(vector, what));
    try (Hdf5Writer file = Hdf5Writer.create(KIND)) {
      origin.write(file);
      file.attribute("/", "pair", state.pair().toString());
      file.attribute("/", "cycle", Integer.toString(state.cycle()));
      file.attribute("/", "step", Integer.toString(state.step()));
      file.attribute("/", PathResults.SECONDS, Double.toString(state.seconds()));
      file.attribute("/", "results", Integer.toString(state.results().size()));
      Layout.write(file, tensors);
      Columns.floats(file, "/spacing", state.spacing());
      Columns.floats(file, "/batch_loss", state.batchLosses());
      PathResults.write(file, "/samples", state.samples());
      if (state.line() != null) {
        PathResults.write(file, "/line", state.line().samples());
      }
      for (int i = 0; i < state.results().size(); i++) {
        CycleResult result = state.results().get(i);
        PathResults.write(file, resultGroup(i), result);
        file.attribute(resultGroup(i), PathResults.SECONDS, Double.toString(result.seconds()));
      }
      file.rows(PIVOTS, state.pivots());
      if (!state.momentum().isEmpty()) {
        file.rows(MOMENTUM, state.momentum());
      }
      file.saveKeepingPrevious(target);
    }
  }

  /** Reads one file, verified. */
  public static PathCheckpoint read(Path source) {
    try (Hdf5Reader file = Hdf5Reader.open(source, KIND)) {
      List<TensorInfo> tensors = Layout.read(file);
      long size = file.building(() -> StateDict.sizeOf(tensors));
      long gaps = Columns.length(file, "/spacing");
      int step = file.integer("/", "step", 0);
      List<FloatBuffer> pivots = file.rows(PIVOTS, gaps + 1, size);
      List<FloatBuffer> momentum =
          file.has(MOMENTUM) ? file.rows(MOMENTUM, gaps + 1, size) : List.of();
      pivots.forEach(pivot -> file.finite(PIVOTS, pivot));
      momentum.forEach(vector -> file.finite(MOMENTUM, vector));
      List<CycleResult> results = new ArrayList<>();
      for (int i = 0; i < file.integer("/", "results", 0); i++) {
        results.add(PathResults.result(file, resultGroup(i)));
      }
      return file.building(
          () ->
              new PathCheckpoint(
                  Origin.read(file),
                  tensors,
                  new PathState(
                      Pair.parse(file.attribute("/", "pair")),
                      file.integer("/", "cycle", 0),
                      step,
                      file.real("/", PathResults.SECONDS),
                      Columns.floats(file, "/spacing", gaps),
                      pivots,
                      momentum,
                      Columns.floats(file, "/batch_loss", step),
                      PathResults.samples(file, "/samples"),
                      file.has("/line/position")
                          ? new Profile(PathResults.samples(file, "/line"))
                          : null,
                      results)));
    }
  }

  /**
   * The newest checkpoint that can be read: {@code target}, or the one before it if {@code target}
   * is damaged; that is then put aside and a warning logged.
   *
   * @return nothing if there has never been one
   * @throws io.isthmus.config.IsthmusException if neither can be read
   */
  public static Optional<PathCheckpoint> newest(Path target) {
    return Newest.of(target, PathCheckpoint::read);
  }

  private static String resultGroup(int index) {
    return "/results/%02d".formatted(index + 1);
  }
}
