package io.isthmus.report;

import io.isthmus.landscape.Minimum;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Saddle;
import io.isthmus.report.Html.Cell;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import io.isthmus.report.scene.Numbers;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Every minimum and every pair with its numbers. */
final class PairsSection {
  private final RunSummary run;
  private final Set<Connection> tree;
  private final Html html = new Html();

  private PairsSection(RunSummary run) {
    this.run = run;
    tree = new HashSet<>(run.tree());
  }

  /** The section; empty without minima. */
  static Optional<PageSection> of(RunSummary run) {
    return run.minima().isEmpty() ? Optional.empty() : Optional.of(new PairsSection(run).section());
  }

  private PageSection section() {
    if (!run.connections().isEmpty()) {
      pairs();
    }
    minima();
    boolean alone = run.connections().isEmpty();
    return new PageSection(
        "pairs",
        alone ? "Every minimum" : "Every pair and every minimum",
        alone ? "Minima" : "Pairs",
        html.toString());
  }

  private void pairs() {
    List<String> header = new ArrayList<>(List.of("pair", "state"));
    header.addAll(
        run.tested()
            ? List.of("saddle: training loss", "test loss", "test error (%)")
            : List.of("saddle: energy"));
    header.addAll(List.of("straight line", "length ratio", "pivots"));
    if (run.tested()) {
      header.add("shared mistakes (%)");
    }
    html.tableStart("Every pair", "sortable", header);
    run.connections().forEach(this::pair);
    html.tableEnd()
        .note(
            "Bold pairs are the minimum spanning tree. Length ratio: length of the path over that"
                + " of the straight line."
                + (run.tested()
                    ? " Shared mistakes: of the test images wrong at either end, those wrong at"
                        + " both. Saddles: "
                        + Reading.OWN_MAXIMUM.label()
                        + ", batch-norm statistics "
                        + ResultRow.word(run.convention())
                        + "."
                    : ""));
  }

  private void pair(Connection connection) {
    Optional<CycleResult> path = run.path(connection);
    Optional<Saddle> saddle = path.map(p -> p.saddle(run.convention()));
    List<Cell> cells = new ArrayList<>();
    cells.add(
        Cell.of(
            connection.status() == Status.RUNNING
                ? "cycle " + connection.cycles().size() + " of " + run.schedule().size() + " done"
                : connection.status().label()));
    cells.add(Cell.number(value(saddle.map(Saddle::trainLoss))));
    if (run.tested()) {
      cells.add(Cell.number(value(saddle.map(Saddle::testLoss))));
      cells.add(Cell.percent(value(saddle.map(Saddle::testError)), 2));
    }
    cells.add(Cell.number(value(connection.barrier(run.convention()).map(Saddle::trainLoss))));
    double stretch = value(path.map(CycleResult::stretch));
    cells.add(Cell.of(Numbers.factor(stretch), stretch));
    double pivots = value(path.map(p -> p.profile().gaps() + 1.0));
    cells.add(Cell.of(Numbers.fixed(pivots, 0), pivots));
    if (run.tested()) {
      cells.add(Cell.percent(connection.sharedMistakes(), 0));
    }
    String kind = tree.contains(connection) ? " class=\"tree\"" : "";
    html.row(kind + " data-key=\"pair-" + connection.name() + "\"", connection.name(), cells);
  }

  private void minima() {
    List<String> header = new ArrayList<>(List.of("minimum"));
    run.measures().forEach(measure -> header.add(ResultTable.label(run, measure)));
    html.tableStart("Every minimum", "sortable", header);
    for (Minimum minimum : run.minima()) {
      List<Cell> cells = new ArrayList<>();
      for (Measure measure : run.measures()) {
        double value = measure.of(minimum);
        cells.add(measure.isError() ? Cell.percent(value, 2) : Cell.number(value));
      }
      html.row(String.valueOf(minimum.number()), cells);
    }
    html.tableEnd();
  }

  private static double value(Optional<Double> value) {
    return value.orElse(Double.NaN);
  }
}
