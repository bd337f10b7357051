package io.isthmus.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.ModelConfig;
import io.isthmus.config.Precision;
import io.isthmus.data.ImageSet;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Dataset;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Model;
import io.isthmus.engine.Points;
import io.isthmus.engine.TensorInfo;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hidden units of every family of networks, moved and found again. */
class WeightMatchingIT {
  private static final int CHANNELS = 2;
  private static final int SIDE = 8;
  private static Engine engine;
  private static Dataset images;

  @BeforeAll
  static void open() {
    engine = Engine.open(Backend.CPU, 0, 2);
    Random random = new Random(3);
    byte[] pixels = new byte[20 * CHANNELS * SIDE * SIDE];
    random.nextBytes(pixels);
    int[] labels = random.ints(20, 0, 3).toArray();
    var set = new ImageSet("noise", 20, CHANNELS, SIDE, SIDE, 3, pixels, labels);
    images = Dataset.create(engine, set, new float[] {0.5f, 0.5f}, new float[] {0.3f, 0.3f});
  }

  @AfterAll
  static void close() {
    images.close();
    engine.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mlp-12-7",
        "mlp-9-5:activation=tanh,batchnorm=1",
        "cnn-6-5",
        "cnn-4-6:batchnorm=1,dense=10,kernel=5",
        "resnet8:width=4",
        "resnet14:width=3",
        "resnet8:shortcut=B,width=4",
        "densenet10-4",
        "densenet16-4-bc"
      })
  void permutingHiddenUnitsChangesNoOutput(String spec) {
    try (Model model = model(spec);
        Points points = Points.create(model, 2)) {
      var symmetry = symmetry(spec, model);
      FloatBuffer values = livelyPoint(model, points, 5);
      points.write(0, values);
      FloatBuffer moved = Points.allocate(model);
      symmetry.permute(shuffled(symmetry, 8), values, moved);
      points.write(1, moved);

      assertThat(moved).isNotEqualTo(values);
      assertThat(sorted(moved)).isEqualTo(sorted(values));
      float[][] before = points.predict(0, images);
      float[][] after = points.predict(1, images);
      for (int i = 0; i < before.length; i++) {
        for (int k = 0; k < before[i].length; k++) {
          assertThat(after[i][k])
              .isCloseTo(before[i][k], within(2e-4f * (1 + Math.abs(before[i][k]))));
        }
      }
      assertThat(spread(before)).as("outputs that could differ").isGreaterThan(0.01);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mlp-16-12",
        "cnn-8-6:dense=10,batchnorm=1",
        "resnet8:width=8",
        "resnet14:shortcut=B,width=8",
        "densenet10-4",
        "densenet16-4-bc"
      })
  void aPlantedPermutationIsFoundExactly(String spec) {
    try (Model model = model(spec);
        Points points = Points.create(model, 1)) {
      var symmetry = symmetry(spec, model);
      FloatBuffer values = livelyPoint(model, points, 11);
      FloatBuffer moved = Points.allocate(model);
      symmetry.permute(shuffled(symmetry, 12), values, moved);

      int[][] found = new WeightMatching(symmetry, values, moved).match(5, order -> order);
      FloatBuffer back = Points.allocate(model);
      symmetry.permute(found, moved, back);
      assertThat(back).isEqualTo(values);
    }
  }

  @Test
  void twoDifferentNetworksComeCloserAndTheSameWayEveryTime() {
    try (Model model = model("resnet8:width=4");
        Points points = Points.create(model, 2)) {
      var symmetry = symmetry("resnet8:width=4", model);
      FloatBuffer a = livelyPoint(model, points, 1);
      FloatBuffer b = livelyPoint(model, points, 2);
      int[][] found = new WeightMatching(symmetry, a, b).match(3, order -> order);
      FloatBuffer matched = Points.allocate(model);
      symmetry.permute(found, b, matched);
      int parameters = (int) model.parameters();
      assertThat(distance(a, matched, parameters)).isLessThan(0.99 * distance(a, b, parameters));
      assertThat(new WeightMatching(symmetry, a, b).match(3, order -> order)).isDeepEqualTo(found);
    }
  }

  /** 16 channels go through all stages; 16 are new in the second and 32 in the third. */
  @Test
  void shortcutsOfZerosTieTheChannelsOfAllStages() {
    try (Model a = model("resnet14");
        Model b = model("resnet14:shortcut=B")) {
      assertThat(outside(symmetry("resnet14", a))).containsExactly(16, 16, 32);
      assertThat(outside(symmetry("resnet14:shortcut=B", b))).containsExactly(16, 32, 64);
    }
  }

  @Test
  void aSurfaceHasNoHiddenUnits() {
    assertThatThrownBy(() -> PermutationSymmetry.of(new ModelConfig("surface-leps"), List.of()))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.USAGE))
        .hasMessageContaining("no hidden units");
  }

  /** Sizes of the groups outside of the blocks. */
  private static List<Integer> outside(PermutationSymmetry symmetry) {
    return symmetry.groups().stream()
        .filter(group -> group.name().equals("conv1") || group.name().endsWith("conv2"))
        .map(PermutationSymmetry.Group::size)
        .toList();
  }

  private static Model model(String spec) {
    return Model.create(engine, spec, CHANNELS, SIDE, SIDE, 3, Precision.FP32);
  }

  private static PermutationSymmetry symmetry(String spec, Model model) {
    return PermutationSymmetry.of(new ModelConfig(spec), model.tensors());
  }

  /** Fresh weights; batch norms as after some training, so that each channel differs. */
  private static FloatBuffer livelyPoint(Model model, Points points, long seed) {
    points.initialise(0, seed);
    FloatBuffer values = points.read(0);
    Random random = new Random(seed);
    for (TensorInfo tensor : model.tensors()) {
      boolean vector = tensor.shape().length == 1;
      for (int i = 0; vector && i < tensor.size(); i++) {
        boolean positive = tensor.statistic() && tensor.name().endsWith("var");
        float draw = (float) (positive ? 0.5 + random.nextFloat() : 0.3 * random.nextGaussian());
        int at = (int) tensor.offset() + i;
        values.put(at, tensor.statistic() ? draw : values.get(at) + draw);
      }
    }
    return values;
  }

  private static int[][] shuffled(PermutationSymmetry symmetry, long seed) {
    Random random = new Random(seed);
    int[][] permutations = symmetry.identity();
    for (int[] permutation : permutations) {
      List<Integer> order = new ArrayList<>(Arrays.stream(permutation).boxed().toList());
      Collections.shuffle(order, random);
      Arrays.setAll(permutation, order::get);
    }
    return permutations;
  }

  private static double distance(FloatBuffer a, FloatBuffer b, int count) {
    return Math.sqrt(
        IntStream.range(0, count).mapToDouble(i -> Math.pow(a.get(i) - b.get(i), 2)).sum());
  }

  private static double spread(float[][] outputs) {
    double[] first = IntStream.range(0, outputs.length).mapToDouble(i -> outputs[i][0]).toArray();
    return Arrays.stream(first).max().orElseThrow() - Arrays.stream(first).min().orElseThrow();
  }

  private static float[] sorted(FloatBuffer values) {
    float[] array = new float[values.remaining()];
    values.duplicate().get(array);
    Arrays.sort(array);
    return array;
  }
}
