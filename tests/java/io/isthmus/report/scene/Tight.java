package io.isthmus.report.scene;

import java.awt.geom.FlatteningPathIterator;
import java.awt.geom.Path2D;
import java.awt.geom.PathIterator;
import java.awt.geom.Rectangle2D;

/** The bounds of a curve itself, not of its control points. */
final class Tight {
  private Tight() {}

  static Rectangle2D bounds(Path2D path) {
    Rectangle2D bounds = null;
    double[] at = new double[6];
    PathIterator points = new FlatteningPathIterator(path.getPathIterator(null), 0.01);
    for (; !points.isDone(); points.next()) {
      if (points.currentSegment(at) != PathIterator.SEG_CLOSE) {
        if (bounds == null) {
          bounds = new Rectangle2D.Double(at[0], at[1], 0, 0);
        }
        bounds.add(at[0], at[1]);
      }
    }
    return bounds;
  }
}
