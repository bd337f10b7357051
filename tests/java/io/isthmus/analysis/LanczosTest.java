package io.isthmus.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.analysis.Lanczos.Eigenpair;
import io.isthmus.analysis.Lanczos.Goal;
import io.isthmus.analysis.Lanczos.Result;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lanczos's method against all eigenvalues of dense matrices. */
class LanczosTest {
  private static final Lanczos.Watcher NOBODY = (products, residual) -> {};

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 10, 60})
  void both_ends_are_those_of_the_dense_eigenproblem(int size) {
    Random random = new Random(size);
    double[][] matrix = symmetric(size, random);
    double[] all = eigenvalues(matrix);
    int wanted = Math.min(4, size);
    Result result = Lanczos.of(dense(matrix), new Goal(4, 4, size, 1e-10), 5, NOBODY);
    assertThat(values(result.lowest())).hasSize(wanted);
    for (int i = 0; i < wanted; i++) {
      assertThat(result.lowest().get(i).value()).isCloseTo(all[i], within(1e-9));
      assertThat(result.highest().get(i).value()).isCloseTo(all[size - 1 - i], within(1e-9));
      requireEigenpair(matrix, result.lowest().get(i), 1e-8);
      requireEigenpair(matrix, result.highest().get(i), 1e-8);
    }
  }

  @Test
  void well_separated_ends_take_far_fewer_products_than_dimensions() {
    double[] diagonal = new double[400];
    Arrays.setAll(diagonal, i -> 1 + i / 400.0);
    diagonal[7] = -3;
    diagonal[8] = 9;
    Result result =
        Lanczos.of(rotated(diagonal, new Random(1)), new Goal(1, 1, 400, 1e-9), 5, NOBODY);
    assertThat(result.products()).isLessThan(60);
    assertThat(result.lowest().get(0).value()).isCloseTo(-3, within(1e-12));
    assertThat(result.highest().get(0).value()).isCloseTo(9, within(1e-12));
  }

  @Test
  void repeated_eigenvalues_are_found_as_often_as_they_occur() {
    double[] diagonal = new double[50];
    Arrays.fill(diagonal, 0, 3, -2);
    Arrays.fill(diagonal, 3, 20, 0);
    Arrays.fill(diagonal, 20, 48, 1);
    Arrays.fill(diagonal, 48, 50, 4);
    Result result =
        Lanczos.of(rotated(diagonal, new Random(2)), new Goal(4, 3, 50, 1e-9), 5, NOBODY);
    assertThat(rounded(result.lowest())).containsExactly(-2.0, -2.0, -2.0, 0.0);
    assertThat(rounded(result.highest())).containsExactly(4.0, 4.0, 1.0);
    assertThat(result.products()).isLessThan(50);
  }

  @Test
  void a_zero_matrix_and_a_multiple_of_the_identity_have_one_eigenvalue() {
    for (double value : new double[] {0, -2.5}) {
      double[] diagonal = new double[12];
      Arrays.fill(diagonal, value);
      Result result =
          Lanczos.of(rotated(diagonal, new Random(3)), new Goal(3, 2, 12, 1e-9), 5, NOBODY);
      assertThat(values(result.lowest()))
          .allSatisfy(v -> assertThat(v).isCloseTo(value, within(1e-12)));
      assertThat(values(result.highest()))
          .allSatisfy(v -> assertThat(v).isCloseTo(value, within(1e-12)));
    }
  }

  @Test
  void across_a_direction_it_is_the_spectrum_of_the_projected_matrix() {
    Random random = new Random(4);
    int size = 30;
    double[][] matrix = symmetric(size, random);
    double[] direction = Vectors.normalised(random.doubles(size, -1, 1).toArray());
    Result result =
        Lanczos.across(dense(matrix), direction, new Goal(2, 2, size, 1e-10), 5, NOBODY);
    // Shifted far up along the direction, its own eigenvalue is out of the way of the low end.
    double[][] projected = projected(matrix, direction, 1e3);
    double[] all = eigenvalues(projected);
    assertThat(result.lowest().get(0).value()).isCloseTo(all[0], within(1e-8));
    assertThat(result.lowest().get(1).value()).isCloseTo(all[1], within(1e-8));
    assertThat(result.highest().get(0).value()).isCloseTo(all[size - 2], within(1e-8));
    assertThat(Vectors.dot(result.lowest().get(0).vector(), direction)).isCloseTo(0, within(1e-12));
  }

  @Test
  void the_residual_bounds_the_error_where_the_products_end_too_early() {
    double[][] matrix = symmetric(200, new Random(6));
    double[] all = eigenvalues(matrix);
    Result result = Lanczos.of(dense(matrix), new Goal(2, 2, 25, 1e-12), 5, NOBODY);
    assertThat(result.products()).isEqualTo(25);
    for (Eigenpair pair : result.lowest()) {
      assertThat(pair.residual()).isGreaterThan(1e-6);
      assertThat(Arrays.stream(all).map(v -> Math.abs(v - pair.value())).min().getAsDouble())
          .isLessThanOrEqualTo(pair.residual());
      double[] product = dense(matrix).times(pair.vector());
      assertThat(Vectors.distance(product, pair.value(), pair.vector()))
          .isCloseTo(pair.residual(), within(1e-9));
    }
  }

  @Test
  void the_same_seed_gives_the_same_bits_and_the_watcher_may_stop_it() {
    double[][] matrix = symmetric(40, new Random(7));
    Goal goal = new Goal(2, 2, 30, 1e-8);
    Result first = Lanczos.of(dense(matrix), goal, 5, NOBODY);
    Result second = Lanczos.of(dense(matrix), goal, 5, NOBODY);
    assertThat(values(second.lowest())).isEqualTo(values(first.lowest()));
    assertThat(second.lowest().get(0).vector()).containsExactly(first.lowest().get(0).vector());
    assertThatThrownBy(
            () ->
                Lanczos.of(
                    dense(matrix),
                    goal,
                    5,
                    (products, residual) -> {
                      if (products == 7) {
                        throw new IllegalStateException("enough");
                      }
                    }))
        .hasMessage("enough");
  }

  static SymmetricOperator dense(double[][] matrix) {
    return new SymmetricOperator() {
      @Override
      public int size() {
        return matrix.length;
      }

      @Override
      public double[] times(double[] vector) {
        return Arrays.stream(matrix).mapToDouble(row -> Vectors.dot(row, vector)).toArray();
      }
    };
  }

  private static double[][] symmetric(int size, Random random) {
    double[][] matrix = new double[size][size];
    for (int i = 0; i < size; i++) {
      for (int j = 0; j <= i; j++) {
        matrix[i][j] = random.nextGaussian();
        matrix[j][i] = matrix[i][j];
      }
    }
    return matrix;
  }

  /** A diagonal matrix between random reflections, which keep its eigenvalues. */
  private static SymmetricOperator rotated(double[] diagonal, Random random) {
    int size = diagonal.length;
    double[][] mirrors = new double[3][];
    Arrays.setAll(mirrors, i -> Vectors.normalised(random.doubles(size, -1, 1).toArray()));
    return new SymmetricOperator() {
      @Override
      public int size() {
        return size;
      }

      @Override
      public double[] times(double[] vector) {
        double[] turned = vector.clone();
        for (double[] mirror : mirrors) {
          Vectors.add(turned, -2 * Vectors.dot(turned, mirror), mirror);
        }
        for (int i = 0; i < size; i++) {
          turned[i] *= diagonal[i];
        }
        for (int i = mirrors.length - 1; i >= 0; i--) {
          Vectors.add(turned, -2 * Vectors.dot(turned, mirrors[i]), mirrors[i]);
        }
        return turned;
      }
    };
  }

  private static double[][] projected(double[][] matrix, double[] d, double shift) {
    int size = d.length;
    double[] product = dense(matrix).times(d);
    double middle = Vectors.dot(d, product);
    double[][] projected = new double[size][size];
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        projected[i][j] =
            matrix[i][j] - d[i] * product[j] - product[i] * d[j] + (middle + shift) * d[i] * d[j];
      }
    }
    return projected;
  }

  static double[] eigenvalues(double[][] matrix) {
    double[] values =
        new EigenDecompositionSymmetric(new Array2DRowRealMatrix(matrix)).getEigenvalues();
    Arrays.sort(values);
    return values;
  }

  private static void requireEigenpair(double[][] matrix, Eigenpair pair, double tolerance) {
    double[] product = dense(matrix).times(pair.vector());
    assertThat(Vectors.norm(pair.vector())).isCloseTo(1, within(1e-12));
    assertThat(Vectors.distance(product, pair.value(), pair.vector())).isLessThan(tolerance);
  }

  private static List<Double> values(List<Eigenpair> pairs) {
    return pairs.stream().map(Eigenpair::value).toList();
  }

  private static List<Double> rounded(List<Eigenpair> pairs) {
    return pairs.stream().map(p -> Math.rint(p.value() * 1e8) / 1e8 + 0.0).toList();
  }
}
