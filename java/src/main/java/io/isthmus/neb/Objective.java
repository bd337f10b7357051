package io.isthmus.neb;

import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.TrainPass;
import io.isthmus.data.DataSource;
import io.isthmus.data.ImageSet;
import io.isthmus.engine.Dataset;
import io.isthmus.engine.Engine;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Model;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The function whose landscape is explored: a model with the images its loss is taken over, or an
 * analytic surface, which needs none.
 *
 * <p>Training metrics, of minima as well as along paths, are taken over the images that {@link
 * io.isthmus.config.EvaluationConfig} asks for, so that a saddle and its minima compare.
 */
public final class Objective implements AutoCloseable {
  private final Model model;
  private final Dataset train;
  private final Dataset judged;
  private final Dataset test;
  private final ExperimentConfig config;
  private final Streams streams;

  private Objective(
      Model model, Dataset train, Dataset judged, Dataset test, ExperimentConfig config) {
    this.model = model;
    this.train = train;
    this.judged = judged;
    this.test = test;
    this.config = config;
    this.streams = new Streams(config.seed());
  }

  /**
   * Brings model and images onto the device.
   *
   * @param data the images, null for a surface
   */
  public static Objective open(Engine engine, ExperimentConfig config, DataSource data) {
    if (data == null) {
      return new Objective(Model.surface(engine, config.model().spec()), null, null, null, config);
    }
    ImageSet images = data.train();
    Model model =
        Model.create(
            engine,
            config.model().spec(),
            images.channels(),
            images.height(),
            images.width(),
            images.classes(),
            config.precision());
    Dataset train = null;
    Dataset judged = null;
    try {
      train = Dataset.create(engine, images, data.mean(), data.std());
      ImageSet judgedImages = judgedImages(config, data);
      judged =
          judgedImages == images
              ? train
              : Dataset.create(engine, judgedImages, data.mean(), data.std());
      Dataset test = Dataset.create(engine, data.test(), data.mean(), data.std());
      return new Objective(model, train, judged, test, config);
    } catch (RuntimeException e) {
      close(model, train, judged);
      throw e;
    }
  }

  /**
   * The training images metrics are taken over: a leading part of them, as they are or augmented.
   */
  static ImageSet judgedImages(ExperimentConfig config, DataSource data) {
    ImageSet images = data.train();
    int limit = config.evaluation().evalTrainLimit();
    if (limit > 0 && limit < images.count()) {
      images =
          new ImageSet(
              images.name(),
              limit,
              images.channels(),
              images.height(),
              images.width(),
              images.classes(),
              Arrays.copyOf(images.images(), limit * images.pixels()),
              Arrays.copyOf(images.labels(), limit));
    }
    boolean augments = config.data().cropPadding() > 0 || config.data().flip();
    if (config.evaluation().trainPass() == TrainPass.AUGMENTED && augments) {
      images =
          AugmentedPass.of(
              images,
              data.mean(),
              config.data().cropPadding(),
              config.data().flip(),
              new Streams(config.seed()).augmentation());
    }
    return images;
  }

  public Model model() {
    return model;
  }

  public boolean isSurface() {
    return train == null;
  }

  /** The images gradients are taken over, null for a surface. */
  public Dataset train() {
    return train;
  }

  /** The test images, null for a surface. */
  public Dataset test() {
    return test;
  }

  /** How mini-batches of this size are drawn from the training images, null for a surface. */
  public Sampling sampling(int batch) {
    return isSurface()
        ? null
        : new Sampling(config.seed(), batch, config.data().cropPadding(), config.data().flip());
  }

  /** The random streams of the experiment. */
  public Streams streams() {
    return streams;
  }

  /** The experiment's settings. */
  public ExperimentConfig config() {
    return config;
  }

  /** Training metrics of every point, with the statistics it has. */
  public Metrics[] trainMetrics(Points points) {
    return points.evaluate(judged);
  }

  /** Test metrics of every point, with the statistics it has; of a surface: its energy again. */
  public Metrics[] testMetrics(Points points) {
    return points.evaluate(test);
  }

  /** Whether the model has batch-norm statistics, so that the two conventions differ. */
  public boolean hasStatistics() {
    return model.statistics() > 0;
  }

  /** Images of each batch over which statistics are recomputed. */
  public int statisticsBatch() {
    return config.exploration().batch();
  }

  /** Averages the batch-norm statistics of every point anew over the configured batches. */
  public void recomputeStatistics(Points points) {
    long[] same = new long[points.count()];
    Arrays.fill(same, streams.statistics());
    points.recomputeStatistics(
        train, sampling(statisticsBatch()), same, config.evaluation().statisticsBatches());
  }

  /**
   * Judges points of a curve in both conventions of batch-norm statistics. The curve's ends are
   * minima: they keep the statistics of their training in both.
   *
   * @param points few, since each needs memory of its own; left with recomputed statistics
   * @param places where each of them lies on the curve
   */
  public List<Sample> samples(Points points, List<Place> places) {
    Metrics[] trainInterpolated = trainMetrics(points);
    Metrics[] testInterpolated = testMetrics(points);
    Metrics[] trainRecomputed = trainInterpolated;
    Metrics[] testRecomputed = testInterpolated;
    if (hasStatistics()) {
      recomputeStatistics(points);
      trainRecomputed = trainMetrics(points);
      testRecomputed = testMetrics(points);
    }
    var samples = new ArrayList<Sample>();
    for (int i = 0; i < places.size(); i++) {
      Place place = places.get(i);
      samples.add(
          new Sample(
              place.position(),
              place.pivot(),
              place.end() ? trainInterpolated[i] : trainRecomputed[i],
              place.end() ? testInterpolated[i] : testRecomputed[i],
              trainInterpolated[i],
              testInterpolated[i]));
    }
    return samples;
  }

  /**
   * Where a point lies on a curve.
   *
   * @param position arc length from the curve's start, as a fraction of the whole, 0..1
   * @param pivot index of the pivot it is, -1 between pivots
   * @param end whether it is one of the curve's ends
   */
  public record Place(double position, int pivot, boolean end) {}

  @Override
  public void close() {
    close(model, train, judged == train ? null : judged, test);
  }

  private static void close(AutoCloseable... resources) {
    for (AutoCloseable resource : resources) {
      try {
        if (resource != null) {
          resource.close();
        }
      } catch (Exception e) {
        throw new IllegalStateException("closing a device object never fails", e);
      }
    }
  }
}
