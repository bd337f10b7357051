package io.isthmus.report.scene;

import java.util.List;

/**
 * A finished drawing.
 *
 * @param width in scene units (one is a pixel on a screen, 1/96 inch on paper)
 * @param height the same
 * @param description what it shows, for those who cannot see it
 * @param marks from back to front
 */
public record Scene(double width, double height, String description, List<Mark> marks) {
  /** Makes the list unmodifiable. */
  public Scene {
    marks = List.copyOf(marks);
  }
}
