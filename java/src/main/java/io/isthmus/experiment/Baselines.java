package io.isthmus.experiment;

import io.isthmus.baseline.BaselineObserver;
import io.isthmus.baseline.BaselineResult;
import io.isthmus.baseline.BaselineSearch;
import io.isthmus.baseline.BaselineState;
import io.isthmus.baseline.CurveSettings;
import io.isthmus.baseline.Method;
import io.isthmus.baseline.PermutationSymmetry;
import io.isthmus.baseline.WeightMatching;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.Points;
import io.isthmus.engine.TensorInfo;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Objective;
import io.isthmus.neb.Pair;
import io.isthmus.store.BaselineCheckpoint;
import io.isthmus.store.BaselineFile;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.PathFile;
import io.isthmus.store.RunDirectory;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Connects pairs of a run by other means than AutoNEB. What is there already is read, provided that
 * it was made with the same settings; what was begun goes on.
 */
final class Baselines {
  /** Orders in which weight matching goes through the layers; the best result counts. */
  private static final int ORDERS = 10;

  private final Session session;
  private final int gradients;
  private final float learningRate;

  /**
   * Prepares.
   *
   * @param gradients for each trained curve; 0: as many as AutoNEB took for the pair
   * @param learningRate of trained curves; 0: by {@link CurveSettings#of}
   */
  Baselines(Session session, int gradients, float learningRate) {
    this.session = session;
    this.gradients = gradients;
    this.learningRate = learningRate;
  }

  /** One result for each pair and method, pair by pair. */
  List<BaselineResult> run(List<Pair> pairs, List<Method> methods) {
    List<BaselineResult> results = new ArrayList<>();
    int total = pairs.size() * methods.size();
    for (Pair pair : pairs) {
      for (Method method : methods) {
        var place = new Progress.Level("baseline", results.size() + 1, total);
        results.add(result(pair, method, place));
      }
    }
    return results;
  }

  private BaselineResult result(Pair pair, Method method, Progress.Level place) {
    RunDirectory run = session.run();
    if (method == Method.LINE && Files.exists(run.cycle(pair, 0))) {
      CycleResult line = PathFile.readResult(run.cycle(pair, 0));
      return new BaselineResult(
          pair,
          method,
          CurveSettings.NONE,
          line.profile(),
          line.length(),
          line.straightLength(),
          new float[0],
          Double.NaN);
    }
    CurveSettings settings = settings(pair, method);
    Path target = run.baseline(pair, method);
    if (Files.exists(target)) {
      BaselineFile file = BaselineFile.read(target);
      session.origin().require(file.origin(), target);
      requireSame(file.result().settings(), settings, target);
      run.removeBaselineCheckpoint(pair, method); // left by a kill right after the last step
      return file.result();
    }
    BaselineState start = start(pair, method, settings);
    Objective objective = session.bench().objective();
    try (BaselineSearch search = new BaselineSearch(objective, start, new Follower(start, place))) {
      BaselineResult result = search.run();
      Numbers.baseline(run, result);
      new BaselineFile(session.origin(), tensors(), search.controls(), result).write(target);
      run.removeBaselineCheckpoint(pair, method);
      session
          .listener()
          .note(
              "pair %d-%d: the %s climbs to %s"
                  .formatted(
                      pair.first(),
                      pair.second(),
                      method.label(),
                      Wording.number(
                          result.saddle(session.config().exploration().statistics()).trainLoss())));
      return result;
    }
  }

  private CurveSettings settings(Pair pair, Method method) {
    if (!method.isTrained()) {
      return CurveSettings.NONE;
    }
    return CurveSettings.of(
        session.config(), gradients > 0 ? gradients : costOfPath(pair), learningRate);
  }

  private int costOfPath(Pair pair) {
    RunDirectory run = session.run();
    int last = session.config().exploration().cycles().size();
    if (!Files.exists(run.cycle(pair, last))) {
      throw new IsthmusException(
          ExitCode.USAGE,
          ("pair %d %d of %s has no finished path whose cost could be the measure; say --gradients,"
                  + " or find the path first with 'isthmus connect %s %d %d'")
              .formatted(
                  pair.first(),
                  pair.second(),
                  run.folder(),
                  run.folder(),
                  pair.first(),
                  pair.second()));
    }
    long gradients = 0;
    for (int cycle = 1; cycle <= last; cycle++) {
      gradients += PathFile.readResult(run.cycle(pair, cycle)).gradients();
    }
    return Math.toIntExact(gradients);
  }

  private static void requireSame(CurveSettings before, CurveSettings now, Path file) {
    if (!before.equals(now)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          ("%s was made with other settings (%d gradients at learning rate %s, not %d at %s); ask"
                  + " for the same, or remove that file to make it anew")
              .formatted(
                  file,
                  before.gradients(),
                  before.learningRate(),
                  now.gradients(),
                  now.learningRate()));
    }
  }

  private BaselineState start(Pair pair, Method method, CurveSettings settings) {
    Path source = session.run().baselineCheckpoint(pair, method);
    return BaselineCheckpoint.newest(source)
        .map(
            kept -> {
              session.origin().require(kept.origin(), source);
              requireSame(kept.state().settings(), settings, source);
              return kept.state();
            })
        .orElseGet(() -> beginning(pair, method, settings));
  }

  private BaselineState beginning(Pair pair, Method method, CurveSettings settings) {
    Objective objective = session.bench().objective();
    FloatBuffer first = minimum(pair.first());
    FloatBuffer second = minimum(pair.second());
    if (method == Method.MATCHING) {
      second = matched(pair, first, second);
    }
    return BaselineSearch.beginning(objective, pair, method, settings, first, second);
  }

  private FloatBuffer matched(Pair pair, FloatBuffer first, FloatBuffer second) {
    Objective objective = session.bench().objective();
    var symmetry = PermutationSymmetry.of(session.config().model(), tensors());
    int[][] permutations =
        new WeightMatching(symmetry, first, second)
            .match(
                ORDERS,
                order ->
                    objective.streams().baseline(pair, Method.MATCHING.key(), "order-" + order));
    FloatBuffer matched = Points.allocate(objective.model());
    symmetry.permute(permutations, second, matched);
    return matched;
  }

  private FloatBuffer minimum(int number) {
    Path source = session.run().minimum(number);
    MinimumFile file = MinimumFile.read(source);
    return file.state().requireLayout(tensors(), source).values();
  }

  private List<TensorInfo> tensors() {
    return session.bench().objective().model().tensors();
  }

  /** Tells how a search goes, and keeps its checkpoints. */
  private final class Follower implements BaselineObserver {
    private final BaselineState start;
    private final Progress.Level place;
    private float loss = Float.NaN;

    Follower(BaselineState start, Progress.Level place) {
      this.start = start;
      this.place = place;
    }

    @Override
    public void stepped(int done, float loss) {
      this.loss = loss;
      report(new Progress.Level("step", done, start.settings().gradients()), 0.8 * done);
    }

    @Override
    public void evaluated(int done, int total) {
      int steps = start.settings().gradients();
      double trained = 0.8 * steps;
      double evaluation = steps == 0 ? 1 : 0.2 * steps;
      report(new Progress.Level("point", done, total), trained + evaluation * done / total);
    }

    private void report(Progress.Level innermost, double done) {
      session
          .listener()
          .progress(
              new Progress(
                  start.method().label()
                      + " %d-%d".formatted(start.pair().first(), start.pair().second()),
                  List.of(place, innermost),
                  done,
                  Math.max(1, start.settings().gradients()),
                  loss));
    }

    @Override
    public void checkpoint(BaselineState state) {
      new BaselineCheckpoint(session.origin(), tensors(), state)
          .write(session.run().baselineCheckpoint(state.pair(), state.method()));
    }

    @Override
    public boolean stopRequested() {
      return session.stopRequested();
    }
  }
}
