package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Saddle;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Cost;
import io.isthmus.report.RunSummary.Fact;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Numbers;
import io.isthmus.report.scene.SvgWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The report of a run as one HTML file that needs nothing else: style, script, data and drawings
 * are inside, and a content policy forbids the browser to ask for more. Without scripts the page
 * shows the same numbers and one static curve.
 */
final class Page {
  private final RunSummary run;
  private final List<Figure> figures;
  private final Set<Connection> tree;
  private final boolean bothConventions;
  private final Html html = new Html();

  private Page(RunSummary run, List<Figure> figures) {
    this.run = run;
    this.figures = figures;
    tree = new HashSet<>(run.tree());
    bothConventions = conventionsDiffer(run);
  }

  /**
   * The page of a run.
   *
   * @param figures the run's figures, by {@link Report#figures}
   */
  static String of(RunSummary run, List<Figure> figures) {
    return new Page(run, figures).page();
  }

  private String page() {
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';")
        .raw(" style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .raw("<meta name=\"color-scheme\" content=\"light dark\">\n")
        .raw("<link rel=\"icon\" href=\"data:,\">\n")
        .element("title", run.title())
        .raw("<style>\n")
        .raw(colours())
        .raw(resource("page.css"))
        .raw("</style>\n</head>\n<body>\n<main>\n");
    header();
    table();
    curves();
    landscape();
    pairs();
    about();
    html.raw("</main>\n");
    if (run.connections().stream().anyMatch(c -> c.line().isPresent())) {
      html.raw("<script type=\"application/json\" id=\"curve-data\">")
          .raw(RunJson.curves(run))
          .raw("</script>\n");
    }
    html.raw("<script>\n").raw(resource("page.js")).raw("</script>\n</body>\n</html>\n");
    return html.toString();
  }

  private void header() {
    Verdict verdict = Verdict.of(run);
    html.raw("<header>\n<p class=\"eyebrow\">Isthmus report</p>\n").element("h1", run.title());
    html.raw("<p class=\"facts\">");
    html.text(run.dataset()).raw(run.dataset().isBlank() ? "" : " · ").text(run.architecture());
    if (run.parameters() > 0) {
      html.raw(" · ").text(Numbers.count(run.parameters())).raw(" parameters");
    }
    html.raw(" · ").text(Verdict.count(run.minima().size(), "minimum", "minima"));
    html.raw(" · ").text(Verdict.count(tree.size(), "path", "paths")).raw(" in the tree</p>\n");
    html.raw("<p class=\"verdict\">").text(verdict.sentences().get(0)).raw("</p>\n");
    verdict.sentences().stream().skip(1).forEach(each -> html.element("p", each));
    if (!Double.isNaN(verdict.saddle())) {
      keyNumbers(verdict);
    }
    html.raw("</header>\n");
  }

  private void keyNumbers(Verdict verdict) {
    boolean factors = run.tested() && !Double.isNaN(verdict.saddleFactor());
    html.raw("<div class=\"keys\">\n");
    key(
        "path",
        factors ? Numbers.factor(verdict.saddleFactor()) : Numbers.significant(verdict.saddle(), 3),
        factors ? "times a minimum: highest saddle of the tree" : "highest saddle of the tree");
    if (!Double.isNaN(verdict.line())) {
      key(
          "line",
          factors ? Numbers.factor(verdict.lineFactor()) : Numbers.significant(verdict.line(), 3),
          factors ? "times a minimum: highest straight line" : "highest straight line");
    }
    ResultRow.headline(run)
        .cell(Measure.TEST_ERROR)
        .ifPresent(
            cell ->
                key(
                    "",
                    Numbers.signed(100 * cell.difference(), 2),
                    "points of test error, from minimum to saddle"));
    html.raw("</div>\n");
  }

  private void key(String kind, String number, String meaning) {
    html.raw("<div class=\"key " + kind + "\"><b>").text(number).raw("</b><span>");
    html.text(meaning).raw("</span></div>\n");
  }

  private void table() {
    if (run.minima().isEmpty()) {
      return;
    }
    html.raw("<section id=\"table\">\n<h2>Minima and saddles</h2>\n");
    boolean choice = run.tested() && !tree.isEmpty();
    if (choice) {
      html.raw("<div class=\"controls\">\n");
      if (bothConventions) {
        segments("table-statistics", "Batch-norm statistics", conventions());
      }
      segments(
          "table-saddle",
          "Saddle",
          List.of(
              new Fact(Reading.OWN_MAXIMUM.key(), "each metric’s own maximum"),
              new Fact(Reading.AT_HIGHEST_TRAINING_LOSS.key(), "at the highest training loss")));
      html.raw("</div>\n");
    }
    boolean shown = true;
    for (ResultRow row : ResultRow.all(run)) {
      if (shown || choice && (bothConventions || row.convention() == run.convention())) {
        tableOf(row, shown);
      }
      shown = false;
    }
    html.raw("</section>\n");
  }

  private void tableOf(ResultRow row, boolean shown) {
    html.raw("<div class=\"scroll\" data-table=\"")
        .text(ResultRow.word(row.convention()) + " " + row.reading().key())
        .raw(shown ? "\">" : "\" hidden>")
        .raw("<table class=\"numbers\">\n<thead><tr><th></th><th>minima</th><th>saddles</th>")
        .raw("<th>change</th><th>straight line</th></tr></thead>\n<tbody>\n");
    row.cells()
        .forEach(
            (measure, cell) -> {
              html.raw("<tr><th>").text(ResultTable.label(run, measure)).raw("</th>");
              data(ResultTable.spread(measure, cell.minima()));
              data(ResultTable.spread(measure, cell.saddles()));
              data(ResultTable.change(measure, cell));
              data(ResultTable.spread(measure, cell.lines()));
              html.raw("</tr>\n");
            });
    html.raw("</tbody></table>\n<p class=\"note\">");
    html.text(
        String.format(
            Locale.ROOT,
            "Mean ± standard deviation (n − 1) over the minimum spanning tree: %s, %s. Saddles and"
                + " straight lines: %s%s. Change: %s.",
            Verdict.count(row.minima(), "minimum", "minima"),
            Verdict.count(row.paths(), "path", "paths"),
            row.reading().label(),
            run.tested() ? ", batch-norm statistics " + ResultRow.word(row.convention()) : "",
            run.tested()
                ? "ratio of the mean losses, difference of the mean errors"
                : "difference or ratio of the means"));
    html.raw("</p></div>\n");
  }

  private void curves() {
    Optional<Figure> profile =
        figures.stream().filter(figure -> figure.name().startsWith("profile-")).findFirst();
    if (profile.isEmpty()) {
      return;
    }
    html.raw("<section id=\"curves\">\n<h2>Along the path and along the straight line</h2>\n");
    html.raw("<div class=\"controls scripted\">\n<label>Pair <select id=\"curve-pair\">");
    html.raw("</select></label>\n");
    if (run.tested()) {
      segments(
          "curve-measure",
          "Metric",
          run.measures().stream().map(m -> new Fact(m.key(), m.label())).toList());
      if (bothConventions) {
        segments("curve-statistics", "Batch-norm statistics", conventions());
      }
    }
    segments(
        "curve-scale",
        "Scale",
        List.of(
            new Fact("fitting", "automatic"),
            new Fact("linear", "linear"),
            new Fact("logarithmic", "logarithmic")));
    html.raw("</div>\n<div id=\"curve-view\" class=\"figure\" tabindex=\"0\"");
    html.raw(" data-statistics=\"").text(ResultRow.word(run.convention()));
    html.raw("\" data-first=\"").text(profile.get().name().substring("profile-".length()));
    html.raw("\" data-loss=\"").text(run.tested() ? "loss" : "energy").raw("\">\n");
    html.raw(SvgWriter.element(profile.get().scene(), "curve-static")).raw("</div>\n");
    html.raw("<p class=\"note\">")
        .text(
            "Circles are the pivots of the path, the diamond is its highest point, the triangle"
                + " that of the straight line. Point at the curves, or press the arrow keys, to"
                + " read values; choose a pair here, in the graph or in the table of pairs.")
        .raw("</p>\n</section>\n");
  }

  private void landscape() {
    if (run.minima().isEmpty()) {
      return;
    }
    html.raw("<section id=\"landscape\">\n<h2>The landscape</h2>\n<div class=\"pair\">\n");
    figure("graph");
    figure("disconnectivity");
    html.raw("</div>\n");
    figure("minima-and-saddles");
    figure("cycles");
    html.raw("</section>\n");
  }

  private void figure(String name) {
    figures.stream()
        .filter(figure -> figure.name().equals(name))
        .findFirst()
        .ifPresent(
            figure ->
                html.raw("<figure>\n<div class=\"figure\" style=\"--width: ")
                    .raw(Math.round(figure.scene().width()) + "px\">\n")
                    .raw(SvgWriter.element(figure.scene(), name))
                    .raw("</div>\n<figcaption>")
                    .text(figure.caption())
                    .raw("</figcaption>\n</figure>\n"));
  }

  private void pairs() {
    if (run.connections().isEmpty()) {
      return;
    }
    html.raw("<section id=\"pairs\">\n<h2>Every pair</h2>\n<div class=\"scroll\">")
        .raw("<table class=\"numbers\">\n<thead><tr><th>pair</th><th>state</th>")
        .raw(run.tested() ? "<th>saddle: training loss</th>" : "<th>saddle: energy</th>")
        .raw(run.tested() ? "<th>test loss</th><th>test error (%)</th>" : "")
        .raw("<th>straight line</th><th>length ratio</th><th>pivots</th>")
        .raw(run.tested() ? "<th>shared mistakes (%)</th>" : "")
        .raw("</tr></thead>\n<tbody>\n");
    run.connections().forEach(this::pair);
    html.raw("</tbody></table></div>\n<p class=\"note\">")
        .text(
            "Bold pairs are the minimum spanning tree. Length ratio: length of the path over that"
                + " of the straight line."
                + (run.tested()
                    ? " Shared mistakes: of the test images wrong at either end, those wrong at"
                        + " both. Saddles: "
                        + Reading.OWN_MAXIMUM.label()
                        + ", batch-norm statistics "
                        + ResultRow.word(run.convention())
                        + "."
                    : ""))
        .raw("</p>\n</section>\n");
  }

  private void pair(Connection connection) {
    Optional<CycleResult> path = run.path(connection);
    Optional<Saddle> saddle = path.map(p -> p.saddle(run.convention()));
    html.raw(tree.contains(connection) ? "<tr class=\"tree\"" : "<tr");
    html.raw(" data-key=\"pair-").text(connection.name()).raw("\"><th>");
    html.text(connection.name()).raw("</th>");
    String state =
        connection.status() == RunSummary.Status.RUNNING
            ? "cycle " + connection.cycles().size() + " of " + run.schedule().size() + " done"
            : connection.status().label();
    data(state);
    data(loss(saddle.map(Saddle::trainLoss)));
    if (run.tested()) {
      data(loss(saddle.map(Saddle::testLoss)));
      data(saddle.map(s -> Numbers.fixed(100 * s.testError(), 2)).orElse(Numbers.NONE));
    }
    data(loss(connection.barrier(run.convention()).map(Saddle::trainLoss)));
    data(path.map(p -> Numbers.factor(p.stretch())).orElse(Numbers.NONE));
    data(path.map(p -> String.valueOf(p.profile().gaps() + 1)).orElse(Numbers.NONE));
    if (run.tested()) {
      data(Numbers.fixed(100 * connection.sharedMistakes(), 0));
    }
    html.raw("</tr>\n");
  }

  private static String loss(Optional<Double> value) {
    return value.map(v -> Numbers.significant(v, 3)).orElse(Numbers.NONE);
  }

  private void about() {
    html.raw("<section id=\"about\">\n<h2>How this was computed</h2>\n<div class=\"columns\">\n");
    facts("Evaluation", run.notes());
    if (!run.costs().isEmpty()) {
      html.raw("<div><h3>Cost</h3><table class=\"numbers\">\n")
          .raw("<thead><tr><th></th><th>gradients</th><th>time</th></tr></thead><tbody>\n");
      for (Cost cost : run.costs()) {
        html.raw("<tr><th>").text(cost.stage()).raw("</th>");
        data(cost.gradients() == 0 ? Numbers.NONE : Numbers.count(cost.gradients()));
        data(Numbers.duration(cost.seconds()));
        html.raw("</tr>\n");
      }
      html.raw("</tbody></table></div>\n");
    }
    facts("Environment", run.environment());
    html.raw("</div>\n");
    if (!run.configuration().isBlank()) {
      html.raw("<details><summary>Configuration</summary><pre>");
      html.text(run.configuration()).raw("</pre></details>\n");
    }
    html.raw("<p class=\"note\">")
        .text(
            "Method: Draxler, Veschgini, Salmhofer, Hamprecht, “Essentially No Barriers in Neural"
                + " Network Energy Landscape”, ICML 2018. The numbers behind every figure and table"
                + " lie beside this file in figures/ and tables/.")
        .raw("</p>\n</section>\n");
  }

  private void facts(String title, List<Fact> facts) {
    if (facts.isEmpty()) {
      return;
    }
    html.raw("<div>").element("h3", title).raw("<dl>\n");
    for (Fact fact : facts) {
      html.element("dt", fact.name()).element("dd", fact.value());
    }
    html.raw("</dl></div>\n");
  }

  private void data(String text) {
    html.raw("<td>").text(text).raw("</td>");
  }

  /** Radio buttons in a row; the first is chosen. Hidden where scripts do not run. */
  private void segments(String name, String legend, List<Fact> choices) {
    html.raw("<fieldset class=\"scripted\"><legend>").text(legend).raw("</legend>");
    boolean first = true;
    for (Fact choice : choices) {
      html.raw("<label><input type=\"radio\" name=\"" + name + "\" value=\"");
      html.text(choice.name()).raw(first ? "\" checked>" : "\">").raw("<span>");
      html.text(choice.value()).raw("</span></label>");
      first = false;
    }
    html.raw("</fieldset>\n");
  }

  private List<Fact> conventions() {
    String own = ResultRow.word(run.convention());
    String other = ResultRow.word(StatisticsConvention.values()[1 - run.convention().ordinal()]);
    return List.of(new Fact(own, own), new Fact(other, other));
  }

  /** Whether batch-norm statistics matter at all; they do not in a network without any. */
  private static boolean conventionsDiffer(RunSummary run) {
    return run.connections().stream()
        .flatMap(c -> c.line().stream())
        .flatMap(profile -> profile.samples().stream())
        .anyMatch(
            sample ->
                !sample.trainRecomputed().equals(sample.trainInterpolated())
                    || !sample.testRecomputed().equals(sample.testInterpolated()));
  }

  /** The inks as custom properties, so that page and drawings have the same colours. */
  private static String colours() {
    StringBuilder css = new StringBuilder(":root {\n");
    for (Ink ink : Ink.values()) {
      css.append("  ").append(ink.property()).append(": ").append(ink.hex()).append(";\n");
    }
    return css.append("}\n").toString();
  }

  private static String resource(String name) {
    try (InputStream in = Page.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
