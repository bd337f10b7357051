package io.isthmus.cli;

import java.util.Locale;
import java.util.Optional;

/** Amounts as people read them. */
final class Sizes {
  private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  private static final String[] POWERS = {"", " thousand", " million", " billion", " trillion"};

  private Sizes() {}

  /** For instance 1.5 GiB. */
  static String bytes(double amount) {
    return scaled(amount, 1024, UNITS, " ");
  }

  /** A value of /proc/meminfo, such as "24053564 kB". */
  static String kibibytes(Optional<String> value) {
    return value
        .map(text -> bytes(1024.0 * Long.parseLong(text.replaceAll("\\D", ""))))
        .orElse("unknown");
  }

  /** For instance 3.2 million. */
  static String count(double amount) {
    return scaled(amount, 1000, POWERS, "");
  }

  private static String scaled(double amount, double base, String[] units, String gap) {
    int unit = 0;
    double value = amount;
    while (value >= base && unit < units.length - 1) {
      value /= base;
      unit++;
    }
    String number =
        unit == 0 || value >= 100
            ? String.format(Locale.ROOT, "%.0f", value)
            : String.format(Locale.ROOT, "%.1f", value);
    return number + gap + units[unit];
  }
}
