package io.isthmus.report.scene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import org.junit.jupiter.api.Test;

/** Level lines of functions whose level sets are known. */
class ContoursTest {
  private static final int N = 81;

  private static Contours of(DoubleBinaryOperator function, double left, double right) {
    double[] places = new double[N];
    double[][] values = new double[N][N];
    for (int i = 0; i < N; i++) {
      places[i] = left + i * (right - left) / (N - 1);
    }
    for (int row = 0; row < N; row++) {
      for (int column = 0; column < N; column++) {
        values[row][column] = function.applyAsDouble(places[column], places[row]);
      }
    }
    return new Contours(places, places, values);
  }

  /** By the shoelace formula; positive where the inside is on the left. */
  private static double area(List<Contours.Line> outlines) {
    double twice = 0;
    for (Contours.Line line : outlines) {
      assertThat(line.closed()).isTrue();
      for (int i = 1; i < line.x().length; i++) {
        twice += line.x()[i - 1] * line.y()[i] - line.x()[i] * line.y()[i - 1];
      }
    }
    return twice / 2;
  }

  @Test
  void a_circle_is_one_closed_line_of_the_right_radius() {
    Contours cone = of(Math::hypot, -1, 1);
    List<Contours.Line> lines = cone.lines(0.7);
    assertThat(lines).hasSize(1);
    assertThat(lines.get(0).closed()).isTrue();
    for (int i = 0; i < lines.get(0).x().length; i++) {
      assertThat(Math.hypot(lines.get(0).x()[i], lines.get(0).y()[i])).isCloseTo(0.7, within(2e-3));
    }
  }

  @Test
  void the_bands_of_a_cone_are_rings_that_fill_the_square() {
    Contours cone = of(Math::hypot, -1, 1);
    assertThat(area(cone.above(-1))).as("all of it").isCloseTo(4, within(1e-12));
    assertThat(area(cone.above(3))).as("nothing").isZero();
    for (double radius = 0.2; radius < 1; radius += 0.1) {
      assertThat(4 - area(cone.above(radius)))
          .as("below %s", radius)
          .isCloseTo(Math.PI * radius * radius, within(3e-3));
    }
    // Beyond the inscribed circle four corners are left, each closed along the border.
    List<Contours.Line> corners = cone.above(1.2);
    assertThat(corners).hasSize(4);
    double inside = 1.2 * 1.2 * (Math.PI - 4 * Math.acos(1 / 1.2)) + 4 * Math.sqrt(1.2 * 1.2 - 1);
    assertThat(4 - area(corners)).isCloseTo(inside, within(3e-3));
  }

  @Test
  void a_line_that_leaves_the_grid_goes_from_border_to_border_and_not_along_it() {
    List<Contours.Line> lines = of((x, y) -> x + 0.5 * y, -1, 1).lines(0.1);
    assertThat(lines).hasSize(1);
    Contours.Line line = lines.get(0);
    assertThat(line.closed()).isFalse();
    for (int i = 0; i < line.x().length; i++) {
      assertThat(line.x()[i] + 0.5 * line.y()[i]).isCloseTo(0.1, within(1e-12));
    }
    assertThat(Math.abs(line.y()[0])).isEqualTo(1);
    assertThat(Math.abs(line.y()[line.y().length - 1])).isEqualTo(1);
  }

  @Test
  void areas_of_any_function_shrink_as_the_level_rises() {
    Random random = new Random(5);
    for (int trial = 0; trial < 20; trial++) {
      Contours noise = of((x, y) -> random.nextInt(7) / 3.0, 0, 1);
      double before = 1 + 1e-12;
      for (double level = -0.1; level < 2.2; level += 0.1) {
        double now = area(noise.above(level));
        assertThat(now).isBetween(-1e-12, before + 1e-12);
        before = now;
      }
    }
  }

  @Test
  void what_is_no_number_or_infinite_counts_as_high() {
    Contours holed = of((x, y) -> Math.hypot(x, y) < 0.5 ? Double.NaN : 0, -1, 1);
    assertThat(area(holed.above(1e6))).isCloseTo(Math.PI / 4, within(0.03));
    Contours walled = of((x, y) -> x > 0 ? Double.POSITIVE_INFINITY : 0, -1, 1);
    assertThat(area(walled.above(1))).isCloseTo(2, within(0.05));
  }

  @Test
  void a_single_place_has_no_lines() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Contours(new double[] {0}, new double[] {0, 1}, new double[2][1]));
  }
}
