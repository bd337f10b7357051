package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import java.util.List;
import java.util.Optional;

/**
 * Everything a report shows about one run, finished or not.
 *
 * <p>Saddles are not given but read off the curves ({@link Saddle#of}), so that table, figures and
 * text cannot disagree.
 *
 * @param title one line, for instance {@code digits, ResNet-8}
 * @param dataset first column of the table, for instance {@code CIFAR10+}
 * @param architecture second column of the table, for instance {@code ResNet-20}
 * @param parameters number of trainable parameters; 0 when not known
 * @param convention batch-norm convention that this run judged its paths by; the headline uses it
 * @param minima the trained minima, by rising id
 * @param connections every pair that has been asked for, in the order of asking
 * @param cycles number of cycles that a finished path has; 0 when not known
 * @param notes facts a reader of the numbers needs: how the training loss is evaluated, from how
 *     many batches the statistics are recomputed, preset
 * @param costs what it took, by stage
 * @param environment processor, operating system, versions, commit
 * @param configuration the resolved configuration as YAML
 */
public record RunSummary(
    String title,
    String dataset,
    String architecture,
    long parameters,
    StatisticsConvention convention,
    List<Minimum> minima,
    List<Connection> connections,
    int cycles,
    List<Fact> notes,
    List<Cost> costs,
    List<Fact> environment,
    String configuration) {

  /** Makes the lists unmodifiable. */
  public RunSummary {
    minima = List.copyOf(minima);
    connections = List.copyOf(connections);
    notes = List.copyOf(notes);
    costs = List.copyOf(costs);
    environment = List.copyOf(environment);
  }

  /** The connections of the minimum spanning tree (a forest while the run is young). */
  public List<Connection> tree() {
    return connections.stream().filter(Connection::inTree).toList();
  }

  /** The minimum with this id. */
  public Optional<Minimum> minimum(int id) {
    return minima.stream().filter(minimum -> minimum.id() == id).findFirst();
  }

  /**
   * A trained minimum.
   *
   * @param id its number in the run directory, shown everywhere
   * @param seed what its training was seeded with
   * @param train metrics on the training set with the statistics of its own training
   * @param test metrics on the test set; NaN when there is none
   */
  public record Minimum(int id, long seed, Metrics train, Metrics test) {
    /** The metrics of one split. */
    public Metrics metrics(Split split) {
      return split == Split.TRAIN ? train : test;
    }
  }

  /** How far a connection is. */
  public enum Status {
    /** Chosen, not begun. */
    PENDING("pending"),
    /** Some cycles are done, or the first one runs. */
    RUNNING("running"),
    /** All cycles are done. */
    DONE("done"),
    /** Its loss became NaN or infinite; there is no path. */
    DIVERGED("diverged");

    private final String label;

    Status(String label) {
      this.label = label;
    }

    /** The word for it in tables and on the page. */
    public String label() {
      return label;
    }
  }

  /**
   * A pair of minima and what is known between them.
   *
   * @param from id of the minimum at position 0
   * @param to id of the minimum at position 1
   * @param status how far it is
   * @param inTree whether it belongs to the minimum spanning tree
   * @param line the straight line; {@link Curve#NONE} when not evaluated
   * @param path the path that counts for the pair: the last cycle's, or the best cycle's if the run
   *     judges pairs that way; {@link Curve#NONE} when there is none yet
   * @param cycles the cycles done so far, in order
   * @param sharedMistakes share of the test images wrong at either end that are wrong at both (a
   *     fraction of one); NaN when not known
   */
  public record Connection(
      int from,
      int to,
      Status status,
      boolean inTree,
      Curve line,
      Curve path,
      List<Cycle> cycles,
      double sharedMistakes) {

    /** Makes the list unmodifiable. */
    public Connection {
      cycles = List.copyOf(cycles);
    }

    /** The saddle of the path. */
    public Saddle saddle(StatisticsConvention convention) {
      return Saddle.of(path, convention);
    }

    /** The highest point of the straight line. */
    public Saddle barrier(StatisticsConvention convention) {
      return Saddle.of(line, convention);
    }

    /** Path length over straight-line length; NaN when either is unknown. */
    public double lengthRatio() {
      return path.length() / line.length();
    }

    /** For instance {@code 2-5}: the pair in texts and file names. */
    public String name() {
      return from + "-" + to;
    }
  }

  /**
   * One finished cycle of a path.
   *
   * @param number counted from 1
   * @param steps optimiser steps
   * @param learningRate its learning rate
   * @param seconds wall time; NaN when not known
   * @param curve the path after the cycle; {@link Curve#NONE} when it was not kept
   */
  public record Cycle(int number, int steps, double learningRate, double seconds, Curve curve) {}

  /**
   * What a stage of the run took.
   *
   * @param stage for instance {@code training 5 minima}
   * @param gradients gradients of one mini-batch
   * @param seconds wall time, summed over resumed parts; NaN when not known
   */
  public record Cost(String stage, long gradients, double seconds) {}

  /** A name and what it stands for, shown side by side. */
  public record Fact(String name, String value) {}
}
