package io.isthmus.store;

import io.isthmus.engine.TensorInfo;
import io.isthmus.neb.Pair;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A path for other programs: a state dictionary whose tensors have the pivots as their first axis.
 *
 * @param origin its experiment
 * @param pair the minima at its ends
 * @param cycle after which the path was this
 * @param tensors of each pivot
 * @param pivots from end to end, each a direct buffer of all tensors, at least two
 */
public record StackedPath(
    Origin origin, Pair pair, int cycle, List<TensorInfo> tensors, List<FloatBuffer> pivots) {
  static final String KIND = "stacked-path";
  private static final String GROUP = "/state_dict/";

  /** Checks that the pivots are points of the tensors. */
  public StackedPath {
    tensors = List.copyOf(tensors);
    pivots = List.copyOf(pivots);
    long size = StateDict.sizeOf(tensors);
    if (pivots.size() < 2 || pivots.stream().anyMatch(pivot -> pivot.remaining() != size)) {
      throw new IllegalArgumentException(
          "Path %s: %d pivots, not all of %d values".formatted(pair, pivots.size(), size));
    }
  }

  /** The path of a cycle. */
  public static StackedPath of(PathFile path) {
    return new StackedPath(
        path.origin(), path.pair(), path.result().cycle(), path.tensors(), path.pivots());
  }

  /**
   * Writes it as HDF5, whole or not at all.
   *
   * @throws io.isthmus.config.IsthmusException IO if the disk refuses
   */
  public void write(Path target) {
    try (Hdf5Writer file = Hdf5Writer.create(KIND)) {
      origin.write(file);
      file.attribute("/", "pair", pair.toString());
      file.attribute("/", "cycle", Integer.toString(cycle));
      file.attribute("/", "pivots", Integer.toString(pivots.size()));
      Layout.write(file, tensors);
      for (TensorInfo tensor : tensors) {
        file.stack(GROUP + tensor.name(), slices(tensor), tensor.shape());
      }
      for (String counter : new StateDict(tensors, pivots.get(0)).counters()) {
        file.longs(GROUP + counter, new long[pivots.size()], pivots.size());
      }
      file.save(target);
    }
  }

  /**
   * Reads it back, verified.
   *
   * @throws io.isthmus.config.IsthmusException DATA if it is damaged or something else, IO if it is
   *     missing or cannot be read
   */
  public static StackedPath read(Path source) {
    try (Hdf5Reader file = Hdf5Reader.open(source, KIND)) {
      List<TensorInfo> tensors = Layout.read(file);
      int count = file.integer("/", "pivots", 2);
      long size = file.building(() -> StateDict.sizeOf(tensors));
      List<FloatBuffer> pivots = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        pivots.add(Values.allocate(size));
      }
      for (TensorInfo tensor : tensors) {
        List<FloatBuffer> slices = file.stack(GROUP + tensor.name(), count, tensor.shape());
        for (int i = 0; i < count; i++) {
          pivots.get(i).put(slices.get(i));
        }
      }
      pivots.forEach(pivot -> file.finite("/state_dict", pivot.flip()));
      return file.building(
          () ->
              new StackedPath(
                  Origin.read(file),
                  Pair.parse(file.attribute("/", "pair")),
                  file.integer("/", "cycle", 0),
                  tensors,
                  pivots));
    }
  }

  /** One tensor of every pivot. */
  List<FloatBuffer> slices(TensorInfo tensor) {
    return pivots.stream().map(pivot -> new StateDict(tensors, pivot).values(tensor)).toList();
  }
}
