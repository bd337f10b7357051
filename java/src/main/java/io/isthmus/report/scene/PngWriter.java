package io.isthmus.report.scene;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;

/**
 * Writes a scene as PNG with Java2D's own software renderer: no display, no font of the machine,
 * the same bytes for the same scene.
 */
public final class PngWriter {
  /** Width of the rim of paper around a {@link Mark.Text#halo} letter, half of it visible. */
  static final double HALO = 4;

  static {
    if (System.getProperty("java.awt.headless") == null) {
      System.setProperty("java.awt.headless", "true");
    }
  }

  private PngWriter() {}

  /**
   * The picture on white paper.
   *
   * @param scale pixels per scene unit
   */
  public static byte[] write(Scene scene, double scale) {
    BufferedImage image = image(scene, scale);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.setUseCache(false);
    try {
      ImageIO.write(image, "png", out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static BufferedImage image(Scene scene, double scale) {
    BufferedImage image =
        new BufferedImage(
            (int) Math.ceil(scene.width() * scale),
            (int) Math.ceil(scene.height() * scale),
            BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.setRenderingHint(
          RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      graphics.setColor(color(Ink.PAPER));
      graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
      graphics.scale(scale, scale);
      for (Mark mark : scene.marks()) {
        draw(graphics, mark);
      }
    } finally {
      graphics.dispose();
    }
    return image;
  }

  private static void draw(Graphics2D graphics, Mark mark) {
    if (mark instanceof Mark.Polyline line) {
      paint(graphics, path(line.x(), line.y(), false), null, line.stroke());
    } else if (mark instanceof Mark.Polygon polygon) {
      paint(graphics, path(polygon.x(), polygon.y(), true), polygon.fill(), polygon.stroke());
    } else if (mark instanceof Mark.Area area) {
      Path2D.Double shape = new Path2D.Double(Path2D.WIND_EVEN_ODD);
      for (int i = 0; i < area.x().size(); i++) {
        shape.append(path(area.x().get(i), area.y().get(i), true), false);
      }
      paint(graphics, shape, area.fill(), null);
    } else if (mark instanceof Mark.Circle circle) {
      double r = circle.radius();
      Shape shape = new Ellipse2D.Double(circle.x() - r, circle.y() - r, 2 * r, 2 * r);
      paint(graphics, shape, circle.fill(), circle.stroke());
    } else if (mark instanceof Mark.Text text) {
      drawText(graphics, text);
    } else if (mark instanceof Mark.Group group) {
      Shape before = graphics.getClip();
      if (group.clip() != null) {
        Box box = group.clip();
        graphics.clip(new Rectangle2D.Double(box.left(), box.top(), box.width(), box.height()));
      }
      group.marks().forEach(inner -> draw(graphics, inner));
      graphics.setClip(before);
    }
  }

  private static void drawText(Graphics2D graphics, Mark.Text text) {
    double width = text.face().width(text.text(), text.size());
    double start =
        switch (text.anchor()) {
          case START -> 0;
          case MIDDLE -> -width / 2;
          case END -> -width;
        };
    AffineTransform placed = AffineTransform.getTranslateInstance(text.x(), text.y());
    placed.rotate(Math.toRadians(text.degrees()));
    placed.translate(start, 0);
    Shape letters = placed.createTransformedShape(text.face().outline(text.text(), text.size()));
    if (text.halo()) {
      paint(graphics, letters, null, new Stroke(Ink.PAPER, HALO));
    }
    paint(graphics, letters, text.ink(), null);
  }

  private static void paint(Graphics2D graphics, Shape shape, Ink fill, Stroke stroke) {
    if (fill != null) {
      graphics.setColor(color(fill));
      graphics.fill(shape);
    }
    if (stroke != null) {
      graphics.setColor(color(stroke.ink()));
      graphics.setStroke(basic(stroke));
      graphics.draw(shape);
    }
  }

  private static BasicStroke basic(Stroke stroke) {
    float width = (float) stroke.width();
    if (stroke.dash().length == 0) {
      return new BasicStroke(width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
    }
    float[] dash = new float[stroke.dash().length];
    for (int i = 0; i < dash.length; i++) {
      dash[i] = (float) stroke.dash()[i];
    }
    return new BasicStroke(width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND, 10, dash, 0);
  }

  private static Path2D path(double[] x, double[] y, boolean closed) {
    Path2D.Double path = new Path2D.Double();
    path.moveTo(x[0], y[0]);
    for (int i = 1; i < x.length; i++) {
      path.lineTo(x[i], y[i]);
    }
    if (closed) {
      path.closePath();
    }
    return path;
  }

  private static Color color(Ink ink) {
    return new Color(ink.rgb());
  }
}
