package io.isthmus.experiment;

import io.isthmus.analysis.Spectrum;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.MinimumResult;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
import java.util.Locale;

/** Results in the words of a run's remarks. */
final class Wording {
  private Wording() {}

  /** "loss 0.0123, test error 3.4 %"; of a surface its energy. */
  static String minimum(MinimumResult result, boolean surface) {
    return surface
        ? "energy " + number(result.train().loss())
        : "loss %s, test error %s"
            .formatted(number(result.train().loss()), percent(result.test().error()));
  }

  /** How high the straight line climbs. */
  static String line(Profile line, ExperimentConfig config) {
    return "the straight line climbs to " + number(Saddle.of(line, convention(config)).trainLoss());
  }

  /** What a cycle has reached. */
  static String cycle(CycleResult result, ExperimentConfig config) {
    return "cycle %d of %d, %d pivots, highest loss %s"
        .formatted(
            result.cycle(),
            config.exploration().cycles().size(),
            result.profile().gaps() + 1,
            number(result.saddle(convention(config)).trainLoss()));
  }

  /** Both ends of a spectrum. */
  static String spectrum(Spectrum spectrum) {
    return "lowest eigenvalue %s ± %s, highest %s ± %s, %d products"
        .formatted(
            number(spectrum.bottom().value()),
            String.format(Locale.ROOT, "%.1g", spectrum.bottom().uncertainty()),
            number(spectrum.top().value()),
            String.format(Locale.ROOT, "%.1g", spectrum.top().uncertainty()),
            spectrum.products());
  }

  private static StatisticsConvention convention(ExperimentConfig config) {
    return config.exploration().statistics();
  }

  static String number(double value) {
    return String.format(Locale.ROOT, "%.4g", value);
  }

  static String percent(double fraction) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * fraction);
  }
}
