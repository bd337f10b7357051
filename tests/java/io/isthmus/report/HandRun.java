package io.isthmus.report;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.InsertionConfig;
import io.isthmus.config.PairValue;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Sample;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A run small enough to compute its table by hand. Three minima with training losses 0.01, 0.02 and
 * 0.03; saddles 1-2: 0.04, 2-3: 0.05, 1-3: 0.06, so that the tree is 1-2, 2-3. Interpolated
 * statistics double the loss and the error inside a path.
 */
final class HandRun {
  static final List<Minimum> MINIMA =
      List.of(
          minimum(1, 0.01, 0.3, 0.10), minimum(2, 0.02, 0.4, 0.12), minimum(3, 0.03, 0.5, 0.14));

  private HandRun() {}

  static RunSummary run() {
    return named("CIFAR10+", "ResNet-20");
  }

  static RunSummary named(String dataset, String architecture) {
    return with(
        dataset,
        architecture,
        MINIMA,
        List.of(
            done(1, 3, new double[] {0.03, 0.06, 0.04}, new double[] {0.2, 0.2, 0.2}, 3.0),
            done(1, 2, new double[] {0.03, 0.04, 0.035}, new double[] {0.13, 0.12, 0.15}, 1.0),
            done(2, 3, new double[] {0.05, 0.03, 0.035}, new double[] {0.13, 0.17, 0.15}, 2.0)));
  }

  static RunSummary with(List<Minimum> minima, List<Connection> connections) {
    return with("CIFAR10+", "ResNet-20", minima, connections);
  }

  static RunSummary with(
      List<Minimum> minima, List<Connection> connections, List<Finding> findings) {
    return with("CIFAR10+", "ResNet-20", minima, connections, findings);
  }

  static RunSummary with(
      String dataset, String architecture, List<Minimum> minima, List<Connection> connections) {
    return with(dataset, architecture, minima, connections, List.of());
  }

  static RunSummary with(
      String dataset,
      String architecture,
      List<Minimum> minima,
      List<Connection> connections,
      List<Finding> findings) {
    return new RunSummary(
        dataset + ", " + architecture,
        dataset,
        architecture,
        272474,
        true,
        StatisticsConvention.RECOMPUTED,
        PairValue.LAST,
        minima,
        connections,
        List.of(new CycleConfig(1000, 0.1f, true, false)),
        new InsertionConfig(0.2, 0),
        List.of(),
        List.of(),
        List.of(),
        "seed: 1\n",
        findings);
  }

  /** A pair whose path has these three values inside and whose line this maximum in the middle. */
  static Connection done(int from, int to, double[] losses, double[] errors, double lineMaximum) {
    Minimum a = MINIMA.get(from - 1);
    Minimum b = MINIMA.get(to - 1);
    double[] line = {lineMaximum / 2, lineMaximum, lineMaximum / 4};
    CycleResult cycle =
        new CycleResult(
            1, 1000, 60, new float[] {1f}, profile(a, b, losses, errors), 15, 10, new float[1000]);
    return new Connection(
        new Pair(from, to),
        Status.DONE,
        Optional.of(profile(a, b, line, new double[] {0.6, 0.7, 0.8})),
        List.of(cycle),
        0.5);
  }

  static Connection open(int from, int to, Status status) {
    return new Connection(new Pair(from, to), status, Optional.empty(), List.of(), Double.NaN);
  }

  static Minimum minimum(int number, double loss, double testLoss, double testError) {
    return new Minimum(number, new Metrics(loss, 0.001 * number), new Metrics(testLoss, testError));
  }

  /** One gap with three samples inside. */
  static Profile profile(Minimum a, Minimum b, double[] losses, double[] errors) {
    List<Sample> samples = new ArrayList<>();
    samples.add(new Sample(0, 0, a.train(), a.test(), a.train(), a.test()));
    for (int i = 0; i < 3; i++) {
      samples.add(
          new Sample(
              0.25 * (i + 1),
              -1,
              new Metrics(losses[i], 0.01),
              new Metrics(10 * losses[i], errors[i]),
              new Metrics(2 * losses[i], 0.02),
              new Metrics(20 * losses[i], 2 * errors[i])));
    }
    samples.add(new Sample(1, 1, b.train(), b.test(), b.train(), b.test()));
    return new Profile(samples);
  }
}
