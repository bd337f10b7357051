package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.TensorInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * Paths in the form of a state dictionary: every tensor has one more axis in front, the pivots from
 * end to end, as {@code torch.stack} makes it of several state dictionaries.
 */
final class Stacks {
  /** Longer paths are refused. */
  static final int MOST_PIVOTS = 10_000;

  private Stacks() {}

  /**
   * Whether tensors look like such a path: one has an axis more than the model's, of two or more.
   *
   * @param found shapes by name
   */
  static boolean isPath(Map<String, long[]> found, List<TensorInfo> model) {
    return first(found, model).orElse(0) > 1;
  }

  /**
   * Checks that tensors are a path of the model's points.
   *
   * @param found shapes by name
   * @param source where they come from, for the message
   * @return the number of its pivots, at least two
   * @throws IsthmusException DATA naming every tensor that does not fit
   */
  static int pivots(Map<String, long[]> found, List<TensorInfo> model, Object source) {
    OptionalLong pivots = first(found, model);
    if (pivots.isEmpty()) {
      StateDict.requireMatch(found, model, source);
      throw new IsthmusException(
          ExitCode.DATA,
          "%s holds one point and not a path; stack the tensors of all pivots along a new first axis."
              .formatted(source));
    }
    long count = pivots.getAsLong();
    if (count < 2 || count > MOST_PIVOTS) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s holds a path of %d pivots; give one of 2 to %d."
              .formatted(source, count, MOST_PIVOTS));
    }
    List<TensorInfo> stacked = new ArrayList<>();
    long offset = 0;
    for (TensorInfo tensor : model) {
      stacked.add(new TensorInfo(tensor.name(), tensor.statistic(), offset, shape(count, tensor)));
      offset += count * tensor.size();
    }
    StateDict.requireMatch(found, stacked, source);
    return (int) count;
  }

  /** Shape of a tensor in the stack. */
  static long[] shape(long pivots, TensorInfo tensor) {
    return LongStream.concat(LongStream.of(pivots), LongStream.of(tensor.shape())).toArray();
  }

  /** Length of the first axis of the first tensor that has one more than the model's. */
  private static OptionalLong first(Map<String, long[]> found, List<TensorInfo> model) {
    return model.stream()
        .filter(
            tensor ->
                found.containsKey(tensor.name())
                    && found.get(tensor.name()).length == tensor.shape().length + 1)
        .mapToLong(tensor -> found.get(tensor.name())[0])
        .findFirst();
  }
}
