package io.isthmus.report;

import java.util.List;
import java.util.Optional;

/** The figures of the run as a whole: graph, disconnectivity graph, saddles by pair and cycle. */
final class LandscapeSection {
  private LandscapeSection() {}

  /** The section; empty without minima. */
  static Optional<PageSection> of(RunSummary run, List<Figure> figures) {
    if (run.minima().isEmpty()) {
      return Optional.empty();
    }
    String content =
        new Html()
            .raw("<div class=\"pair\">\n")
            .figures(figures, "graph", "disconnectivity")
            .raw("</div>\n")
            .figures(figures, "minima-and-saddles", "cycles")
            .toString();
    return Optional.of(new PageSection("landscape", "The landscape", "Landscape", content));
  }
}
