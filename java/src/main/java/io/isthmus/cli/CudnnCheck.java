package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.Precision;
import io.isthmus.engine.Backend;
import io.isthmus.engine.ConvolutionCheck;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Compares a device's own convolutions with cuDNN's, shape by shape and pass by pass. */
final class CudnnCheck {
  /**
   * What may be between the two: the sums of both are float32 in another order, cuDNN may filter by
   * Winograd, and outputs are rounded.
   */
  private static final Map<Precision, Double> TOLERANCE =
      Map.of(Precision.FP32, 1e-4, Precision.BF16, 2e-2, Precision.FP16, 5e-3);

  private static final Map<String, ToDoubleFunction<ConvolutionCheck>> PASSES =
      Map.of(
          "forward",
          ConvolutionCheck::forward,
          "data gradient",
          ConvolutionCheck::dataGradient,
          "weight gradient",
          ConvolutionCheck::weightGradient);

  private static final int CLASSES = 10;

  private CudnnCheck() {}

  /** The networks whose convolutions are compared: of a real device the paper's. */
  static List<String> networks(Backend backend) {
    return backend == Backend.EMULATED
        ? List.of("resnet8:width=4", "densenet16-4-bc")
        : List.of("resnet20", "resnet56", "densenet40-12", "densenet100-12-bc");
  }

  /**
   * Compares all of a network's.
   *
   * @return how far they are from cuDNN's at most, by precision
   */
  static String finding(Engine device, Backend backend, String network) {
    int size = backend == Backend.EMULATED ? 8 : 32;
    List<String> findings = new ArrayList<>();
    int shapes = 0;
    for (Precision precision : Precision.values()) {
      if (!device.supports(precision)) {
        continue;
      }
      try (Model model = Model.create(device, network, 3, size, size, CLASSES, precision)) {
        List<ConvolutionCheck> checks = model.checkConvolutions(size / 4);
        shapes = checks.size();
        findings.add(name(precision) + ": " + largest(checks, precision));
      }
    }
    return "%d shapes, forward, data and weight gradient; %s from cuDNN"
        .formatted(shapes, String.join("; ", findings));
  }

  private static String largest(List<ConvolutionCheck> checks, Precision precision) {
    double largest = 0;
    for (ConvolutionCheck check : checks) {
      for (Map.Entry<String, ToDoubleFunction<ConvolutionCheck>> pass : PASSES.entrySet()) {
        double distance = pass.getValue().applyAsDouble(check);
        largest = Math.max(largest, distance);
        if (!(distance <= TOLERANCE.get(precision))) {
          throw new IsthmusException(
              ExitCode.INTERNAL,
              String.format(
                  Locale.ROOT,
                  "%s (%s) of a convolution %dx%d, stride %d, of %d channels %dx%d to %d: %.1e from"
                      + " cuDNN's, at most %.1e may be; results of one of the two are wrong",
                  pass.getKey(),
                  name(precision),
                  check.kernel(),
                  check.kernel(),
                  check.stride(),
                  check.channels(),
                  check.height(),
                  check.width(),
                  check.filters(),
                  distance,
                  TOLERANCE.get(precision)));
        }
      }
    }
    return String.format(Locale.ROOT, "up to %.1e", largest);
  }

  private static String name(Precision precision) {
    return precision.name().toLowerCase(Locale.ROOT);
  }
}
