package io.isthmus.report.scene;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/**
 * Round values at which a function is cut into bands: what is below the first is the lowest band,
 * what is at least the last the highest.
 *
 * @param scale in which neighbouring levels are about equally far from each other, from the lowest
 *     value of the function to the top of what is of interest
 * @param values rising, at most {@link Ink#BANDS} - 1 of them
 */
public record Levels(Scale scale, List<Double> values) {
  private static final int MOST = Ink.BANDS - 1;

  /** Digits at which a decade is cut, from coarse to fine. */
  private static final int[][] DIGITS = {{1}, {1, 3}, {1, 2, 5}, {1, 2, 3, 5, 7}};

  /** Makes the list unmodifiable. */
  public Levels {
    values = List.copyOf(values);
  }

  /**
   * Levels for a function between two values, as many as there are bands for. They are equal
   * factors apart where the values are positive and span more than a decade, else equal
   * differences.
   */
  public static Levels between(double lowest, double highest) {
    Scale fitting = Scale.fitting(lowest, highest);
    boolean logarithmic = fitting.logarithmic();
    double high = highest > lowest ? highest : lowest + Math.max(1e-9, Math.abs(lowest));
    List<Double> values = logarithmic ? decades(lowest, high) : steps(lowest, high);
    return new Levels(new Scale(logarithmic, lowest, high), values);
  }

  private static List<Double> decades(double low, double high) {
    List<Double> best = List.of();
    for (int every = 8; every > 1; every /= 2) {
      best = richer(best, ladder(low, high, new int[] {1}, every));
    }
    for (int[] digits : DIGITS) {
      best = richer(best, ladder(low, high, digits, 1));
    }
    return best;
  }

  private static List<Double> richer(List<Double> best, List<Double> other) {
    return other.size() <= MOST ? other : best;
  }

  private static List<Double> ladder(double low, double high, int[] digits, int every) {
    List<Double> values = new ArrayList<>();
    int last = (int) Math.ceil(Math.log10(high));
    for (int decade = (int) Math.floor(Math.log10(low)); decade <= last; decade++) {
      for (int digit : digits) {
        double value = BigDecimal.valueOf(digit).scaleByPowerOfTen(decade).doubleValue();
        if (value > low && value <= high && Math.floorMod(decade, every) == 0) {
          values.add(value);
        }
      }
    }
    return values;
  }

  private static List<Double> steps(double low, double high) {
    List<Double> best = List.of();
    int decade = (int) Math.floor(Math.log10(high - low)) + 1;
    for (int exponent = decade; exponent >= decade - 3; exponent--) {
      for (double lead : new double[] {5, 2.5, 2, 1}) {
        BigDecimal step = BigDecimal.valueOf(lead).scaleByPowerOfTen(exponent);
        double width = step.doubleValue();
        if ((high - low) / width > MOST + 1) {
          return best;
        }
        List<Double> values = new ArrayList<>();
        long last = (long) Math.floor(high / width + 1e-9);
        for (long i = (long) Math.floor(low / width) + 1; i <= last; i++) {
          values.add(step.multiply(BigDecimal.valueOf(i)).doubleValue());
        }
        best = richer(best, values);
      }
    }
    return best;
  }

  /** The text of a level, without needless digits. */
  public static String label(double level) {
    int digits = BigDecimal.valueOf(level).stripTrailingZeros().precision();
    return level == 0 ? "0" : Numbers.significant(level, digits);
  }
}
