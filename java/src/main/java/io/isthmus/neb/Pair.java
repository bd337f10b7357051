package io.isthmus.neb;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Two different minima, named by their numbers, the smaller first; a path runs from {@code first}
 * to {@code second}. Its text, {@code 0001-0002}, names folders and random streams.
 *
 * @param first number of one minimum, at least 1
 * @param second number of the other, greater than {@code first}
 */
public record Pair(int first, int second) implements Comparable<Pair> {
  private static final Pattern TEXT = Pattern.compile("(\\d{4,9})-(\\d{4,9})");

  public Pair {
    if (first < 1 || second <= first) {
      throw new IllegalArgumentException(
          "A pair needs two different minima, the smaller number first, got %d and %d"
              .formatted(first, second));
    }
  }

  /** The pair of two minima in either order. */
  public static Pair of(int a, int b) {
    return new Pair(Math.min(a, b), Math.max(a, b));
  }

  /** Reads the text of {@link #toString}. */
  public static Pair parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("Not a pair of minima like 0001-0002: " + text);
    }
    return of(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
  }

  @Override
  public int compareTo(Pair other) {
    int order = Integer.compare(first, other.first);
    return order != 0 ? order : Integer.compare(second, other.second);
  }

  @Override
  public String toString() {
    return "%04d-%04d".formatted(first, second);
  }
}
