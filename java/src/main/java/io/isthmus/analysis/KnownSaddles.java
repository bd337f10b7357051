package io.isthmus.analysis;

import java.util.List;
import java.util.Map;

/** The saddles of the two-dimensional test surfaces, as their literature gives them. */
final class KnownSaddles {
  /**
   * Mueller and Brown, Theor. Chim. Acta 53, 75 (1979); model II of Jonsson, Mills and Jacobsen,
   * "Nudged elastic band method for finding minimum energy paths of transitions" (1998); cos 2 pi x
   * + cos 2 pi y; and the double well of PyTorch-AutoNEB. By Newton's method on the formulas.
   */
  private static final Map<String, List<Place>> SADDLES =
      Map.of(
          "surface-mueller-brown",
          List.of(
              new Place(-0.822001558732732, 0.624312802814871, 0),
              new Place(0.212486582000662, 0.292988325107368, 0)),
          "surface-leps",
          List.of(new Place(2.020827734366342, -0.172901205458759, 0)),
          "surface-egg-carton",
          List.of(
              new Place(-0.5, 0, 0),
              new Place(0, -0.5, 0),
              new Place(0, 0.5, 0),
              new Place(0.5, 0, 0)),
          "surface-curvy-valley",
          List.of(new Place(0, 0, 0)));

  private KnownSaddles() {}

  /** Those of a surface; none where they are not known. */
  static List<Place> of(String surface) {
    return SADDLES.getOrDefault(surface, List.of());
  }
}
