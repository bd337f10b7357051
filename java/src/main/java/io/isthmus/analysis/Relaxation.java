package io.isthmus.analysis;

import io.isthmus.neb.Pair;
import java.util.List;

/**
 * The nudged elastic band on a two-dimensional surface while it relaxes (figure 2 of the paper).
 *
 * @param pair the minima at the path's ends
 * @param grid where the energy of the surface is given
 * @param energies [rows][columns]
 * @param saddles that the surface is known to have
 * @param frames the path at some iterations, in order
 */
public record Relaxation(
    Pair pair, PlaneGrid grid, double[][] energies, List<Place> saddles, List<Frame> frames) {

  /** Makes the lists unmodifiable. */
  public Relaxation {
    saddles = List.copyOf(saddles);
    frames = List.copyOf(frames);
  }

  /**
   * The path at one iteration.
   *
   * @param title such as "Iteration 10"
   * @param pivots from end to end
   */
  public record Frame(String title, List<Pivot> pivots) {
    /** Makes the list unmodifiable. */
    public Frame {
      pivots = List.copyOf(pivots);
    }
  }

  /**
   * A pivot and what pulls at it. Vectors have two components.
   *
   * @param x first coordinate
   * @param y second coordinate
   * @param energy of the surface there
   * @param descent the negative gradient
   * @param force of the nudged elastic band, by which the next step moves the pivot: the part of
   *     the descent that is perpendicular to the path, and springs where there are any; zero at the
   *     ends
   */
  public record Pivot(double x, double y, double energy, double[] descent, double[] force) {}
}
