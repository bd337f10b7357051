package io.isthmus.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.Config;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Model;
import io.isthmus.engine.Points;
import io.isthmus.neb.Pair;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The band on the Mueller-Brown surface against the string method in plain double. */
class SurfaceRelaxationIT {
  private static final String SURFACE = "surface-mueller-brown";
  private static final double[] FROM = {0.623499f, 0.028038f};
  private static final double[] TO = {-0.558224f, 1.441726f};
  private static final int PIVOTS = 9;

  private Engine engine;

  @BeforeEach
  void open() {
    engine = Engine.open(Backend.CPU, 0, 2);
  }

  @AfterEach
  void close() {
    engine.close();
    assertThat(Engine.liveHandles()).isZero();
  }

  @Test
  void iterations_and_forces_are_those_of_the_formulas() {
    ExperimentConfig config = Config.load(List.of(Path.of(SURFACE)), List.of());
    try (Model model = Model.surface(engine, SURFACE)) {
      Relaxation relaxation =
          new SurfaceRelaxation(model, SURFACE, config.exploration())
              .of(
                  new Pair(1, 2),
                  List.of(point(model, FROM), point(model, 0, 0.5), point(model, TO)),
                  1,
                  10);
      assertThat(relaxation.frames())
          .extracting(Relaxation.Frame::title)
          .containsExactly("Iteration 0", "Iteration 10", "Converged");
      double[][] path = new double[PIVOTS][2];
      for (int i = 0; i < PIVOTS; i++) {
        for (int k = 0; k < 2; k++) {
          path[i][k] = FROM[k] + i / (PIVOTS - 1.0) * (TO[k] - FROM[k]);
        }
      }
      compare(relaxation.frames().get(0), path, 1e-6);
      double rate = config.exploration().cycles().get(0).learningRate();
      for (int step = 0; step < 10; step++) {
        path = respaced(moved(path, rate));
      }
      compare(relaxation.frames().get(1), path, 1e-5);

      PlaneGrid grid = relaxation.grid();
      for (int i = 0; i < grid.size(); i += 97) {
        int row = i / grid.columns();
        int column = i % grid.columns();
        double exact = MuellerBrown.energy((float) grid.x(column), (float) grid.y(row));
        assertThat(relaxation.energies()[row][column])
            .isCloseTo(exact, within(1e-9 * (1 + Math.abs(exact))));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "surface-mueller-brown",
        "surface-leps",
        "surface-egg-carton",
        "surface-curvy-valley"
      })
  void nothing_pulls_at_a_known_saddle_and_it_is_higher_one_way_and_lower_the_other(String spec) {
    try (Model model = Model.surface(engine, spec);
        Points points = Points.create(model, 17)) {
      assertThat(KnownSaddles.of(spec)).isNotEmpty();
      for (Place saddle : KnownSaddles.of(spec)) {
        double[] at = {saddle.x(), saddle.y()};
        points.write(16, point(model, at));
        for (int i = 0; i < 16; i++) {
          double angle = Math.PI * i / 8;
          points.write(
              i, point(model, at[0] + 0.02 * Math.cos(angle), at[1] + 0.02 * Math.sin(angle)));
        }
        points.gradient(null, null, null, 0);
        float[] gradient = points.readGradient(16);
        assertThat(Math.hypot(gradient[0], gradient[1])).isLessThan(1e-3);
        Metrics[] energies = points.evaluate(null);
        double lowest = Double.POSITIVE_INFINITY;
        double highest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < 16; i++) {
          lowest = Math.min(lowest, energies[i].loss());
          highest = Math.max(highest, energies[i].loss());
        }
        assertThat(energies[16].loss()).isStrictlyBetween(lowest, highest);
      }
    }
  }

  private static void compare(Relaxation.Frame frame, double[][] path, double slack) {
    assertThat(frame.pivots()).hasSize(PIVOTS);
    for (int i = 0; i < PIVOTS; i++) {
      Relaxation.Pivot pivot = frame.pivots().get(i);
      assertThat(pivot.x()).isCloseTo(path[i][0], within(slack));
      assertThat(pivot.y()).isCloseTo(path[i][1], within(slack));
      assertThat(pivot.energy())
          .isCloseTo(MuellerBrown.energy(path[i][0], path[i][1]), within(2000 * slack));
      boolean end = i == 0 || i == PIVOTS - 1;
      double[] gradient = MuellerBrown.gradient(path[i][0], path[i][1]);
      double[] force = end ? new double[2] : force(path, i);
      for (int k = 0; k < 2; k++) {
        assertThat(pivot.descent()[k]).isCloseTo(-gradient[k], within(1e4 * slack));
        assertThat(pivot.force()[k]).isCloseTo(force[k], within(1e4 * slack));
      }
    }
  }

  /** The part of the descent across the tangent of Henkelman and Jonsson 2000, eqs. 8 to 11. */
  private static double[] force(double[][] path, int i) {
    double here = MuellerBrown.energy(path[i][0], path[i][1]);
    double before = MuellerBrown.energy(path[i - 1][0], path[i - 1][1]) - here;
    double after = MuellerBrown.energy(path[i + 1][0], path[i + 1][1]) - here;
    double larger = Math.max(Math.abs(before), Math.abs(after));
    double smaller = Math.min(Math.abs(before), Math.abs(after));
    double backward;
    double forward;
    if (after > 0 && before < 0) {
      backward = 0;
      forward = 1;
    } else if (after < 0 && before > 0) {
      backward = 1;
      forward = 0;
    } else {
      forward = after > before ? larger : smaller;
      backward = after > before ? smaller : larger;
    }
    double[] tangent = new double[2];
    for (int k = 0; k < 2; k++) {
      tangent[k] =
          forward * (path[i + 1][k] - path[i][k]) + backward * (path[i][k] - path[i - 1][k]);
    }
    double length = Math.hypot(tangent[0], tangent[1]);
    double[] gradient = MuellerBrown.gradient(path[i][0], path[i][1]);
    double along = (gradient[0] * tangent[0] + gradient[1] * tangent[1]) / length / length;
    return new double[] {along * tangent[0] - gradient[0], along * tangent[1] - gradient[1]};
  }

  private static double[][] moved(double[][] path, double rate) {
    double[][] moved = new double[PIVOTS][];
    for (int i = 0; i < PIVOTS; i++) {
      moved[i] = path[i].clone();
      for (int k = 0; k < 2 && i > 0 && i < PIVOTS - 1; k++) {
        moved[i][k] += rate * force(path, i)[k];
      }
    }
    return moved;
  }

  private static double[][] respaced(double[][] path) {
    double[] at = new double[PIVOTS];
    for (int i = 1; i < PIVOTS; i++) {
      at[i] = at[i - 1] + Math.hypot(path[i][0] - path[i - 1][0], path[i][1] - path[i - 1][1]);
    }
    double[][] respaced = {path[0], null, null, null, null, null, null, null, path[PIVOTS - 1]};
    for (int i = 1; i < PIVOTS - 1; i++) {
      double target = at[PIVOTS - 1] * i / (PIVOTS - 1);
      int gap = 0;
      while (at[gap + 1] < target) {
        gap++;
      }
      double share = (target - at[gap]) / (at[gap + 1] - at[gap]);
      respaced[i] =
          new double[] {
            path[gap][0] + share * (path[gap + 1][0] - path[gap][0]),
            path[gap][1] + share * (path[gap + 1][1] - path[gap][1])
          };
    }
    return respaced;
  }

  private static FloatBuffer point(Model model, double... at) {
    return Points.allocate(model).put((float) at[0]).put((float) at[1]).flip();
  }
}
