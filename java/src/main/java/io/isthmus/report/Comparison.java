package io.isthmus.report;

import io.isthmus.baseline.Method;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * AutoNEB beside other ways to connect the same pairs of minima: those pairs that every way has
 * been tried on, in the order of the run.
 *
 * @param run the run
 * @param pairs what the ways are compared on, at least one
 * @param ways AutoNEB, the straight line, then whatever else the run has
 */
record Comparison(RunSummary run, List<Connection> pairs, List<Way> ways) {
  /**
   * A way to connect minima.
   *
   * @param key its name in data files
   * @param label its name for readers
   * @param profiles along the curve of each pair, in the order of {@link Comparison#pairs}
   * @param gradients mini-batch gradients it took for each pair
   */
  record Way(String key, String label, List<Profile> profiles, double[] gradients) {

    /** Highest value of a measure on each curve. */
    double[] highest(Measure measure, StatisticsConvention convention, Reading reading) {
      return profiles.stream()
          .mapToDouble(profile -> measure.of(Saddle.of(profile, convention), reading))
          .toArray();
    }

    /** Mean and standard deviation over the pairs. */
    Spread spread(Measure measure, StatisticsConvention convention, Reading reading) {
      return Spread.of(highest(measure, convention, reading));
    }

    Spread cost() {
      return Spread.of(gradients);
    }
  }

  /** The comparison that a run allows; empty unless it has baselines and a pair all ways share. */
  static Optional<Comparison> of(RunSummary run) {
    List<Baseline> baselines = run.findings(Baseline.class);
    List<Method> methods =
        Arrays.stream(Method.values())
            .filter(m -> m == Method.LINE || baselines.stream().anyMatch(b -> method(b) == m))
            .toList();
    List<Connection> pairs =
        run.connections().stream()
            .filter(c -> c.status() == Status.DONE)
            .filter(c -> methods.stream().allMatch(m -> profile(c, m, baselines).isPresent()))
            .toList();
    if (baselines.isEmpty() || pairs.isEmpty()) {
      return Optional.empty();
    }
    List<Way> ways = new ArrayList<>();
    ways.add(
        new Way(
            "autoneb",
            "AutoNEB",
            profiles(pairs, c -> run.path(c).orElseThrow().profile()),
            pairs.stream()
                .mapToDouble(c -> c.cycles().stream().mapToLong(CycleResult::gradients).sum())
                .toArray()));
    for (Method method : methods) {
      ways.add(
          new Way(
              method.key(),
              method.label(),
              profiles(pairs, c -> profile(c, method, baselines).orElseThrow()),
              pairs.stream().mapToDouble(c -> gradients(c, method, baselines)).toArray()));
    }
    return Optional.of(new Comparison(run, pairs, ways));
  }

  /** How many pairs are compared, in words. */
  String count() {
    return Verdict.count(pairs.size(), "pair", "pairs");
  }

  private static List<Profile> profiles(
      List<Connection> pairs, Function<Connection, Profile> profile) {
    return pairs.stream().map(profile).toList();
  }

  private static Optional<Profile> profile(
      Connection connection, Method method, List<Baseline> baselines) {
    if (method == Method.LINE && connection.line().isPresent()) {
      return connection.line();
    }
    return find(connection.pair(), method, baselines).map(b -> b.result().profile());
  }

  private static double gradients(Connection connection, Method method, List<Baseline> baselines) {
    return find(connection.pair(), method, baselines)
        .map(b -> (double) b.result().settings().gradients())
        .orElse(0.0);
  }

  private static Optional<Baseline> find(Pair pair, Method method, List<Baseline> baselines) {
    return baselines.stream()
        .filter(b -> b.result().pair().equals(pair) && method(b) == method)
        .findFirst();
  }

  private static Method method(Baseline baseline) {
    return baseline.result().method();
  }
}
