package io.isthmus.experiment;

import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.ModelConfig;
import io.isthmus.data.DataSets;
import io.isthmus.data.DataSource;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import io.isthmus.neb.Objective;
import java.util.Locale;

/**
 * What a configuration works with: the images on the host, the engine, and the objective on it.
 *
 * @param data the images; null for a surface
 * @param engine the device
 * @param objective the model with its images on the device
 */
public record Workbench(DataSource data, Engine engine, Objective objective)
    implements AutoCloseable {

  /**
   * Loads the data, which a surface has none of, and opens engine and objective.
   *
   * @throws IsthmusException if data, device, precision or memory are not there
   */
  public static Workbench open(ExperimentConfig config) {
    boolean surface = config.model().family() == ModelConfig.Family.SURFACE;
    return open(config, surface ? null : DataSets.load(config.data()));
  }

  /**
   * Opens engine and objective for images that are loaded already.
   *
   * @param data null for a surface
   * @throws IsthmusException if device, precision or memory are not there
   */
  static Workbench open(ExperimentConfig config, DataSource data) {
    Backend backend = Backend.valueOf(config.backend().toUpperCase(Locale.ROOT));
    Engine engine = Engine.open(backend, 0, config.threads());
    try {
      requirePrecision(engine, config);
      return new Workbench(data, engine, Objective.open(engine, config, data));
    } catch (RuntimeException | Error failed) {
      engine.close();
      throw failed;
    }
  }

  private static void requirePrecision(Engine engine, ExperimentConfig config) {
    if (!engine.supports(config.precision())) {
      throw new IsthmusException(
          ExitCode.UNAVAILABLE,
          "precision %s is not available on this device (%s); use precision: fp32"
              .formatted(config.precision().name().toLowerCase(Locale.ROOT), engine.description()));
    }
  }

  @Override
  public void close() {
    objective.close();
    engine.close();
  }
}
