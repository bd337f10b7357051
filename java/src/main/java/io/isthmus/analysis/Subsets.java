package io.isthmus.analysis;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Which of several minima to put into ensembles of one size. */
public final class Subsets {
  private Subsets() {}

  /**
   * All subsets of a size, in lexicographic order, or different ones drawn at random if there are
   * more than {@code most}.
   *
   * @param numbers rising
   * @param size of each, at most as many as there are numbers
   */
  public static List<List<Integer>> of(List<Integer> numbers, int size, int most, long seed) {
    if (count(numbers.size(), size).compareTo(BigInteger.valueOf(most)) <= 0) {
      List<List<Integer>> all = new ArrayList<>();
      extend(numbers, size, 0, new ArrayList<>(), all);
      return all;
    }
    Random random = new Random(seed);
    Set<List<Integer>> drawn = new LinkedHashSet<>();
    while (drawn.size() < most) {
      List<Integer> shuffled = new ArrayList<>(numbers);
      Collections.shuffle(shuffled, random);
      drawn.add(shuffled.subList(0, size).stream().sorted().toList());
    }
    return List.copyOf(drawn);
  }

  private static void extend(
      List<Integer> numbers, int size, int from, List<Integer> begun, List<List<Integer>> all) {
    if (begun.size() == size) {
      all.add(List.copyOf(begun));
      return;
    }
    for (int i = from; i < numbers.size(); i++) {
      begun.add(numbers.get(i));
      extend(numbers, size, i + 1, begun, all);
      begun.remove(begun.size() - 1);
    }
  }

  /** Binomial coefficient. */
  private static BigInteger count(int n, int k) {
    BigInteger count = BigInteger.ONE;
    for (int i = 1; i <= k; i++) {
      count = count.multiply(BigInteger.valueOf(n - k + i)).divide(BigInteger.valueOf(i));
    }
    return count;
  }
}
