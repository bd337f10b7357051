package io.isthmus.experiment;

import io.isthmus.engine.Points;
import io.isthmus.neb.MinimumResult;
import io.isthmus.neb.Objective;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.StateDict;
import io.isthmus.store.TrainingCurve;
import java.nio.FloatBuffer;
import java.util.List;

/** Keeps minima, trained here or brought in, as files of the run. */
final class Minima {
  private final Session session;

  Minima(Session session) {
    this.session = session;
  }

  /** Writes a minimum that took {@code result.batchLosses().length} steps. */
  void keep(MinimumResult result, double seconds) {
    int number = result.minimum();
    Objective objective = session.bench().objective();
    int[] mistakes = mistakes(objective, result.values());
    Numbers.minimum(session.run(), result, seconds);
    new MinimumFile(
            session.origin(),
            number,
            result.batchLosses().length,
            result.train(),
            result.test(),
            mistakes,
            new TrainingCurve(result.batchLosses(), List.of()),
            new StateDict(objective.model().tensors(), result.values()))
        .write(session.run().minimum(number));
    session.run().removeTrainingCheckpoint(number);
    session
        .listener()
        .note("minimum %d: %s".formatted(number, Wording.minimum(result, objective.isSurface())));
  }

  /** Which test images a network gets wrong; null for a surface. */
  private int[] mistakes(Objective objective, FloatBuffer values) {
    if (objective.isSurface()) {
      return null;
    }
    try (Points point = Points.create(objective.model(), 1)) {
      point.write(0, values);
      return Mistakes.of(
          point.predict(0, objective.test()), session.bench().data().test().labels());
    }
  }
}
