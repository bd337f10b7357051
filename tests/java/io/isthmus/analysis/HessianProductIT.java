package io.isthmus.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.Config;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.Geometry;
import io.isthmus.data.DataSource;
import io.isthmus.data.ImageSet;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Points;
import io.isthmus.neb.Objective;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hessians through the engine against closed forms and explicit second differences in double. */
class HessianProductIT {
  private static final Lanczos.Watcher NOBODY = (products, residual) -> {};
  private static final int IMAGES = 12;
  private static final int PIXELS = 4;
  private static final int HIDDEN = 3;
  private static final int CLASSES = 3;

  private Engine engine;

  @BeforeEach
  void open() {
    engine = Engine.open(Backend.CPU, 0, 2);
  }

  @AfterEach
  void nothing_stays_alive() {
    engine.close();
    assertThat(Engine.liveHandles()).isZero();
  }

  // --- a surface ----------------------------------------------------------------------------

  @ParameterizedTest
  @ValueSource(strings = {"-0.558,1.442", "-0.822,0.624", "0.212,0.293", "0.5,0.9"})
  void on_a_surface_it_is_the_closed_form(String at) {
    double[] xy = Arrays.stream(at.split(",")).mapToDouble(Double::parseDouble).toArray();
    double[][] exact = muellerBrown((float) xy[0], (float) xy[1]);
    double size = Math.abs(exact[0][0]) + Math.abs(exact[1][1]);
    try (Objective surface = surface();
        HessianProduct hessian = new HessianProduct(surface, point(surface, xy), null, 1, 0)) {
      for (int j = 0; j < 2; j++) {
        double[] column = hessian.times(new double[] {j == 0 ? 3 : 0, j == 1 ? 3 : 0});
        assertThat(column[0]).isCloseTo(3 * exact[0][j], within(2e-3 * size));
        assertThat(column[1]).isCloseTo(3 * exact[1][j], within(2e-3 * size));
      }
      assertThat(hessian.times(new double[2])).containsExactly(0, 0);
    }
  }

  @Test
  void at_the_literatures_saddle_one_eigenvalue_is_negative_and_lies_along_the_path() {
    double[] saddle = {-0.822, 0.6243};
    double[] ends = LanczosTest.eigenvalues(muellerBrown(saddle[0], saddle[1]));
    try (Objective surface = surface()) {
      HessianAnalysis analysis =
          new HessianAnalysis(surface, new HessianSettings(3, 0, 0, 0, 100), 1);
      Spectrum found = analysis.spectrum(point(surface, saddle), null, NOBODY);
      assertThat(found.lowest()).hasSize(2);
      assertThat(found.bottom().value()).isCloseTo(ends[0], within(1e-3 * ends[1]));
      assertThat(found.top().value()).isCloseTo(ends[1], within(1e-3 * ends[1]));
      assertThat(found.negative()).isEqualTo(1);
      assertThat(found.gradient()).isLessThan(1);
      // A path whose middle pivot is the saddle, along the eigenvector of the negative eigenvalue.
      double[][] h = muellerBrown(saddle[0], saddle[1]);
      double[] down = Vectors.normalised(new double[] {h[0][1], ends[0] - h[0][0]});
      try (PathPoints path =
          new PathPoints(
              surface,
              List.of(
                  point(surface, saddle[0] - 0.1 * down[0], saddle[1] - 0.1 * down[1]),
                  point(surface, saddle),
                  point(surface, saddle[0] + 0.1 * down[0], saddle[1] + 0.1 * down[1])),
              Geometry.PARAMETERS)) {
        Curvature at = analysis.curvature(path, path.position(1), NOBODY);
        assertThat(at.pivot()).isEqualTo(1);
        assertThat(at.tangent()).isCloseTo(ends[0], within(1e-3 * ends[1]));
        assertThat(at.across()).isCloseTo(ends[1], within(1e-3 * ends[1]));
      }
    }
  }

  // --- a network ----------------------------------------------------------------------------

  @ParameterizedTest
  @ValueSource(strings = {"mlp-3:activation=tanh", "mlp-3:activation=tanh,batchnorm=1"})
  void on_a_smooth_network_it_is_the_explicit_hessian_of_the_training_mode_loss(String spec) {
    boolean normalised = spec.contains("batchnorm");
    DataSource data = data();
    try (Objective objective = network(spec, data)) {
      FloatBuffer point;
      try (Points points = Points.create(objective.model(), 1)) {
        points.initialise(0, 11);
        point = points.read(0);
      }
      int size = Math.toIntExact(objective.model().parameters());
      double[] x = new double[size];
      Arrays.setAll(x, i -> point.get(i));
      double[][] explicit = new double[size][size];
      double h = 1e-3;
      for (int i = 0; i < size; i++) {
        for (int j = 0; j <= i; j++) {
          double sum = 0;
          for (int a = -1; a <= 1; a += 2) {
            for (int b = -1; b <= 1; b += 2) {
              double[] y = x.clone();
              y[i] += a * h;
              y[j] += b * h;
              sum += a * b * loss(y, data.train(), normalised);
            }
          }
          explicit[i][j] = sum / (4 * h * h);
          explicit[j][i] = explicit[i][j];
        }
      }
      double[] exact = LanczosTest.eigenvalues(explicit);
      double radius = Math.max(-exact[0], exact[size - 1]);
      BatchSample all = BatchSample.of(1000, IMAGES, IMAGES); // one batch of every image
      assertThat(all.images()).isEqualTo(IMAGES);
      double decay = 0.25;
      try (HessianProduct hessian = new HessianProduct(objective, point, all, 1, decay)) {
        assertThat(hessian.slope().loss() - decay / 2 * Vectors.dot(x, x))
            .isCloseTo(loss(x, data.train(), normalised), within(1e-5));
        Random random = new Random(2);
        for (int time = 0; time < 5; time++) {
          double[] v = random.doubles(size, -1, 1).toArray();
          double[] product = hessian.times(v);
          double[] expected = LanczosTest.dense(explicit).times(v);
          Vectors.add(expected, decay, v);
          assertThat(Vectors.distance(product, 1, expected))
              .isLessThan(2e-3 * radius * Vectors.norm(v));
          // A third of that is what doubling the step says.
          assertThat(Vectors.distance(product, 1, hessian.times(v, 2 * HessianProduct.STEP)))
              .isLessThan(2e-3 * radius * Vectors.norm(v));
        }
      }
      HessianSettings settings = new HessianSettings(3, IMAGES, IMAGES, 0, 100);
      Spectrum spectrum = new HessianAnalysis(objective, settings, 1).spectrum(point, null, NOBODY);
      for (int i = 0; i < 3; i++) {
        assertThat(spectrum.lowest().get(i).value()).isCloseTo(exact[i], within(2e-3 * radius));
        assertThat(spectrum.highest().get(i).value())
            .isCloseTo(exact[size - 1 - i], within(2e-3 * radius));
        assertThat(spectrum.lowest().get(i).residual()).isLessThan(4e-3 * radius);
      }
    }
  }

  @Test
  void the_batches_are_fixed_and_the_same_bits_come_back_for_any_number_of_threads() {
    DataSource data = data();
    double[][] products = new double[2][];
    for (int threads = 1; threads <= 2; threads++) {
      try (Engine other = Engine.open(Backend.CPU, 0, threads);
          Objective objective = Objective.open(other, config("mlp-3:activation=tanh"), data);
          Points points = Points.create(objective.model(), 1)) {
        points.initialise(0, 11);
        try (HessianProduct hessian =
            new HessianProduct(objective, points.read(0), new BatchSample(5, 4), 1, 0)) {
          double[] v = new double[hessian.size()];
          Arrays.fill(v, 0.1);
          products[threads - 1] = hessian.times(v);
          assertThat(hessian.times(v)).containsExactly(products[threads - 1]);
        }
      }
    }
    assertThat(products[1]).containsExactly(products[0]);
  }

  /** Mean cross-entropy in double by plain loops; one batch of all images. */
  private static double loss(double[] x, ImageSet set, boolean normalised) {
    double[][] hidden = new double[IMAGES][HIDDEN];
    int at = 0;
    for (int unit = 0; unit < HIDDEN; unit++) {
      for (int image = 0; image < IMAGES; image++) {
        double sum = x[HIDDEN * PIXELS + unit];
        for (int pixel = 0; pixel < PIXELS; pixel++) {
          int value = set.images()[image * PIXELS + pixel] & 0xff;
          sum += x[unit * PIXELS + pixel] * value / 255.0;
        }
        hidden[image][unit] = sum;
      }
    }
    at = HIDDEN * PIXELS + HIDDEN;
    if (normalised) {
      for (int unit = 0; unit < HIDDEN; unit++) {
        double mean = 0;
        double variance = 0;
        for (double[] row : hidden) {
          mean += row[unit] / IMAGES;
        }
        for (double[] row : hidden) {
          variance += Math.pow(row[unit] - mean, 2) / IMAGES;
        }
        for (double[] row : hidden) {
          row[unit] =
              x[at + unit] * (row[unit] - mean) / Math.sqrt(variance + 1e-5)
                  + x[at + HIDDEN + unit];
        }
      }
      at += 2 * HIDDEN;
    }
    double loss = 0;
    for (int image = 0; image < IMAGES; image++) {
      double[] out = new double[CLASSES];
      double sum = 0;
      for (int k = 0; k < CLASSES; k++) {
        out[k] = x[at + CLASSES * HIDDEN + k];
        for (int unit = 0; unit < HIDDEN; unit++) {
          out[k] += x[at + k * HIDDEN + unit] * Math.tanh(hidden[image][unit]);
        }
        sum += Math.exp(out[k]);
      }
      loss += (Math.log(sum) - out[set.labels()[image]]) / IMAGES;
    }
    return loss;
  }

  private static double[][] muellerBrown(double x, double y) {
    double[] scale = {-200, -100, -170, 15};
    double[] a = {-1, -1, -6.5, 0.7};
    double[] b = {0, 0, 11, 0.6};
    double[] c = {-10, -10, -6.5, 0.7};
    double[] x0 = {1, 0, -0.5, -1};
    double[] y0 = {0, 0.5, 1.5, 1};
    double[][] h = new double[2][2];
    for (int i = 0; i < 4; i++) {
      double u = x - x0[i];
      double v = y - y0[i];
      double e = scale[i] * Math.exp(a[i] * u * u + b[i] * u * v + c[i] * v * v);
      double gx = 2 * a[i] * u + b[i] * v;
      double gy = b[i] * u + 2 * c[i] * v;
      h[0][0] += e * (gx * gx + 2 * a[i]);
      h[0][1] += e * (gx * gy + b[i]);
      h[1][1] += e * (gy * gy + 2 * c[i]);
    }
    h[1][0] = h[0][1];
    return h;
  }

  private Objective surface() {
    return Objective.open(engine, config("surface-mueller-brown"), null);
  }

  private Objective network(String spec, DataSource data) {
    return Objective.open(engine, config(spec), data);
  }

  private static ExperimentConfig config(String spec) {
    String yaml =
        spec.startsWith("surface")
            ? "model: " + spec + "\n"
            : "data: digits\nmodel: " + spec + "\ntraining: {batch: 4}\nexploration: {batch: 4}\n";
    return Config.parse(yaml, "test", List.of());
  }

  private static DataSource data() {
    Random random = new Random(8);
    byte[] pixels = new byte[IMAGES * PIXELS];
    random.nextBytes(pixels);
    int[] labels = random.ints(IMAGES, 0, CLASSES).toArray();
    ImageSet set = new ImageSet("noise", IMAGES, 1, 2, 2, CLASSES, pixels, labels);
    return new DataSource(set, set, new float[] {0}, new float[] {1});
  }

  private static FloatBuffer point(Objective objective, double... xy) {
    FloatBuffer values = Points.allocate(objective.model());
    values.put(0, (float) xy[0]).put(1, (float) xy[1]);
    return values;
  }
}
