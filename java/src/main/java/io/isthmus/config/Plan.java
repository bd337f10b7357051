package io.isthmus.config;

/**
 * What an experiment will cost, before anything runs. The low end of a range is a path that never
 * gets another pivot and an exploration that ends with the first star of minima - 1 pairs; the high
 * end is every insertion that is allowed and every pair (or the budget of them).
 *
 * @param pairs of minima that are connected
 * @param trainingGradients mini-batch gradients for the minima
 * @param pathGradients mini-batch gradients for all pairs; each inner pivot needs one a step
 * @param forwardImages images through the network in inference: profiles after each cycle, of the
 *     straight lines and of the minima, statistics that are recomputed, losses of the paths' ends
 * @param memoryBytes points (6 vectors each) and data set; activations, which depend on the
 *     backend, come on top
 * @param flops floating point operations in convolutions and matrix products; a gradient counts
 *     three times a forward pass
 */
public record Plan(
    Range pairs,
    long trainingGradients,
    Range pathGradients,
    Range forwardImages,
    long memoryBytes,
    Range flops) {

  /** From the least to the most. */
  public record Range(double low, double high) {}

  /**
   * The network and the data.
   *
   * @param parameters trainable
   * @param statistics batch-norm running means and variances
   * @param flops forward, per image
   * @param trainImages that are used
   * @param testImages that are used
   * @param imageBytes of one image
   */
  public record Workload(
      long parameters,
      long statistics,
      long flops,
      long trainImages,
      long testImages,
      long imageBytes) {}

  private static final int VECTORS_PER_POINT = 6;

  /** Insertions a cycle where the configuration sets no bound; what paths were seen to need. */
  private static final int USUAL_INSERTIONS = 2;

  /** The cost of {@code config} with this network and these images. */
  public static Plan of(ExperimentConfig config, Workload work) {
    ExplorationConfig exploration = config.exploration();
    TrainingConfig training = config.training();
    double star = training.minima() - 1;
    double all = star * training.minima() / 2;
    int budget = exploration.maxPairs();
    Range pairs =
        budget == 0
            ? new Range(star, all)
            : new Range(Math.min(star, budget), Math.min(all, budget));
    Pair low = Pair.of(config, work, false);
    Pair high = Pair.of(config, work, true);

    long trainingGradients = training.minima() * training.steps();
    Range pathGradients = new Range(pairs.low() * low.gradients, pairs.high() * high.gradients);
    double minima = (double) training.minima() * imagesPerEvaluation(config, work);
    Range forward =
        new Range(
            minima + pairs.low() * low.forwardImages, minima + pairs.high() * high.forwardImages);
    double trainingFlops = 3.0 * trainingGradients * training.batch();
    double batch = 3.0 * exploration.batch();
    Range flops =
        new Range(
            work.flops() * (trainingFlops + batch * pathGradients.low() + forward.low()),
            work.flops() * (trainingFlops + batch * pathGradients.high() + forward.high()));

    long points = Math.max(training.minima(), high.innerPivots + 2);
    long size = (work.parameters() + work.statistics()) * Float.BYTES;
    long images = (work.trainImages() + work.testImages()) * work.imageBytes();
    return new Plan(
        pairs,
        trainingGradients,
        pathGradients,
        forward,
        points * VECTORS_PER_POINT * size + images,
        flops);
  }

  private static double imagesPerEvaluation(ExperimentConfig config, Workload work) {
    long limit = config.evaluation().evalTrainLimit();
    long train = limit == 0 ? work.trainImages() : Math.min(limit, work.trainImages());
    return train + work.testImages();
  }

  /** One pair: its gradients, its images in inference, its pivots at the end. */
  private record Pair(double gradients, double forwardImages, int innerPivots) {

    static Pair of(ExperimentConfig config, Workload work, boolean inserting) {
      ExplorationConfig exploration = config.exploration();
      int bound = exploration.insertion().maxPerCycle();
      int insertions = bound == 0 ? USUAL_INSERTIONS : bound;
      int inner = exploration.initialPivots();
      double gradients = 0;
      double forward = profile(config, work, inner); // the straight line
      boolean first = true;
      for (CycleConfig cycle : exploration.cycles()) {
        if (inserting && cycle.insert() && !first) {
          inner += Math.min(insertions, inner + 1); // one a gap
        }
        first = false;
        gradients += (double) cycle.steps() * inner;
        forward += 2.0 * cycle.steps() * exploration.batch() + profile(config, work, inner);
      }
      return new Pair(gradients, forward, inner);
    }

    /** Images for a dense profile; with batch norm in both conventions. */
    private static double profile(ExperimentConfig config, Workload work, int inner) {
      double samples = (inner + 1.0) * (config.evaluation().between() + 1) + 1;
      double images = imagesPerEvaluation(config, work);
      if (work.statistics() > 0) {
        double recomputed =
            (double) config.evaluation().statisticsBatches() * config.exploration().batch();
        images = 2 * images + recomputed;
      }
      return samples * images;
    }
  }
}
