package io.isthmus.engine;

import java.util.Arrays;

/**
 * Where one tensor of a model lies in a point.
 *
 * @param name key in the PyTorch state dictionary
 * @param statistic true for a batch-norm running mean or variance, false for a parameter
 * @param offset of its first value in a point, in floats
 * @param shape its axes in PyTorch's order
 */
public record TensorInfo(String name, boolean statistic, long offset, long[] shape) {
  /** Number of values. */
  public long size() {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }
}
