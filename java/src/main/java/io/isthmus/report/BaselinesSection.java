package io.isthmus.report;

import io.isthmus.report.Html.Cell;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** AutoNEB beside other ways to connect the same minima: a table and a figure. */
final class BaselinesSection {
  private BaselinesSection() {}

  /** The section; empty for a run without baselines. */
  static Optional<PageSection> of(RunSummary run, List<Figure> figures) {
    return Comparison.of(run)
        .map(
            comparison -> {
              ResultTable table = ResultTable.of(List.of(run));
              List<List<String>> rows = table.ways(comparison);
              Html html = new Html();
              html.tableStart("Other ways", "stacked", rows.get(0));
              for (List<String> row : rows.subList(1, rows.size())) {
                List<Cell> cells = new ArrayList<>();
                for (int i = 1; i < row.size(); i++) {
                  cells.add(Cell.under(rows.get(0).get(i), row.get(i)));
                }
                html.row(row.get(0), cells);
              }
              html.tableEnd().note(comparison.count() + ". " + table.meaning(comparison));
              html.figures(figures, "baselines");
              return new PageSection(
                  "baselines", "Other ways to connect", "Other ways", html.toString());
            });
  }
}
