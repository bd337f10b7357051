package io.isthmus.report.scene;

/** An upright rectangle in scene units. */
public record Box(double left, double top, double width, double height) {
  /** Its right side. */
  public double right() {
    return left + width;
  }

  /** Its lower side. */
  public double bottom() {
    return top + height;
  }

  /** Whether a point lies inside or on the border. */
  public boolean contains(double x, double y) {
    return x >= left && x <= right() && y >= top && y <= bottom();
  }

  /** The area that two rectangles share. */
  public double overlap(Box other) {
    double across = Math.min(right(), other.right()) - Math.max(left, other.left);
    double down = Math.min(bottom(), other.bottom()) - Math.max(top, other.top);
    return across > 0 && down > 0 ? across * down : 0;
  }

  /** The rectangle grown by a margin on every side. */
  public Box grown(double margin) {
    return new Box(left - margin, top - margin, width + 2 * margin, height + 2 * margin);
  }
}
