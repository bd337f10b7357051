package io.isthmus.experiment;

import io.isthmus.config.ExperimentConfig;
import io.isthmus.store.Environment;
import io.isthmus.store.Origin;
import io.isthmus.store.RunDirectory;
import java.util.function.BooleanSupplier;

/**
 * What the stages of an experiment share. The workbench is opened when it is first needed, so that
 * a finished run loads neither images nor engine.
 */
final class Session implements AutoCloseable {
  private final RunDirectory run;
  private final ExperimentConfig config;
  private final ProgressListener listener;
  private final BooleanSupplier stop;
  private Workbench bench;

  Session(
      RunDirectory run, ExperimentConfig config, ProgressListener listener, BooleanSupplier stop) {
    this.run = run;
    this.config = config;
    this.listener = listener;
    this.stop = stop;
  }

  RunDirectory run() {
    return run;
  }

  ExperimentConfig config() {
    return config;
  }

  ProgressListener listener() {
    return listener;
  }

  boolean stopRequested() {
    return stop.getAsBoolean();
  }

  Workbench bench() {
    if (bench == null) {
      bench = Workbench.open(config);
      String engine = bench.engine().description();
      run.saveEnvironment(
          Environment.here(Release.version(), Release.commit(), config.threads(), engine));
    }
    return bench;
  }

  Origin origin() {
    return Origin.of(config);
  }

  @Override
  public void close() {
    if (bench != null) {
      bench.close();
      bench = null;
    }
  }
}
