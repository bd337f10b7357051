package io.isthmus.neb;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.nio.FloatBuffer;

/**
 * A loss or a parameter became NaN or infinite. It is found before anything of it is handed on, so
 * the last checkpoint is sound.
 */
public final class Diverged extends IsthmusException {
  private static final long serialVersionUID = 1L;

  private Diverged(String message) {
    super(ExitCode.DIVERGED, message);
  }

  /** A step of a path gave a loss that is no number. */
  static Diverged path(Pair pair, int cycle, int step, int pivot, double loss, float rate) {
    return new Diverged(
        ("Path %s diverged in cycle %d at step %d: the batch loss of pivot %d is %s; lower that"
                + " cycle's learning rate (%s).")
            .formatted(pair, cycle, step, pivot, loss, rate));
  }

  /** A pivot holds a value that is no number, though the losses so far were sound. */
  static Diverged pivot(Pair pair, int cycle, int step, int pivot, float rate) {
    return new Diverged(
        ("Path %s diverged in cycle %d by step %d: pivot %d has parameters that are not finite;"
                + " lower that cycle's learning rate (%s).")
            .formatted(pair, cycle, step, pivot, rate));
  }

  /** A point of a profile has a loss that is no number. */
  static Diverged profile(Pair pair, int cycle, double position) {
    return new Diverged(
        "The loss of %s is not finite at %.4f of its length; %s."
            .formatted(
                cycle == 0
                    ? "the straight line " + pair
                    : "path %s after cycle %d".formatted(pair, cycle),
                position,
                cycle == 0
                    ? "check that both minima are sound with 'inspect'"
                    : "lower that cycle's learning rate"));
  }

  /** A step of a curve's training gave a loss that is no number. */
  public static Diverged curve(Pair pair, String method, int step, double loss, float rate) {
    return new Diverged(
        "The %s of pair %s diverged by step %d: the batch loss is %s; use a lower --learning-rate than %s."
            .formatted(method, pair, step, loss, rate));
  }

  /** A step of training gave a loss or parameters that are no numbers. */
  static Diverged minimum(int minimum, long step, String what, float rate) {
    return new Diverged(
        "Minimum %04d diverged by step %d: %s; lower training.learning_rate (%s at that step)."
            .formatted(minimum, step, what, rate));
  }

  /** Whether every value of a vector is a number. */
  public static boolean isFinite(FloatBuffer values) {
    for (int i = values.position(); i < values.limit(); i++) {
      if (!Float.isFinite(values.get(i))) {
        return false;
      }
    }
    return true;
  }
}
