package io.isthmus.experiment;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.Points;
import io.isthmus.engine.TensorInfo;
import io.isthmus.neb.AutoNeb;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathObserver;
import io.isthmus.neb.PathResult;
import io.isthmus.neb.PathState;
import io.isthmus.neb.Profile;
import io.isthmus.store.Import;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.PathCheckpoint;
import io.isthmus.store.PathFile;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The path between two minima of a run, from where it is to the end of its last cycle. */
final class PathSearch implements PathObserver {
  private final Session session;
  private final Pair pair;
  private final List<Progress.Level> outer;
  private PathProgress progress;
  private Path given;

  /** {@code outer} is what the progress of this path is nested in, such as pair 2 of 10. */
  PathSearch(Session session, Pair pair, List<Progress.Level> outer) {
    this.session = session;
    this.pair = pair;
    this.outer = outer;
  }

  /** Starts from a given path in place of the straight line. */
  PathSearch along(Path path) {
    given = path;
    return this;
  }

  /** Reads a finished search, or finishes it. */
  PathResult run() {
    int last = session.config().exploration().cycles().size();
    if (Files.exists(session.run().cycle(pair, last))) {
      if (given != null) {
        throw new IsthmusException(
            ExitCode.USAGE,
            "the path %s of %s is finished; remove %s to look for it anew"
                .formatted(
                    name(), session.run().folder(), session.run().cycle(pair, 0).getParent()));
      }
      session.run().removePathCheckpoint(pair); // left by a kill right after the last cycle
      return read(last);
    }
    PathState start = start();
    progress = new PathProgress(session, pair, outer);
    progress.at(start);
    PathResult result = new AutoNeb(session.bench().objective(), pair).run(start, this);
    session.run().removePathCheckpoint(pair);
    return result;
  }

  private PathResult read(int last) {
    CycleResult line = PathFile.readResult(session.run().cycle(pair, 0));
    List<CycleResult> cycles = new ArrayList<>();
    for (int cycle = 1; cycle <= last; cycle++) {
      cycles.add(PathFile.readResult(session.run().cycle(pair, cycle)));
    }
    return new PathResult(pair, line.profile(), cycles);
  }

  private PathState start() {
    Path source = session.run().pathCheckpoint(pair);
    return PathCheckpoint.newest(source)
        .map(
            kept -> {
              session.origin().require(kept.origin(), source);
              return kept.state();
            })
        .orElseGet(this::beginning);
  }

  private PathState beginning() {
    FloatBuffer first = minimum(pair.first());
    FloatBuffer second = minimum(pair.second());
    if (given == null) {
      return PathState.between(pair, first, second);
    }
    List<FloatBuffer> pivots = new ArrayList<>(Import.path(given, tensors()));
    if (!pivots.get(0).equals(first)) {
      Collections.reverse(pivots);
    }
    if (!pivots.get(0).equals(first) || !pivots.get(pivots.size() - 1).equals(second)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s does not lead from minimum %d to minimum %d of %s; its ends must be these, bit for bit"
              .formatted(given, pair.first(), pair.second(), session.run().folder()));
    }
    return PathState.along(pair, pivots);
  }

  private FloatBuffer minimum(int number) {
    Path source = session.run().minimum(number);
    MinimumFile file = MinimumFile.read(source);
    return file.state().requireLayout(tensors(), source).values();
  }

  private List<TensorInfo> tensors() {
    return session.bench().objective().model().tensors();
  }

  @Override
  public void stepped(int cycle, int done, float[][] losses) {
    progress.stepped(cycle, done, losses);
  }

  @Override
  public void evaluated(int cycle, int done, int total) {
    progress.evaluated(cycle, done, total);
  }

  @Override
  public void lineFinished(Profile line, PathState state) {
    double length = length(state);
    write(
        new CycleResult(
            0, 0, state.seconds(), new float[] {1f}, line, length, length, new float[0]),
        List.of(state.pivots().get(0), state.pivots().get(state.pivots().size() - 1)));
    checkpoint(state);
    session.listener().note("path %s: %s".formatted(name(), Wording.line(line, session.config())));
  }

  @Override
  public void cycleFinished(CycleResult result, PathState state) {
    write(result, state.pivots());
    checkpoint(state);
    session
        .listener()
        .note("path %s: %s".formatted(name(), Wording.cycle(result, session.config())));
  }

  @Override
  public void checkpoint(PathState state) {
    new PathCheckpoint(session.origin(), tensors(), state)
        .write(session.run().pathCheckpoint(pair));
  }

  @Override
  public boolean stopRequested() {
    return session.stopRequested();
  }

  private void write(CycleResult result, List<FloatBuffer> pivots) {
    Numbers.cycle(session.run(), pair, result);
    new PathFile(
            session.origin(),
            pair,
            session.config().exploration().geometry(),
            tensors(),
            pivots,
            result)
        .write(session.run().cycle(pair, result.cycle()));
  }

  private double length(PathState state) {
    try (Points ends = Points.create(session.bench().objective().model(), 2)) {
      ends.write(0, state.pivots().get(0));
      ends.write(1, state.pivots().get(state.pivots().size() - 1));
      return ends.distance(0, 1, session.config().exploration().geometry());
    }
  }

  private String name() {
    return pair.first() + "-" + pair.second();
  }
}
