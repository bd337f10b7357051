package io.isthmus.store;

import io.isthmus.engine.Metrics;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Sample;
import java.util.ArrayList;
import java.util.List;

/** Samples, and results of cycles, as groups of columns in a file. */
final class PathResults {
  private static final String RECOMPUTED = "/recomputed";
  private static final String INTERPOLATED = "/interpolated";
  static final String SECONDS = "seconds";

  private PathResults() {}

  /** {@code group/position}, {@code /pivot_index}, {@code /loss/train/recomputed} and so on. */
  static void write(Hdf5Writer file, String group, List<Sample> samples) {
    long n = samples.size();
    if (n == 0) {
      return;
    }
    file.doubles(group + "/position", samples.stream().mapToDouble(Sample::position).toArray(), n);
    file.longs(group + "/pivot_index", samples.stream().mapToLong(Sample::pivot).toArray(), n);
    Columns.metrics(
        file, group, "train" + RECOMPUTED, samples.stream().map(Sample::trainRecomputed).toList());
    Columns.metrics(
        file, group, "test" + RECOMPUTED, samples.stream().map(Sample::testRecomputed).toList());
    Columns.metrics(
        file,
        group,
        "train" + INTERPOLATED,
        samples.stream().map(Sample::trainInterpolated).toList());
    Columns.metrics(
        file,
        group,
        "test" + INTERPOLATED,
        samples.stream().map(Sample::testInterpolated).toList());
  }

  static List<Sample> samples(Hdf5Reader file, String group) {
    if (!file.has(group + "/position")) {
      return List.of();
    }
    long n = Columns.length(file, group + "/position");
    double[] position = file.doubles(group + "/position", n);
    long[] pivot = file.longs(group + "/pivot_index", n);
    List<Metrics> trainRecomputed = Columns.metrics(file, group, "train" + RECOMPUTED, n);
    List<Metrics> testRecomputed = Columns.metrics(file, group, "test" + RECOMPUTED, n);
    List<Metrics> trainInterpolated = Columns.metrics(file, group, "train" + INTERPOLATED, n);
    List<Metrics> testInterpolated = Columns.metrics(file, group, "test" + INTERPOLATED, n);
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      samples.add(
          new Sample(
              position[i],
              Math.toIntExact(pivot[i]),
              trainRecomputed.get(i),
              testRecomputed.get(i),
              trainInterpolated.get(i),
              testInterpolated.get(i)));
    }
    return samples;
  }

  /**
   * Everything of a cycle but its pivots and its time; numbers are attributes of {@code object}.
   */
  static void write(Hdf5Writer file, String object, CycleResult result) {
    String group = object.equals("/") ? "" : object;
    Columns.floats(file, group + "/spacing", result.spacing());
    Columns.floats(file, group + "/batch_loss", result.batchLosses());
    write(file, group, result.profile().samples());
    file.attribute(object, "cycle", Integer.toString(result.cycle()));
    file.attribute(object, "steps", Integer.toString(result.steps()));
    file.attribute(object, "length", Double.toString(result.length()));
    file.attribute(object, "straight_length", Double.toString(result.straightLength()));
  }

  static CycleResult result(Hdf5Reader file, String object) {
    String group = object.equals("/") ? "" : object;
    int steps = file.integer(object, "steps", 0);
    List<Sample> samples = samples(file, group);
    long gaps = samples.stream().filter(Sample::isPivot).count() - 1;
    return file.building(
        () ->
            new CycleResult(
                file.integer(object, "cycle", 0),
                steps,
                file.hasAttribute(object, SECONDS) ? file.real(object, SECONDS) : Double.NaN,
                Columns.floats(file, group + "/spacing", gaps),
                new Profile(samples),
                file.real(object, "length"),
                file.real(object, "straight_length"),
                Columns.floats(file, group + "/batch_loss", steps)));
  }
}
