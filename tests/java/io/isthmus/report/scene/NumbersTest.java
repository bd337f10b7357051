package io.isthmus.report.scene;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumbersTest {
  @ParameterizedTest
  @CsvSource({
    "0.0162, 0.0162",
    "0.016249, 0.0162",
    "0.00999999, 0.0100",
    "2.31, 2.31",
    "115.4, 115",
    "-40.66, −40.7",
    "0, 0",
    "99999.6, 100000",
    "1234567, 1.23·10⁶",
    "0.0000162, 1.62·10⁻⁵",
    "9.9999e-6, 1.00·10⁻⁵",
    "1e300, 1.00·10³⁰⁰",
    "NaN, –",
    "Infinity, ∞",
    "-Infinity, −∞"
  })
  void significant_digits(double value, String text) {
    assertThat(Numbers.significant(value, 3)).isEqualTo(text);
  }

  @Test
  void a_mean_and_its_deviation_have_the_same_decimals() {
    assertThat(Numbers.plusMinus(0.01621, 0.00094)).isEqualTo("0.0162 ± 0.0009");
    assertThat(Numbers.plusMinus(1.9, 0.214)).isEqualTo("1.90 ± 0.21");
    assertThat(Numbers.plusMinus(-111.9, 33.1)).isEqualTo("−112 ± 33");
    assertThat(Numbers.plusMinus(0, 0)).isEqualTo("0.000 ± 0.000");
    assertThat(Numbers.plusMinus(2e-6, 1e-7)).isEqualTo("2.00·10⁻⁶ ± 1.0·10⁻⁷");
    assertThat(Numbers.plusMinus(0.5, Double.NaN)).isEqualTo("0.500");
    assertThat(Numbers.plusMinus(Double.NaN, Double.NaN)).isEqualTo("–");
    assertThat(Numbers.plusMinus(8.456, 0.1, 2)).isEqualTo("8.46 ± 0.10");
  }

  @Test
  void factors_have_three_digits() {
    assertThat(Numbers.factor(2.1)).isEqualTo("2.10");
    assertThat(Numbers.factor(9.996)).isEqualTo("10.0");
    assertThat(Numbers.factor(99.96)).isEqualTo("100");
    assertThat(Numbers.factor(115.4)).isEqualTo("115");
    assertThat(Numbers.factor(999.6)).isEqualTo("1,000");
    assertThat(Numbers.factor(3772.4)).isEqualTo("3,770");
    assertThat(Numbers.factor(Double.POSITIVE_INFINITY)).isEqualTo("∞");
    assertThat(Numbers.factor(3.2e7)).isEqualTo("3.2·10⁷");
    assertThat(Numbers.factor(Double.NaN)).isEqualTo("–");
  }

  @Test
  void signs_counts_times_and_given_numbers() {
    assertThat(Numbers.signed(0.371, 2)).isEqualTo("+0.37");
    assertThat(Numbers.signed(-0.371, 2)).isEqualTo("−0.37");
    assertThat(Numbers.signed(0, 2)).isEqualTo("+0.00");
    assertThat(Numbers.signed(-0.001, 2)).isEqualTo("0.00");
    assertThat(Numbers.signed(Double.NaN, 2)).isEqualTo("–");
    assertThat(Numbers.count(272474)).isEqualTo("272,474");
    assertThat(Numbers.duration(0.44)).isEqualTo("0.4 s");
    assertThat(Numbers.duration(59.4)).isEqualTo("59 s");
    assertThat(Numbers.duration(59.6)).isEqualTo("1 min 0 s");
    assertThat(Numbers.duration(11_523)).isEqualTo("3 h 12 min");
    assertThat(Numbers.duration(Double.NaN)).isEqualTo("–");
    assertThat(Numbers.plain(0.1f)).isEqualTo("0.1");
    assertThat(Numbers.plain(0.001f)).isEqualTo("0.001");
    assertThat(Numbers.plain(1e-5f)).isEqualTo("1·10⁻⁵");
    assertThat(Numbers.plain(20f)).isEqualTo("20");
    assertThat(Numbers.plain(0f)).isEqualTo("0");
  }
}
