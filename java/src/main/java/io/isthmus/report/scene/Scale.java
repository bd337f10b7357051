package io.isthmus.report.scene;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How values become places along an axis.
 *
 * @param logarithmic whether equal factors, not equal differences, are equal distances
 * @param low value at the start
 * @param high value at the end, greater than {@code low}
 */
public record Scale(boolean logarithmic, double low, double high) {

  /** From this ratio of largest to smallest on, {@link #fitting} is logarithmic. */
  private static final double LOGARITHMIC_FROM = 12;

  /**
   * A place along an axis that is marked.
   *
   * @param label empty between the labelled places
   */
  public record Tick(double value, String label) {}

  /** Refuses what no axis can show. */
  public Scale {
    if (!(low < high) || !Double.isFinite(high - low) || logarithmic && low <= 0) {
      throw new IllegalArgumentException(
          "Scale: low must be below high, and positive if logarithmic, got " + low + ", " + high);
    }
  }

  /** A linear scale that shows these values with some room on both sides. */
  public static Scale linear(double... values) {
    double[] range = range(values);
    double room = 0.06 * (range[1] - range[0]);
    if (!(room > 0)) {
      room = Math.max(1e-9, 0.1 * Math.abs(range[0]));
    }
    return new Scale(false, range[0] - room, range[1] + room);
  }

  /** A linear scale from zero that shows these values, which are not negative. */
  public static Scale fromZero(double... values) {
    double high = range(values)[1];
    return new Scale(false, 0, high > 0 ? 1.08 * high : 1);
  }

  /** Logarithmic when the values are positive and span more than a factor, otherwise linear. */
  public static Scale fitting(double... values) {
    double[] range = range(values);
    if (!(range[0] > 0) || range[1] / range[0] < LOGARITHMIC_FROM) {
      return linear(values);
    }
    double room = Math.pow(range[1] / range[0], 0.06);
    return new Scale(true, range[0] / room, Math.min(range[1] * room, Double.MAX_VALUE));
  }

  /** Place of a value: 0 at the start, 1 at the end; NaN for a value that has none. */
  public double fraction(double value) {
    if (!logarithmic) {
      return (value - low) / (high - low);
    }
    return value > 0
        ? (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))
        : Double.NaN;
  }

  /** The places to mark, about so many of them labelled. */
  public List<Tick> ticks(int labels) {
    if (!logarithmic) {
      return linearTicks(labels);
    }
    double decades = Math.log10(high / low);
    if (decades < 1.2) {
      // Too little for whole decades: linear steps, at their places on the logarithmic axis.
      return new Scale(false, low, high).linearTicks(labels);
    }
    return logarithmicTicks(labels, decades);
  }

  private List<Tick> linearTicks(int labels) {
    double raw = (high - low) / Math.max(1, labels);
    int exponent = (int) Math.floor(Math.log10(raw));
    double lead = raw / Math.pow(10, exponent);
    int step = lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10;
    int parts = step == 5 ? 5 : step == 2 ? 4 : 5;
    BigDecimal minor =
        BigDecimal.valueOf(step).scaleByPowerOfTen(exponent).divide(BigDecimal.valueOf(parts));
    List<Tick> ticks = new ArrayList<>();
    double slack = 1e-9 * (high - low);
    long first = (long) Math.ceil((low - slack) / minor.doubleValue());
    int decimals = Math.max(0, step == 10 ? -exponent - 1 : -exponent);
    for (long i = first; i * minor.doubleValue() <= high + slack; i++) {
      double value = minor.multiply(BigDecimal.valueOf(i)).doubleValue();
      ticks.add(new Tick(value, i % parts == 0 ? label(value, decimals) : ""));
    }
    return ticks;
  }

  private static String label(double value, int decimals) {
    return decimals > 5 || Math.abs(value) >= 1e6
        ? trimmed(Numbers.significant(value, 3))
        : Numbers.fixed(value, decimals);
  }

  private static String trimmed(String scientific) {
    return scientific.replaceFirst("\\.?0+·", "·");
  }

  private List<Tick> logarithmicTicks(int labels, double decades) {
    List<Tick> ticks = new ArrayList<>();
    int first = (int) Math.floor(Math.log10(low));
    int last = (int) Math.ceil(Math.log10(high));
    int every = Math.max(1, (int) Math.round(decades / Math.max(1, labels)));
    boolean powers = first < -4 || last > 5;
    for (int e = first; e <= last; e++) {
      for (int digit = 1; digit <= 9; digit++) {
        double value = new BigDecimal(digit).scaleByPowerOfTen(e).doubleValue();
        if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) {
          continue;
        }
        boolean labelled =
            digit == 1
                ? Math.floorMod(e, every) == 0
                : decades < 2.5 && (digit == 2 || digit == 5) && decades * 3 <= labels + 2;
        if (digit > 1 && every > 1) {
          continue;
        }
        ticks.add(new Tick(value, labelled ? power(digit, e, powers) : ""));
      }
    }
    return ticks;
  }

  private static String power(int digit, int exponent, boolean powers) {
    if (powers) {
      return (digit == 1 ? "" : digit + "·") + "10" + Numbers.superscript(exponent);
    }
    return new BigDecimal(digit)
        .scaleByPowerOfTen(exponent)
        .setScale(Math.max(0, -exponent), RoundingMode.UNNECESSARY)
        .toPlainString();
  }

  /** Smallest and largest finite value; 0 and 1 when there is none. */
  private static double[] range(double[] values) {
    double[] finite = Arrays.stream(values).filter(Double::isFinite).toArray();
    if (finite.length == 0) {
      return new double[] {0, 1};
    }
    return new double[] {
      Arrays.stream(finite).min().getAsDouble(), Arrays.stream(finite).max().getAsDouble()
    };
  }
}
