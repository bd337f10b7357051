package io.isthmus.experiment;

import io.isthmus.analysis.PlaneEvaluation;
import io.isthmus.analysis.PlaneGrid;
import io.isthmus.analysis.PlaneResult;
import io.isthmus.analysis.PlaneSettings;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExplorationConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.Metrics;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathResult;
import io.isthmus.store.PathFile;
import io.isthmus.store.PlaneFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The loss on the plane through the path between two minima: evaluates it, or goes on from its
 * checkpoint, or finds it there.
 */
final class Planes {
  private final Session session;
  private final Pair pair;

  Planes(Session session, Pair pair) {
    this.session = session;
    this.pair = pair;
  }

  /** The complete plane, kept in the run's folder. */
  PlaneResult run(PlaneRequest request) {
    CycleResult path = path();
    Path target = session.run().plane(pair);
    Optional<PlaneResult> there = found(target, false, path, request);
    if (there.isPresent()) {
      session.run().removePlaneCheckpoint(pair); // left by a kill right after that file
      return there.get();
    }
    Optional<PlaneResult> kept = found(session.run().planeCheckpoint(pair), true, path, request);
    PlaneSettings settings =
        kept.isPresent() ? kept.get().settings() : request.settings(session.config());
    try (Session judging = session.judging(settings.images(), settings.batches())) {
      PlaneResult whole = evaluate(judging, path, settings, kept);
      new PlaneFile(session.origin(), whole).write(target);
      session.run().removePlaneCheckpoint(pair);
      return whole;
    }
  }

  /** The path that counts for the pair. */
  private CycleResult path() {
    List<CycleResult> cycles = new ArrayList<>();
    for (int cycle = 1; Files.exists(session.run().cycle(pair, cycle)); cycle++) {
      cycles.add(PathFile.readResult(session.run().cycle(pair, cycle)));
    }
    if (cycles.isEmpty()) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "there is no path between minima %d and %d of %s; find it with 'isthmus connect %s %d %d'"
              .formatted(
                  pair.first(),
                  pair.second(),
                  session.run().folder(),
                  session.run().folder(),
                  pair.first(),
                  pair.second()));
    }
    ExplorationConfig exploration = session.config().exploration();
    return new PathResult(pair, null, cycles)
        .valued(exploration.pairValue(), exploration.statistics());
  }

  /** What is there, if it shows the path as it is now in the wanted way. */
  private Optional<PlaneResult> found(
      Path source, boolean checkpoint, CycleResult path, PlaneRequest request) {
    if (!Files.exists(source)) {
      return Optional.empty();
    }
    PlaneFile file = checkpoint ? PlaneFile.readCheckpoint(source) : PlaneFile.read(source);
    session.origin().require(file.origin(), source);
    PlaneResult plane = file.plane();
    return plane.pair().equals(pair)
            && plane.cycle() == path.cycle()
            && plane.pivots().size() == path.profile().gaps() + 1
            && request.accepts(plane.settings())
        ? Optional.of(plane)
        : Optional.empty();
  }

  private PlaneResult evaluate(
      Session judging, CycleResult path, PlaneSettings settings, Optional<PlaneResult> kept) {
    ExplorationConfig exploration = session.config().exploration();
    Path source = session.run().cycle(pair, path.cycle());
    PathFile file = PathFile.read(source);
    session.origin().require(file.origin(), source);
    try (PlaneEvaluation evaluation =
        new PlaneEvaluation(
            judging.bench().objective(), pair, file.pivots(), exploration.geometry())) {
      PlaneGrid grid =
          PlaneGrid.covering(evaluation.pivots(), settings.margin(), settings.points());
      PlaneResult plane =
          new PlaneResult(
              pair,
              path.cycle(),
              settings,
              exploration.statistics(),
              grid,
              evaluation.pivots(),
              List.of());
      List<Metrics> metrics = new ArrayList<>();
      if (kept.isPresent() && plane.with(kept.get().metrics()).equals(kept.get())) {
        metrics.addAll(kept.get().metrics()); // else the path was found anew since
      }
      if (metrics.isEmpty()) {
        session.listener().note(cost(judging.bench(), plane));
      }
      fill(evaluation, plane, metrics);
      return plane.with(metrics);
    }
  }

  /** Evaluates what is left. */
  private void fill(PlaneEvaluation evaluation, PlaneResult plane, List<Metrics> metrics) {
    int group = Math.max(2, Runtime.getRuntime().availableProcessors());
    int total = plane.grid().size();
    double interval = session.config().checkpoint().intervalSeconds();
    long keptAt = System.nanoTime();
    while (metrics.size() < total) {
      boolean stop = session.stopRequested();
      if (stop || (System.nanoTime() - keptAt) * 1e-9 >= interval) {
        new PlaneFile(session.origin(), plane.with(metrics))
            .write(session.run().planeCheckpoint(pair));
        keptAt = System.nanoTime();
      }
      if (stop) {
        throw new IsthmusException(
            ExitCode.STOPPED,
            "Plane %s was stopped on request; the same command goes on from its checkpoint."
                .formatted(pair));
      }
      int first = metrics.size();
      int count = Math.min(group, total - first);
      metrics.addAll(evaluation.metrics(plane.grid(), plane.convention(), first, count));
      session
          .listener()
          .progress(
              new Progress(
                  "plane " + pair.first() + "-" + pair.second(),
                  List.of(new Progress.Level("point", metrics.size(), total)),
                  metrics.size(),
                  total,
                  Double.NaN));
    }
  }

  private static String cost(Workbench bench, PlaneResult plane) {
    PlaneGrid grid = plane.grid();
    String what =
        "plane %d-%d: %d by %d points"
            .formatted(plane.pair().first(), plane.pair().second(), grid.columns(), grid.rows());
    if (bench.data() == null) {
      return what;
    }
    int all = bench.data().train().count();
    int images = plane.settings().images();
    long judged = images == 0 ? all : Math.min(images, all);
    long statistics =
        bench.objective().hasStatistics()
            ? (long) plane.settings().batches() * bench.objective().statisticsBatch()
            : 0;
    return String.format(
        Locale.ROOT,
        "%s, each %,d training images%s: %,d images through the network; --points and --images"
            + " make it less",
        what,
        judged,
        statistics > 0 ? String.format(Locale.ROOT, " and %,d for statistics", statistics) : "",
        grid.size() * (judged + statistics));
  }
}
