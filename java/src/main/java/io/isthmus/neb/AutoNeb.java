package io.isthmus.neb;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExplorationConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Neb;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import io.isthmus.engine.Sgd;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * AutoNEB: the minimum energy path between two minima (Kolsbjerg, Groves and Hammer 2016; Draxler
 * et al. 2018, algorithm 2).
 *
 * <p>First the straight line is evaluated. Then come the cycles: pivots are inserted where the
 * profile of the cycle before asks for them ({@link Insertion}; the first cycle starts from equally
 * spaced pivots on the line, or from a given path), the path is relaxed from zero momentum, and its
 * profile is evaluated. Both ends keep every bit.
 *
 * <p>A run goes on from any {@link PathState} with the bits of an undisturbed one, the seconds it
 * reports apart.
 */
public final class AutoNeb {
  private final Objective objective;
  private final Pair pair;
  private final ExplorationConfig exploration;
  private final int group;

  public AutoNeb(Objective objective, Pair pair) {
    this(objective, pair, Math.max(2, Runtime.getRuntime().availableProcessors()));
  }

  /** With a given number of points that are evaluated together; it has no influence on results. */
  AutoNeb(Objective objective, Pair pair, int group) {
    this.objective = objective;
    this.pair = pair;
    this.exploration = objective.config().exploration();
    this.group = group;
  }

  /**
   * Runs from {@code start} to the end of the last cycle.
   *
   * @throws Diverged if a loss or a pivot is no longer finite
   * @throws Stopped if the observer asked for it, after a checkpoint
   * @throws IsthmusException with {@link ExitCode#DATA} if the state does not fit the model or the
   *     configured cycles
   */
  public PathResult run(PathState start, PathObserver observer) {
    check(start);
    try (Run run = new Run(start, observer)) {
      return run.toTheEnd();
    }
  }

  private void check(PathState state) {
    long size = objective.model().size();
    int steps = state.cycle() == 0 ? 0 : cycleSteps(state.cycle());
    boolean vectorsFit =
        Stream.concat(state.pivots().stream(), state.momentum().stream())
            .allMatch(vector -> vector.remaining() == size);
    if (!state.pair().equals(pair)
        || state.step() > steps
        || !vectorsFit
        || state.cycle() > 0 && state.pivots().size() < 3) {
      throw new IsthmusException(
          ExitCode.DATA,
          ("The state of path %s (cycle %d, step %d) does not fit path %s of %d cycles with %d"
                  + " values per pivot; remove that state to compute the path anew.")
              .formatted(
                  state.pair(),
                  state.cycle(),
                  state.step(),
                  pair,
                  exploration.cycles().size(),
                  size));
    }
  }

  /** Steps of a cycle, -1 if there is none of that number. */
  private int cycleSteps(int cycle) {
    return cycle <= exploration.cycles().size() ? exploration.cycles().get(cycle - 1).steps() : -1;
  }

  /** A run in progress. */
  private final class Run implements AutoCloseable {
    private final PathObserver observer;
    private final Pace pace = new Pace(objective.config().checkpoint(), System::nanoTime);
    private int cycle;
    private double seconds;
    private float[] spacing;
    private Points pivots;
    private float[] batchLosses;
    private Profile line;
    private final List<Sample> samples;
    private final List<CycleResult> results;

    Run(PathState start, PathObserver observer) {
      this.observer = observer;
      cycle = start.cycle();
      seconds = start.seconds();
      spacing = start.spacing();
      batchLosses = start.batchLosses();
      line = start.line();
      samples = new ArrayList<>(start.samples());
      results = new ArrayList<>(start.results());
      pivots = Points.create(objective.model(), start.pivots().size());
      for (int i = 0; i < pivots.count(); i++) {
        pivots.write(i, start.pivots().get(i));
        if (!start.momentum().isEmpty()) {
          pivots.writeMomentum(i, start.momentum().get(i));
        }
      }
      pace.kept(batchLosses.length);
    }

    PathResult toTheEnd() {
      if (line == null) {
        evaluateLine();
      }
      while (results.size() < exploration.cycles().size()) {
        if (results.size() == cycle) {
          beginCycle();
        }
        relax();
        evaluatePath();
      }
      return new PathResult(pair, line, results);
    }

    /** The straight line with as many samples as the first cycle's path will have. */
    private void evaluateLine() {
      int gaps = pivots.count() == 2 ? exploration.initialPivots() + 1 : pivots.count() - 1;
      int stride = objective.config().evaluation().between() + 1;
      try (Points ends = Points.create(objective.model(), 2)) {
        ends.copy(0, pivots, 0);
        ends.copy(1, pivots, pivots.count() - 1);
        line = evaluate(new PathEvaluation(objective, ends, gaps * stride - 1));
      }
      observer.lineFinished(line, state());
    }

    /** Inserts pivots, puts all at their target spacing (string method), forgets the momentum. */
    private void beginCycle() {
      Profile former = cycle == 0 ? null : results.get(cycle - 1).profile();
      cycle++;
      PathPlan plan = PathPlan.ofCycle(cycle, spacing, former, exploration);
      try (Points old = pivots) {
        pivots = Points.create(objective.model(), plan.pivots());
        lay(old, plan.insertions());
      }
      if (Float.isInfinite(exploration.spring())) {
        pivots.respace(exploration.geometry(), plan.spacing());
      }
      spacing = plan.spacing();
      seconds = 0;
      batchLosses = new float[0];
      pace.kept(0);
    }

    /** Makes the pivots those of {@code old} with new ones at the insertions. */
    private void lay(Points old, List<Insertion> insertions) {
      int at = 0;
      int next = 0;
      for (int pivot = 0; pivot < old.count(); pivot++) {
        pivots.copy(at++, old, pivot);
        for (; next < insertions.size() && insertions.get(next).gap() == pivot; next++) {
          double fraction = insertions.get(next).fraction();
          pivots.combine(
              at++, old, new int[] {pivot, pivot + 1}, new double[] {1 - fraction, fraction});
        }
      }
    }

    private void relax() {
      CycleConfig config = exploration.cycles().get(cycle - 1);
      Neb neb =
          new Neb(
              new Sgd(
                  config.learningRate(),
                  exploration.momentum(),
                  exploration.weightDecay(),
                  exploration.nesterov()),
              exploration.tangent(),
              exploration.geometry(),
              exploration.spring(),
              config.climbing());
      Sampling sampling = objective.sampling(exploration.batch());
      long[] streams = objective.isSurface() ? null : pivotStreams();
      while (batchLosses.length < config.steps()) {
        int step = batchLosses.length;
        int count = pace.next(step, config.steps());
        long begin = System.nanoTime();
        float[][] losses =
            pivots.relax(objective.train(), sampling, streams, neb, spacing, step, count);
        double took = (System.nanoTime() - begin) / 1e9;
        pace.took(count, took);
        seconds += took;
        requireFinite(losses, step, config.learningRate());
        batchLosses = Arrays.copyOf(batchLosses, step + count);
        for (int i = 0; i < count; i++) {
          batchLosses[step + i] = highest(losses[i]);
        }
        observer.stepped(cycle, step + count, losses);
        lookUp();
      }
    }

    private long[] pivotStreams() {
      return IntStream.range(0, pivots.count())
          .mapToLong(pivot -> objective.streams().pivot(pair, cycle, pivot))
          .toArray();
    }

    private void requireFinite(float[][] losses, int firstStep, float rate) {
      for (int i = 0; i < losses.length; i++) {
        for (int pivot = 0; pivot < losses[i].length; pivot++) {
          if (!Float.isFinite(losses[i][pivot])) {
            throw Diverged.path(pair, cycle, firstStep + i, pivot, losses[i][pivot], rate);
          }
        }
      }
    }

    private void evaluatePath() {
      int between = objective.config().evaluation().between();
      var evaluation = new PathEvaluation(objective, pivots, between);
      Profile profile = evaluate(evaluation);
      var result =
          new CycleResult(
              cycle,
              batchLosses.length,
              seconds,
              spacing,
              profile,
              evaluation.length(),
              pivots.distance(0, pivots.count() - 1, exploration.geometry()),
              batchLosses);
      results.add(result);
      observer.cycleFinished(result, state());
    }

    /** Evaluates what is left of a profile. */
    private Profile evaluate(PathEvaluation evaluation) {
      while (samples.size() < evaluation.total()) {
        long begin = System.nanoTime();
        int count = Math.min(group, evaluation.total() - samples.size());
        samples.addAll(evaluation.samples(samples.size(), count));
        seconds += (System.nanoTime() - begin) / 1e9;
        for (Sample sample : samples.subList(samples.size() - count, samples.size())) {
          requireFinite(sample);
        }
        observer.evaluated(cycle, samples.size(), evaluation.total());
        if (samples.size() < evaluation.total()) {
          lookUp();
        }
      }
      var profile = new Profile(samples);
      samples.clear();
      return profile;
    }

    private void requireFinite(Sample sample) {
      boolean finite =
          Stream.of(
                  sample.trainRecomputed(),
                  sample.testRecomputed(),
                  sample.trainInterpolated(),
                  sample.testInterpolated())
              .mapToDouble(Metrics::loss)
              .allMatch(Double::isFinite);
      if (!finite) {
        throw Diverged.profile(pair, cycle, sample.position());
      }
    }

    private void lookUp() {
      boolean stop = observer.stopRequested();
      if (stop || pace.checkpointDue(batchLosses.length)) {
        observer.checkpoint(state());
        pace.kept(batchLosses.length);
      }
      if (stop) {
        throw new Stopped("Path " + pair);
      }
    }

    private PathState state() {
      boolean relaxing =
          cycle > 0
              && results.size() < cycle
              && batchLosses.length < exploration.cycles().get(cycle - 1).steps();
      List<FloatBuffer> values = read(pivots::read);
      List<FloatBuffer> momentum = relaxing ? read(pivots::readMomentum) : List.of();
      return new PathState(
          pair,
          cycle,
          batchLosses.length,
          seconds,
          spacing,
          values,
          momentum,
          batchLosses,
          samples,
          line,
          results);
    }

    private List<FloatBuffer> read(java.util.function.IntFunction<FloatBuffer> vector) {
      var vectors = new ArrayList<FloatBuffer>();
      for (int pivot = 0; pivot < pivots.count(); pivot++) {
        FloatBuffer values = vector.apply(pivot);
        if (!Diverged.isFinite(values)) {
          throw Diverged.pivot(
              pair, cycle, batchLosses.length, pivot, cycle == 0 ? 0 : learningRate());
        }
        vectors.add(values);
      }
      return vectors;
    }

    private float learningRate() {
      return exploration.cycles().get(cycle - 1).learningRate();
    }

    @Override
    public void close() {
      pivots.close();
    }
  }

  private static float highest(float[] losses) {
    float highest = Float.NEGATIVE_INFINITY;
    for (float loss : losses) {
      highest = Math.max(highest, loss);
    }
    return highest;
  }
}
