package io.isthmus.landscape;

import java.util.HashMap;
import java.util.Map;

/** Union-find over the numbers of minima; a set is named by its smallest number. */
final class DisjointSets {
  private final Map<Integer, Integer> parent = new HashMap<>();

  /** Name of the set that holds {@code number}. */
  int find(int number) {
    int root = number;
    for (int next; (next = parent.getOrDefault(root, root)) != root; ) {
      root = next;
    }
    for (int at = number; at != root; ) {
      at = parent.put(at, root);
    }
    return root;
  }

  /** Joins the sets of {@code a} and {@code b}; false if they are one already. */
  boolean join(int a, int b) {
    int rootA = find(a);
    int rootB = find(b);
    parent.put(Math.max(rootA, rootB), Math.min(rootA, rootB));
    return rootA != rootB;
  }
}
