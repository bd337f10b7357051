package io.isthmus.neb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import org.junit.jupiter.api.Test;

class ProfileTest {
  @Test
  void knowsItsGaps() {
    Profile profile = Profiles.of(4, 0, 1, 2, 3, 4, 5, 6, 7, 8);

    assertThat(profile.gaps()).isEqualTo(2);
    assertThat(profile.stride()).isEqualTo(4);
    assertThat(profile.size()).isEqualTo(9);
  }

  @Test
  void refusesSamplesThatAreNotAPath() {
    Profile profile = Profiles.of(2, 0, 1, 2, 3, 4);
    var shuffled = new ArrayList<>(profile.samples());
    Collections.swap(shuffled, 1, 2);

    assertThatThrownBy(() -> new Profile(shuffled)).hasMessageContaining("out of order");
    assertThatThrownBy(() -> new Profile(profile.samples().subList(0, 4)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Profile(profile.samples().subList(0, 1)))
        .hasMessageContaining("two pivots");
  }
}
