package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Amounts for people. */
class SizesTest {
  @ParameterizedTest
  @CsvSource({"0, 0 B", "1023, 1023 B", "1536, 1.5 KiB", "262144000, 250 MiB", "1e18, 888 PiB"})
  void bytes(double amount, String text) {
    assertThat(Sizes.bytes(amount)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"999, 999", "48000, 48.0 thousand", "2.48e5, 248 thousand", "3.2e12, 3.2 trillion"})
  void counts(double amount, String text) {
    assertThat(Sizes.count(amount)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"24053564 kB, 22.9 GiB", ", unknown"})
  void memory(String line, String text) {
    assertThat(Sizes.kibibytes(Optional.ofNullable(line))).isEqualTo(text);
  }
}
