package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.Precision;
import java.util.Arrays;
import java.util.Locale;

/**
 * Which experiment a file belongs to; stored in every file.
 *
 * @param architecture spec of the network or surface, e.g. "resnet20:shortcut=B"
 * @param dataset name of the data set, "none" for a surface
 * @param precision of the arithmetic
 * @param seed root seed of the experiment
 */
public record Origin(String architecture, String dataset, Precision precision, long seed) {
  /** The origin of everything a run of this configuration makes. */
  public static Origin of(ExperimentConfig config) {
    return new Origin(
        config.model().spec(), config.data().name(), config.precision(), config.seed());
  }

  /** Checks that a file comes from this very experiment before work goes on from it. */
  public void require(Origin found, Object source) {
    if (!equals(found)) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s belongs to another experiment (%s instead of %s); move it away and run again."
              .formatted(source, found, this));
    }
  }

  void write(Hdf5Writer file) {
    file.attribute("/", "architecture", architecture);
    file.attribute("/", "dataset", dataset);
    file.attribute("/", "precision", precision.name().toLowerCase(Locale.ROOT));
    file.attribute("/", "seed", Long.toString(seed));
  }

  static Origin read(Hdf5Reader file) {
    String precision = file.attribute("/", "precision");
    return new Origin(
        file.attribute("/", "architecture"),
        file.attribute("/", "dataset"),
        Arrays.stream(Precision.values())
            .filter(p -> p.name().equalsIgnoreCase(precision))
            .findFirst()
            .orElseThrow(() -> file.invalid("precision is '%s'".formatted(precision))),
        file.number("/", "seed", Long.MIN_VALUE));
  }

  @Override
  public String toString() {
    return "%s on %s, %s, seed %d"
        .formatted(architecture, dataset, precision.name().toLowerCase(Locale.ROOT), seed);
  }
}
