package io.isthmus.report;

import io.isthmus.report.Html.Cell;
import io.isthmus.report.RunSummary.Cost;
import io.isthmus.report.scene.Numbers;
import java.util.List;
import java.util.Optional;

/** How the numbers came about: evaluation, cost, environment and the whole configuration. */
final class AboutSection {
  /** Up to this many stages the cost of each is shown at once. */
  private static final int FEW_STAGES = 12;

  private AboutSection() {}

  /** The section, which every page has. */
  static Optional<PageSection> of(RunSummary run) {
    Html html = new Html().raw("<div class=\"columns\">\n").facts("Evaluation", run.notes());
    costs(html, run.costs());
    html.facts("Environment", run.environment()).raw("</div>\n");
    if (!run.configuration().isBlank()) {
      html.raw("<details class=\"more\" id=\"configuration\"><summary>Configuration</summary>")
          .raw("<pre tabindex=\"0\">")
          .text(run.configuration())
          .raw("</pre></details>\n");
    }
    html.note(
        "Method: Draxler, Veschgini, Salmhofer, Hamprecht, “Essentially No Barriers in Neural"
            + " Network Energy Landscape”, ICML 2018. The numbers behind every figure and table"
            + " lie beside this file in figures/ and tables/.");
    return Optional.of(
        new PageSection("about", "How this was computed", "Method", html.toString()));
  }

  /** What the stages took: all of them while they are few, otherwise folded below their sum. */
  private static void costs(Html html, List<Cost> costs) {
    if (costs.isEmpty()) {
      return;
    }
    html.raw("<div>").element("h3", "Cost");
    if (costs.size() <= FEW_STAGES) {
      stages(html, costs);
    } else {
      long gradients = costs.stream().mapToLong(Cost::gradients).sum();
      double seconds = costs.stream().mapToDouble(Cost::seconds).sum();
      stages(html, List.of(costs.get(0), new Cost("everything", gradients, seconds)));
      html.raw("<details class=\"more\"><summary>");
      html.text("All " + costs.size() + " stages").raw("</summary>\n");
      stages(html, costs);
      html.raw("</details>\n");
    }
    html.raw("</div>\n");
  }

  private static void stages(Html html, List<Cost> costs) {
    html.tableStart("Cost", "", List.of("", "gradients", "time"));
    for (Cost cost : costs) {
      String gradients = cost.gradients() == 0 ? Numbers.NONE : Numbers.count(cost.gradients());
      String time = Numbers.duration(cost.seconds());
      html.row(cost.stage(), List.of(Cell.of(gradients), Cell.of(time)));
    }
    html.tableEnd();
  }
}
