package io.isthmus.report.scene;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** Writes a scene as SVG 1.1. */
public final class SvgWriter {
  private final boolean embedded;
  private final StringBuilder out = new StringBuilder();
  private int clips;
  private String prefix = "";

  private SvgWriter(boolean embedded) {
    this.embedded = embedded;
  }

  /** A file of its own, on white paper. */
  public static String file(Scene scene) {
    SvgWriter writer = new SvgWriter(false);
    writer.out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    writer.scene(scene);
    return writer.out.toString();
  }

  /**
   * An element for an HTML page. Colours are the page's custom properties ({@code --ink}, ...).
   *
   * @param id unique on the page
   */
  public static String element(Scene scene, String id) {
    SvgWriter writer = new SvgWriter(true);
    writer.prefix = id;
    writer.scene(scene);
    return writer.out.toString();
  }

  /** Text as XML content or attribute value; characters XML cannot hold become U+FFFD. */
  public static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default ->
                    escaped.appendCodePoint(
                        c < 0x20 && c != '\t' && c != '\n' && c != '\r'
                                || c >= 0xd800 && c <= 0xdfff
                                || c == 0xfffe
                                || c == 0xffff
                            ? 0xfffd
                            : c);
              }
            });
    return escaped.toString();
  }

  private void scene(Scene scene) {
    String width = number(scene.width());
    String height = number(scene.height());
    out.append(embedded ? "<svg" : "<svg xmlns=\"http://www.w3.org/2000/svg\"")
        .append(" viewBox=\"0 0 ")
        .append(width)
        .append(' ')
        .append(height)
        .append("\" width=\"")
        .append(width)
        .append("\" height=\"")
        .append(height)
        .append("\" role=\"img\" aria-label=\"")
        .append(escape(scene.description()))
        .append("\" stroke-linecap=\"round\" stroke-linejoin=\"round\" font-family=\"")
        .append(Typeface.FAMILIES)
        .append("\">\n");
    if (!embedded) {
      out.append("<title>").append(escape(scene.description())).append("</title>\n");
      out.append("<rect width=\"").append(width).append("\" height=\"").append(height);
      out.append("\" fill=\"").append(Ink.PAPER.hex()).append("\"/>\n");
    }
    scene.marks().forEach(this::mark);
    out.append("</svg>\n");
  }

  private void mark(Mark mark) {
    if (mark instanceof Mark.Polyline line) {
      out.append("<path d=\"").append(path(line.x(), line.y())).append('"');
      paint(null, line.stroke());
      out.append("/>\n");
    } else if (mark instanceof Mark.Polygon polygon) {
      out.append("<path d=\"").append(path(polygon.x(), polygon.y())).append("Z\"");
      paint(polygon.fill(), polygon.stroke());
      out.append("/>\n");
    } else if (mark instanceof Mark.Area area) {
      out.append("<path fill-rule=\"evenodd\" d=\"");
      for (int i = 0; i < area.x().size(); i++) {
        out.append(path(area.x().get(i), area.y().get(i))).append('Z');
      }
      out.append('"');
      paint(area.fill(), null);
      out.append("/>\n");
    } else if (mark instanceof Mark.Circle circle) {
      out.append("<circle");
      attribute("cx", circle.x());
      attribute("cy", circle.y());
      attribute("r", circle.radius());
      paint(circle.fill(), circle.stroke());
      out.append("/>\n");
    } else if (mark instanceof Mark.Text text) {
      text(text);
    } else if (mark instanceof Mark.Group group) {
      group(group);
    }
  }

  private void text(Mark.Text text) {
    out.append("<text");
    attribute("x", text.x());
    attribute("y", text.y());
    attribute("font-size", text.size());
    if (text.face() == Typeface.BOLD) {
      out.append(" font-weight=\"").append(text.face().weight()).append('"');
    }
    if (text.anchor() != Mark.Anchor.START) {
      out.append(" text-anchor=\"")
          .append(text.anchor() == Mark.Anchor.MIDDLE ? "middle" : "end")
          .append('"');
    }
    if (text.degrees() != 0) {
      out.append(" transform=\"rotate(")
          .append(number(text.degrees()))
          .append(' ')
          .append(number(text.x()))
          .append(' ')
          .append(number(text.y()))
          .append(")\"");
    }
    colors(text.ink(), text.halo() ? Ink.PAPER : null);
    if (text.halo()) {
      out.append(" paint-order=\"stroke\"");
      attribute("stroke-width", PngWriter.HALO);
    }
    out.append('>').append(escape(text.text())).append("</text>\n");
  }

  private void group(Mark.Group group) {
    String clip = prefix + "clip" + clips;
    if (group.clip() != null) {
      clips++;
      Box box = group.clip();
      out.append("<clipPath id=\"").append(escape(clip)).append("\"><rect");
      attribute("x", box.left());
      attribute("y", box.top());
      attribute("width", box.width());
      attribute("height", box.height());
      out.append("/></clipPath>\n");
    }
    out.append("<g");
    if (group.clip() != null) {
      out.append(" clip-path=\"url(#").append(escape(clip)).append(")\"");
    }
    if (embedded && !group.key().isEmpty()) {
      out.append(" data-key=\"").append(escape(group.key())).append('"');
    }
    out.append(">\n");
    if (!group.title().isEmpty()) {
      out.append("<title>").append(escape(group.title())).append("</title>\n");
    }
    group.marks().forEach(this::mark);
    out.append("</g>\n");
  }

  private void paint(Ink fill, Stroke stroke) {
    colors(fill, stroke == null ? null : stroke.ink());
    if (stroke != null) {
      attribute("stroke-width", stroke.width());
      if (stroke.dash().length > 0) {
        out.append(" stroke-dasharray=\"");
        for (int i = 0; i < stroke.dash().length; i++) {
          out.append(i == 0 ? "" : " ").append(number(stroke.dash()[i]));
        }
        out.append('"');
      }
    }
  }

  private void colors(Ink fill, Ink stroke) {
    if (embedded) {
      out.append(" style=\"fill:").append(fill == null ? "none" : variable(fill));
      out.append(stroke == null ? "" : ";stroke:" + variable(stroke)).append('"');
    } else {
      out.append(" fill=\"").append(fill == null ? "none" : fill.hex()).append('"');
      out.append(stroke == null ? "" : " stroke=\"" + stroke.hex() + "\"");
    }
  }

  private static String variable(Ink ink) {
    return "var(" + ink.property() + ")";
  }

  private void attribute(String name, double value) {
    out.append(' ').append(name).append("=\"").append(number(value)).append('"');
  }

  private static String path(double[] x, double[] y) {
    StringBuilder path = new StringBuilder();
    for (int i = 0; i < x.length; i++) {
      path.append(i == 0 ? 'M' : 'L').append(number(x[i])).append(' ').append(number(y[i]));
    }
    return path.toString();
  }

  private static String number(double value) {
    BigDecimal rounded = new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN);
    return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
  }
}
