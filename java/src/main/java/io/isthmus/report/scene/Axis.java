package io.isthmus.report.scene;

import java.util.List;

/**
 * One direction of a panel.
 *
 * @param title what it shows, with its unit
 * @param scale from values to places
 * @param ticks the marked places
 */
public record Axis(String title, Scale scale, List<Scale.Tick> ticks) {
  /** An axis marked where its scale suggests, at about so many labelled places. */
  public static Axis of(String title, Scale scale, int labels) {
    return new Axis(title, scale, scale.ticks(labels));
  }
}
