package io.isthmus.config;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds the word that was probably meant. */
public final class DidYouMean {
  private DidYouMean() {}

  /**
   * The candidate with the fewest edits (insertions, deletions, substitutions, swaps of neighbours)
   * from {@code word}, if they are few enough; the first of equals.
   */
  public static Optional<String> nearest(String word, Collection<String> candidates) {
    String given = normal(word);
    if (given.length() > 100) {
      return Optional.empty();
    }
    String best = null;
    int fewest = Math.max(1, given.length() / 3) + 1;
    for (String candidate : candidates) {
      int edits = edits(given, normal(candidate));
      if (edits < fewest) {
        best = candidate;
        fewest = edits;
      }
    }
    return Optional.ofNullable(best);
  }

  /** {@code " (did you mean x?)"}, or nothing. */
  public static String hint(String word, Collection<String> candidates) {
    return nearest(word, candidates).map(near -> " (did you mean " + near + "?)").orElse("");
  }

  private static String normal(String word) {
    return word.toLowerCase(Locale.ROOT).replace('-', '_');
  }

  /** Optimal string alignment distance. */
  private static int edits(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int substitution = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(d[i - 1][j - 1] + substitution, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        if (swapped) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
