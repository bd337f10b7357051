package io.isthmus.experiment;

import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.ModelConfig;
import io.isthmus.config.Plan;
import io.isthmus.data.DataSets;
import io.isthmus.data.DataSource;
import io.isthmus.data.ImageSet;
import io.isthmus.engine.Dataset;
import io.isthmus.engine.Model;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import io.isthmus.neb.Objective;
import java.util.Arrays;

/**
 * What a run would cost on this machine: its plan, and the time it takes at a speed measured on a
 * few batches of the real network and images.
 *
 * @param engine the device it was measured on
 * @param work network and data
 * @param plan the cost in gradients, images and bytes
 * @param gradientImages images per second through a training step (forward and back)
 * @param inferenceImages images per second through an evaluation
 * @param seconds of the whole run
 * @param imagesPresent whether the images were there; otherwise random ones of their shape stood in
 */
public record Rehearsal(
    String engine,
    Plan.Workload work,
    Plan plan,
    double gradientImages,
    double inferenceImages,
    Plan.Range seconds,
    boolean imagesPresent) {
  private static final double MEASURED_SECONDS = 1;
  private static final int MEASURED_IMAGES = 256;

  /**
   * Opens what the run would work with, and measures for a few seconds. Where the files of a named
   * data set are missing, random images of its shape and number stand in: they take as long.
   */
  public static Rehearsal of(ExperimentConfig config) {
    boolean surface = config.model().family() == ModelConfig.Family.SURFACE;
    boolean present = surface || DataSets.present(config.data());
    try (Workbench bench =
        present
            ? Workbench.open(config)
            : Workbench.open(config, DataSets.standIn(config.data()))) {
      Plan.Workload work = workload(bench);
      Plan plan = Plan.of(config, work);
      Objective objective = bench.objective();
      int batch = config.training().batch();
      int points = bench.data() == null ? 1 : Runtime.getRuntime().availableProcessors();
      double gradients;
      double inferences;
      try (Points probe = Points.create(objective.model(), points)) {
        for (int i = 0; i < points; i++) {
          probe.initialise(i, i);
        }
        Sampling sampling =
            objective.isSurface() ? null : new Sampling(config.seed(), batch, 0, false);
        long[] streams = objective.isSurface() ? null : new long[points];
        gradients =
            points
                * batch
                * perSecond(() -> probe.gradient(objective.train(), sampling, streams, 0));
        inferences = points * evaluationsPerSecond(bench, probe);
      }
      double training = (double) plan.trainingGradients() * batch / gradients;
      double pathBatch = config.exploration().batch();
      Plan.Range seconds =
          new Plan.Range(
              training
                  + plan.pathGradients().low() * pathBatch / gradients
                  + plan.forwardImages().low() / inferences,
              training
                  + plan.pathGradients().high() * pathBatch / gradients
                  + plan.forwardImages().high() / inferences);
      return new Rehearsal(
          bench.engine().description(), work, plan, gradients, inferences, seconds, present);
    }
  }

  /** Images per second and point in inference, measured on some of the test images. */
  private static double evaluationsPerSecond(Workbench bench, Points probe) {
    if (bench.data() == null) {
      return perSecond(() -> probe.evaluate(null));
    }
    ImageSet all = bench.data().test();
    int count = Math.min(MEASURED_IMAGES, all.count());
    ImageSet some =
        new ImageSet(
            all.name(),
            count,
            all.channels(),
            all.height(),
            all.width(),
            all.classes(),
            Arrays.copyOf(all.images(), count * all.pixels()),
            Arrays.copyOf(all.labels(), count));
    try (Dataset images =
        Dataset.create(bench.engine(), some, bench.data().mean(), bench.data().std())) {
      return count * perSecond(() -> probe.evaluate(images));
    }
  }

  private static Plan.Workload workload(Workbench bench) {
    Model model = bench.objective().model();
    DataSource data = bench.data();
    return new Plan.Workload(
        model.parameters(),
        model.statistics(),
        model.flops(),
        data == null ? 1 : data.train().count(),
        data == null ? 1 : data.test().count(),
        data == null ? 0 : data.train().pixels());
  }

  /** Calls per second, after one that warms up. */
  private static double perSecond(Runnable call) {
    call.run();
    long begin = System.nanoTime();
    int calls = 0;
    double seconds;
    do {
      call.run();
      calls++;
      seconds = (System.nanoTime() - begin) * 1e-9;
    } while (seconds < MEASURED_SECONDS);
    return calls / seconds;
  }
}
