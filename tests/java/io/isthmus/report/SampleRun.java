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
import io.isthmus.report.RunSummary.Cost;
import io.isthmus.report.RunSummary.Fact;
import io.isthmus.report.RunSummary.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Made-up runs that look like real ones, for the tests of tables, figures and the page. */
final class SampleRun {
  private static final Metrics NOTHING = new Metrics(0, 0);

  private SampleRun() {}

  /**
   * A finished run like the paper's: ResNet-20 on CIFAR10+, all pairs of these minima asked for.
   */
  static RunSummary finished(int minima) {
    return run("CIFAR10+, ResNet-20", "CIFAR10+", "ResNet-20", minima, minima * minima);
  }

  /** A run that was stopped after so many pairs; the next one is half done. */
  static RunSummary stopped(int minima, int done) {
    return run("CIFAR10+, ResNet-20", "CIFAR10+", "ResNet-20", minima, done);
  }

  static RunSummary run(
      String title, String dataset, String architecture, int minima, int donePairs) {
    Random random = new Random(7);
    List<Minimum> all = new ArrayList<>();
    for (int i = 1; i <= minima; i++) {
      all.add(
          new Minimum(
              i,
              new Metrics(0.0162 + 0.0009 * random.nextGaussian(), 0.0031),
              new Metrics(
                  0.36 + 0.006 * random.nextGaussian(), 0.085 + 0.0016 * random.nextGaussian())));
    }
    List<Connection> connections = new ArrayList<>();
    for (int i = 1; i <= minima; i++) {
      for (int j = i + 1; j <= minima; j++) {
        double top = 0.034 + 0.004 * random.nextGaussian();
        int place = connections.size();
        if (place <= donePairs) {
          connections.add(
              connection(
                  all.get(i - 1),
                  all.get(j - 1),
                  top,
                  place < donePairs ? Status.DONE : Status.RUNNING,
                  random));
        } else if (place == donePairs + 1) {
          connections.add(
              new Connection(
                  new Pair(i, j), Status.PENDING, Optional.empty(), List.of(), Double.NaN));
        } else if (place == donePairs + 2) {
          connections.add(
              new Connection(
                  new Pair(i, j), Status.DIVERGED, Optional.empty(), List.of(), Double.NaN));
        }
      }
    }
    return new RunSummary(
        title,
        dataset,
        architecture,
        272474,
        true,
        StatisticsConvention.RECOMPUTED,
        PairValue.LAST,
        all,
        connections,
        List.of(
            new CycleConfig(1000, 0.1f, true, false),
            new CycleConfig(1000, 0.1f, true, false),
            new CycleConfig(2000, 0.01f, false, false),
            new CycleConfig(2000, 0.001f, false, false)),
        new InsertionConfig(0.2, 0),
        List.of(
            new Fact("Preset", "paper"),
            new Fact("Training loss", "clean pass over 50,000 images"),
            new Fact("Recomputed statistics", "from 10 batches of 512 images")),
        List.of(
            new Cost("training " + minima + " minima", 64000L * minima, 41234),
            new Cost(
                "connecting " + connections.size() + " pairs", 48000L * connections.size(), 8e4),
            new Cost("evaluation", 0, 312.4)),
        List.of(
            new Fact("Processor", "AMD EPYC 7763 64-Core Processor, 2 cores"),
            new Fact("System", "Debian GNU/Linux 12, x86_64"),
            new Fact("Isthmus", "0.1.0")),
        "seed: 7\nbackend: cpu\nmodel: resnet20:shortcut=B\ntraining:\n  minima: " + minima + "\n",
        curves(all));
  }

  /** Losses that fall like 1 over the epoch, 100 steps each, down to the minimum's. */
  private static List<Finding> curves(List<Minimum> minima) {
    List<Finding> curves = new ArrayList<>();
    for (Minimum minimum : minima) {
      float[] losses = new float[4000];
      for (int step = 0; step < losses.length; step++) {
        losses[step] = (float) (minimum.loss() + 0.8 / (1 + step / 100) - 0.015);
      }
      curves.add(new LearningCurve(minimum.number(), losses, 100, true));
    }
    return curves;
  }

  /** A surface: energies only, negative ones too. */
  static RunSummary surface() {
    Minimum first = new Minimum(1, new Metrics(-146.7, 0), NOTHING);
    Minimum second = new Minimum(2, new Metrics(-108.2, 0), NOTHING);
    Minimum third = new Minimum(3, new Metrics(-80.8, 0), NOTHING);
    List<Connection> connections =
        List.of(
            surfaceConnection(first, third, -40.7, -10),
            surfaceConnection(third, second, -72.2, -66),
            surfaceConnection(first, second, -40.6, 5));
    return new RunSummary(
        "Müller-Brown surface",
        "none",
        "Müller-Brown",
        2,
        false,
        StatisticsConvention.RECOMPUTED,
        PairValue.LAST,
        List.of(first, second, third),
        connections,
        List.of(new CycleConfig(500, 1e-4f, true, false)),
        new InsertionConfig(0.2, 0),
        List.of(),
        List.of(),
        List.of(),
        "",
        List.of());
  }

  private static Connection surfaceConnection(Minimum a, Minimum b, double top, double lineTop) {
    Profile path = profile(a, b, 6, 9, top, 0, 0);
    return new Connection(
        Pair.of(a.number(), b.number()),
        Status.DONE,
        Optional.of(profile(a, b, 1, 29, lineTop, 0, 0)),
        List.of(cycle(1, 500, path, 2.4)),
        Double.NaN);
  }

  private static Connection connection(
      Minimum a, Minimum b, double top, Status status, Random random) {
    Profile line = profile(a, b, 1, 39, 1.9 + 0.2 * random.nextGaussian(), 0, 0.6);
    List<CycleResult> cycles = new ArrayList<>();
    int count = status == Status.DONE ? 4 : 2;
    double[] heights = {7 * top, 2.4 * top, 1.3 * top, top};
    double phase = random.nextDouble();
    for (int i = 1; i <= count; i++) {
      cycles.add(
          cycle(
              i,
              i < 3 ? 1000 : 2000,
              profile(a, b, 4 + 3 * Math.min(i, 3), 9, heights[i - 1], phase, 0.004),
              1.2 + 0.1 * i));
    }
    return new Connection(Pair.of(a.number(), b.number()), status, Optional.of(line), cycles, 0.61);
  }

  private static CycleResult cycle(int number, int steps, Profile profile, double stretch) {
    float[] spacing = new float[profile.gaps()];
    java.util.Arrays.fill(spacing, 1f);
    return new CycleResult(
        number, steps, 350.5, spacing, profile, 12.5 * stretch, 12.5, new float[] {2f, 1f});
  }

  /** A hill of this height between two minima, with ripples between the pivots. */
  static Profile profile(
      Minimum a, Minimum b, int gaps, int between, double top, double ripple, double errorRise) {
    List<Sample> samples = new ArrayList<>();
    int stride = between + 1;
    int size = gaps * stride + 1;
    for (int i = 0; i < size; i++) {
      double t = (double) i / (size - 1);
      double hill = Math.pow(Math.sin(Math.PI * t), gaps == 1 ? 1.4 : 0.35);
      double wave =
          ripple == 0 ? 1 : 1 + 0.12 * Math.sin(40 * t + 6 * ripple) * Math.min(1, 8 * t * (1 - t));
      double base = a.loss() + t * (b.loss() - a.loss());
      double loss =
          i == 0 ? a.loss() : i == size - 1 ? b.loss() : base + (top - base) * hill * wave;
      double test = a.test().loss() + t * (b.test().loss() - a.test().loss());
      double error = a.test().error() + t * (b.test().error() - a.test().error());
      double rise = errorRise * hill;
      boolean end = i == 0 || i == size - 1;
      samples.add(
          new Sample(
              t,
              i % stride == 0 ? i / stride : -1,
              new Metrics(loss, end ? 0.0031 : 0.0031 + rise),
              new Metrics(test + 0.4 * (loss - base), error + rise),
              new Metrics(end ? loss : loss * (1 + 0.2 * hill), end ? 0.0031 : 0.0031 + 2 * rise),
              new Metrics(test + (end ? 0 : 0.6 * (loss - base)), error + 2 * rise)));
    }
    return new Profile(samples);
  }
}
