package io.isthmus.config;

/**
 * A setting that breaks a rule. {@link #key} is its dotted path in the configuration file, with
 * which the loader finds file, line and column.
 */
final class InvalidSetting extends IsthmusException {
  private static final long serialVersionUID = 1L;

  private final String key;
  private final String problem;

  InvalidSetting(String key, String problem) {
    super(ExitCode.USAGE, key + " " + problem);
    this.key = key;
    this.problem = problem;
  }

  String key() {
    return key;
  }

  /** The rest of the sentence that starts with the key. */
  String problem() {
    return problem;
  }

  static void require(boolean holds, String key, String problem) {
    if (!holds) {
      throw new InvalidSetting(key, problem);
    }
  }

  static void atLeast(long minimum, long value, String key) {
    require(value >= minimum, key, "must be at least " + minimum + ", but is " + value);
  }

  /** {@code minimum <= value < infinity}, and not NaN. */
  static void atLeast(double minimum, double value, String key) {
    require(
        value >= minimum && value < Double.POSITIVE_INFINITY,
        key,
        "must be a finite number of at least " + plain(minimum) + ", but is " + plain(value));
  }

  /** {@code 0 < value < infinity}, and not NaN. */
  static void positive(double value, String key) {
    require(
        value > 0 && value < Double.POSITIVE_INFINITY,
        key,
        "must be a finite number greater than 0, but is " + plain(value));
  }

  /** {@code 0 <= value < 1}. */
  static void fraction(double value, String key) {
    require(
        value >= 0 && value < 1, key, "must be at least 0 and less than 1, but is " + plain(value));
  }

  static void present(Object value, String key) {
    require(value != null, key, "is missing");
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
