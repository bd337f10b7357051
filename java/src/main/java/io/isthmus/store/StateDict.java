package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.TensorInfo;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One parameter vector and the names and shapes of the tensors in it: a PyTorch state dictionary
 * without its batch counters.
 *
 * @param tensors in the order of the vector, parameters before statistics, without holes
 * @param values all of them, [size of the model], a direct buffer
 */
public record StateDict(List<TensorInfo> tensors, FloatBuffer values) {
  /** Key of a batch counter, which PyTorch keeps beside the statistics; it is no coordinate. */
  static final String COUNTER = ".num_batches_tracked";

  /** Key of the statistic of which there is one in each batch norm. */
  private static final String MEAN = ".running_mean";

  /** Checks that the tensors fill the vector. */
  public StateDict {
    tensors = List.copyOf(tensors);
    long size = sizeOf(tensors);
    if (values.remaining() != size) {
      throw new IllegalArgumentException(
          "%d values for tensors of %d".formatted(values.remaining(), size));
    }
    values = values.slice();
  }

  /** A view of all values with a position of its own. */
  @Override
  public FloatBuffer values() {
    return values.duplicate();
  }

  /** A view of the values of one tensor. */
  public FloatBuffer values(TensorInfo tensor) {
    return values.slice(Math.toIntExact(tensor.offset()), Math.toIntExact(tensor.size()));
  }

  /** Keys of the batch counters PyTorch expects beside these tensors. */
  public List<String> counters() {
    return tensors.stream()
        .map(TensorInfo::name)
        .filter(name -> name.endsWith(MEAN))
        .map(name -> name.substring(0, name.length() - MEAN.length()) + COUNTER)
        .toList();
  }

  /**
   * Number of values of all tensors together.
   *
   * @throws IllegalArgumentException if they overlap, leave holes, are out of order or share a name
   */
  static long sizeOf(List<TensorInfo> tensors) {
    long size = 0;
    boolean statistics = false;
    Set<String> names = new HashSet<>();
    for (TensorInfo tensor : tensors) {
      boolean named = tensor.name().matches("[^/\\x00]*[^/.\\x00][^/\\x00]*");
      boolean shaped =
          tensor.shape().length > 0 && Arrays.stream(tensor.shape()).allMatch(n -> n > 0);
      if (!named
          || !names.add(tensor.name())
          || !shaped
          || tensor.offset() != size
          || (statistics && !tensor.statistic())) {
        throw new IllegalArgumentException("Tensor '%s' is misplaced".formatted(tensor.name()));
      }
      statistics = tensor.statistic();
      size = Math.addExact(size, tensor.size());
    }
    return size;
  }

  /** Number of the values that are trainable parameters. */
  static long parametersOf(List<TensorInfo> tensors) {
    return tensors.stream().filter(t -> !t.statistic()).mapToLong(TensorInfo::size).sum();
  }

  /**
   * Checks that these are the tensors of a model, in its order.
   *
   * @param model tensors of the model
   * @param source where these come from, for the message
   * @throws IsthmusException DATA naming every key that is missing, unexpected or of another shape
   */
  public StateDict requireLayout(List<TensorInfo> model, Object source) {
    Map<String, long[]> found = new LinkedHashMap<>();
    tensors.forEach(tensor -> found.put(tensor.name(), tensor.shape()));
    requireMatch(found, model, source);
    for (int i = 0; i < model.size(); i++) {
      if (!model.get(i).name().equals(tensors.get(i).name())
          || model.get(i).statistic() != tensors.get(i).statistic()) {
        throw new IsthmusException(
            ExitCode.DATA,
            "%s has the tensors of the model in another order; bring it in with 'isthmus import'."
                .formatted(source));
      }
    }
    return this;
  }

  /** Compares keys and shapes, in any order; the batch counters may be there or not. */
  static void requireMatch(Map<String, long[]> found, List<TensorInfo> model, Object source) {
    List<String> complaints = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    List<String> shapes = new ArrayList<>();
    Set<String> unexpected = new HashSet<>(found.keySet());
    for (TensorInfo tensor : model) {
      long[] shape = found.get(tensor.name());
      if (shape == null) {
        missing.add(tensor.name());
      } else if (!Arrays.equals(shape, tensor.shape())) {
        shapes.add(
            "%s is %s instead of %s"
                .formatted(tensor.name(), Arrays.toString(shape), Arrays.toString(tensor.shape())));
      }
      unexpected.remove(tensor.name());
    }
    unexpected.removeIf(name -> name.endsWith(COUNTER));
    if (missing.isEmpty() && shapes.size() == model.size() && Stacks.isPath(found, model)) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s holds the stacked pivots of a path, but one point is needed here; give one of them."
              .formatted(source));
    }
    list("missing: ", missing, complaints);
    list("unexpected: ", unexpected.stream().sorted().toList(), complaints);
    list("other shape: ", shapes, complaints);
    if (!complaints.isEmpty()) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s does not fit the model (%s); choose the architecture it was made with."
              .formatted(source, String.join("; ", complaints)));
    }
  }

  private static void list(String heading, List<String> items, List<String> complaints) {
    int shown = 5;
    if (!items.isEmpty()) {
      complaints.add(
          heading
              + String.join(", ", items.subList(0, Math.min(shown, items.size())))
              + (items.size() > shown ? " and %d more".formatted(items.size() - shown) : ""));
    }
  }
}
