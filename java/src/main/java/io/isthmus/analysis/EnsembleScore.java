package io.isthmus.analysis;

import java.util.List;

/**
 * One ensemble on the test set.
 *
 * @param kind where its members come from
 * @param members numbers of its minima, or positions on the path
 * @param calibration of the mean of the members' probabilities
 * @param disagreement share of images on which two members differ, mean over pairs; NaN for one
 */
public record EnsembleScore(
    Kind kind, List<Double> members, Calibration calibration, double disagreement) {
  /** Makes the list unmodifiable. */
  public EnsembleScore {
    members = List.copyOf(members);
  }

  /** Number of its members. */
  public int size() {
    return members.size();
  }

  /** Where the members of an ensemble come from. */
  public enum Kind {
    /** Points of a path, equally spaced in arc length, ends included. */
    PATH,
    /** Minima that were trained independently. */
    INDEPENDENT
  }
}
