package io.isthmus.neb;

import io.isthmus.config.CheckpointConfig;
import java.util.function.LongSupplier;

/**
 * How many steps to give the engine at once: enough to keep it busy, few enough to look up several
 * times a second, and never past the step at which a checkpoint is due. How steps are divided has
 * no influence on results.
 */
public final class Pace {
  private static final double SECONDS_PER_CHUNK = 0.2;
  private static final int MOST_STEPS = 1000;

  private final CheckpointConfig config;
  private final LongSupplier nanos;
  private int chunk = 1;
  private long keptStep;
  private long keptAt;

  /** {@code nanos} is a clock. */
  public Pace(CheckpointConfig config, LongSupplier nanos) {
    this.config = config;
    this.nanos = nanos;
  }

  /** A checkpoint has been given, or work has begun, at this step. */
  public void kept(long step) {
    keptStep = step;
    keptAt = nanos.getAsLong();
  }

  /** Steps to take next, at least 1. */
  int next(long step, long end) {
    long limit = Math.min(end, keptStep + config.intervalSteps());
    return (int) Math.max(1, Math.min(chunk, limit - step));
  }

  /** So many steps took this long. */
  void took(int steps, double seconds) {
    double fitting = SECONDS_PER_CHUNK * steps / Math.max(seconds, 1e-9);
    chunk = (int) Math.max(1, Math.min(Math.min(fitting, 2.0 * chunk), MOST_STEPS));
  }

  /** Whether so many steps or seconds have passed since the last checkpoint. */
  public boolean checkpointDue(long step) {
    return step - keptStep >= config.intervalSteps()
        || nanos.getAsLong() - keptAt >= 1e9 * config.intervalSeconds();
  }
}
