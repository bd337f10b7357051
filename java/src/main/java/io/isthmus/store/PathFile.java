package io.isthmus.store;

import io.isthmus.config.Geometry;
import io.isthmus.engine.TensorInfo;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * A path after one cycle of AutoNEB: {@code paths/0001-0002/cycle-03.h5}. Cycle 0 is the straight
 * line, its pivots the two minima.
 *
 * @param origin its experiment
 * @param pair the minima at its ends
 * @param geometry in which its lengths are taken
 * @param tensors of each pivot
 * @param pivots from end to end, each a direct buffer, at least two
 * @param result profile and numbers of the cycle; its seconds are not stored and come back as NaN,
 *     so that equal paths are equal files
 */
public record PathFile(
    Origin origin,
    Pair pair,
    Geometry geometry,
    List<TensorInfo> tensors,
    List<FloatBuffer> pivots,
    CycleResult result) {
  static final String KIND = "path";
  private static final String PIVOTS = "/pivots";

  /** Checks that the parts fit together. */
  public PathFile {
    tensors = List.copyOf(tensors);
    pivots = List.copyOf(pivots);
    long size = StateDict.sizeOf(tensors);
    if (pivots.size() != result.profile().gaps() + 1
        || pivots.stream().anyMatch(pivot -> pivot.remaining() != size)) {
      throw new IllegalArgumentException(
          "Path %s: %d pivots do not fit %d gaps of the profile or %d values of the model"
              .formatted(pair, pivots.size(), result.profile().gaps(), size));
    }
  }

  /**
   * Puts it in place of {@code target}, whole or not at all.
   *
   * @throws io.isthmus.config.IsthmusException DIVERGED if a value is NaN or infinite, IO if the
   *     disk refuses
   */
  public void write(Path target) {
    for (int i = 0; i < pivots.size(); i++) {
      Values.requireFinite(
          pivots.get(i), "Pivot %d of path %s, cycle %d,".formatted(i, pair, result.cycle()));
    }
    try (Hdf5Writer file = Hdf5Writer.create(KIND)) {
      origin.write(file);
      file.attribute("/", "pair", pair.toString());
      file.attribute("/", "geometry", geometry.name().toLowerCase(Locale.ROOT));
      Layout.write(file, tensors);
      PathResults.write(file, "/", result);
      file.rows(PIVOTS, pivots);
      file.save(target);
    }
  }

  /**
   * Reads it back, verified.
   *
   * @throws io.isthmus.config.IsthmusException DATA if it is damaged or something else, IO if it is
   *     missing or cannot be read
   */
  public static PathFile read(Path source) {
    try (Hdf5Reader file = Hdf5Reader.open(source, KIND)) {
      List<TensorInfo> tensors = Layout.read(file);
      CycleResult result = PathResults.result(file, "/");
      String geometry = file.attribute("/", "geometry");
      List<FloatBuffer> pivots =
          file.rows(
              PIVOTS, result.profile().gaps() + 1, file.building(() -> StateDict.sizeOf(tensors)));
      pivots.forEach(pivot -> file.finite(PIVOTS, pivot));
      return file.building(
          () ->
              new PathFile(
                  Origin.read(file),
                  Pair.parse(file.attribute("/", "pair")),
                  Arrays.stream(Geometry.values())
                      .filter(g -> g.name().equalsIgnoreCase(geometry))
                      .findFirst()
                      .orElseThrow(() -> file.invalid("geometry is '%s'".formatted(geometry))),
                  tensors,
                  pivots,
                  result));
    }
  }

  /** Reads all but the pivots, verified as a whole all the same. */
  public static CycleResult readResult(Path source) {
    try (Hdf5Reader file = Hdf5Reader.open(source, KIND)) {
      return PathResults.result(file, "/");
    }
  }
}
