package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.report.RunSummary.Fact;
import io.isthmus.report.scene.SvgWriter;
import java.util.List;
import java.util.Optional;

/**
 * The curves along one path and its straight line, drawn by the page's script for the pair, metric
 * and scale that the reader chooses; without a script those of the tree's highest saddle.
 */
final class CurvesSection {
  private static final String PROFILE = "profile-";

  private CurvesSection() {}

  /** The section; empty before a straight line is evaluated. */
  static Optional<PageSection> of(RunSummary run, List<Figure> figures) {
    return figures.stream()
        .filter(figure -> figure.name().startsWith(PROFILE))
        .findFirst()
        .map(
            first ->
                new PageSection(
                    "curves",
                    "Along the path and along the straight line",
                    "Curves",
                    content(run, first)));
  }

  private static String content(RunSummary run, Figure first) {
    Html html = new Html();
    html.raw("<div class=\"controls scripted\">\n<label>Pair <select id=\"curve-pair\">")
        .raw("</select></label>\n");
    if (run.tested()) {
      html.choice(
          "curve-measure",
          "Metric",
          run.measures().stream().map(m -> new Fact(m.key(), m.label())).toList());
      if (run.conventionsDiffer()) {
        html.choice("curve-statistics", "Batch-norm statistics", conventions(run));
      }
    }
    html.choice(
        "curve-scale",
        "Scale",
        List.of(
            new Fact("fitting", "automatic"),
            new Fact("linear", "linear"),
            new Fact("logarithmic", "logarithmic")));
    html.raw("</div>\n<figure>\n<div id=\"curve-view\" class=\"figure\" tabindex=\"0\"")
        .raw(" aria-label=\"Curves: read values with the arrow keys\"")
        .raw(" data-statistics=\"" + ResultRow.word(run.convention()))
        .raw("\" data-first=\"" + first.name().substring(PROFILE.length()))
        .raw("\" data-loss=\"" + (run.tested() ? "loss" : "energy") + "\">\n")
        .raw(SvgWriter.element(first.scene(), "curve-static"))
        .raw("</div>\n<div id=\"curve-tip\" role=\"status\" hidden></div>\n")
        .raw("<div class=\"tools scripted\">\n")
        .raw("<button type=\"button\" data-save=\"curves.svg\">Save SVG</button>\n")
        .raw("<a id=\"curve-csv\" download=\"curves.csv\" href=\"#curves\">Save CSV</a>\n</div>\n")
        .raw("<figcaption>")
        .text(
            "Circles are the pivots of the path, the diamond is its highest point, the triangle"
                + " that of the straight line. Point at the curves, touch them, or press the arrow"
                + " keys, to read values; choose a pair here, in the graph or in the table of"
                + " pairs.")
        .raw("</figcaption>\n</figure>\n")
        .raw("<script type=\"application/json\" id=\"curve-data\">")
        .raw(RunJson.curves(run))
        .raw("</script>\n");
    return html.toString();
  }

  /** Both batch-norm conventions, that of the run first. */
  static List<Fact> conventions(RunSummary run) {
    String own = ResultRow.word(run.convention());
    String other = ResultRow.word(StatisticsConvention.values()[1 - run.convention().ordinal()]);
    return List.of(new Fact(own, own), new Fact(other, other));
  }
}
