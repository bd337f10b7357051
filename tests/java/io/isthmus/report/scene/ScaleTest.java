package io.isthmus.report.scene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.report.scene.Scale.Tick;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ScaleTest {
  @Test
  void linear_ticks_are_round_numbers_with_the_decimals_they_need() {
    assertThat(labels(new Scale(false, 0, 1), 5))
        .containsExactly("0.0", "0.2", "0.4", "0.6", "0.8", "1.0");
    assertThat(labels(new Scale(false, -147, 5), 4)).containsExactly("−100", "−50", "0");
    assertThat(labels(new Scale(false, 0.0301, 0.0349), 5))
        .containsExactly("0.031", "0.032", "0.033", "0.034");
    assertThat(labels(new Scale(false, 0, 2e7), 2)).containsExactly("0", "1·10⁷", "2·10⁷");
  }

  @Test
  void logarithmic_ticks_are_powers_of_ten_and_two_and_five_where_there_is_room() {
    assertThat(labels(new Scale(true, 0.015, 2.2), 6))
        .containsExactly("0.02", "0.05", "0.1", "0.2", "0.5", "1", "2");
    assertThat(labels(new Scale(true, 0.0005, 300), 6))
        .containsExactly("0.001", "0.01", "0.1", "1", "10", "100");
    assertThat(labels(new Scale(true, 1e-9, 1), 5))
        .containsExactly("10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰");
    assertThat(labels(new Scale(true, 0.02, 0.2), 5))
        .containsExactly("0.05", "0.10", "0.15", "0.20");
  }

  @Test
  void a_wide_range_of_positive_values_is_logarithmic_everything_else_linear() {
    assertThat(Scale.fitting(0.01, 1).logarithmic()).isTrue();
    assertThat(Scale.fitting(0.1, 1).logarithmic()).isFalse();
    assertThat(Scale.fitting(0, 1).logarithmic()).isFalse();
    assertThat(Scale.fitting(-1, 1000).logarithmic()).isFalse();
    assertThat(Scale.fitting(0.01, Double.NaN, Double.POSITIVE_INFINITY, 1).logarithmic()).isTrue();
  }

  @Test
  void places_are_fractions_of_the_axis() {
    assertThat(new Scale(false, 2, 4).fraction(2.5)).isCloseTo(0.25, within(1e-15));
    assertThat(new Scale(true, 0.01, 100).fraction(1)).isCloseTo(0.5, within(1e-15));
    assertThat(new Scale(true, 0.01, 100).fraction(0)).isNaN();
    assertThat(new Scale(true, 0.01, 100).fraction(-1)).isNaN();
    assertThat(new Scale(false, 0, 1).fraction(Double.NaN)).isNaN();
  }

  @Test
  void any_values_give_a_scale_that_holds_them_with_a_sensible_number_of_labels() {
    Random random = new Random(11);
    for (int round = 0; round < 2000; round++) {
      double[] values = new double[random.nextInt(4)];
      for (int i = 0; i < values.length; i++) {
        double size = Math.pow(10, random.nextInt(40) - 20);
        values[i] = random.nextInt(5) == 0 ? 0 : size * (random.nextDouble() - 0.3);
        values[i] = random.nextInt(20) == 0 ? Double.NaN : values[i];
      }
      Scale scale = Scale.fitting(values);
      for (double value : values) {
        if (!Double.isNaN(value)) {
          assertThat(scale.fraction(value)).isBetween(0.0, 1.0);
        }
      }
      List<Tick> ticks = scale.ticks(5);
      assertThat(ticks).as("%s", scale).hasSizeLessThan(80);
      assertThat(ticks).allMatch(tick -> scale.fraction(tick.value()) > -1e-6);
      assertThat(ticks).allMatch(tick -> scale.fraction(tick.value()) < 1 + 1e-6);
      List<String> labels = labels(scale, 5);
      assertThat(labels).as("%s", scale).hasSizeBetween(1, 12);
    }
  }

  @Test
  void one_value_or_none_is_no_trouble() {
    assertThat(Scale.linear(3, 3)).isEqualTo(new Scale(false, 2.7, 3.3));
    assertThat(Scale.linear()).isEqualTo(new Scale(false, -0.06, 1.06));
    assertThat(Scale.linear(0).ticks(5)).isNotEmpty();
  }

  @Test
  void an_impossible_axis_is_refused() {
    assertThatThrownBy(() -> new Scale(false, 1, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Scale(true, 0, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Scale(false, 0, Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static List<String> labels(Scale scale, int about) {
    return scale.ticks(about).stream().map(Tick::label).filter(l -> !l.isEmpty()).toList();
  }
}
