package io.isthmus.baseline;

import io.isthmus.baseline.PermutationSymmetry.Group;
import io.isthmus.baseline.PermutationSymmetry.Strides;
import io.isthmus.baseline.PermutationSymmetry.Use;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;

/**
 * Weight matching (Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin", algorithm 1): permutes the
 * hidden units of one network so that its parameters come as close as possible to those of another.
 *
 * <p>The squared distance is least where the scalar product of the parameters is greatest.
 * Coordinate ascent: group by group, in random order, the best permutation while all other groups
 * stay is a linear assignment problem; over and over until no group moves. Which of the local
 * optima it ends in depends on the order, so several orders are tried and the best is kept.
 * Batch-norm statistics go along but have no say.
 */
public final class WeightMatching {
  /** A gain below this share of the parameters' square is rounding. */
  private static final double ROUNDING = 1e-12;

  private final PermutationSymmetry symmetry;
  private final float[] fixed;
  private final FloatBuffer values;

  /**
   * Prepares to match.
   *
   * @param symmetry of the network
   * @param fixed the point that stays
   * @param values the point whose units are moved
   */
  public WeightMatching(PermutationSymmetry symmetry, FloatBuffer fixed, FloatBuffer values) {
    this.symmetry = symmetry;
    this.fixed = array(fixed);
    this.values = values;
  }

  /**
   * The best permutations found: for each group, which old unit comes to each place.
   *
   * @param orders how many orders of the groups are tried, at least 1
   * @param seeds draws for each of them
   */
  public int[][] match(int orders, IntToLongFunction seeds) {
    int[][] best = null;
    double highest = Double.NEGATIVE_INFINITY;
    for (int order = 0; order < orders; order++) {
      float[] moved = array(values);
      int[][] permutations = ascend(moved, new Random(seeds.applyAsLong(order)));
      double similarity = similarity(moved);
      if (similarity > highest) {
        highest = similarity;
        best = permutations;
      }
    }
    return best;
  }

  /** Moves the units of {@code point} until no group gains; the permutations that did it. */
  private int[][] ascend(float[] point, Random random) {
    List<Group> groups = symmetry.groups();
    int[][] permutations = symmetry.identity();
    List<Integer> order = new ArrayList<>(IntStream.range(0, groups.size()).boxed().toList());
    double scale = square(fixed) + square(point);
    boolean moves = true;
    while (moves) {
      moves = false;
      Collections.shuffle(order, random);
      for (int g : order) {
        double[][] gains = gains(groups.get(g), point);
        int[] next = Assignment.best(gains);
        double gain = 0;
        for (int i = 0; i < next.length; i++) {
          gain += gains[i][next[i]] - gains[i][i];
        }
        if (gain > ROUNDING * scale) {
          PermutationSymmetry.permute(groups.get(g), next, point);
          int[] before = permutations[g];
          permutations[g] = Arrays.stream(next).map(unit -> before[unit]).toArray();
          moves = true;
        }
      }
    }
    return permutations;
  }

  /** [place][unit]: the scalar product of the parameters at a place with those of a unit. */
  private double[][] gains(Group group, float[] point) {
    double[][] gains = new double[group.size()][group.size()];
    for (Use use : group.uses()) {
      if (use.tensor().statistic()) {
        continue;
      }
      Strides strides = Strides.of(use);
      int run = use.block() * strides.inner();
      for (int outer = 0; outer < strides.outer(); outer++) {
        int base =
            Math.toIntExact(use.tensor().offset()) + outer * strides.length() * strides.inner();
        for (int i = 0; i < group.size(); i++) {
          int a = base + use.starts()[i] * strides.inner();
          for (int j = 0; j < group.size(); j++) {
            int b = base + use.starts()[j] * strides.inner();
            double sum = 0;
            for (int k = 0; k < run; k++) {
              sum += (double) fixed[a + k] * point[b + k];
            }
            gains[i][j] += sum;
          }
        }
      }
    }
    return gains;
  }

  /** Scalar product of the parameters; those without hidden units add the same in any order. */
  private double similarity(float[] point) {
    return symmetry.groups().stream()
        .flatMap(group -> group.uses().stream().map(Use::tensor))
        .filter(tensor -> !tensor.statistic())
        .distinct()
        .mapToDouble(
            tensor -> {
              int from = Math.toIntExact(tensor.offset());
              double sum = 0;
              for (int i = from; i < from + tensor.size(); i++) {
                sum += (double) fixed[i] * point[i];
              }
              return sum;
            })
        .sum();
  }

  private static double square(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return sum;
  }

  private static float[] array(FloatBuffer values) {
    float[] array = new float[values.remaining()];
    values.duplicate().get(array);
    return array;
  }
}
