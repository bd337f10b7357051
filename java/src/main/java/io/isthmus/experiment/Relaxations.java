package io.isthmus.experiment;

import io.isthmus.analysis.Relaxation;
import io.isthmus.analysis.SurfaceRelaxation;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.ExplorationConfig;
import io.isthmus.neb.Pair;
import io.isthmus.store.PathFile;
import io.isthmus.store.RunDirectory;
import io.isthmus.store.RunDirectory.PathStatus;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How the finished paths of a surface relaxed. Their first steps are taken anew: that takes
 * milliseconds, and the same steps give the same bits.
 */
final class Relaxations {
  private static final int STEPS = 10;

  private Relaxations() {}

  /** Those of every finished path that began on the straight line. */
  static List<Relaxation> of(RunDirectory run) {
    ExperimentConfig config = run.config();
    ExplorationConfig exploration = config.exploration();
    int last = exploration.cycles().size();
    List<Pair> pairs =
        run.paths().stream()
            .filter(path -> path.cycles() == last)
            .map(PathStatus::pair)
            .filter(pair -> beganStraight(run.cycle(pair, 1), exploration))
            .toList();
    if (pairs.isEmpty()) {
      return List.of();
    }
    List<Relaxation> relaxations = new ArrayList<>();
    try (Workbench bench = Workbench.open(config)) {
      var surface =
          new SurfaceRelaxation(bench.objective().model(), config.model().spec(), exploration);
      int steps = Math.min(STEPS, exploration.cycles().get(0).steps());
      for (Pair pair : pairs) {
        PathFile path = PathFile.read(run.cycle(pair, last));
        relaxations.add(surface.of(pair, path.pivots(), last, steps));
      }
    }
    return relaxations;
  }

  private static boolean beganStraight(Path first, ExplorationConfig exploration) {
    return PathFile.readResult(first).profile().gaps() == exploration.initialPivots() + 1;
  }
}
