package io.isthmus.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SeedsTest {
  @Test
  void a_stream_keeps_its_value_for_ever() {
    // sha256 of 8 + (4 + 7) + (4 + 4) + (4 + 10) bytes, computed with Python's hashlib.
    assertThat(Seeds.derive(42, "minimum", "0001", "initialise")).isEqualTo(2872073053531864970L);
  }

  @Test
  void every_part_matters_and_no_two_parts_run_together() {
    Set<Long> seen = new HashSet<>();
    seen.add(Seeds.derive(1, "a", "b", "c"));
    seen.add(Seeds.derive(2, "a", "b", "c"));
    seen.add(Seeds.derive(1, "ab", "", "c"));
    seen.add(Seeds.derive(1, "", "ab", "c"));
    seen.add(Seeds.derive(1, "a", "bc", ""));
    seen.add(Seeds.derive(1, "a", "", "bc"));
    seen.add(Seeds.derive(-1, "a", "b", "c"));
    assertThat(seen).hasSize(7);
  }
}
