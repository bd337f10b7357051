package io.isthmus.baseline;

import io.isthmus.config.Geometry;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sampling;
import io.isthmus.neb.Diverged;
import io.isthmus.neb.Objective;
import io.isthmus.neb.Pace;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Sample;
import io.isthmus.neb.Stopped;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Trains the bend of a curve, if it has one, and evaluates the curve's profile.
 *
 * <p>The bend theta descends E[L(phi(t))], t uniform on 0..1 (Garipov et al. 2018, eq. 2 and
 * algorithm 1): every step draws one t and one mini-batch, and the gradient at phi(t) counts for
 * theta with the weight that theta has there. It begins in the middle of the straight line. Its
 * batch-norm statistics are recomputed at the end, so that the interpolated convention is defined
 * on the curve.
 *
 * <p>A search goes on from any {@link BaselineState} with the bits of an undisturbed one.
 */
public final class BaselineSearch implements AutoCloseable {
  private static final int BEND = 1;

  private final Objective objective;
  private final Pair pair;
  private final Method method;
  private final CurveSettings settings;
  private final BaselineObserver observer;
  private final Pace pace;
  private final Points controls;
  private final Points probe;
  private final FloatBuffer bend;
  private final FloatBuffer there;
  private final FloatBuffer momentum;
  private float[] batchLosses;
  private final List<Sample> samples;
  private double seconds;

  /** Prepares to go on from a state. */
  public BaselineSearch(Objective objective, BaselineState start, BaselineObserver observer) {
    this.objective = objective;
    this.pair = start.pair();
    this.method = start.method();
    this.settings = start.settings();
    this.observer = observer;
    pace = new Pace(objective.config().checkpoint(), System::nanoTime);
    controls = Points.create(objective.model(), start.controls().size());
    for (int i = 0; i < controls.count(); i++) {
      controls.write(i, start.controls().get(i));
    }
    probe = Points.create(objective.model(), 1);
    bend = Points.allocate(objective.model());
    there = Points.allocate(objective.model());
    momentum = Points.allocate(objective.model());
    if (start.momentum() != null) {
      momentum.put(start.momentum().duplicate()).clear();
    }
    batchLosses = start.batchLosses();
    samples = new ArrayList<>(start.samples());
    seconds = start.seconds();
  }

  /**
   * Where a search begins.
   *
   * @param first a minimum
   * @param second the other, or for {@link Method#MATCHING} its matched form
   */
  public static BaselineState beginning(
      Objective objective,
      Pair pair,
      Method method,
      CurveSettings settings,
      FloatBuffer first,
      FloatBuffer second) {
    List<FloatBuffer> controls = new ArrayList<>(List.of(first, second));
    if (method.isTrained()) {
      try (Points points = Points.create(objective.model(), 3)) {
        points.write(0, first);
        points.write(2, second);
        points.combine(BEND, points, new int[] {0, 2}, new double[] {0.5, 0.5});
        controls.add(BEND, points.read(BEND));
      }
    }
    return new BaselineState(pair, method, settings, controls, null, new float[0], List.of(), 0);
  }

  /**
   * Trains and evaluates.
   *
   * @throws Diverged if a loss is no longer finite
   * @throws Stopped if the observer asked for it, after a checkpoint
   */
  public BaselineResult run() {
    pace.kept(batchLosses.length);
    if (batchLosses.length < settings.gradients()) {
      train();
    }
    Geometry geometry = objective.config().exploration().geometry();
    int last = controls.count() - 1;
    double straight = controls.distance(0, last, geometry);
    int gaps = objective.config().exploration().initialPivots() + 1;
    int intervals =
        method.curve().intervals(gaps * (objective.config().evaluation().between() + 1));
    boolean bent = method.curve().hasBend();
    double[] lengths =
        method
            .curve()
            .lengths(
                intervals,
                bent ? controls.distance(0, BEND, geometry) : 0,
                bent ? controls.distance(BEND, last, geometry) : 0,
                straight);
    evaluate(lengths);
    return new BaselineResult(
        pair,
        method,
        settings,
        new Profile(samples),
        lengths[intervals],
        straight,
        batchLosses,
        seconds);
  }

  /** The control points as they are now. */
  public List<FloatBuffer> controls() {
    List<FloatBuffer> values = new ArrayList<>();
    for (int i = 0; i < controls.count(); i++) {
      values.add(controls.read(i));
    }
    return values;
  }

  private void train() {
    controls.read(BEND, bend);
    Sampling sampling = objective.sampling(settings.batch());
    long[] streams =
        objective.isSurface()
            ? null
            : new long[] {objective.streams().baseline(pair, method.key(), "batches")};
    int from = batchLosses.length;
    batchLosses = Arrays.copyOf(batchLosses, settings.gradients());
    for (int step = from; step < settings.gradients(); step++) {
      long begin = System.nanoTime();
      batchLosses[step] = step(step, sampling, streams);
      seconds += (System.nanoTime() - begin) / 1e9;
      if (!Float.isFinite(batchLosses[step])) {
        throw Diverged.curve(
            pair, method.label(), step, batchLosses[step], settings.learningRateAt(step));
      }
      observer.stepped(step + 1, batchLosses[step]);
      if (step + 1 < settings.gradients()) {
        lookUp(step + 1);
      }
    }
    if (!Diverged.isFinite(bend)) {
      throw Diverged.curve(
          pair, method.label(), settings.gradients(), Float.NaN, settings.learningRate());
    }
    if (objective.hasStatistics()) {
      probe.copy(0, controls, BEND);
      objective.recomputeStatistics(probe);
      controls.copy(BEND, probe, 0);
    }
    lookUp(settings.gradients());
  }

  /** One step of gradient descent; the batch loss before it. */
  private float step(int step, Sampling sampling, long[] streams) {
    double t = uniform(objective.streams().baseline(pair, method.key(), "step-" + step));
    double[] weights = method.curve().weights(t);
    probe.combine(0, controls, new int[] {0, BEND, 2}, weights);
    float loss = probe.gradient(objective.train(), sampling, streams, step)[0];
    float[] gradient = probe.readGradient(0);
    probe.read(0, there);
    float share = (float) weights[BEND];
    float rate = settings.learningRateAt(step);
    float keep = settings.momentum();
    for (int i = 0; i < gradient.length; i++) {
      float g = share * (gradient[i] + settings.weightDecay() * there.get(i));
      float v = keep * momentum.get(i) + g;
      momentum.put(i, v);
      bend.put(i, bend.get(i) - rate * (settings.nesterov() ? g + keep * v : v));
    }
    controls.write(BEND, bend);
    return loss;
  }

  /** A number in 0..1 from 53 bits of a draw. */
  private static double uniform(long draw) {
    return (draw >>> 11) * 0x1p-53;
  }

  private void evaluate(double[] lengths) {
    int total = lengths.length;
    int group = Math.max(2, Runtime.getRuntime().availableProcessors());
    while (samples.size() < total) {
      long begin = System.nanoTime();
      int first = samples.size();
      int count = Math.min(group, total - first);
      try (Points scratch = Points.create(objective.model(), count)) {
        List<Objective.Place> places = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          places.add(place(first + i, lengths));
          put(scratch, i, first + i, total - 1);
        }
        samples.addAll(objective.samples(scratch, places));
      }
      seconds += (System.nanoTime() - begin) / 1e9;
      for (Sample sample : samples.subList(first, first + count)) {
        if (!Double.isFinite(sample.trainRecomputed().loss())
            || !Double.isFinite(sample.trainInterpolated().loss())) {
          throw Diverged.curve(
              pair,
              method.label(),
              settings.gradients(),
              sample.trainRecomputed().loss(),
              settings.learningRate());
        }
      }
      observer.evaluated(samples.size(), total);
      if (samples.size() < total) {
        lookUp(settings.gradients());
      }
    }
  }

  private Objective.Place place(int index, double[] lengths) {
    int last = lengths.length - 1;
    boolean end = index == 0 || index == last;
    double position =
        index == last
            ? 1
            : lengths[last] > 0 ? lengths[index] / lengths[last] : (double) index / last;
    boolean kink = method.curve() == Curve.POLYCHAIN && 2 * index == last;
    int lastPivot = method.curve() == Curve.POLYCHAIN ? 2 : 1;
    int pivot = index == 0 ? 0 : index == last ? lastPivot : kink ? 1 : -1;
    return new Objective.Place(position, pivot, end);
  }

  private void put(Points scratch, int slot, int index, int last) {
    if (index == 0 || index == last) {
      scratch.copy(slot, controls, index == 0 ? 0 : controls.count() - 1);
      return;
    }
    int[] all = new int[controls.count()];
    Arrays.setAll(all, i -> i);
    scratch.combine(slot, controls, all, method.curve().weights((double) index / last));
  }

  private void lookUp(int steps) {
    boolean stop = observer.stopRequested();
    if (stop || pace.checkpointDue(steps)) {
      observer.checkpoint(state(steps));
      pace.kept(steps);
    }
    if (stop) {
      throw new Stopped("The " + method.label() + " of pair " + pair);
    }
  }

  private BaselineState state(int steps) {
    boolean training = steps < settings.gradients();
    return new BaselineState(
        pair,
        method,
        settings,
        controls(),
        training ? momentum.duplicate() : null,
        Arrays.copyOf(batchLosses, steps),
        samples,
        seconds);
  }

  @Override
  public void close() {
    controls.close();
    probe.close();
  }
}
