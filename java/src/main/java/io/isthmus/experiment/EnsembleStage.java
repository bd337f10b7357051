package io.isthmus.experiment;

import io.isthmus.analysis.Calibration;
import io.isthmus.analysis.Ensemble;
import io.isthmus.analysis.EnsembleResult;
import io.isthmus.analysis.EnsembleScore;
import io.isthmus.analysis.EnsembleScore.Kind;
import io.isthmus.analysis.PathPoints;
import io.isthmus.analysis.Subsets;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.ModelConfig;
import io.isthmus.engine.Points;
import io.isthmus.engine.Seeds;
import io.isthmus.neb.Objective;
import io.isthmus.neb.Pair;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.PathFile;
import io.isthmus.store.ResultFile;
import io.isthmus.store.RunDirectory.MinimumStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Ensembles of networks along a path, against independent minima of the run. Batch-norm statistics
 * of networks between the ends are recomputed; minima keep those of their training.
 */
final class EnsembleStage {
  /** Kind of the result file. */
  static final String ENSEMBLE = "ensemble";

  /** Independent ensembles of one size that are judged, of those there are. */
  private static final int MOST_SUBSETS = 20;

  private final Session session;
  private final Optional<Pair> wanted;
  private final int size;
  private int done;
  private int networks;

  EnsembleStage(Session session, Optional<Pair> wanted, int size) {
    this.session = session;
    this.wanted = wanted;
    this.size = size;
  }

  EnsembleResult run() {
    String spec = session.config().model().spec();
    if (session.config().model().family() == ModelConfig.Family.SURFACE) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s works on %s, which classifies nothing; an ensemble needs a run with a network"
              .formatted(session.run().folder(), spec));
    }
    Pair pair = wanted.orElseGet(() -> FinishedPath.highest(session.run()));
    PathFile file = FinishedPath.of(session, pair);
    List<Integer> minima =
        session.run().minima().stream()
            .filter(MinimumStatus::trained)
            .map(MinimumStatus::number)
            .toList();
    Path target = session.run().ensemble(pair);
    if (Files.exists(target)) {
      EnsembleResult known =
          ResultFile.read(target, ENSEMBLE, session.origin(), EnsembleResult.class);
      if (known.size() == size
          && known.cycle() == file.result().cycle()
          && known.minima() == minima.size()) {
        return known;
      }
    }
    EnsembleResult result = judged(file, minima);
    ResultFile.write(target, ENSEMBLE, session.origin(), result);
    return result;
  }

  private EnsembleResult judged(PathFile file, List<Integer> minima) {
    int[] labels = session.bench().data().test().labels();
    TreeSet<Double> positions = new TreeSet<>();
    for (int members = 2; members <= size; members++) {
      positions.addAll(equallySpaced(members));
    }
    networks = minima.size() + positions.size();
    Map<Double, float[][]> independent = new TreeMap<>();
    for (int number : minima) {
      independent.put((double) number, minimum(number));
      step();
    }
    Map<Double, float[][]> along = new TreeMap<>();
    try (PathPoints path =
        new PathPoints(
            session.bench().objective(),
            file.pivots(),
            session.config().exploration().geometry())) {
      for (double position : positions) {
        along.put(position, onPath(path, position));
        step();
      }
    }
    List<EnsembleScore> scores = new ArrayList<>();
    for (int members = 2; members <= size; members++) {
      scores.add(score(Kind.PATH, equallySpaced(members), along, labels));
    }
    for (int members = 1; members <= Math.min(size, minima.size()); members++) {
      long seed =
          Seeds.derive(session.config().seed(), "ensemble", "", "size-%02d".formatted(members));
      for (List<Integer> subset : Subsets.of(minima, members, MOST_SUBSETS, seed)) {
        List<Double> numbers = subset.stream().map(Integer::doubleValue).toList();
        scores.add(score(Kind.INDEPENDENT, numbers, independent, labels));
      }
    }
    return new EnsembleResult(
        file.pair(), file.result().cycle(), size, minima.size(), labels.length, scores);
  }

  private static List<Double> equallySpaced(int members) {
    List<Double> positions = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      positions.add((double) i / (members - 1));
    }
    return positions;
  }

  private static EnsembleScore score(
      Kind kind, List<Double> members, Map<Double, float[][]> predictions, int[] labels) {
    List<float[][]> each = members.stream().map(predictions::get).toList();
    Calibration calibration = Calibration.of(Ensemble.logProbabilities(each), labels);
    return new EnsembleScore(kind, members, calibration, Ensemble.disagreement(each));
  }

  private float[][] minimum(int number) {
    Objective objective = session.bench().objective();
    Path source = session.run().minimum(number);
    MinimumFile file = MinimumFile.read(source);
    session.origin().require(file.origin(), source);
    try (Points point = Points.create(objective.model(), 1)) {
      point.write(0, file.state().requireLayout(objective.model().tensors(), source).values());
      return point.predict(0, objective.test());
    }
  }

  private float[][] onPath(PathPoints path, double position) {
    Objective objective = session.bench().objective();
    try (Points point = Points.create(objective.model(), 1)) {
      path.place(point, 0, position);
      if (position > 0 && position < 1 && objective.hasStatistics()) {
        objective.recomputeStatistics(point);
      }
      return point.predict(0, objective.test());
    }
  }

  private void step() {
    done++;
    session
        .listener()
        .progress(
            new Progress(
                "predictions",
                List.of(new Progress.Level("network", done, networks)),
                done,
                networks,
                Double.NaN));
    if (session.stopRequested()) {
      throw new IsthmusException(
          ExitCode.STOPPED,
          "The ensemble was stopped on request; the same command computes it again.");
    }
  }
}
