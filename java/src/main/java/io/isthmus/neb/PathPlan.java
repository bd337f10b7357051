package io.isthmus.neb;

import io.isthmus.config.ExplorationConfig;
import io.isthmus.config.Spacing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a cycle starts from: all pivots of the former path, new ones at the insertions, and the
 * target weights of the gaps in between.
 *
 * @param insertions ordered by gap and by fraction within a gap
 * @param spacing target weight of every gap of the new path, positive; only their ratios count
 */
public record PathPlan(List<Insertion> insertions, float[] spacing) {
  public PathPlan {
    insertions = List.copyOf(insertions);
  }

  /**
   * The plan of one cycle of AutoNEB: the first starts from equally spaced pivots on the straight
   * line, or from a given path; later ones insert what the former profile asks for, if the cycle
   * allows it.
   *
   * @param cycle its number, from 1
   * @param spacing target weights of the path so far; one gap alone is the straight line
   * @param former profile of the cycle before, null before the first
   */
  public static PathPlan ofCycle(
      int cycle, float[] spacing, Profile former, ExplorationConfig exploration) {
    if (spacing.length == 1) {
      return straight(exploration.initialPivots(), exploration.spacing());
    }
    boolean inserts = former != null && exploration.cycles().get(cycle - 1).insert();
    List<Insertion> insertions =
        inserts
            ? Insertion.wanted(former, exploration.statistics(), exploration.insertion())
            : List.of();
    return of(spacing, insertions, exploration.spacing());
  }

  /** Keeps every pivot and adds those of {@code insertions}, given in order. */
  public static PathPlan of(float[] spacing, List<Insertion> insertions, Spacing mode) {
    float[] split = split(spacing, insertions);
    if (mode == Spacing.EQUAL) {
      Arrays.fill(split, 1f);
    }
    return new PathPlan(insertions, split);
  }

  /** A straight path: {@code inner} equally spaced pivots between two ends. */
  public static PathPlan straight(int inner, Spacing mode) {
    var insertions = new ArrayList<Insertion>();
    for (int i = 1; i <= inner; i++) {
      insertions.add(new Insertion(0, (double) i / (inner + 1)));
    }
    return of(new float[] {1f}, insertions, mode);
  }

  /** Number of pivots of the new path, ends included. */
  public int pivots() {
    return spacing.length + 1;
  }

  /** Each insertion at fraction a of a gap splits the gap's weight w into a w and (1 - a) w. */
  private static float[] split(float[] spacing, List<Insertion> insertions) {
    float[] split = new float[spacing.length + insertions.size()];
    int next = 0;
    int at = 0;
    for (int gap = 0; gap < spacing.length; gap++) {
      double done = 0;
      for (; next < insertions.size() && insertions.get(next).gap() == gap; next++) {
        double fraction = insertions.get(next).fraction();
        split[at++] = (float) (spacing[gap] * (fraction - done));
        done = fraction;
      }
      split[at++] = (float) (spacing[gap] * (1 - done));
    }
    if (next < insertions.size()) {
      throw new IllegalArgumentException(
          "Insertion %s is out of order or behind the last of %d gaps"
              .formatted(insertions.get(next), spacing.length));
    }
    return split;
  }
}
