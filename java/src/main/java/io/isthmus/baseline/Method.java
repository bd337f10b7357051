package io.isthmus.baseline;

import java.util.Locale;

/** A way to connect two minima without AutoNEB. */
public enum Method {
  /** The straight line. */
  LINE(Curve.LINE, "straight line"),
  /**
   * The straight line to the second minimum after its hidden units are permuted to fit the first's
   * (Ainsworth, Hayase and Srinivasa 2023, algorithm 1). With recomputed batch-norm statistics this
   * is also what Jordan et al. 2023 call resetting.
   */
  MATCHING(Curve.LINE, "line after matching"),
  /** A chain of two straight pieces whose bend is trained (Garipov et al. 2018). */
  POLYCHAIN(Curve.POLYCHAIN, "one-bend polychain"),
  /** A quadratic Bezier curve whose bend is trained (Garipov et al. 2018). */
  BEZIER(Curve.BEZIER, "Bezier curve");

  private final Curve curve;
  private final String label;

  Method(Curve curve, String label) {
    this.curve = curve;
    this.label = label;
  }

  /** The form of its curve. */
  public Curve curve() {
    return curve;
  }

  /** Whether it takes gradients. */
  public boolean isTrained() {
    return curve.hasBend();
  }

  /** Its name on the command line, of its files and streams. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Its name for readers. */
  public String label() {
    return label;
  }
}
