package io.isthmus.report;

import io.isthmus.report.Html.Cell;
import java.util.List;
import java.util.Optional;

/** Networks along a path that predict together, against independent minima. */
final class EnsembleSection {
  private EnsembleSection() {}

  /** The section; empty for a run without ensembles. */
  static Optional<PageSection> of(RunSummary run, List<Figure> figures) {
    List<EnsembleFinding> findings = run.findings(EnsembleFinding.class);
    if (findings.isEmpty()) {
      return Optional.empty();
    }
    Html html = new Html();
    for (EnsembleFinding finding : findings) {
      EnsembleTable table = EnsembleTable.of(finding.result());
      String name = EnsembleTable.name(finding.result());
      html.figures(figures, "ensemble-" + name);
      html.tableStart("Ensembles of path " + name, "", EnsembleTable.COLUMNS);
      for (List<String> row : table.rows()) {
        html.row(row.get(0), row.stream().skip(1).map(Cell::of).toList());
      }
      html.tableEnd().note(table.note());
    }
    return Optional.of(
        new PageSection("ensembles", "Ensembles along paths", "Ensembles", html.toString()));
  }
}
