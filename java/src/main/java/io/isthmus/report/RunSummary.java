package io.isthmus.report;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.InsertionConfig;
import io.isthmus.config.PairValue;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.landscape.Minimum;
import io.isthmus.landscape.SpanningTree;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathResult;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Everything a report shows about one run, finished or not. It owns no file and no native memory.
 *
 * <p>Graph, tree and saddles are not given but follow from the profiles, so that table, figures and
 * text cannot disagree.
 *
 * @param title one line, for instance {@code Demo: five ResNet-8 on handwritten digits}
 * @param dataset first column of the table, for instance {@code CIFAR10+}
 * @param architecture second column of the table, for instance {@code ResNet-20}
 * @param parameters number of trainable parameters of one network; 0 when not known
 * @param tested whether there are images, so test metrics and errors; false for a surface, whose
 *     training loss is its energy and whose other metrics are not shown
 * @param convention batch-norm statistics by which this run judged its paths
 * @param pairValue which cycle gives a pair its value
 * @param minima the trained minima, by rising number
 * @param connections every pair that has been asked for, in the order of asking
 * @param schedule the cycles that every path goes through
 * @param insertion when a cycle adds pivots
 * @param notes what a reader of the numbers needs to know: how the training loss is evaluated, from
 *     how many batches statistics are recomputed, the preset
 * @param costs what it took, by stage
 * @param environment processor, operating system, versions, commit
 * @param configuration the resolved configuration as YAML
 * @param findings results beyond minima and paths
 */
public record RunSummary(
    String title,
    String dataset,
    String architecture,
    long parameters,
    boolean tested,
    StatisticsConvention convention,
    PairValue pairValue,
    List<Minimum> minima,
    List<Connection> connections,
    List<CycleConfig> schedule,
    InsertionConfig insertion,
    List<Fact> notes,
    List<Cost> costs,
    List<Fact> environment,
    String configuration,
    List<Finding> findings) {

  /** Makes the lists unmodifiable. */
  public RunSummary {
    minima = List.copyOf(minima);
    connections = List.copyOf(connections);
    schedule = List.copyOf(schedule);
    notes = List.copyOf(notes);
    costs = List.copyOf(costs);
    environment = List.copyOf(environment);
    findings = List.copyOf(findings);
  }

  /** The finished cycle whose path counts for a pair; empty before the first one. */
  public Optional<CycleResult> path(Connection connection) {
    return connection.cycles().isEmpty()
        ? Optional.empty()
        : Optional.of(connection.path(pairValue, convention));
  }

  /** Minima and finished paths, with the saddles that this run judges by. */
  public MinimaGraph graph() {
    MinimaGraph graph = MinimaGraph.of(minima);
    for (Connection connection : connections) {
      if (connection.status() == Status.DONE) {
        double saddle = path(connection).orElseThrow().saddle(convention).trainLoss();
        if (Double.isFinite(saddle)) {
          graph = graph.withPath(connection.pair(), saddle);
        }
      }
    }
    return graph;
  }

  /** The connections of the minimum spanning tree, the lightest first; a forest in a young run. */
  public List<Connection> tree() {
    return SpanningTree.of(graph()).edges().stream()
        .map(edge -> connection(edge.pair()).orElseThrow())
        .toList();
  }

  /** The connection of the tree with the highest saddle; empty while there is no tree. */
  public Optional<Connection> highest() {
    return tree().stream()
        .max(Comparator.comparingDouble(c -> path(c).orElseThrow().saddle(convention).trainLoss()));
  }

  /** The findings of one kind, in the order in which they were gathered. */
  public <T extends Finding> List<T> findings(Class<T> kind) {
    return findings.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The minima that the tree joins; all of them while there is no tree. */
  public List<Minimum> treeMinima() {
    List<Connection> tree = tree();
    return minima.stream()
        .filter(m -> tree.isEmpty() || tree.stream().anyMatch(c -> c.touches(m.number())))
        .toList();
  }

  /** The measures this run has. */
  public List<Measure> measures() {
    return tested ? List.of(Measure.values()) : List.of(Measure.TRAIN_LOSS);
  }

  /** Whether batch-norm statistics matter at all; they do not in a network without any. */
  boolean conventionsDiffer() {
    return connections.stream()
        .flatMap(connection -> connection.line().stream())
        .flatMap(profile -> profile.samples().stream())
        .anyMatch(
            sample ->
                !sample.trainRecomputed().equals(sample.trainInterpolated())
                    || !sample.testRecomputed().equals(sample.testInterpolated()));
  }

  /** What is known between two minima. */
  public Optional<Connection> connection(Pair pair) {
    return connections.stream().filter(connection -> connection.pair().equals(pair)).findFirst();
  }

  /** How far a connection is. */
  public enum Status {
    /** Chosen, no step taken. */
    PENDING("pending"),
    /** Some steps are taken. */
    RUNNING("running"),
    /** All cycles are done. */
    DONE("done"),
    /** Its loss became NaN or infinite; there is no path. */
    DIVERGED("diverged");

    private final String label;

    Status(String label) {
      this.label = label;
    }

    /** The word for it on the page and in data files. */
    public String label() {
      return label;
    }
  }

  /**
   * A pair of minima and what is known between them.
   *
   * @param pair the minima
   * @param status how far it is
   * @param line profile of the straight line; empty before it is evaluated
   * @param cycles the cycles done so far, in order; at least one when {@link Status#DONE}
   * @param sharedMistakes share of the test images wrong at either end that are wrong at both,
   *     0..1; NaN when not known
   */
  public record Connection(
      Pair pair,
      Status status,
      Optional<Profile> line,
      List<CycleResult> cycles,
      double sharedMistakes) {

    /** Makes the list unmodifiable and checks that a finished pair has a path. */
    public Connection {
      cycles = List.copyOf(cycles);
      if (status == Status.DONE && cycles.isEmpty()) {
        throw new IllegalArgumentException("Pair " + pair + " is done but has no finished cycle");
      }
    }

    /** How high the straight line climbs; empty before it is evaluated. */
    public Optional<Saddle> barrier(StatisticsConvention convention) {
      return line.map(profile -> Saddle.of(profile, convention));
    }

    /** For instance {@code 2-5}: the pair in texts and file names. */
    public String name() {
      return pair.first() + "-" + pair.second();
    }

    /** Whether a minimum is one of its ends. */
    boolean touches(int number) {
      return pair.first() == number || pair.second() == number;
    }

    private CycleResult path(PairValue value, StatisticsConvention convention) {
      return new PathResult(pair, line.orElse(null), cycles).valued(value, convention);
    }
  }

  /**
   * What a stage of the run took.
   *
   * @param stage for instance {@code training 5 minima}
   * @param gradients gradients of one mini-batch
   * @param seconds of computing, over all the runs it took; NaN when not known
   */
  public record Cost(String stage, long gradients, double seconds) {}

  /** A name and what it stands for, shown side by side. */
  public record Fact(String name, String value) {}
}
