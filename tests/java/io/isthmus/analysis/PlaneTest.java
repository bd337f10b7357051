package io.isthmus.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The plane's geometry against closed forms, and its grid. */
class PlaneTest {
  private static final int SIZE = 200_000;

  private static FloatBuffer random(long seed, double scale) {
    Random random = new Random(seed);
    float[] values = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return FloatBuffer.wrap(values);
  }

  private static Plane plane(float[]... corners) {
    return Plane.through(
            FloatBuffer.wrap(corners[0]),
            FloatBuffer.wrap(corners[1]),
            FloatBuffer.wrap(corners[2]),
            corners[0].length)
        .orElseThrow();
  }

  @Test
  void its_basis_is_orthonormal_even_for_points_nearly_on_a_line() {
    FloatBuffer a = random(1, 1);
    FloatBuffer b = random(2, 1);
    FloatBuffer far = random(3, 0.01);
    for (int i = 0; i < SIZE; i++) {
      far.put(i, (a.get(i) + b.get(i)) / 2 + 1e-3f * far.get(i));
    }
    for (FloatBuffer m : List.of(random(4, 1), far)) {
      double[] gram = Plane.through(a, b, m, SIZE).orElseThrow().gram();
      assertThat(gram[0]).isCloseTo(1, within(1e-12));
      assertThat(gram[1]).isCloseTo(1, within(1e-12));
      assertThat(gram[2]).isCloseTo(0, within(1e-14));
    }
  }

  @Test
  void the_three_points_lie_in_it_where_their_distances_say() {
    FloatBuffer a = random(1, 1);
    FloatBuffer b = random(2, 1);
    FloatBuffer m = random(3, 2);
    Plane plane = Plane.through(a, b, m, SIZE).orElseThrow();
    Place[] corners = plane.corners();
    FloatBuffer[] points = {a, b, m};
    for (int i = 0; i < 3; i++) {
      Place place = plane.project(points[i]);
      assertThat(place.x()).isCloseTo(corners[i].x(), within(1e-9));
      assertThat(place.y()).isCloseTo(corners[i].y(), within(1e-9));
      assertThat(place.distance()).isCloseTo(0, within(1e-9));
      for (int j = 0; j < 3; j++) {
        double inside =
            Math.hypot(corners[i].x() - corners[j].x(), corners[i].y() - corners[j].y());
        assertThat(inside).isCloseTo(distance(points[i], points[j]), within(1e-9));
      }
    }
    assertThat(corners[2].y()).isPositive();
  }

  @Test
  void weights_and_projection_undo_each_other() {
    FloatBuffer[] points = {random(1, 1), random(2, 1), random(3, 1)};
    Plane plane = Plane.through(points[0], points[1], points[2], SIZE).orElseThrow();
    double[] weights = plane.weights(123.4, -56.7);
    assertThat(weights[0] + weights[1] + weights[2]).isCloseTo(1, within(1e-12));
    float[] sum = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      double value = 0;
      for (int k = 0; k < 3; k++) {
        value += weights[k] * points[k].get(i);
      }
      sum[i] = (float) value;
    }
    Place place = plane.project(FloatBuffer.wrap(sum));
    assertThat(place.x()).isCloseTo(123.4, within(1e-6));
    assertThat(place.y()).isCloseTo(-56.7, within(1e-6));
    assertThat(place.distance()).as("rounding to float32").isLessThan(1e-4);
  }

  @Test
  void a_point_off_the_plane_has_its_distance_and_only_leading_coordinates_count() {
    float[] a = {1, 1, 1, 9};
    float[] b = {5, 1, 1, 9};
    float[] m = {2, 4, 1, 9};
    Plane plane = plane(a, b, m);
    assertThat(plane.project(FloatBuffer.wrap(new float[] {4, 3, -6, 9})))
        .isEqualTo(new Place(3, 2, 7));
    Plane leading =
        Plane.through(FloatBuffer.wrap(a), FloatBuffer.wrap(b), FloatBuffer.wrap(m), 2)
            .orElseThrow();
    assertThat(leading.project(FloatBuffer.wrap(new float[] {4, 3, -6, 0})))
        .isEqualTo(new Place(3, 2, 0));
  }

  @Test
  void points_on_one_line_span_no_plane() {
    FloatBuffer a = FloatBuffer.wrap(new float[] {0, 0, 0});
    FloatBuffer b = FloatBuffer.wrap(new float[] {1, 1, 1});
    FloatBuffer middle = FloatBuffer.wrap(new float[] {0.5f, 0.5f, 0.5f});
    assertThat(Plane.through(a, b, middle, 3)).isEmpty();
    assertThat(Plane.through(a, a, b, 3)).isEmpty();
  }

  @Test
  void a_grid_of_equal_squares_covers_all_places_with_its_margin() {
    for (List<Place> places :
        List.of(
            List.of(new Place(0, 0, 1), new Place(10, 0, 0), new Place(5, 3, 2)),
            List.of(new Place(-1, 2, 0), new Place(0, 30, 0)))) {
      for (int columns : new int[] {3, 31, 200}) {
        PlaneGrid grid = PlaneGrid.covering(places, 0.25, columns);
        double extent = places.get(0).y() == 0 ? 10 : 28;
        double slack = 1e-9 * extent;
        for (Place place : places) {
          assertThat(place.x() - grid.x(0)).isGreaterThanOrEqualTo(0.25 * extent - slack);
          assertThat(grid.x(columns - 1) - place.x()).isGreaterThanOrEqualTo(0.25 * extent - slack);
          assertThat(place.y() - grid.y(0)).isGreaterThanOrEqualTo(0.25 * extent - slack);
          assertThat(grid.y(grid.rows() - 1) - place.y())
              .isGreaterThanOrEqualTo(0.25 * extent - slack);
        }
        assertThat(grid.y(1) - grid.y(0)).isCloseTo(grid.x(1) - grid.x(0), within(slack));
        assertThat((columns - 1) / PlaneGrid.ASPECT)
            .isBetween(grid.rows() - 2.0, grid.rows() - 0.9);
      }
    }
  }

  private static double distance(FloatBuffer a, FloatBuffer b) {
    double sum = 0;
    for (int i = 0; i < SIZE; i++) {
      sum += Math.pow((double) a.get(i) - b.get(i), 2);
    }
    return Math.sqrt(sum);
  }
}
