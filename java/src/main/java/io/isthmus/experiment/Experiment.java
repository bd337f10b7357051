package io.isthmus.experiment;

import io.isthmus.analysis.EnsembleResult;
import io.isthmus.analysis.PlaneResult;
import io.isthmus.baseline.BaselineResult;
import io.isthmus.baseline.Method;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.ExplorationConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Points;
import io.isthmus.landscape.Edge;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.landscape.Minimum;
import io.isthmus.landscape.PairChoice;
import io.isthmus.landscape.SpanningTree;
import io.isthmus.neb.Diverged;
import io.isthmus.neb.MinimumResult;
import io.isthmus.neb.Objective;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathResult;
import io.isthmus.store.Import;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.RunDirectory;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * An experiment in its run directory: trains minima, connects pairs, explores the landscape
 * (Draxler et al. 2018, algorithm 3). Every stage takes up what the directory holds already,
 * finished or half done, so the same calls after a kill go on where they were and end with the same
 * bits.
 *
 * <p>Any stage may throw {@link io.isthmus.neb.Stopped} once {@code stop} says so, after a
 * checkpoint, or {@link Diverged}, with nothing of the diverged job kept.
 */
public final class Experiment implements AutoCloseable {
  private final Session session;

  /**
   * Prepares work in a directory; nothing is opened yet.
   *
   * @param run the directory, which holds this configuration
   * @param config the configuration
   * @param listener hears how it goes
   * @param stop asked several times a second whether to stop
   */
  public Experiment(
      RunDirectory run, ExperimentConfig config, ProgressListener listener, BooleanSupplier stop) {
    session = new Session(run, config, listener, stop);
  }

  /** Trains the minima that are missing. */
  public void train() {
    new Training(session).run();
  }

  /**
   * Brings points into the run as the first minima that are not there yet, and evaluates them: the
   * state dictionary of a file, or the two ends of a path.
   *
   * @return their numbers
   * @throws IsthmusException USAGE if the run has all its minima, DATA if the file is damaged or
   *     does not fit the model
   */
  public List<Integer> adopt(Path file) {
    int minima = session.config().training().minima();
    List<Integer> free =
        IntStream.rangeClosed(1, minima).filter(number -> !isTrained(number)).boxed().toList();
    if (free.isEmpty()) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s has all its %d minima; start a run with more training.minima to bring in %s"
              .formatted(session.run().folder(), minima, file));
    }
    Objective objective = session.bench().objective();
    List<FloatBuffer> points = Import.points(file, objective.model().tensors());
    List<FloatBuffer> ends =
        points.size() == 1 ? points : List.of(points.get(0), points.get(points.size() - 1));
    if (ends.size() > free.size()) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s lacks one of its %d minima, but %s is a path with two ends; start a run with more training.minima"
              .formatted(session.run().folder(), minima, file));
    }
    for (int i = 0; i < ends.size(); i++) {
      adopt(free.get(i), ends.get(i), objective);
    }
    return free.subList(0, ends.size());
  }

  private void adopt(int number, FloatBuffer values, Objective objective) {
    try (Points point = Points.create(objective.model(), 1)) {
      point.write(0, values);
      Metrics train = objective.trainMetrics(point)[0];
      Metrics test = objective.testMetrics(point)[0];
      new Minima(session).keep(new MinimumResult(number, values, new float[0], train, test), 0);
    }
  }

  /**
   * Finds the path between two trained minima.
   *
   * @throws IsthmusException if one of them is not trained
   */
  public PathResult connect(Pair pair) {
    return connect(pair, new PathSearch(session, pair, List.of()));
  }

  /**
   * As {@link #connect(Pair)}, from a given path in place of the straight line; one in progress
   * goes on from its checkpoint.
   *
   * @param path a file with the pivots of a path from one of the minima to the other
   * @throws IsthmusException USAGE if its ends are not these minima, or the pair's path is finished
   */
  public PathResult connect(Pair pair, Path path) {
    return connect(pair, new PathSearch(session, pair, List.of()).along(path));
  }

  private PathResult connect(Pair pair, PathSearch search) {
    minimum(pair.first());
    minimum(pair.second());
    MinimaGraph graph = graph(this::isTrained);
    PathResult result = search.run();
    save(graph.withPath(pair, saddle(result)));
    return result;
  }

  /**
   * Connects pairs as algorithm 3 chooses them until it stops.
   *
   * <p>A pair whose path diverges is marked as failed, and the others go on, if any path of the run
   * is known already; if none is, the settings are wrong for all of them and the run ends.
   *
   * @throws Diverged if the first path diverges
   */
  public MinimaGraph explore() {
    ExplorationConfig exploration = session.config().exploration();
    PairChoice choice = new PairChoice(exploration.tolerance(), exploration.maxPairs());
    MinimaGraph graph = graph(number -> true);
    save(graph);
    for (Optional<Pair> next; (next = choice.next(graph)).isPresent(); save(graph)) {
      Pair pair = next.get();
      try {
        var place = new Progress.Level("pair", graph.tried() + 1, most(graph, exploration));
        graph = graph.withPath(pair, saddle(new PathSearch(session, pair, List.of(place)).run()));
      } catch (Diverged diverged) {
        if (graph.edges().isEmpty()) {
          throw diverged;
        }
        session.listener().note(diverged.getMessage() + " The other pairs go on.");
        graph = graph.withFailure(pair);
      }
    }
    return graph;
  }

  /**
   * Connects pairs by other means than AutoNEB.
   *
   * @param gradients for each trained curve; 0: as many as AutoNEB took for the pair
   * @param learningRate of trained curves at the start; 0: a share of that of training
   * @return one result for each pair and method, pair by pair
   * @throws IsthmusException USAGE if a minimum is not trained, a pair has no path to take the
   *     number of gradients from, or a result is there that was made with other settings
   */
  public List<BaselineResult> baselines(
      List<Pair> pairs, List<Method> methods, int gradients, float learningRate) {
    pairs.forEach(
        pair -> {
          minimum(pair.first());
          minimum(pair.second());
        });
    return new Baselines(session, gradients, learningRate).run(pairs, methods);
  }

  /**
   * The pairs of the minimum spanning tree, the lightest first.
   *
   * @throws IsthmusException USAGE if there is no path yet
   */
  public List<Pair> treePairs() {
    List<Pair> pairs =
        SpanningTree.of(graph(this::isTrained)).edges().stream().map(Edge::pair).toList();
    if (pairs.isEmpty()) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s has no tree of paths yet; name pairs of minima, or make it with 'isthmus explore %s'"
              .formatted(session.run().folder(), session.run().folder()));
    }
    return pairs;
  }

  /** Every pair of trained minima, in order. */
  public List<Pair> allPairs() {
    List<Integer> trained =
        IntStream.rangeClosed(1, session.config().training().minima())
            .filter(this::isTrained)
            .boxed()
            .toList();
    return trained.stream()
        .flatMap(a -> trained.stream().filter(b -> b > a).map(b -> new Pair(a, b)))
        .toList();
  }

  /**
   * Measures Hessians at minima and along finished paths; what is known already by the same
   * settings is read.
   *
   * @throws IsthmusException USAGE if a minimum or a path is not there
   */
  public HessianStage.Results hessian(HessianRequest request) {
    return new HessianStage(session, request).run();
  }

  /**
   * Judges ensembles of networks along a finished path.
   *
   * @param pair its minima; empty for the highest path of the tree
   * @param size of the largest ensemble, at least 1
   * @throws IsthmusException USAGE if the path is not there, or the model is a surface
   */
  public EnsembleResult ensemble(Optional<Pair> pair, int size) {
    return new EnsembleStage(session, pair, size).run();
  }

  /**
   * Evaluates the loss on the plane through the path between two minima.
   *
   * @throws IsthmusException USAGE if one of them is not trained, there is no path between them, or
   *     it is straight
   */
  public PlaneResult plane(Pair pair, PlaneRequest request) {
    minimum(pair.first());
    minimum(pair.second());
    return new Planes(session, pair).run(request);
  }

  @Override
  public void close() {
    session.close();
  }

  private boolean isTrained(int number) {
    return Files.exists(session.run().minimum(number));
  }

  /** The wanted minima, and the paths known: those of the saved graph whose files are there. */
  private MinimaGraph graph(IntPredicate wanted) {
    int cycles = session.config().exploration().cycles().size();
    List<Minimum> minima =
        IntStream.rangeClosed(1, session.config().training().minima())
            .filter(wanted)
            .mapToObj(this::minimum)
            .toList();
    MinimaGraph graph = MinimaGraph.of(minima);
    Optional<MinimaGraph> saved = session.run().graph();
    if (saved.isPresent() && List.copyOf(saved.get().minima()).equals(minima)) {
      for (Edge edge : saved.get().edges()) {
        if (Files.exists(session.run().cycle(edge.pair(), cycles))) {
          graph = graph.withPath(edge.pair(), edge.saddle());
        }
      }
      for (Pair pair : saved.get().failures()) {
        graph = graph.withFailure(pair);
      }
    }
    return graph;
  }

  private Minimum minimum(int number) {
    Path source = session.run().minimum(number);
    if (!isTrained(number)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "minimum %d of %s is not trained yet; train it with 'isthmus train -o %s'"
              .formatted(number, session.run().folder(), session.run().folder()));
    }
    MinimumFile file = MinimumFile.read(source);
    session.origin().require(file.origin(), source);
    return new Minimum(number, file.train(), file.test());
  }

  private double saddle(PathResult result) {
    ExplorationConfig exploration = session.config().exploration();
    return result
        .valued(exploration.pairValue(), exploration.statistics())
        .saddle(exploration.statistics())
        .trainLoss();
  }

  private void save(MinimaGraph graph) {
    session.run().saveGraph(graph);
  }

  /** The largest number of pairs that may be tried. */
  private static int most(MinimaGraph graph, ExplorationConfig exploration) {
    int all = graph.tried() + graph.untried().size();
    return exploration.maxPairs() == 0 ? all : Math.min(all, exploration.maxPairs());
  }
}
