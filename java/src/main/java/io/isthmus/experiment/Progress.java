package io.isthmus.experiment;

import java.util.List;

/**
 * How far a run is, as one complete snapshot.
 *
 * @param what the work in hand, such as "training 5 minima" or "path 1-3"
 * @param levels from the outermost count to the innermost, at least one, such as pair 2 of 10,
 *     cycle 1 of 4, step 30 of 200
 * @param done finished part of {@code total}, in units that take about equally long each
 * @param total all of the work in hand, above 0
 * @param quantity what {@code value} is, such as loss or residual
 * @param value what shows whether the work goes well, such as the highest loss on the path, or the
 *     mean loss of the minima in training; NaN while unknown
 */
public record Progress(
    String what, List<Level> levels, double done, double total, String quantity, double value) {
  /** Progress that is judged by a loss. */
  public Progress(String what, List<Level> levels, double done, double total, double loss) {
    this(what, levels, done, total, "loss", loss);
  }

  /** One count of the nest; the name is a noun that takes an s, such as step. */
  public record Level(String name, long done, long total) {}

  /** Copies the levels, of which there must be one. */
  public Progress {
    levels = List.copyOf(levels);
    if (levels.isEmpty() || !(total > 0)) {
      throw new IllegalArgumentException(
          "Progress needs a level and a total above 0, got " + total);
    }
  }

  /** The level that moves fastest. */
  public Level innermost() {
    return levels.get(levels.size() - 1);
  }
}
