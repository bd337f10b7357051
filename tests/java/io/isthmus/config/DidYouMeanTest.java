package io.isthmus.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class DidYouMeanTest {
  private static final List<String> WORDS = List.of("batch", "steps", "learning_rate", "minima");

  @Test
  void slipsOfTheFingerAreFound() {
    assertThat(DidYouMean.nearest("bacth", WORDS)).contains("batch");
    assertThat(DidYouMean.nearest("step", WORDS)).contains("steps");
    assertThat(DidYouMean.nearest("Learning-Rate", WORDS)).contains("learning_rate");
    assertThat(DidYouMean.nearest("lerning_rat", WORDS)).contains("learning_rate");
    assertThat(DidYouMean.hint("minma", WORDS)).isEqualTo(" (did you mean minima?)");
  }

  @Test
  void farWordsAreNotGuessed() {
    assertThat(DidYouMean.nearest("momentum", WORDS)).isEmpty();
    assertThat(DidYouMean.nearest("", WORDS)).isEmpty();
    assertThat(DidYouMean.nearest("x".repeat(100_000), WORDS)).isEmpty();
    assertThat(DidYouMean.hint("x", List.of())).isEmpty();
  }
}
