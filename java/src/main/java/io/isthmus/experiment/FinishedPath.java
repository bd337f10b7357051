package io.isthmus.experiment;

import io.isthmus.config.ExitCode;
import io.isthmus.config.ExplorationConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.landscape.Edge;
import io.isthmus.landscape.SpanningTree;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathResult;
import io.isthmus.store.PathFile;
import io.isthmus.store.RunDirectory;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/** The paths of a run that measurements are made on. */
final class FinishedPath {
  private FinishedPath() {}

  /** The pair of the tree's highest saddle, of equal ones the last. */
  static Pair highest(RunDirectory run) {
    List<Edge> edges =
        run.graph().map(graph -> SpanningTree.of(graph).edges()).orElse(List.of()).stream()
            .filter(edge -> isFinished(run, edge.pair()))
            .toList();
    if (edges.isEmpty()) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s has no finished path yet; find one with 'isthmus explore %s'"
              .formatted(run.folder(), run.folder()));
    }
    return edges.get(edges.size() - 1).pair();
  }

  /**
   * The cycle that gives a pair its value.
   *
   * @throws IsthmusException USAGE if the pair's path is not finished
   */
  static PathFile of(Session session, Pair pair) {
    RunDirectory run = session.run();
    if (!isFinished(run, pair)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s has no finished path %d-%d; find it with 'isthmus connect %s %d %d'"
              .formatted(
                  run.folder(),
                  pair.first(),
                  pair.second(),
                  run.folder(),
                  pair.first(),
                  pair.second()));
    }
    ExplorationConfig exploration = session.config().exploration();
    List<CycleResult> cycles = new ArrayList<>();
    for (int cycle = 1; cycle <= exploration.cycles().size(); cycle++) {
      cycles.add(PathFile.readResult(run.cycle(pair, cycle)));
    }
    PathResult result =
        new PathResult(pair, PathFile.readResult(run.cycle(pair, 0)).profile(), cycles);
    int valued = result.valued(exploration.pairValue(), exploration.statistics()).cycle();
    PathFile file = PathFile.read(run.cycle(pair, valued));
    session.origin().require(file.origin(), run.cycle(pair, valued));
    return file;
  }

  private static boolean isFinished(RunDirectory run, Pair pair) {
    return Files.exists(run.cycle(pair, run.config().exploration().cycles().size()));
  }
}
