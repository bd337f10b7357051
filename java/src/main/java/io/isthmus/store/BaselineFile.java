package io.isthmus.store;

import io.isthmus.baseline.BaselineResult;
import io.isthmus.baseline.CurveSettings;
import io.isthmus.baseline.Method;
import io.isthmus.engine.TensorInfo;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Another way to connect two minima than AutoNEB: {@code baselines/0001-0002/bezier.h5}.
 *
 * @param origin its experiment
 * @param tensors of each control point
 * @param controls control points of the curve, each a direct buffer: the minima (the second one
 *     permuted where it was matched), and the bend between them where there is one
 * @param result profile and numbers; its seconds are not stored and come back as NaN, so that equal
 *     curves are equal files
 */
public record BaselineFile(
    Origin origin, List<TensorInfo> tensors, List<FloatBuffer> controls, BaselineResult result) {
  static final String KIND = "baseline";
  static final String CONTROLS = "/controls";

  /**
   * Puts it in place of {@code target}, whole or not at all.
   *
   * @throws io.isthmus.config.IsthmusException DIVERGED if a value is NaN or infinite, IO if the
   *     disk refuses
   */
  public void write(Path target) {
    String what = "A control point of the %s of %s".formatted(result.method(), result.pair());
    controls.forEach(point -> Values.requireFinite(point, what));
    try (Hdf5Writer file = Hdf5Writer.create(KIND)) {
      origin.write(file);
      write(file, result.pair(), result.method(), result.settings());
      file.attribute("/", "length", Double.toString(result.length()));
      file.attribute("/", "straight_length", Double.toString(result.straightLength()));
      Layout.write(file, tensors);
      Columns.floats(file, "/batch_loss", result.batchLosses());
      PathResults.write(file, "", result.profile().samples());
      file.rows(CONTROLS, controls);
      file.save(target);
    }
  }

  /**
   * Reads it back, verified.
   *
   * @throws io.isthmus.config.IsthmusException DATA if it is damaged or something else, IO if it is
   *     missing or cannot be read
   */
  public static BaselineFile read(Path source) {
    try (Hdf5Reader file = Hdf5Reader.open(source, KIND)) {
      List<TensorInfo> tensors = Layout.read(file);
      Method method = method(file);
      List<FloatBuffer> controls =
          file.rows(
              CONTROLS, method.curve().controls(), file.building(() -> StateDict.sizeOf(tensors)));
      controls.forEach(point -> file.finite(CONTROLS, point));
      return file.building(
          () -> {
            CurveSettings settings = settings(file);
            return new BaselineFile(
                Origin.read(file),
                tensors,
                controls,
                new BaselineResult(
                    Pair.parse(file.attribute("/", "pair")),
                    method,
                    settings,
                    new Profile(PathResults.samples(file, "")),
                    file.real("/", "length"),
                    file.real("/", "straight_length"),
                    Columns.floats(file, "/batch_loss", settings.gradients()),
                    Double.NaN));
          });
    }
  }

  static void write(Hdf5Writer file, Pair pair, Method method, CurveSettings settings) {
    file.attribute("/", "pair", pair.toString());
    file.attribute("/", "method", method.key());
    file.attribute("/", "gradients", Integer.toString(settings.gradients()));
    file.attribute("/", "learning_rate", Float.toString(settings.learningRate()));
    file.attribute("/", "batch", Integer.toString(settings.batch()));
    file.attribute("/", "momentum", Float.toString(settings.momentum()));
    file.attribute("/", "nesterov", Boolean.toString(settings.nesterov()));
    file.attribute("/", "weight_decay", Float.toString(settings.weightDecay()));
  }

  static Method method(Hdf5Reader file) {
    String key = file.attribute("/", "method");
    return Arrays.stream(Method.values())
        .filter(method -> method.key().equals(key))
        .findFirst()
        .orElseThrow(() -> file.invalid("method is '%s'".formatted(key)));
  }

  static CurveSettings settings(Hdf5Reader file) {
    return new CurveSettings(
        file.integer("/", "gradients", 0),
        Float.parseFloat(file.attribute("/", "learning_rate")),
        file.integer("/", "batch", 0),
        Float.parseFloat(file.attribute("/", "momentum")),
        Boolean.parseBoolean(file.attribute("/", "nesterov")),
        Float.parseFloat(file.attribute("/", "weight_decay")));
  }
}
