package io.isthmus.experiment;

import io.isthmus.config.EvaluationConfig;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.Precision;
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
  private Workbench exactBench;

  Session(
      RunDirectory run, ExperimentConfig config, ProgressListener listener, BooleanSupplier stop) {
    this.run = run;
    this.config = config;
    this.listener = listener;
    this.stop = stop;
  }

  /**
   * A session of the same run whose training metrics are taken over other images.
   *
   * @param images how many of the training images; 0: all
   * @param batches over which batch-norm statistics are recomputed
   */
  Session judging(int images, int batches) {
    EvaluationConfig usual = config.evaluation();
    EvaluationConfig evaluation =
        new EvaluationConfig(usual.between(), batches, usual.trainPass(), images);
    ExperimentConfig other =
        new ExperimentConfig(
            config.seed(),
            config.backend(),
            config.threads(),
            config.precision(),
            config.data(),
            config.model(),
            config.training(),
            config.exploration(),
            evaluation,
            config.checkpoint());
    return new Session(run, other, listener, stop);
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

  /** The workbench in fp32, whatever precision the run works in. */
  Workbench exactBench() {
    if (config.precision() == Precision.FP32) {
      return bench();
    }
    if (exactBench == null) {
      exactBench =
          Workbench.open(
              new ExperimentConfig(
                  config.seed(),
                  config.backend(),
                  config.threads(),
                  Precision.FP32,
                  config.data(),
                  config.model(),
                  config.training(),
                  config.exploration(),
                  config.evaluation(),
                  config.checkpoint()));
    }
    return exactBench;
  }

  Origin origin() {
    return Origin.of(config);
  }

  @Override
  public void close() {
    if (exactBench != null) {
      exactBench.close();
      exactBench = null;
    }
    if (bench != null) {
      bench.close();
      bench = null;
    }
  }
}
