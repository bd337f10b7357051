package io.isthmus.experiment;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathState;
import java.util.ArrayList;
import java.util.List;

/**
 * How far the search for one path is. Work is counted in images through the network: a step costs
 * three passes (forward, and twice as much back) over a batch at every pivot, a sample of a profile
 * one pass over the images of each evaluation. Pivots that are inserted later are not foreseen, so
 * the total grows with the path.
 */
final class PathProgress {
  private static final int PASSES_PER_GRADIENT = 3;

  private final ExperimentConfig config;
  private final ProgressListener listener;
  private final double imagesPerSample;
  private final String what;
  private final List<Progress.Level> outer;
  private int cycle;
  private int pivots;
  private double loss = Double.NaN;
  private double before;

  PathProgress(Session session, Pair pair, List<Progress.Level> outer) {
    this.config = session.config();
    this.listener = session.listener();
    this.imagesPerSample = imagesPerSample(session.bench());
    this.what = "path " + pair.first() + "-" + pair.second();
    this.outer = outer;
    this.pivots = config.exploration().initialPivots() + 2;
  }

  /** The search begins or goes on here. */
  void at(PathState state) {
    cycle = state.cycle();
    if (state.pivots().size() > 2) {
      pivots = state.pivots().size();
    }
    before = work(0, cycle);
  }

  void stepped(int cycle, int done, float[][] losses) {
    enter(cycle, losses[0].length);
    float[] last = losses[losses.length - 1];
    loss = Double.NEGATIVE_INFINITY;
    for (float value : last) {
      loss = Math.max(loss, value);
    }
    report(new Progress.Level("step", done, steps(cycle)), done * stepWork());
  }

  void evaluated(int cycle, int done, int total) {
    enter(cycle, pivots);
    double relaxed = cycle == 0 ? 0 : steps(cycle) * stepWork();
    report(new Progress.Level("point", done, total), relaxed + evaluationWork() * done / total);
  }

  private void enter(int cycle, int pivots) {
    if (cycle != this.cycle) {
      before += work(this.cycle, cycle);
      this.cycle = cycle;
    }
    this.pivots = pivots;
  }

  private void report(Progress.Level innermost, double here) {
    int cycles = config.exploration().cycles().size();
    List<Progress.Level> levels = new ArrayList<>(outer);
    levels.add(new Progress.Level("cycle", cycle, cycles));
    levels.add(innermost);
    listener.progress(
        new Progress(what, levels, before + here, before + work(cycle, cycles + 1), loss));
  }

  /** Work of the cycles from one to another, the latter not included, with the pivots of now. */
  private double work(int from, int to) {
    double work = 0;
    for (int c = from; c < to; c++) {
      work += (c == 0 ? 0 : steps(c) * stepWork()) + evaluationWork();
    }
    return work;
  }

  private int steps(int cycle) {
    CycleConfig settings = config.exploration().cycles().get(cycle - 1);
    return settings.steps();
  }

  private double stepWork() {
    return (double) PASSES_PER_GRADIENT * (pivots - 2) * config.exploration().batch();
  }

  private double evaluationWork() {
    double samples = (pivots - 1.0) * (config.evaluation().between() + 1) + 1;
    return samples * imagesPerSample;
  }

  /** Images through the network for one sample of a profile; a surface has one. */
  private double imagesPerSample(Workbench bench) {
    if (bench.data() == null) {
      return 1;
    }
    int limit = config.evaluation().evalTrainLimit();
    int train = bench.data().train().count();
    double judged = (limit == 0 ? train : Math.min(limit, train)) + bench.data().test().count();
    if (!bench.objective().hasStatistics()) {
      return judged;
    }
    return 2 * judged
        + (double) config.evaluation().statisticsBatches() * config.exploration().batch();
  }
}
