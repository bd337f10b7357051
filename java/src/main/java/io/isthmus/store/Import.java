package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.TensorInfo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Brings in state dictionaries and paths from files of any origin: Isthmus's own, HDF5 of others,
 * and safetensors. Keys and shapes must be those of the model, in any order; batch counters are
 * ignored. PyTorch's own files are pickles, which run code when they are read; they are refused.
 */
public final class Import {
  /** How a file begins, and so who reads it. */
  enum Format {
    ISTHMUS,
    HDF5,
    SAFETENSORS
  }

  private static final List<String> PATHS = List.of(PathFile.KIND, StackedPath.KIND);
  private static final byte[] HDF5 = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  private static final byte[] ZIP = {'P', 'K', 3, 4};
  private static final byte PICKLE = (byte) 0x80;

  private Import() {}

  /**
   * Reads one parameter vector.
   *
   * @param model tensors of the model, which gives the order of the result
   * @throws IsthmusException DATA with every key that does not fit, or what else is wrong; IO if
   *     the file is missing or cannot be read
   */
  public static StateDict stateDict(Path source, List<TensorInfo> model) {
    StateDict state =
        switch (format(source)) {
          case ISTHMUS -> arrange(MinimumFile.read(source).state(), model, source);
          case HDF5 -> ForeignHdf5.stateDict(source, model);
          case SAFETENSORS -> SafeTensors.read(source, model);
        };
    for (TensorInfo tensor : model) {
      requireFinite(state.values(tensor), tensor.name(), source);
    }
    return state;
  }

  /**
   * Reads the pivots of a path, from end to end, at least two.
   *
   * @param model tensors of the model; a pivot is all of them, in this order
   * @throws IsthmusException as {@link #stateDict}
   */
  public static List<FloatBuffer> path(Path source, List<TensorInfo> model) {
    List<FloatBuffer> pivots =
        switch (format(source)) {
          case ISTHMUS -> own(source, model);
          case HDF5 -> ForeignHdf5.pivots(source, model);
          case SAFETENSORS -> SafeTensors.pivots(source, model);
        };
    for (int i = 0; i < pivots.size(); i++) {
      requireFinite(pivots.get(i), "pivot " + i, source);
    }
    return pivots;
  }

  /**
   * Reads whatever points a file holds: the pivots of a path, or one state dictionary.
   *
   * @param model tensors of the model; a point is all of them, in this order
   * @throws IsthmusException as {@link #stateDict}
   */
  public static List<FloatBuffer> points(Path source, List<TensorInfo> model) {
    boolean path =
        switch (format(source)) {
          case ISTHMUS -> PATHS.contains(FileSummary.of(source).kind());
          case HDF5 -> ForeignHdf5.isPath(source, model);
          case SAFETENSORS -> SafeTensors.isPath(source, model);
        };
    return path ? path(source, model) : List.of(stateDict(source, model).values());
  }

  private static List<FloatBuffer> own(Path source, List<TensorInfo> model) {
    String kind;
    try (Hdf5Reader file = Hdf5Reader.open(source, PATHS)) {
      kind = file.kind();
    }
    List<TensorInfo> tensors;
    List<FloatBuffer> pivots;
    if (kind.equals(PathFile.KIND)) {
      PathFile path = PathFile.read(source);
      tensors = path.tensors();
      pivots = path.pivots();
    } else {
      StackedPath path = StackedPath.read(source);
      tensors = path.tensors();
      pivots = path.pivots();
    }
    return pivots.stream()
        .map(pivot -> arrange(new StateDict(tensors, pivot), model, source).values())
        .toList();
  }

  static Format format(Path source) {
    byte[] start;
    try (InputStream in = Files.newInputStream(source)) {
      start = in.readNBytes(2048);
    } catch (IOException e) {
      throw AtomicFile.failure("read", source, e);
    }
    if (Seal.startsLikeOurs(start)) {
      return Format.ISTHMUS;
    }
    for (int block : new int[] {0, 512, 1024}) { // HDF5 allows a user block before the signature
      if (startsWith(start, block, HDF5)) {
        return Format.HDF5;
      }
    }
    if (startsWith(start, 0, ZIP) || (start.length > 0 && start[0] == PICKLE)) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s is a pickle of Python, which runs code when it is read; turn it into safetensors with "
                  .formatted(source)
              + "java/exchange/convert_pt.py and import that.");
    }
    if (start.length > Long.BYTES && start[Long.BYTES] == '{') {
      return Format.SAFETENSORS;
    }
    throw new IsthmusException(
        ExitCode.DATA,
        "%s is neither HDF5 nor safetensors; give a state dictionary in one of these."
            .formatted(source));
  }

  private static StateDict arrange(StateDict found, List<TensorInfo> model, Path source) {
    Map<String, long[]> shapes = new TreeMap<>();
    Map<String, TensorInfo> tensors = new TreeMap<>();
    for (TensorInfo tensor : found.tensors()) {
      shapes.put(tensor.name(), tensor.shape());
      tensors.put(tensor.name(), tensor);
    }
    StateDict.requireMatch(shapes, model, source);
    FloatBuffer values = Values.allocate(StateDict.sizeOf(model));
    model.forEach(tensor -> values.put(found.values(tensors.get(tensor.name()))));
    return new StateDict(model, values.flip());
  }

  private static void requireFinite(FloatBuffer values, String name, Path source) {
    int bad = Values.firstNotFinite(values);
    if (bad >= 0) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s: value %d of %s is %s; give a file with finite values."
              .formatted(source, bad, name, values.get(bad)));
    }
  }

  private static boolean startsWith(byte[] bytes, int from, byte[] what) {
    return bytes.length >= from + what.length
        && Arrays.equals(bytes, from, from + what.length, what, 0, what.length);
  }
}
