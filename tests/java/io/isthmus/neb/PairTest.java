package io.isthmus.neb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PairTest {
  @Test
  void isTheSameInEitherOrder() {
    assertThat(Pair.of(12, 3)).isEqualTo(Pair.of(3, 12)).hasToString("0003-0012");
    assertThat(Pair.parse("0003-0012")).isEqualTo(new Pair(3, 12));
    assertThat(Pair.parse(Pair.of(123456, 7).toString())).isEqualTo(new Pair(7, 123456));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1-2", "0001_0002", "0001-0002-0003", "0000-0002", "0002-0002"})
  void refusesOtherTexts(String text) {
    assertThatThrownBy(() -> Pair.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }
}
