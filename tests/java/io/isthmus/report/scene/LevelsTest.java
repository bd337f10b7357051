package io.isthmus.report.scene;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Round levels, as many as there are shades. */
class LevelsTest {
  @Test
  void losses_over_decades_are_cut_at_equal_factors() {
    Levels levels = Levels.between(0.0004, 11);
    assertThat(levels.scale().logarithmic()).isTrue();
    assertThat(levels.values())
        .isEqualTo(List.of(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0));
  }

  @Test
  void energies_are_cut_at_equal_differences() {
    assertThat(Levels.between(-146.7, 80).values())
        .isEqualTo(List.of(-125.0, -100.0, -75.0, -50.0, -25.0, 0.0, 25.0, 50.0, 75.0));
  }

  @ParameterizedTest
  @CsvSource({
    "0.5, 0.5000001",
    "0, 0",
    "1e-12, 1e12",
    "-3, 1e6",
    "5, 5",
    "0.31, 0.38",
    "1e-30, 1e30",
    "-1e-9, 1e-9",
    "17, 900"
  })
  void there_are_some_for_any_range_and_never_more_than_shades(double low, double high) {
    Levels levels = Levels.between(low, high);
    assertThat(levels.values()).hasSizeBetween(2, Ink.BANDS - 1).isSorted().doesNotHaveDuplicates();
    assertThat(levels.values()).allMatch(value -> value > low);
    assertThat(levels.values()).extracting(Levels::label).doesNotHaveDuplicates();
  }

  @Test
  void each_band_is_darker_than_the_one_below() {
    double lighter = 256;
    for (int band = 0; band < Ink.BANDS; band++) {
      int rgb = Ink.band(band, Ink.BANDS).rgb();
      double grey = 0.299 * (rgb >> 16) + 0.587 * (rgb >> 8 & 0xff) + 0.114 * (rgb & 0xff);
      assertThat(grey).isLessThan(lighter - 8);
      lighter = grey;
    }
    assertThat(Ink.band(0, 5)).isEqualTo(Ink.BAND0);
    assertThat(Ink.band(4, 5)).isEqualTo(Ink.BAND11);
    assertThat(Ink.band(0, 1)).isEqualTo(Ink.BAND0);
  }
}
