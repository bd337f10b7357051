package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.TensorInfo;
import io.jhdf.HdfFile;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import io.jhdf.api.dataset.ChunkedDataset;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * HDF5 files that somebody else wrote, read by jHDF. Whatever is in them: an answer or a sentence,
 * within bounded memory and time. Links are not followed, so a file cannot lead to another.
 */
final class ForeignHdf5 {
  private static final String STATE = "state_dict";
  private static final String PIVOTS = "pivots";
  private static final int MOST_NODES = 100_000;
  private static final long SECONDS = 120;

  private ForeignHdf5() {}

  /**
   * The tensors of a model, wherever they are: in the group "state_dict" or at the root, in groups
   * for the parts of their names or not, in any order.
   */
  static StateDict stateDict(Path source, List<TensorInfo> model) {
    return bounded(
        source,
        () -> {
          try (HdfFile file = new HdfFile(source)) {
            SortedMap<String, Dataset> datasets = state(source, file);
            StateDict.requireMatch(shapes(datasets), model, source);
            FloatBuffer values = Values.allocate(StateDict.sizeOf(model));
            for (TensorInfo tensor : model) {
              Dataset dataset = datasets.get(tensor.name());
              requireFloats(source, tensor.name(), dataset, tensor.size());
              values.put((float[]) dataset.getDataFlat());
            }
            return new StateDict(model, values.flip());
          }
        });
  }

  /** Whether there is a path: the dataset "pivots", or a state dictionary of stacked tensors. */
  static boolean isPath(Path source, List<TensorInfo> model) {
    return bounded(
        source,
        () -> {
          try (HdfFile file = new HdfFile(source)) {
            return file.getChildren().get(PIVOTS) instanceof Dataset
                || Stacks.isPath(shapes(state(source, file)), model);
          }
        });
  }

  /**
   * The dataset "pivots" [2 or more, size of the model], or else a state dictionary whose tensors
   * are stacked.
   */
  static List<FloatBuffer> pivots(Path source, List<TensorInfo> model) {
    return bounded(
        source,
        () -> {
          try (HdfFile file = new HdfFile(source)) {
            long size = StateDict.sizeOf(model);
            Node node = file.getChildren().get(PIVOTS);
            if (!(node instanceof Dataset dataset) || node.isLink()) {
              return stacked(source, state(source, file), model);
            }
            long[] shape = dataset.getDimensionsAsLong();
            if (shape.length != 2
                || shape[0] < 2
                || shape[0] > Stacks.MOST_PIVOTS
                || shape[1] != size) {
              throw complaint(
                  source,
                  "holds pivots of shape %s instead of [2 or more, %d]"
                      .formatted(Arrays.toString(shape), size),
                  "choose the architecture they were made with");
            }
            requireFloats(source, PIVOTS, dataset, shape[0] * size);
            List<FloatBuffer> pivots = new ArrayList<>();
            for (int i = 0; i < shape[0]; i++) {
              float[][] row =
                  (float[][]) dataset.getData(new long[] {i, 0}, new int[] {1, (int) size});
              pivots.add(Values.allocate(size).put(row[0]).flip());
            }
            return pivots;
          }
        });
  }

  private static List<FloatBuffer> stacked(
      Path source, SortedMap<String, Dataset> datasets, List<TensorInfo> model) {
    int count = Stacks.pivots(shapes(datasets), model, source);
    List<FloatBuffer> pivots = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      pivots.add(Values.allocate(StateDict.sizeOf(model)));
    }
    for (TensorInfo tensor : model) {
      Dataset dataset = datasets.get(tensor.name());
      requireFloats(source, tensor.name(), dataset, count * tensor.size());
      float[] values = (float[]) dataset.getDataFlat();
      int size = Math.toIntExact(tensor.size());
      for (int i = 0; i < count; i++) {
        pivots.get(i).put(values, i * size, size);
      }
    }
    pivots.forEach(FloatBuffer::flip);
    return pivots;
  }

  /** The datasets of the group "state_dict", or of the whole file where there is none. */
  private static SortedMap<String, Dataset> state(Path source, HdfFile file) {
    Node state = file.getChildren().get(STATE);
    SortedMap<String, Dataset> datasets = new TreeMap<>();
    Group group = state instanceof Group g && !state.isLink() ? g : file;
    collect(source, group, "", new HashSet<>(), datasets);
    return datasets;
  }

  private static SortedMap<String, long[]> shapes(SortedMap<String, Dataset> datasets) {
    SortedMap<String, long[]> shapes = new TreeMap<>();
    datasets.forEach((name, dataset) -> shapes.put(name, dataset.getDimensionsAsLong()));
    return shapes;
  }

  /** Names and shapes of all datasets. */
  static SortedMap<String, long[]> datasets(Path source) {
    return bounded(
        source,
        () -> {
          try (HdfFile file = new HdfFile(source)) {
            SortedMap<String, Dataset> datasets = new TreeMap<>();
            collect(source, file, "", new HashSet<>(), datasets);
            return shapes(datasets);
          }
        });
  }

  /**
   * Group names become parts of the key: layer1/0/conv1/weight is layer1.0.conv1.weight. A group
   * that is reached a second time is left out, lest a ring of them have no end.
   */
  private static void collect(
      Path source, Group group, String prefix, Set<Long> visited, SortedMap<String, Dataset> into) {
    if (!visited.add(group.getAddress())) {
      return;
    }
    for (Node node : group.getChildren().values()) {
      if (into.size() + visited.size() > MOST_NODES) {
        throw complaint(source, "holds too much", "keep one state dictionary in a file");
      }
      String name = prefix + node.getName();
      if (node.isLink()) {
        continue;
      } else if (node instanceof Dataset dataset) {
        into.put(name, dataset);
      } else if (node instanceof Group child) {
        collect(source, child, name + ".", visited, into);
      }
    }
  }

  private static void requireFloats(Path source, String name, Dataset dataset, long size) {
    if (dataset.getJavaType() != float.class) {
      throw complaint(
          source,
          "holds %s as %s, but float32 is needed".formatted(name, dataset.getJavaType()),
          "convert it first");
    }
    long chunk =
        dataset instanceof ChunkedDataset chunked
            ? Arrays.stream(chunked.getChunkDimensions()).asLongStream().reduce(1, (a, b) -> a * b)
            : 1;
    if (size > Integer.MAX_VALUE / Float.BYTES || chunk < 1 || chunk > Math.max(size, 1 << 20)) {
      throw complaint(source, "holds %s in oversized chunks".formatted(name), "store it plainly");
    }
  }

  private static <T> T bounded(Path source, Callable<T> reading) {
    FutureTask<T> task = new FutureTask<>(reading);
    Thread thread = new Thread(task, "import " + source);
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get(SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IsthmusException sentence) {
        throw sentence;
      }
      throw complaint(
          source, "is damaged or uses parts of HDF5 that are not supported", "store it anew");
    } catch (TimeoutException e) {
      throw complaint(
          source, "could not be read within %d seconds".formatted(SECONDS), "store it anew");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IsthmusException(
          ExitCode.STOPPED, "Reading %s was interrupted; run it again.".formatted(source), e);
    }
  }

  private static IsthmusException complaint(Path source, String what, String remedy) {
    return new IsthmusException(ExitCode.DATA, "%s %s; %s.".formatted(source, what, remedy));
  }
}
