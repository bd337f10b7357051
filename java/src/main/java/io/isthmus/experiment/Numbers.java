package io.isthmus.experiment;

import io.isthmus.baseline.BaselineResult;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.MinimumResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Saddle;
import io.isthmus.store.RunDirectory;
import io.isthmus.store.RunLog;
import java.util.Locale;
import java.util.function.Function;

/**
 * What goes into a run's metrics.csv and timings.csv. Rows are added before the file of the result
 * they belong to, so that a kill in between leaves no result without its rows.
 */
final class Numbers {
  /** Name of the rows of timings.csv. */
  static final String SECONDS = "seconds";

  /** Kind of a trained minimum, whose id is its number. */
  static final String MINIMUM = "minimum";

  /** Kind of a cycle, whose id is the pair and its number; number 00 is the straight line. */
  static final String CYCLE = "cycle";

  /** Kind of a baseline, whose id is the pair and the method's key. */
  static final String BASELINE = "baseline";

  private Numbers() {}

  static void minimum(RunDirectory run, MinimumResult result, double seconds) {
    String id = "%04d".formatted(result.minimum());
    metrics(run.metrics(), MINIMUM, id, "train", result.train());
    metrics(run.metrics(), MINIMUM, id, "test", result.test());
    run.timings().add(MINIMUM, id, SECONDS, seconds);
  }

  static void cycle(RunDirectory run, Pair pair, CycleResult result) {
    String id = cycleId(pair, result.cycle());
    RunLog log = run.metrics();
    log.add(CYCLE, id, "pivots", result.profile().gaps() + 1);
    log.add(CYCLE, id, "length", result.length());
    saddles(log, CYCLE, id, result::saddle);
    run.timings().add(CYCLE, id, SECONDS, result.seconds());
  }

  static void baseline(RunDirectory run, BaselineResult result) {
    String id = result.pair() + "/" + result.method().key();
    RunLog log = run.metrics();
    log.add(BASELINE, id, "gradients", result.settings().gradients());
    log.add(BASELINE, id, "length", result.length());
    saddles(log, BASELINE, id, result::saddle);
    run.timings().add(BASELINE, id, SECONDS, result.seconds());
  }

  private static void saddles(
      RunLog log, String kind, String id, Function<StatisticsConvention, Saddle> of) {
    for (StatisticsConvention convention : StatisticsConvention.values()) {
      Saddle saddle = of.apply(convention);
      String name = convention.name().toLowerCase(Locale.ROOT);
      log.add(kind, id, name + "/saddle_position", saddle.position());
      metrics(log, kind, id, name + "/saddle_train", saddle.trainThere());
      metrics(log, kind, id, name + "/saddle_test", saddle.testThere());
      Metrics train = new Metrics(saddle.trainLoss(), saddle.trainError());
      Metrics test = new Metrics(saddle.testLoss(), saddle.testError());
      metrics(log, kind, id, name + "/maximum_train", train);
      metrics(log, kind, id, name + "/maximum_test", test);
    }
  }

  static String cycleId(Pair pair, int cycle) {
    return "%s/%02d".formatted(pair, cycle);
  }

  private static void metrics(RunLog log, String kind, String id, String name, Metrics metrics) {
    log.add(kind, id, name + "_loss", metrics.loss());
    log.add(kind, id, name + "_error", metrics.error());
  }
}
