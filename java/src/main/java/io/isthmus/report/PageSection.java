package io.isthmus.report;

import java.util.List;
import java.util.Optional;

/**
 * A part of the page with a heading of its own, which can be folded and which the page's navigation
 * leads to. A new one is a class with a method {@code of(run, figures)} that returns nothing for a
 * run without such results, and a line in {@link Page#sections}.
 *
 * @param id what links to it call it, unique on the page, for instance {@code landscape}
 * @param title its heading
 * @param link its heading in a word or two, for the navigation
 * @param content markup below the heading
 */
record PageSection(String id, String title, String link, String content) {

  /**
   * A section of nothing but figures; empty when there are none.
   *
   * @param introduction what there is to see, a sentence or two
   * @param figures shown in this order, those after the first folded away
   */
  static Optional<PageSection> ofFigures(
      String id, String title, String link, String introduction, List<Figure> figures) {
    if (figures.isEmpty()) {
      return Optional.empty();
    }
    Html html = new Html().element("p", introduction).figure(figures.get(0));
    if (figures.size() > 1) {
      html.raw("<details class=\"more\"><summary>");
      html.text(Verdict.count(figures.size() - 1, "more figure", "more figures"));
      html.raw("</summary>\n");
      figures.stream().skip(1).forEach(html::figure);
      html.raw("</details>\n");
    }
    return Optional.of(new PageSection(id, title, link, html.toString()));
  }
}
