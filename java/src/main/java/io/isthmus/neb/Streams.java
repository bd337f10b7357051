package io.isthmus.neb;

import io.isthmus.engine.Seeds;

/**
 * The random streams of an experiment by what they are for. Each depends on the root seed and on
 * names alone, so results depend neither on the order of jobs, nor on what is computed together,
 * nor on how often a run was interrupted.
 *
 * <pre>
 * kind        id         purpose
 * minimum     0001       initialise           first parameters
 * minimum     0001       batches              mini-batches of training, by step
 * path        0001-0002  cycle-03/pivot-05    mini-batches of a pivot, by step of the cycle
 * baseline    0001-0002  bezier/batches       mini-batches of a curve's training, by step
 * baseline    0001-0002  bezier/step-7        where on the curve that step's gradient is taken
 * baseline    0001-0002  matching/order-2     order in which layers are matched
 * evaluation             statistics           batches for recomputed batch-norm statistics
 * evaluation             augmentation         crops and flips of the augmented training pass
 * </pre>
 *
 * <p>The streams of evaluation are the same for all points, so metrics are functions of the point
 * and neighbours on a path do not differ by their draws.
 */
public final class Streams {
  private final long seed;

  Streams(long seed) {
    this.seed = seed;
  }

  long initialise(int minimum) {
    return Seeds.derive(seed, "minimum", number(minimum), "initialise");
  }

  long batches(int minimum) {
    return Seeds.derive(seed, "minimum", number(minimum), "batches");
  }

  long pivot(Pair pair, int cycle, int pivot) {
    return Seeds.derive(
        seed, "path", pair.toString(), "cycle-%02d/pivot-%02d".formatted(cycle, pivot));
  }

  /**
   * Draws of another way to connect a pair.
   *
   * @param method its name, such as {@code bezier}
   * @param purpose what they are for, such as {@code batches}
   */
  public long baseline(Pair pair, String method, String purpose) {
    return Seeds.derive(seed, "baseline", pair.toString(), method + "/" + purpose);
  }

  long statistics() {
    return Seeds.derive(seed, "evaluation", "", "statistics");
  }

  long augmentation() {
    return Seeds.derive(seed, "evaluation", "", "augmentation");
  }

  private static String number(int minimum) {
    return "%04d".formatted(minimum);
  }
}
