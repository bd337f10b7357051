package io.isthmus.report.scene;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** Numbers as a reader wants them: few digits, a real minus, the same on every machine. */
public final class Numbers {
  /** Stands for a number that does not exist. */
  public static final String NONE = "–";

  private Numbers() {}

  /**
   * A number with so many significant digits, trailing zeros kept: {@code 0.0162}, {@code 115};
   * very large and small ones as {@code 1.62·10⁻⁵}; NaN is {@link #NONE}.
   */
  public static String significant(double value, int digits) {
    if (!Double.isFinite(value) || value == 0) {
      return fixed(value, 0);
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(digits));
    int exponent = rounded.precision() - rounded.scale() - 1;
    if (exponent < -4 || exponent > 5) {
      return fixed(rounded.movePointLeft(exponent).doubleValue(), digits - 1)
          + "·10"
          + superscript(exponent);
    }
    return fixed(value, Math.max(0, digits - 1 - exponent));
  }

  /** A number with so many decimals. */
  public static String fixed(double value, int decimals) {
    if (Double.isNaN(value)) {
      return NONE;
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "∞" : "−∞";
    }
    BigDecimal rounded = new BigDecimal(value).setScale(decimals, RoundingMode.HALF_EVEN);
    return rounded.toPlainString().replace('-', '−');
  }

  /** A given number as it was given: {@code 0.001}, {@code 1·10⁻⁵}. */
  public static String plain(float value) {
    BigDecimal exact = new BigDecimal(Float.toString(value)).stripTrailingZeros();
    return significant(exact.doubleValue(), exact.precision());
  }

  /** A difference, with its sign: {@code +0.37}. */
  public static String signed(double value, int decimals) {
    String text = fixed(value, decimals);
    return value >= 0 && !text.equals("∞") ? "+" + text : text;
  }

  /**
   * A mean and its standard deviation with the same decimals, so many that the mean has three
   * digits: {@code 0.0162 ± 0.0009}; the mean alone when there is no deviation.
   */
  public static String plusMinus(double mean, double deviation) {
    if (!Double.isFinite(deviation) || !Double.isFinite(mean)) {
      return significant(mean, 3);
    }
    int exponent = (int) Math.floor(Math.log10(Math.max(Math.abs(mean), 1e-300)));
    if (mean != 0 && (exponent < -4 || exponent > 5)) {
      return significant(mean, 3) + " ± " + significant(deviation, 2);
    }
    return plusMinus(mean, deviation, mean == 0 ? 3 : Math.max(0, 2 - exponent));
  }

  /** A mean and its standard deviation with so many decimals; the mean alone when there is none. */
  public static String plusMinus(double mean, double deviation, int decimals) {
    String text = fixed(mean, decimals);
    return Double.isFinite(deviation) && Double.isFinite(mean)
        ? text + " ± " + fixed(deviation, decimals)
        : text;
  }

  /** How many times, three digits: {@code 2.10}, {@code 115}, {@code 3,770}. */
  public static String factor(double value) {
    double size = Math.abs(value);
    if (size < 999.5 || !Double.isFinite(value)) {
      return fixed(value, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
    }
    return size < 1e6
        ? count(new BigDecimal(value).round(new MathContext(3)).longValueExact())
        : significant(value, 2);
  }

  /** A count with groups of three digits: {@code 272,474}. */
  public static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value).replace('-', '−');
  }

  /** A time: {@code 0.4 s}, {@code 34 s}, {@code 2 min 5 s}, {@code 3 h 12 min}. */
  public static String duration(double seconds) {
    if (!Double.isFinite(seconds)) {
      return NONE;
    }
    if (seconds < 9.95) {
      return fixed(seconds, 1) + " s";
    }
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    if (whole < 3600) {
      return whole / 60 + " min " + whole % 60 + " s";
    }
    return whole / 3600 + " h " + whole % 3600 / 60 + " min";
  }

  /** An exponent in raised digits: {@code ⁻⁵}. */
  static String superscript(int exponent) {
    StringBuilder text = new StringBuilder();
    for (char c : Integer.toString(exponent).toCharArray()) {
      text.append(c == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹".charAt(c - '0'));
    }
    return text.toString();
  }
}
