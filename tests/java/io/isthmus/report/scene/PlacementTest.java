package io.isthmus.report.scene;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class PlacementTest {
  private static final Box LEFT = new Box(0, 0, 20, 10);
  private static final Box MIDDLE = new Box(40, 0, 20, 10);
  private static final Box OUTSIDE = new Box(95, 0, 20, 10);
  private final Placement placement = new Placement(new Box(0, 0, 100, 100));

  @Test
  void the_dearest_free_place_is_taken_and_stays_taken() {
    List<Box> candidates = List.of(LEFT, MIDDLE);
    assertThat(placement.place(candidates)).isEqualTo(LEFT);
    assertThat(placement.place(candidates)).isEqualTo(MIDDLE);
  }

  @Test
  void a_label_keeps_clear_of_lines_and_stays_inside() {
    placement.avoid(0, 5, 30, 5);
    assertThat(placement.place(List.of(LEFT, OUTSIDE, MIDDLE))).isEqualTo(MIDDLE);
  }

  @Test
  void a_label_that_would_cover_another_can_be_left_out() {
    placement.avoid(LEFT);
    assertThat(placement.place(List.of(LEFT), 0.1)).isEmpty();
    assertThat(placement.place(List.of(LEFT.grown(-1), MIDDLE), 0.1)).contains(MIDDLE);
  }

  @Test
  void a_line_to_nowhere_is_no_obstacle() {
    placement.avoid(0, 0, Double.NaN, 5);
    assertThat(placement.place(List.of(LEFT, MIDDLE))).isEqualTo(LEFT);
  }
}
