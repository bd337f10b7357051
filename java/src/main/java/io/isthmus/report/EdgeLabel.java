package io.isthmus.report;

import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Placement;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.List;

/**
 * A text that stands on an edge of a graph.
 *
 * @param text what it says
 * @param size of the font
 * @param height of the box that is kept free for it
 * @param shares where on the edge it may stand, the best first: shares of the way from one end to
 *     the other
 */
record EdgeLabel(String text, Typeface face, double size, double height, double... shares) {

  /**
   * Writes it where there is room on the edge from {@code a} to {@code b}, or nowhere.
   *
   * @param limit share of its box that others may cover, 0..1
   */
  void draw(Drawing drawing, Placement placement, double[] a, double[] b, double limit, Ink ink) {
    double width = face.width(text, size) + 4;
    List<Box> candidates = new ArrayList<>();
    for (double share : shares) {
      double x = a[0] + share * (b[0] - a[0]);
      double y = a[1] + share * (b[1] - a[1]);
      candidates.add(new Box(x - width / 2, y - height / 2, width, height));
    }
    placement
        .place(candidates, limit)
        .ifPresent(
            place ->
                drawing.note(
                    text,
                    place.left() + place.width() / 2,
                    place.top() + height / 2 + 0.36 * size,
                    size,
                    face,
                    ink,
                    Anchor.MIDDLE));
  }
}
