package io.isthmus.neb;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.TrainingConfig;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sgd;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * Trains minima by stochastic gradient descent, several of them together. Each draws its own first
 * parameters and batches, so it comes out the same whichever others are trained beside it. Those
 * that are behind, after a kill between their checkpoints, catch up first.
 */
public final class MinimaTraining {
  private final Objective objective;
  private final TrainingConfig training;

  public MinimaTraining(Objective objective) {
    this.objective = objective;
    this.training = objective.config().training();
  }

  /** A minimum before its first step. */
  public TrainingState start(int minimum) {
    try (Points point = Points.create(objective.model(), 1)) {
      point.initialise(0, objective.streams().initialise(minimum));
      return new TrainingState(minimum, 0, point.read(0), null, new float[0]);
    }
  }

  /**
   * Trains all of {@code starts} to the configured number of steps and evaluates them.
   *
   * @return results in the order of {@code starts}
   * @throws Diverged if a loss or a parameter of one of them is no longer finite
   * @throws Stopped if the observer asked for it, after a checkpoint
   * @throws IsthmusException with {@link ExitCode#DATA} if a state does not fit the model or the
   *     configured steps
   */
  public List<MinimumResult> run(List<TrainingState> starts, TrainingObserver observer) {
    starts.forEach(this::check);
    var states = new ArrayList<>(starts);
    states.sort(Comparator.comparingInt(TrainingState::minimum));
    while (true) {
      long behind = states.stream().mapToLong(TrainingState::step).min().orElse(training.steps());
      if (behind == training.steps()) {
        break;
      }
      long ahead =
          states.stream()
              .mapToLong(TrainingState::step)
              .filter(step -> step > behind)
              .min()
              .orElse(training.steps());
      List<TrainingState> group = states.stream().filter(s -> s.step() == behind).toList();
      try (Run run = new Run(group, observer)) {
        states.removeAll(group);
        states.addAll(run.to(ahead));
      }
      states.sort(Comparator.comparingInt(TrainingState::minimum));
    }
    var results = new TreeMap<Integer, MinimumResult>();
    for (MinimumResult result : evaluate(states)) {
      results.put(result.minimum(), result);
      observer.finished(result);
    }
    return starts.stream().map(start -> results.get(start.minimum())).toList();
  }

  private void check(TrainingState state) {
    long size = objective.model().size();
    if (state.step() > training.steps()
        || state.values().remaining() != size
        || state.momentum() != null && state.momentum().remaining() != size) {
      throw new IsthmusException(
          ExitCode.DATA,
          ("The state of minimum %04d (step %d, %d values) does not fit a training of %d steps"
                  + " with %d values; remove that state to train it anew.")
              .formatted(
                  state.minimum(),
                  state.step(),
                  state.values().remaining(),
                  training.steps(),
                  size));
    }
  }

  private List<MinimumResult> evaluate(List<TrainingState> states) {
    if (states.isEmpty()) {
      return List.of();
    }
    try (Points points = Points.create(objective.model(), states.size())) {
      for (int i = 0; i < states.size(); i++) {
        points.write(i, states.get(i).values());
      }
      Metrics[] train = objective.trainMetrics(points);
      Metrics[] test = objective.testMetrics(points);
      var results = new ArrayList<MinimumResult>();
      for (int i = 0; i < states.size(); i++) {
        TrainingState state = states.get(i);
        if (!Double.isFinite(train[i].loss()) || !Double.isFinite(test[i].loss())) {
          throw Diverged.minimum(
              state.minimum(), state.step(), "its loss is not finite", rate(state.step() - 1));
        }
        results.add(
            new MinimumResult(
                state.minimum(), state.values(), state.batchLosses(), train[i], test[i]));
      }
      return results;
    }
  }

  private float rate(long step) {
    return training.learningRateAt(Math.max(0, step));
  }

  /** Minima at the same step. */
  private final class Run implements AutoCloseable {
    private final TrainingObserver observer;
    private final Pace pace = new Pace(objective.config().checkpoint(), System::nanoTime);
    private final List<Integer> minima;
    private final long[] streams;
    private final Points points;
    private final float[][] batchLosses;
    private long step;

    Run(List<TrainingState> group, TrainingObserver observer) {
      this.observer = observer;
      minima = group.stream().map(TrainingState::minimum).toList();
      streams =
          objective.isSurface()
              ? null
              : minima.stream().mapToLong(objective.streams()::batches).toArray();
      batchLosses = group.stream().map(TrainingState::batchLosses).toArray(float[][]::new);
      step = group.get(0).step();
      points = Points.create(objective.model(), group.size());
      for (int i = 0; i < group.size(); i++) {
        points.write(i, group.get(i).values());
        if (group.get(i).momentum() != null) {
          points.writeMomentum(i, group.get(i).momentum());
        }
      }
      pace.kept(step);
    }

    List<TrainingState> to(long end) {
      while (step < end) {
        int count = pace.next(step, Math.min(end, nextMilestone()));
        Sgd sgd =
            new Sgd(rate(step), training.momentum(), training.weightDecay(), training.nesterov());
        long begin = System.nanoTime();
        float[][] losses =
            points.descend(
                objective.train(), objective.sampling(training.batch()), streams, sgd, step, count);
        pace.took(count, (System.nanoTime() - begin) / 1e9);
        append(losses);
        step += count;
        observer.stepped(minima, step, losses);
        lookUp();
      }
      return states();
    }

    private long nextMilestone() {
      return training.milestones().stream()
          .filter(milestone -> milestone > step)
          .findFirst()
          .orElse(Long.MAX_VALUE);
    }

    private void append(float[][] losses) {
      for (int i = 0; i < minima.size(); i++) {
        batchLosses[i] = Arrays.copyOf(batchLosses[i], (int) step + losses.length);
        for (int k = 0; k < losses.length; k++) {
          if (!Float.isFinite(losses[k][i])) {
            throw Diverged.minimum(
                minima.get(i), step + k, "its batch loss is " + losses[k][i], rate(step + k));
          }
          batchLosses[i][(int) step + k] = losses[k][i];
        }
      }
    }

    private void lookUp() {
      boolean stop = observer.stopRequested();
      if (stop || pace.checkpointDue(step)) {
        observer.checkpoint(states());
        pace.kept(step);
      }
      if (stop) {
        throw new Stopped(
            minima.size() == 1
                ? "Training of minimum %04d".formatted(minima.get(0))
                : "Training of %d minima".formatted(minima.size()));
      }
    }

    private List<TrainingState> states() {
      var states = new ArrayList<TrainingState>();
      for (int i = 0; i < minima.size(); i++) {
        FloatBuffer values = points.read(i);
        FloatBuffer momentum = points.readMomentum(i);
        if (!Diverged.isFinite(values) || !Diverged.isFinite(momentum)) {
          throw Diverged.minimum(
              minima.get(i), step, "its parameters are not finite", rate(step - 1));
        }
        states.add(new TrainingState(minima.get(i), step, values, momentum, batchLosses[i]));
      }
      return states;
    }

    @Override
    public void close() {
      points.close();
    }
  }
}
