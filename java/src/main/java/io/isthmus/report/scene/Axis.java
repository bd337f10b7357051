package io.isthmus.report.scene;

import java.util.List;

/**
 * One direction of a panel.
 *
 * @param title what it shows, with its unit
 * @param scale from values to places
 * @param ticks the marked places
 * @param written whether title and labels are shown, or only the grid
 */
public record Axis(String title, Scale scale, List<Scale.Tick> ticks, boolean written) {
  /** An axis marked where its scale suggests, at about so many labelled places. */
  public static Axis of(String title, Scale scale, int labels) {
    return new Axis(title, scale, scale.ticks(labels), true);
  }

  /** The same places without words, for a panel that shares its axis with the one below. */
  public Axis silent() {
    return new Axis(title, scale, ticks, false);
  }
}
