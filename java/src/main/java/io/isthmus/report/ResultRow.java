package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.Saddle;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One row of the paper's table 1: means over the minimum spanning tree of one run, under one
 * batch-norm convention and one reading of what a saddle's metrics are.
 *
 * @param run the run
 * @param convention batch-norm statistics of every point that was not trained
 * @param reading how a saddle's metrics are read off its path, and those of the straight line
 * @param minima number of minima that the means are over: those that the tree joins, all while
 *     there is no tree
 * @param paths number of connections in the tree
 * @param cells one for each measure
 */
record ResultRow(
    RunSummary run,
    StatisticsConvention convention,
    Reading reading,
    int minima,
    int paths,
    Map<Measure, Cell> cells) {

  /**
   * One measure.
   *
   * @param minima over the minima
   * @param saddles over the paths of the tree
   * @param lines over the straight lines between the same pairs
   */
  record Cell(Spread minima, Spread saddles, Spread lines) {
    /** Mean saddle over mean minimum; NaN unless both are positive. */
    double factor() {
      return ratio(saddles.mean());
    }

    /** Mean maximum of the straight lines over mean minimum; NaN unless both are positive. */
    double lineFactor() {
      return ratio(lines.mean());
    }

    /** Mean saddle less mean minimum. */
    double difference() {
      return saddles.mean() - minima.mean();
    }

    private double ratio(double value) {
      return minima.mean() > 0 && value > 0 ? value / minima.mean() : Double.NaN;
    }
  }

  static ResultRow of(RunSummary run, StatisticsConvention convention, Reading reading) {
    List<RunSummary.Connection> tree = run.tree();
    Collection<Minimum> minima = run.treeMinima();
    List<Saddle> saddles =
        tree.stream().map(c -> run.path(c).orElseThrow().saddle(convention)).toList();
    List<Saddle> barriers =
        tree.stream().map(c -> c.barrier(convention)).flatMap(Optional::stream).toList();
    Map<Measure, Cell> cells = new EnumMap<>(Measure.class);
    for (Measure measure : run.measures()) {
      cells.put(
          measure,
          new Cell(
              Spread.of(minima.stream().mapToDouble(measure::of).toArray()),
              Spread.of(saddles.stream().mapToDouble(s -> measure.of(s, reading)).toArray()),
              Spread.of(barriers.stream().mapToDouble(s -> measure.of(s, reading)).toArray())));
    }
    return new ResultRow(run, convention, reading, minima.size(), tree.size(), cells);
  }

  /** All rows of one run, that which the run judges by first. */
  static List<ResultRow> all(RunSummary run) {
    List<ResultRow> rows = new ArrayList<>();
    StatisticsConvention own = run.convention();
    for (StatisticsConvention convention :
        List.of(own, StatisticsConvention.values()[1 - own.ordinal()])) {
      for (Reading reading : Reading.values()) {
        rows.add(of(run, convention, reading));
      }
    }
    return rows;
  }

  /** The row that a run is known by. */
  static ResultRow headline(RunSummary run) {
    return of(run, run.convention(), Reading.OWN_MAXIMUM);
  }

  /** One measure; empty when the run has no such metric. */
  Optional<Cell> cell(Measure measure) {
    return Optional.ofNullable(cells.get(measure));
  }

  /** The word for a convention in tables and data files. */
  static String word(StatisticsConvention convention) {
    return convention.name().toLowerCase(Locale.ROOT);
  }
}
