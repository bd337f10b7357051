package io.isthmus.experiment;

import io.isthmus.neb.MinimaTraining;
import io.isthmus.neb.MinimumResult;
import io.isthmus.neb.TrainingObserver;
import io.isthmus.neb.TrainingState;
import io.isthmus.store.StateDict;
import io.isthmus.store.TrainingCheckpoint;
import io.isthmus.store.TrainingCurve;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Trains the minima of a run that are not there yet, all of them together, each from its
 * checkpoint.
 */
final class Training implements TrainingObserver {
  private final Session session;
  private final Minima minima;
  private final long began = System.nanoTime();
  private final Map<Integer, Double> secondsBefore = new HashMap<>();
  private List<Integer> missing;

  Training(Session session) {
    this.session = session;
    this.minima = new Minima(session);
  }

  /** Leaves a file for every minimum that the configuration asks for. */
  void run() {
    missing = new ArrayList<>();
    for (int number = 1; number <= session.config().training().minima(); number++) {
      if (Files.exists(file(number))) {
        session.run().removeTrainingCheckpoint(number); // left by a kill right after that file
      } else {
        missing.add(number);
      }
    }
    if (missing.isEmpty()) {
      return;
    }
    var training = new MinimaTraining(session.bench().objective());
    List<TrainingState> starts = new ArrayList<>();
    for (int number : missing) {
      Optional<TrainingState> kept = checkpoint(number);
      starts.add(kept.isPresent() ? kept.get() : training.start(number));
    }
    training.run(starts, this);
  }

  @Override
  public void stepped(List<Integer> minima, long done, float[][] losses) {
    double sum = 0;
    for (float loss : losses[losses.length - 1]) {
      sum += loss;
    }
    long steps = session.config().training().steps();
    session
        .listener()
        .progress(
            new Progress(
                "training " + names(minima),
                List.of(new Progress.Level("step", done, steps)),
                done,
                steps,
                sum / minima.size()));
    if (done == steps) {
      session.listener().note("evaluating " + names(minima));
    }
  }

  @Override
  public void checkpoint(List<TrainingState> states) {
    for (TrainingState state : states) {
      new TrainingCheckpoint(
              session.origin(),
              state.minimum(),
              state.step(),
              seconds(state.minimum()),
              new TrainingCurve(state.batchLosses(), List.of()),
              stateDict(state.values()),
              state.momentum())
          .write(session.run().trainingCheckpoint(state.minimum()));
    }
  }

  @Override
  public void finished(MinimumResult result) {
    minima.keep(result, seconds(result.minimum()));
  }

  @Override
  public boolean stopRequested() {
    return session.stopRequested();
  }

  private Optional<TrainingState> checkpoint(int number) {
    Path source = session.run().trainingCheckpoint(number);
    return TrainingCheckpoint.newest(source)
        .map(
            kept -> {
              session.origin().require(kept.origin(), source);
              kept.state().requireLayout(session.bench().objective().model().tensors(), source);
              secondsBefore.put(number, kept.seconds());
              return new TrainingState(
                  number,
                  kept.step(),
                  kept.state().values(),
                  kept.momentum(),
                  kept.curve().batchLosses());
            });
  }

  /** Seconds of computing for a minimum; those trained together share them. */
  private double seconds(int number) {
    double here = (System.nanoTime() - began) * 1e-9 / missing.size();
    return secondsBefore.getOrDefault(number, 0.0) + here;
  }

  private StateDict stateDict(FloatBuffer values) {
    return new StateDict(session.bench().objective().model().tensors(), values);
  }

  private Path file(int number) {
    return session.run().minimum(number);
  }

  private static String names(List<Integer> minima) {
    return minima.size() == 1 ? "minimum " + minima.get(0) : minima.size() + " minima";
  }
}
