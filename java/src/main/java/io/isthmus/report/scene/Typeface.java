package io.isthmus.report.scene;

import java.awt.geom.AffineTransform;
import java.awt.geom.Path2D;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/**
 * The bundled letters, read as outlines: Inter 4.001 (SIL Open Font License, beside the files), its
 * Latin, Greek and Cyrillic with digits of equal width.
 *
 * <p>Java's own text drawing loads fontconfig, FreeType and at least one font of the machine before
 * it accepts a bundled one, and fails on a bare compute node. Here the TrueType file is read
 * directly: tables cmap (format 4), glyf, loca, hmtx; quadratic outlines, no hinting, no kerning.
 * The same text is the same shape on every machine. Source: OpenType 1.9, chapters of those names.
 */
public enum Typeface {
  /** For nearly everything. */
  REGULAR("Inter-Regular.ttf", "400"),
  /** For headings and what matters most. */
  BOLD("Inter-SemiBold.ttf", "600");

  /** Families in the order of preference, as SVG and CSS write them. */
  static final String FAMILIES =
      "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif";

  private static final int ON_CURVE = 1;
  private static final int X_SHORT = 2;
  private static final int Y_SHORT = 4;
  private static final int REPEAT = 8;
  private static final int X_SAME = 16;
  private static final int Y_SAME = 32;

  private final String weight;
  private final ByteBuffer file;
  private final int glyf;
  private final int loca;
  private final int hmtx;
  private final int characters;
  private final boolean longOffsets;
  private final int metrics;
  private final double unit;

  Typeface(String resource, String weight) {
    this.weight = weight;
    try (InputStream in = Typeface.class.getResourceAsStream(resource)) {
      file = ByteBuffer.wrap(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    int head = table("head");
    glyf = table("glyf");
    loca = table("loca");
    hmtx = table("hmtx");
    unit = 1.0 / file.getShort(head + 18);
    longOffsets = file.getShort(head + 50) == 1;
    metrics = unsigned(table("hhea") + 34);
    characters = table("cmap") + file.getInt(table("cmap") + 8);
  }

  /** CSS font weight. */
  String weight() {
    return weight;
  }

  /** Width of a text at a font size. */
  public double width(String text, double size) {
    return text.codePoints().mapToDouble(c -> advance(glyph(c))).sum() * size;
  }

  /** The outline of a text that starts at (0, 0) on its baseline, y downwards. */
  Path2D outline(String text, double size) {
    Path2D.Double outline = new Path2D.Double(Path2D.WIND_NON_ZERO);
    double x = 0;
    for (int c : text.codePoints().toArray()) {
      int glyph = glyph(c);
      double scale = size * unit;
      addGlyph(outline, glyph, new AffineTransform(scale, 0, 0, -scale, x, 0));
      x += advance(glyph) * size;
    }
    return outline;
  }

  private double advance(int glyph) {
    return unsigned(hmtx + 4 * Math.min(glyph, metrics - 1)) * unit;
  }

  /** Index of a character's glyph; 0, an empty box, when the font lacks it. */
  private int glyph(int character) {
    if (character > 0xffff) {
      return 0;
    }
    int segments = unsigned(characters + 6) / 2;
    int ends = characters + 14;
    int starts = ends + 2 * segments + 2;
    int deltas = starts + 2 * segments;
    int ranges = deltas + 2 * segments;
    for (int i = 0; i < segments; i++) {
      if (character <= unsigned(ends + 2 * i)) {
        int start = unsigned(starts + 2 * i);
        if (character < start) {
          return 0;
        }
        int delta = unsigned(deltas + 2 * i);
        int range = unsigned(ranges + 2 * i);
        if (range == 0) {
          return (character + delta) & 0xffff;
        }
        int glyph = unsigned(ranges + 2 * i + range + 2 * (character - start));
        return glyph == 0 ? 0 : (glyph + delta) & 0xffff;
      }
    }
    return 0;
  }

  private int offset(int glyph) {
    return longOffsets ? file.getInt(loca + 4 * glyph) : 2 * unsigned(loca + 2 * glyph);
  }

  private void addGlyph(Path2D outline, int glyph, AffineTransform transform) {
    int at = glyf + offset(glyph);
    if (offset(glyph + 1) == offset(glyph)) {
      return; // a blank
    }
    int contours = file.getShort(at);
    if (contours < 0) {
      addComposite(outline, at + 10, transform);
    } else {
      addContours(outline, at + 10, contours, transform);
    }
  }

  /** A glyph made of others, such as a letter with an accent. */
  private void addComposite(Path2D outline, int start, AffineTransform transform) {
    int at = start;
    int flags;
    do {
      flags = unsigned(at);
      final int part = unsigned(at + 2);
      at += 4;
      boolean words = (flags & 1) != 0;
      int dx = words ? file.getShort(at) : file.get(at);
      int dy = words ? file.getShort(at + 2) : file.get(at + 1);
      at += words ? 4 : 2;
      double xx = 1;
      double xy = 0;
      double yx = 0;
      double yy = 1;
      if ((flags & 0x08) != 0) {
        xx = fraction(at);
        yy = xx;
        at += 2;
      } else if ((flags & 0x40) != 0) {
        xx = fraction(at);
        yy = fraction(at + 2);
        at += 4;
      } else if ((flags & 0x80) != 0) {
        xx = fraction(at);
        xy = fraction(at + 2);
        yx = fraction(at + 4);
        yy = fraction(at + 6);
        at += 8;
      }
      AffineTransform placed = new AffineTransform(transform);
      placed.concatenate(new AffineTransform(xx, xy, yx, yy, dx, dy));
      addGlyph(outline, part, placed);
    } while ((flags & 0x20) != 0);
  }

  private void addContours(Path2D outline, int start, int contours, AffineTransform transform) {
    int points = unsigned(start + 2 * (contours - 1)) + 1;
    int at = start + 2 * contours;
    at += 2 + unsigned(at); // instructions
    int[] flags = new int[points];
    for (int i = 0; i < points; i++) {
      flags[i] = file.get(at++) & 0xff;
      if ((flags[i] & REPEAT) != 0) {
        int repeats = file.get(at++) & 0xff;
        for (int r = 0; r < repeats; r++) {
          flags[i + 1] = flags[i];
          i++;
        }
      }
    }
    double[] x = new double[points];
    double[] y = new double[points];
    at = readCoordinates(at, flags, X_SHORT, X_SAME, x);
    readCoordinates(at, flags, Y_SHORT, Y_SAME, y);
    Path2D.Double path = new Path2D.Double();
    int first = 0;
    for (int contour = 0; contour < contours; contour++) {
      int last = unsigned(start + 2 * contour);
      addContour(path, flags, x, y, first, last);
      first = last + 1;
    }
    outline.append(path.getPathIterator(transform), false);
  }

  private int readCoordinates(int start, int[] flags, int isShort, int same, double[] values) {
    int at = start;
    int value = 0;
    for (int i = 0; i < flags.length; i++) {
      if ((flags[i] & isShort) != 0) {
        int delta = file.get(at++) & 0xff;
        value += (flags[i] & same) != 0 ? delta : -delta;
      } else if ((flags[i] & same) == 0) {
        value += file.getShort(at);
        at += 2;
      }
      values[i] = value;
    }
    return at;
  }

  /** One closed curve; between two control points lies an implied point of the outline. */
  private static void addContour(
      Path2D path, int[] flags, double[] x, double[] y, int first, int last) {
    int n = last - first + 1;
    int begin = 0;
    while (begin < n && (flags[first + begin] & ON_CURVE) == 0) {
      begin++;
    }
    if (begin == n) {
      throw new IllegalStateException("the bundled font has a contour without a corner");
    }
    path.moveTo(x[first + begin], y[first + begin]);
    for (int k = 1; k <= n; k++) {
      int i = first + (begin + k) % n;
      if ((flags[i] & ON_CURVE) != 0) {
        path.lineTo(x[i], y[i]);
        continue;
      }
      int next = first + (begin + k + 1) % n;
      if ((flags[next] & ON_CURVE) != 0) {
        path.quadTo(x[i], y[i], x[next], y[next]);
        k++;
      } else {
        path.quadTo(x[i], y[i], (x[i] + x[next]) / 2, (y[i] + y[next]) / 2);
      }
    }
    path.closePath();
  }

  private double fraction(int at) {
    return file.getShort(at) / 16384.0;
  }

  private int unsigned(int at) {
    return file.getShort(at) & 0xffff;
  }

  private int table(String name) {
    int tables = unsigned(4);
    for (int i = 0; i < tables; i++) {
      int record = 12 + 16 * i;
      byte[] tag = new byte[4];
      file.get(record, tag);
      if (name.equals(new String(tag, java.nio.charset.StandardCharsets.US_ASCII))) {
        return file.getInt(record + 8);
      }
    }
    throw new IllegalStateException("the bundled font lacks its table " + name);
  }
}
