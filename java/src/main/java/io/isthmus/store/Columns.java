package io.isthmus.store;

import io.isthmus.engine.Metrics;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * One-dimensional datasets that several files share. HDF5 cannot chunk, and so not checksum,
 * nothing: an empty column is not written, and a missing one read as empty.
 */
final class Columns {
  private Columns() {}

  static void floats(Hdf5Writer file, String path, float[] values) {
    if (values.length > 0) {
      file.floats(path, FloatBuffer.wrap(values), values.length);
    }
  }

  /** A column of exactly this length. */
  static float[] floats(Hdf5Reader file, String path, long length) {
    if (length == 0 && !file.has(path)) {
      return new float[0];
    }
    FloatBuffer buffer = file.floats(path, length);
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  /** Losses and errors: {@code group/loss/set} and {@code group/error/set}. */
  static void metrics(Hdf5Writer file, String group, String set, List<Metrics> values) {
    long n = values.size();
    file.doubles(group + "/loss/" + set, values.stream().mapToDouble(Metrics::loss).toArray(), n);
    file.doubles(group + "/error/" + set, values.stream().mapToDouble(Metrics::error).toArray(), n);
  }

  static List<Metrics> metrics(Hdf5Reader file, String group, String set, long length) {
    double[] losses = file.doubles(group + "/loss/" + set, length);
    double[] errors = file.doubles(group + "/error/" + set, length);
    List<Metrics> values = new ArrayList<>();
    for (int i = 0; i < losses.length; i++) {
      values.add(new Metrics(losses[i], errors[i]));
    }
    return values;
  }

  /** Length of a one-dimensional dataset. */
  static long length(Hdf5Reader file, String path) {
    long[] shape = file.shape(path);
    if (shape.length != 1) {
      throw file.invalid(path + " is not one-dimensional");
    }
    return shape[0];
  }
}
