package io.isthmus.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.Geometry;
import io.isthmus.config.Precision;
import io.isthmus.config.Tangent;
import io.isthmus.data.ImageSet;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Points through the boundary: values keep their bits, losses come back in the shapes promised. */
class PointsIT {
  private static final String SURFACE = "surface-mueller-brown";

  // Two minima of the Mueller-Brown surface and its energies there (Mueller and Brown 1979, Theor.
  // Chim. Acta 53:75).
  private static final float[] REACTANT = {-0.558224f, 1.441726f};
  private static final float[] PRODUCT = {0.623499f, 0.028038f};
  private static final double REACTANT_ENERGY = -146.6995;
  private static final double PRODUCT_ENERGY = -108.1667;

  private static final Sgd SGD = new Sgd(0.1f, 0.9f, 1e-4f, false);
  private static final Sampling SAMPLING = new Sampling(7, 8, 1, true);

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

  @Test
  void the_energy_of_a_surface_is_that_of_the_literature() {
    try (Model model = Model.surface(engine, SURFACE);
        Points points = ends(model, 2)) {
      Metrics[] metrics = points.evaluate(null);
      assertThat(metrics[0].loss()).isCloseTo(REACTANT_ENERGY, within(1e-3));
      assertThat(metrics[1].loss()).isCloseTo(PRODUCT_ENERGY, within(1e-3));
      assertThat(metrics[0].error()).isZero();
    }
  }

  @Test
  void values_keep_their_bits_through_write_copy_and_read() {
    try (Model model = Model.surface(engine, SURFACE);
        Points points = Points.create(model, 3)) {
      float[] odd = {Float.MIN_VALUE, -0.0f};
      points.write(1, point(model, odd));
      points.copy(2, points, 1);
      FloatBuffer read = points.read(2);
      assertThat(read.remaining()).isEqualTo(2);
      for (int i = 0; i < 2; i++) {
        assertThat(Float.floatToRawIntBits(read.get(i))).isEqualTo(Float.floatToRawIntBits(odd[i]));
      }
      assertThat(array(points.read(0))).containsExactly(0, 0);
    }
  }

  @Test
  void a_buffer_counts_from_its_position() {
    try (Model model = Model.surface(engine, SURFACE);
        Points points = Points.create(model, 1)) {
      FloatBuffer two =
          ByteBuffer.allocateDirect(16)
              .order(ByteOrder.nativeOrder())
              .asFloatBuffer()
              .put(new float[] {1, 2, 3, 4})
              .flip()
              .position(2);
      points.write(0, two);
      assertThat(two.position()).isEqualTo(2);
      assertThat(array(points.read(0))).containsExactly(3, 4);
      points.write(0, point(model, 5, 6));
      points.read(0, two);
      assertThat(array(two.position(0))).containsExactly(1, 2, 5, 6);
    }
  }

  @Test
  void combining_and_measuring_agree_with_arithmetic() {
    try (Model model = Model.surface(engine, SURFACE);
        Points points = ends(model, 2);
        Points middle = Points.create(model, 1)) {
      middle.combine(0, points, new int[] {0, 1}, new double[] {0.25, 0.75});
      FloatBuffer read = middle.read(0);
      double square = 0;
      for (int i = 0; i < 2; i++) {
        double exact = 0.25 * REACTANT[i] + 0.75 * PRODUCT[i];
        assertThat(read.get(i)).isEqualTo((float) exact);
        square += Math.pow((double) REACTANT[i] - PRODUCT[i], 2);
      }
      assertThat(points.distance(0, 1, Geometry.PARAMETERS))
          .isCloseTo(Math.sqrt(square), within(1e-7));
    }
  }

  @Test
  void the_gradient_of_a_surface_is_its_slope() {
    try (Model model = Model.surface(engine, SURFACE);
        Points points = Points.create(model, 5)) {
      float h = 1e-3f;
      float[] at = {-0.3f, 0.9f};
      points.write(0, point(model, at));
      points.write(1, point(model, at[0] + h, at[1]));
      points.write(2, point(model, at[0] - h, at[1]));
      points.write(3, point(model, at[0], at[1] + h));
      points.write(4, point(model, at[0], at[1] - h));
      Metrics[] energy = points.evaluate(null);
      float[] losses = points.gradient(null, null, null, 0);
      assertThat(losses[0]).isCloseTo((float) energy[0].loss(), within(1e-4f));
      float[] gradient = points.readGradient(0);
      double dx = points.read(1).get(0) - points.read(2).get(0);
      double dy = points.read(3).get(1) - points.read(4).get(1);
      assertThat((double) gradient[0])
          .isCloseTo((energy[1].loss() - energy[2].loss()) / dx, within(0.05));
      assertThat((double) gradient[1])
          .isCloseTo((energy[3].loss() - energy[4].loss()) / dy, within(0.05));
    }
  }

  @Test
  void relaxing_a_path_lowers_its_highest_point_and_keeps_every_bit_of_its_ends() {
    try (Model model = Model.surface(engine, SURFACE);
        Points path = ends(model, 9)) {
      float[] spacing = new float[8];
      Arrays.fill(spacing, 1);
      path.respace(Geometry.PARAMETERS, spacing);
      assertThat(path.distance(0, 1, Geometry.PARAMETERS))
          .isCloseTo(path.distance(7, 8, Geometry.PARAMETERS), within(1e-5));
      Sgd sgd = new Sgd(1e-4f, 0, 0, false);
      Neb neb = new Neb(sgd, Tangent.IMPROVED, Geometry.PARAMETERS, Float.POSITIVE_INFINITY, false);
      float[][] losses = path.relax(null, null, null, neb, spacing, 0, 200);
      assertThat(losses).hasDimensions(200, 9);
      assertThat(highest(losses[199])).isLessThan(highest(losses[0]) - 10);
      assertThat(array(path.read(0))).containsExactly(REACTANT);
      assertThat(array(path.read(8))).containsExactly(PRODUCT);
    }
  }

  @Test
  void a_finite_spring_needs_no_spacing() {
    try (Model model = Model.surface(engine, SURFACE);
        Points path = ends(model, 5)) {
      Neb neb = new Neb(new Sgd(1e-4f, 0, 0, false), Tangent.UPWIND, Geometry.PARAMETERS, 1f, true);
      assertThat(path.relax(null, null, null, neb, null, 0, 3)).hasDimensions(3, 5);
    }
  }

  // --- a network ----------------------------------------------------------------------------

  @Test
  void training_lowers_the_loss_and_resumes_to_the_same_bits() {
    try (Dataset dataset = blobs();
        Model model = network("mlp-16");
        Points straight = Points.create(model, 2);
        Points resumed = Points.create(model, 2)) {
      long[] streams = {1, 2};
      for (int i = 0; i < 2; i++) {
        straight.initialise(i, 100 + i);
        resumed.initialise(i, 100 + i);
      }
      assertThat(array(straight.read(0))).isNotEqualTo(array(straight.read(1)));
      assertThat(array(straight.readMomentum(0))).containsOnly(0);
      float[][] losses = straight.descend(dataset, SAMPLING, streams, SGD, 0, 60);
      assertThat(losses).hasDimensions(60, 2);
      assertThat(losses[59][0]).isLessThan(losses[0][0] / 2);

      resumed.descend(dataset, SAMPLING, streams, SGD, 0, 25);
      try (Points second = Points.create(model, 2)) {
        for (int i = 0; i < 2; i++) {
          second.write(i, resumed.read(i));
          second.writeMomentum(i, resumed.readMomentum(i));
        }
        float[][] rest = second.descend(dataset, SAMPLING, streams, SGD, 25, 35);
        assertThat(rest[34]).containsExactly(losses[59]);
        for (int i = 0; i < 2; i++) {
          assertThat(array(second.read(i))).containsExactly(array(straight.read(i)));
          assertThat(array(second.readMomentum(i)))
              .containsExactly(array(straight.readMomentum(i)));
        }
      }
    }
  }

  @Test
  void predictions_are_the_log_probabilities_that_the_metrics_are_made_of() {
    try (Dataset dataset = blobs();
        Model model = network("mlp-16");
        Points points = Points.create(model, 1)) {
      points.initialise(0, 3);
      Metrics metrics = points.evaluate(dataset)[0];
      float[][] rows = points.predict(0, dataset);
      assertThat(rows).hasDimensions(32, 3);
      int[] labels = images().labels();
      double loss = 0;
      int wrong = 0;
      for (int i = 0; i < rows.length; i++) {
        double sum = 0;
        int best = 0;
        for (int c = 0; c < 3; c++) {
          sum += Math.exp(rows[i][c]);
          best = rows[i][c] > rows[i][best] ? c : best;
        }
        assertThat(sum).isCloseTo(1, within(1e-5));
        loss -= rows[i][labels[i]] / rows.length;
        wrong += best == labels[i] ? 0 : 1;
      }
      assertThat(metrics.loss()).isCloseTo(loss, within(1e-5));
      assertThat(metrics.error()).isCloseTo(wrong / 32.0, within(1e-12));
    }
  }

  @Test
  void recomputed_statistics_replace_those_of_a_fresh_point() {
    try (Dataset dataset = blobs();
        Model model = network("resnet8:width=4");
        Points points = Points.create(model, 1)) {
      points.initialise(0, 3);
      float[] before = array(points.read(0));
      points.recomputeStatistics(dataset, SAMPLING, new long[] {5}, 4);
      float[] after = array(points.read(0));
      int parameters = (int) model.parameters();
      int changed = 0;
      for (int i = 0; i < after.length; i++) {
        changed += after[i] == before[i] ? 0 : 1;
        assertThat(i < parameters && after[i] != before[i]).isFalse();
      }
      assertThat((long) changed).isEqualTo(model.statistics());
    }
  }

  // --- what is refused ----------------------------------------------------------------------

  @Test
  void lengths_that_do_not_fit_are_refused_before_they_reach_native_code() {
    try (Dataset dataset = blobs();
        Model model = network("mlp-16");
        Points points = Points.create(model, 3)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> points.gradient(dataset, SAMPLING, new long[2], 0))
          .withMessage("streams must have 3 entries, got 2");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> points.respace(Geometry.ALL, new float[3]))
          .withMessage("spacing must have 2 entries, got 3");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> points.combine(0, points, new int[2], new double[1]))
          .withMessage("weights must have 2 entries, got 1");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> points.write(0, FloatBuffer.allocate((int) model.size())))
          .withMessage("a point crosses in a direct buffer of native byte order");
      FloatBuffer shorter = Points.allocate(model).position(1);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> points.read(0, shorter))
          .withMessageContaining("must have " + model.size() + " entries");
    }
  }

  @Test
  void a_network_without_data_and_an_index_out_of_range_are_refused_by_the_engine() {
    try (Model model = network("mlp-16");
        Points points = Points.create(model, 3)) {
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(() -> points.evaluate(null))
          .withMessageContaining("dataset");
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(() -> points.read(3))
          .withMessageContaining("index")
          .withMessageContaining("3");
    }
  }

  // --- fixtures -----------------------------------------------------------------------------

  /** The two minima at the ends, and the straight line between them. */
  private static Points ends(Model model, int n) {
    Points points = Points.create(model, n);
    points.write(0, point(model, REACTANT));
    points.write(n - 1, point(model, PRODUCT));
    for (int i = 1; i < n - 1; i++) {
      double t = i / (n - 1.0);
      points.combine(i, points, new int[] {0, n - 1}, new double[] {1 - t, t});
    }
    return points;
  }

  private static FloatBuffer point(Model model, float... values) {
    return Points.allocate(model).put(values).flip();
  }

  private static float[] array(FloatBuffer buffer) {
    float[] array = new float[buffer.remaining()];
    buffer.duplicate().get(array);
    return array;
  }

  private static float highest(float[] losses) {
    float highest = Float.NEGATIVE_INFINITY;
    for (float loss : losses) {
      highest = Math.max(highest, loss);
    }
    return highest;
  }

  private Model network(String spec) {
    return Model.create(engine, spec, 2, 8, 8, 3, Precision.FP32);
  }

  private Dataset blobs() {
    return Dataset.create(engine, images(), new float[] {0.5f, 0.5f}, new float[] {0.25f, 0.25f});
  }

  /** Noise whose brightness tells the class. */
  private static ImageSet images() {
    Random random = new Random(1);
    byte[] pixels = new byte[32 * 2 * 8 * 8];
    int[] labels = new int[32];
    for (int i = 0; i < 32; i++) {
      labels[i] = i % 3;
      for (int k = 0; k < 128; k++) {
        pixels[i * 128 + k] = (byte) (labels[i] * 80 + random.nextInt(60));
      }
    }
    return new ImageSet("blobs", 32, 2, 8, 8, 3, pixels, labels);
  }
}
