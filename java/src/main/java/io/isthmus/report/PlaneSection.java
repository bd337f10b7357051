package io.isthmus.report;

import java.util.List;
import java.util.Optional;

/** The surroundings of paths: the planes through them, and how those on a surface relaxed. */
final class PlaneSection {
  private PlaneSection() {}

  /** The section; empty where no plane is evaluated. */
  static Optional<PageSection> of(List<Figure> figures) {
    return PageSection.ofFigures(
        "plane",
        "Around the path",
        "Plane",
        "What lies around a path: bands of equal loss or energy, the darker on paper the higher.",
        figures.stream()
            .filter(f -> f.name().startsWith("plane-") || f.name().startsWith("relaxation-"))
            .toList());
  }
}
