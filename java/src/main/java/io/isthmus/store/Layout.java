package io.isthmus.store;

import io.isthmus.engine.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The tensors of a parameter vector in a file: {@code /param_order}, their names in order; {@code
 * /param_shapes}, e.g. "16,3,3,3"; and the attribute {@code parameters}, how many of the values are
 * trainable, the rest being batch-norm statistics.
 */
final class Layout {
  private static final String NAMES = "/param_order";
  private static final String SHAPES = "/param_shapes";
  private static final String PARAMETERS = "parameters";

  private Layout() {}

  static void write(Hdf5Writer file, List<TensorInfo> tensors) {
    StateDict.sizeOf(tensors);
    file.strings(NAMES, tensors.stream().map(TensorInfo::name).toList());
    file.strings(
        SHAPES,
        tensors.stream()
            .map(
                tensor ->
                    Arrays.stream(tensor.shape())
                        .mapToObj(Long::toString)
                        .collect(Collectors.joining(",")))
            .toList());
    file.attribute("/", PARAMETERS, Long.toString(StateDict.parametersOf(tensors)));
  }

  static List<TensorInfo> read(Hdf5Reader file) {
    List<String> names = file.strings(NAMES);
    List<String> shapes = file.strings(SHAPES);
    long parameters = file.number("/", PARAMETERS, 0);
    if (shapes.size() != names.size()) {
      throw file.invalid("it has %d names for %d shapes".formatted(names.size(), shapes.size()));
    }
    return file.building(
        () -> {
          List<TensorInfo> tensors = new ArrayList<>();
          long offset = 0;
          for (int i = 0; i < names.size(); i++) {
            long[] shape =
                Arrays.stream(shapes.get(i).split(",")).mapToLong(Long::parseLong).toArray();
            TensorInfo tensor = new TensorInfo(names.get(i), offset >= parameters, offset, shape);
            tensors.add(tensor);
            offset = Math.addExact(offset, tensor.size());
          }
          StateDict.sizeOf(tensors);
          if (StateDict.parametersOf(tensors) != parameters) {
            throw new IllegalArgumentException("parameters and statistics are mixed up");
          }
          return tensors;
        });
  }
}
