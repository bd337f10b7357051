package io.isthmus.report;

import io.isthmus.report.Html.Cell;
import io.isthmus.report.RunSummary.Fact;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Table 1 of the paper for one run, under both conventions and both readings of a saddle. */
final class TableSection {
  private TableSection() {}

  /** The section; empty without minima. */
  static Optional<PageSection> of(RunSummary run) {
    if (run.minima().isEmpty()) {
      return Optional.empty();
    }
    Html html = new Html();
    boolean choice = run.tested() && !run.tree().isEmpty();
    boolean both = run.conventionsDiffer();
    if (choice) {
      html.raw("<div class=\"controls\">\n");
      if (both) {
        html.choice("table-statistics", "Batch-norm statistics", CurvesSection.conventions(run));
      }
      html.choice(
          "table-saddle",
          "Saddle",
          List.of(
              new Fact(Reading.OWN_MAXIMUM.key(), "each metric’s own maximum"),
              new Fact(Reading.AT_HIGHEST_TRAINING_LOSS.key(), "at the highest training loss")));
      html.raw("</div>\n");
    }
    boolean shown = true;
    for (ResultRow row : ResultRow.all(run)) {
      if (shown || choice && (both || row.convention() == run.convention())) {
        table(html, row, shown);
      }
      shown = false;
    }
    String title = "Minima and saddles";
    return Optional.of(new PageSection("table", title, "Table", html.toString()));
  }

  private static void table(Html html, ResultRow row, boolean shown) {
    RunSummary run = row.run();
    html.raw("<div data-table=\"")
        .text(ResultRow.word(row.convention()) + " " + row.reading().key())
        .raw(shown ? "\">\n" : "\" hidden>\n")
        .tableStart(
            "Minima and saddles",
            "stacked",
            List.of("", "minima", "saddles", "change", "straight line"));
    row.cells()
        .forEach(
            (measure, cell) ->
                html.row(
                    ResultTable.label(run, measure),
                    List.of(
                        Cell.under("minima", ResultTable.spread(measure, cell.minima())),
                        Cell.under("saddles", ResultTable.spread(measure, cell.saddles())),
                        Cell.under("change", ResultTable.change(measure, cell)),
                        Cell.under("straight line", ResultTable.spread(measure, cell.lines())))));
    html.tableEnd()
        .note(
            String.format(
                Locale.ROOT,
                "Mean ± standard deviation (n − 1) over the minimum spanning tree: %s, %s. Saddles"
                    + " and straight lines: %s%s. Change: %s.",
                Verdict.count(row.minima(), "minimum", "minima"),
                Verdict.count(row.paths(), "path", "paths"),
                row.reading().label(),
                run.tested() ? ", batch-norm statistics " + ResultRow.word(row.convention()) : "",
                run.tested()
                    ? "ratio of the mean losses, difference of the mean errors"
                    : "difference or ratio of the means"))
        .raw("</div>\n");
  }
}
