package io.isthmus.report;

import io.isthmus.report.scene.Numbers;

/** What the page says first: what was studied, and the result in words and three numbers. */
final class PageHeader {
  private PageHeader() {}

  /** Its markup. */
  static String of(RunSummary run) {
    Html html = new Html();
    Verdict verdict = Verdict.of(run);
    html.raw("<header>\n<p class=\"eyebrow\">Isthmus report</p>\n").element("h1", run.title());
    html.raw("<p class=\"facts\">");
    html.text(run.dataset()).raw(run.dataset().isBlank() ? "" : " · ").text(run.architecture());
    if (run.parameters() > 0) {
      html.raw(" · ").text(Numbers.count(run.parameters())).raw(" parameters");
    }
    html.raw(" · ").text(Verdict.count(run.minima().size(), "minimum", "minima"));
    html.raw(" · ")
        .text(Verdict.count(run.tree().size(), "path", "paths"))
        .raw(" in the tree</p>\n");
    html.element("p class=\"verdict\"", verdict.sentences().get(0));
    verdict.sentences().stream().skip(1).forEach(each -> html.element("p", each));
    if (!Double.isNaN(verdict.saddle())) {
      keyNumbers(html, run, verdict);
    }
    return html.raw("</header>\n").toString();
  }

  private static void keyNumbers(Html html, RunSummary run, Verdict verdict) {
    boolean factors = run.tested() && !Double.isNaN(verdict.saddleFactor());
    String meaning = factors ? "times a minimum: highest " : "highest ";
    html.raw("<div class=\"keys\">\n");
    double saddle = factors ? verdict.saddleFactor() : verdict.saddle();
    key(html, "path", number(saddle, factors), meaning + "saddle of the tree");
    if (!Double.isNaN(verdict.line())) {
      double line = factors ? verdict.lineFactor() : verdict.line();
      key(html, "line", number(line, factors), meaning + "straight line");
    }
    ResultRow.headline(run)
        .cell(Measure.TEST_ERROR)
        .map(cell -> Numbers.signed(100 * cell.difference(), 2))
        .ifPresent(points -> key(html, "", points, "points of test error, from minimum to saddle"));
    html.raw("</div>\n");
  }

  private static String number(double value, boolean factor) {
    return factor ? Numbers.factor(value) : Numbers.significant(value, 3);
  }

  private static void key(Html html, String kind, String number, String meaning) {
    html.raw("<div class=\"key " + kind + "\"><b>").text(number).raw("</b><span>");
    html.text(meaning).raw("</span></div>\n");
  }
}
