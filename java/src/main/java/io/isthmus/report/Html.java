package io.isthmus.report;

import io.isthmus.report.RunSummary.Fact;
import io.isthmus.report.scene.Numbers;
import io.isthmus.report.scene.SvgWriter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Text of a page in the making: markup as it is, everything else escaped. Knows the parts that the
 * page's sections are made of: tables, figures, choices and lists of facts.
 */
final class Html {
  private final StringBuilder out = new StringBuilder();

  /** Markup from this program. */
  Html raw(String markup) {
    out.append(markup);
    return this;
  }

  /** Text from anywhere, as content or inside a quoted attribute. */
  Html text(Object text) {
    out.append(SvgWriter.escape(text.toString()));
    return this;
  }

  /** An element that holds nothing but text. */
  Html element(String name, Object text) {
    return raw("<" + name + ">").text(text).raw("</" + name.split(" ")[0] + ">\n");
  }

  /** A remark below a table or a figure. */
  Html note(String text) {
    return element("p class=\"note\"", text);
  }

  /**
   * Begins a table; one that is too wide scrolls sideways under its first column. Rows follow, then
   * {@link #tableEnd}.
   *
   * @param label what it is a table of, for those who hear the page
   * @param kind further classes: {@code stacked} turns rows into blocks on a phone, {@code
   *     sortable} lets readers sort it by a column
   * @param header the first is that of the rows' names
   */
  Html tableStart(String label, String kind, List<String> header) {
    raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"").text(label);
    raw("\"><table class=\"" + ("numbers " + kind).strip() + "\">\n<thead><tr>");
    header.forEach(each -> raw("<th scope=\"col\">").text(each).raw("</th>"));
    return raw("</tr></thead>\n<tbody>\n");
  }

  /**
   * A row of a table.
   *
   * @param name its first cell
   */
  Html row(String name, List<Cell> cells) {
    return row("", name, cells);
  }

  /**
   * A row with attributes of its own.
   *
   * @param attributes markup from this program, with a blank in front
   */
  Html row(String attributes, String name, List<Cell> cells) {
    raw("<tr" + attributes + "><th scope=\"row\">").text(name).raw("</th>");
    for (Cell cell : cells) {
      raw("<td");
      if (!cell.column().isEmpty()) {
        raw(" data-column=\"").text(cell.column()).raw("\"");
      }
      if (!Double.isNaN(cell.value())) {
        raw(" data-value=\"" + cell.value() + "\"");
      }
      raw(">").text(cell.text()).raw("</td>");
    }
    return raw("</tr>\n");
  }

  /** Ends a table. */
  Html tableEnd() {
    return raw("</tbody></table></div>\n");
  }

  /**
   * A cell of a table.
   *
   * @param text what is shown
   * @param value by which a sortable table is sorted; NaN for none
   * @param column its column's header, for a stacked table; empty otherwise
   */
  record Cell(String text, double value, String column) {
    static Cell of(String text) {
      return new Cell(text, Double.NaN, "");
    }

    /** Under a header that a stacked table repeats. */
    static Cell under(String column, String text) {
      return new Cell(text, Double.NaN, column);
    }

    /** A number with three digits. */
    static Cell number(double value) {
      return of(Numbers.significant(value, 3), value);
    }

    /** A share of one, in percent with so many decimals. */
    static Cell percent(double share, int decimals) {
      return of(Numbers.fixed(100 * share, decimals), share);
    }

    /** A text that stands for a number. */
    static Cell of(String text, double value) {
      return new Cell(text, value, "");
    }
  }

  /** A figure with its caption, its numbers to take away, and room to look closer. */
  Html figure(Figure figure) {
    raw("<figure id=\"figure-").text(figure.name()).raw("\">\n");
    raw("<div class=\"figure\" style=\"--width: ")
        .raw(Math.round(figure.scene().width()) + "px\">");
    raw("\n").raw(SvgWriter.element(figure.scene(), figure.name())).raw("</div>\n");
    raw("<div class=\"tools\">\n");
    raw("<button type=\"button\" class=\"scripted\" data-enlarge>Enlarge</button>\n");
    raw("<button type=\"button\" class=\"scripted\" data-save=\"").text(figure.name());
    raw(".svg\">Save SVG</button>\n<a download=\"").text(figure.name());
    raw(".csv\" href=\"data:text/csv;charset=utf-8,").raw(inUrl(figure.data()));
    raw("\">Save CSV</a>\n</div>\n<figcaption>").text(figure.caption());
    return raw("</figcaption>\n</figure>\n");
  }

  /** Those of some figures that have one of these names, in the order of the names. */
  Html figures(List<Figure> figures, String... names) {
    for (String name : names) {
      figures.stream().filter(each -> each.name().equals(name)).forEach(this::figure);
    }
    return this;
  }

  /**
   * Radio buttons in a row; the first is chosen. Hidden where scripts do not run.
   *
   * @param choices value and what is shown
   */
  Html choice(String name, String legend, List<Fact> choices) {
    raw("<fieldset class=\"scripted\"><legend>").text(legend).raw("</legend>");
    boolean first = true;
    for (Fact choice : choices) {
      raw("<label><input type=\"radio\" name=\"" + name + "\" value=\"");
      text(choice.name()).raw(first ? "\" checked>" : "\">").raw("<span>");
      text(choice.value()).raw("</span></label>");
      first = false;
    }
    return raw("</fieldset>\n");
  }

  /** Facts under a heading; nothing without any. */
  Html facts(String title, List<Fact> facts) {
    if (facts.isEmpty()) {
      return this;
    }
    raw("<div>").element("h3", title).raw("<dl>\n");
    facts.forEach(fact -> element("dt", fact.name()).element("dd", fact.value()));
    return raw("</dl></div>\n");
  }

  /** A text file as the rest of a data URL. */
  private static String inUrl(String file) {
    return URLEncoder.encode(file, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace("%2C", ",")
        .replace("%2F", "/")
        .replace("%3A", ":");
  }

  /** The page so far. */
  @Override
  public String toString() {
    return out.toString();
  }
}
