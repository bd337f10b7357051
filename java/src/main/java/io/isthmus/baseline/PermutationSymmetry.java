package io.isthmus.baseline;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.ModelConfig;
import io.isthmus.engine.TensorInfo;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The permutations of a network's hidden units that leave its function as it is (Ainsworth, Hayase
 * and Srinivasa 2023, section 2): groups of units, and for each group the axes of the tensors it
 * runs along.
 *
 * <p>The groups follow from how the network is wired:
 *
 * <ul>
 *   <li>Perceptrons and plain CNNs have one for each hidden layer. Flattening makes each channel a
 *       block of columns.
 *   <li>In a ResNet everything added to a stream of channels shares the stream's group; the inside
 *       of each block is free. Shortcut B's convolution starts a new stream where the stages
 *       change. Shortcut A puts the old channels between new ones of zeros, so the old group goes
 *       on unchanged in the wider stream, and only the channels that are new there are a group of
 *       their own.
 *   <li>In a DenseNet every layer's output is a group, and so is the inside of a bottleneck; what
 *       reads a concatenation has all groups of it along one axis.
 * </ul>
 */
public final class PermutationSymmetry {
  /**
   * An axis that a group runs along.
   *
   * @param tensor whose axis
   * @param axis number of the axis
   * @param starts index along the axis at which each unit begins, [units]
   * @param block indices that belong to a unit, one after the other
   */
  public record Use(TensorInfo tensor, int axis, int[] starts, int block) {}

  /**
   * Units that may change places.
   *
   * @param name where they are
   * @param size how many
   * @param uses the axes they run along; no tensor twice
   */
  public record Group(String name, int size, List<Use> uses) {}

  private final List<Group> groups;

  private PermutationSymmetry(List<Group> groups) {
    this.groups = List.copyOf(groups);
  }

  /**
   * The symmetry of a network.
   *
   * @param model its family
   * @param tensors its tensors
   * @throws IsthmusException USAGE if its units have none, which a surface has not
   */
  public static PermutationSymmetry of(ModelConfig model, List<TensorInfo> tensors) {
    Wiring wiring = new Wiring(tensors);
    switch (model.family()) {
      case MLP -> wiring.mlp();
      case CNN -> wiring.cnn();
      case RESNET -> wiring.resnet();
      case DENSENET -> wiring.densenet();
      case SURFACE ->
          throw new IsthmusException(
              ExitCode.USAGE,
              "%s has no hidden units to be matched; use another method than matching"
                  .formatted(model.spec()));
    }
    return new PermutationSymmetry(wiring.finished());
  }

  /** The groups, in the order of the network. */
  public List<Group> groups() {
    return groups;
  }

  /** For every group the permutation that changes nothing. */
  public int[][] identity() {
    return groups.stream()
        .map(group -> IntStream.range(0, group.size()).toArray())
        .toArray(int[][]::new);
  }

  /**
   * A point with its units in other places; batch-norm statistics go along.
   *
   * @param permutations for each group, which old unit comes to each place
   * @param values of the point; stays as it is
   */
  public void permute(int[][] permutations, FloatBuffer values, FloatBuffer out) {
    float[] point = new float[values.remaining()];
    values.duplicate().get(point);
    for (int g = 0; g < groups.size(); g++) {
      permute(groups.get(g), permutations[g], point);
    }
    out.duplicate().put(point);
  }

  /** Moves the units of one group in place. */
  static void permute(Group group, int[] permutation, float[] point) {
    for (Use use : group.uses()) {
      Strides strides = Strides.of(use);
      int from = Math.toIntExact(use.tensor().offset());
      float[] old = Arrays.copyOfRange(point, from, from + Math.toIntExact(use.tensor().size()));
      for (int outer = 0; outer < strides.outer(); outer++) {
        int base = outer * strides.length() * strides.inner();
        for (int unit = 0; unit < permutation.length; unit++) {
          System.arraycopy(
              old,
              base + use.starts()[permutation[unit]] * strides.inner(),
              point,
              from + base + use.starts()[unit] * strides.inner(),
              use.block() * strides.inner());
        }
      }
    }
  }

  /** How an axis lies in memory: outer axes, the axis itself, inner axes. */
  record Strides(int outer, int length, int inner) {
    static Strides of(Use use) {
      long[] shape = use.tensor().shape();
      int outer = 1;
      int inner = 1;
      for (int i = 0; i < shape.length; i++) {
        outer *= i < use.axis() ? (int) shape[i] : 1;
        inner *= i > use.axis() ? (int) shape[i] : 1;
      }
      return new Strides(outer, (int) shape[use.axis()], inner);
    }
  }

  /**
   * The channels of an activation.
   *
   * @param groups group of each channel, {@link #FIXED} if it stays in its place
   * @param units which unit of its group it is
   */
  private record Channels(int[] groups, int[] units) {
    static final int FIXED = -1;

    int size() {
      return groups.length;
    }

    Channels and(Channels more) {
      return new Channels(joined(groups, more.groups), joined(units, more.units));
    }

    Channels part(int from, int to) {
      return new Channels(
          Arrays.copyOfRange(groups, from, to), Arrays.copyOfRange(units, from, to));
    }

    private static int[] joined(int[] a, int[] b) {
      return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
    }
  }

  /** Goes through a network from the images to the classes, as native/src/architectures.cpp. */
  private static final class Wiring {
    private final Map<String, TensorInfo> left = new LinkedHashMap<>();
    private final List<String> names = new ArrayList<>();
    private final List<Integer> sizes = new ArrayList<>();
    private final List<List<Use>> uses = new ArrayList<>();

    Wiring(List<TensorInfo> tensors) {
      tensors.forEach(tensor -> left.put(tensor.name(), tensor));
    }

    void mlp() {
      Channels x = fixed(inputs(has("body.layer_0.linear") ? "body.layer_0.linear" : "final"));
      for (int i = 0; has("body.layer_" + i + ".linear"); i++) {
        x = hidden("body.layer_" + i + ".", x);
      }
      layer("final", x, fixed(outputs("final")));
    }

    void cnn() {
      Channels x = fixed(inputs("conv.conv_0.conv"));
      for (int i = 0; has("conv.conv_" + i + ".conv"); i++) {
        String name = "conv.conv_" + i + ".";
        Channels y = fresh(name + "conv");
        layer(name + "conv", x, y);
        normalise(name + "batchnorm", y);
        x = y;
      }
      if (has("fc.fc_0.linear")) {
        x = hidden("fc.fc_0.", x);
      }
      layer("final", x, fixed(outputs("final")));
    }

    private Channels hidden(String name, Channels x) {
      Channels y = fresh(name + "linear");
      layer(name + "linear", x, y);
      normalise(name + "batch_norm", y);
      return y;
    }

    void resnet() {
      Channels x = fresh("conv1");
      layer("conv1", fixed(inputs("conv1")), x);
      normalise("bn1", x);
      for (int stage = 1; has("layer" + stage + ".0.conv1"); stage++) {
        for (int block = 0; has("layer" + stage + "." + block + ".conv1"); block++) {
          x = block("layer" + stage + "." + block + ".", x);
        }
      }
      layer("linear_out", x, fixed(outputs("linear_out")));
    }

    private Channels block(String name, Channels x) {
      Channels inside = fresh(name + "conv1");
      layer(name + "conv1", x, inside);
      normalise(name + "bn1", inside);
      boolean projects = has(name + "downsample.0");
      boolean widens = outputs(name + "conv2") != x.size();
      Channels out = projects ? fresh(name + "conv2") : widens ? padded(name + "conv2", x) : x;
      layer(name + "conv2", inside, out);
      normalise(name + "bn2", out);
      if (projects) {
        layer(name + "downsample.0", x, out);
        normalise(name + "downsample.1", out);
      }
      return out;
    }

    /** Shortcut A: half of the new channels before the old ones, the others behind them. */
    private Channels padded(String name, Channels x) {
      int more = outputs(name) - x.size();
      Channels added = fresh(name, more);
      return added.part(0, more / 2).and(x).and(added.part(more / 2, more));
    }

    void densenet() {
      Channels x = fresh("conv1");
      layer("conv1", fixed(inputs("conv1")), x);
      for (int stage = 1; has("dense" + stage + ".0.conv1"); stage++) {
        for (int i = 0; has("dense" + stage + "." + i + ".conv1"); i++) {
          String name = "dense" + stage + "." + i + ".";
          normalise(name + "bn1", x);
          Channels y = fresh(name + "conv1");
          layer(name + "conv1", x, y);
          if (has(name + "conv2")) {
            normalise(name + "bn2", y);
            Channels inside = y;
            y = fresh(name + "conv2");
            layer(name + "conv2", inside, y);
          }
          x = x.and(y);
        }
        if (has("trans" + stage + ".conv1")) {
          String name = "trans" + stage + ".";
          normalise(name + "bn1", x);
          Channels y = fresh(name + "conv1");
          layer(name + "conv1", x, y);
          x = y;
        }
      }
      normalise("bn1", x);
      layer("linear_out", x, fixed(outputs("linear_out")));
    }

    List<Group> finished() {
      if (!left.isEmpty()) {
        throw new IllegalStateException("Tensors without a place in the network: " + left.keySet());
      }
      return IntStream.range(0, names.size())
          .mapToObj(i -> new Group(names.get(i), sizes.get(i), List.copyOf(uses.get(i))))
          .toList();
    }

    private boolean has(String layer) {
      return left.containsKey(layer + ".weight");
    }

    private int outputs(String layer) {
      return (int) left.get(layer + ".weight").shape()[0];
    }

    private int inputs(String layer) {
      return (int) left.get(layer + ".weight").shape()[1];
    }

    private static Channels fixed(int size) {
      int[] groups = new int[size];
      Arrays.fill(groups, Channels.FIXED);
      return new Channels(groups, new int[size]);
    }

    /** A group of its own for the outputs of a layer. */
    private Channels fresh(String layer) {
      return fresh(layer, outputs(layer));
    }

    private Channels fresh(String name, int size) {
      int[] groups = new int[size];
      Arrays.fill(groups, names.size());
      names.add(name);
      sizes.add(size);
      uses.add(new ArrayList<>());
      return new Channels(groups, IntStream.range(0, size).toArray());
    }

    /** A convolution or a linear layer. */
    private void layer(String name, Channels x, Channels y) {
      int block = inputs(name) / x.size(); // of a layer behind the flattening: pixels of a channel
      TensorInfo weight = left.remove(name + ".weight");
      along(weight, 0, y, 1);
      along(weight, 1, x, block);
      vector(name + ".bias", y);
    }

    private void normalise(String name, Channels x) {
      for (String part : List.of(".weight", ".bias", ".running_mean", ".running_var")) {
        vector(name + part, x);
      }
    }

    private void vector(String name, Channels x) {
      if (left.containsKey(name)) {
        along(left.remove(name), 0, x, 1);
      }
    }

    private void along(TensorInfo tensor, int axis, Channels channels, int block) {
      if (tensor.shape()[axis] != (long) channels.size() * block) {
        throw new IllegalStateException(tensor + " does not have " + channels.size() + " channels");
      }
      Map<Integer, int[]> starts = new LinkedHashMap<>();
      for (int i = 0; i < channels.size(); i++) {
        int group = channels.groups()[i];
        if (group != Channels.FIXED) {
          starts.computeIfAbsent(group, g -> new int[sizes.get(g)])[channels.units()[i]] =
              i * block;
        }
      }
      starts.forEach((group, at) -> uses.get(group).add(new Use(tensor, axis, at, block)));
    }
  }
}
