package io.isthmus.report;

import io.isthmus.report.scene.Ink;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The report of a run as one HTML file that needs nothing else: style, script, data and drawings
 * are inside, and a content policy forbids the browser to ask for more. Without scripts the page
 * shows the same numbers and one static curve.
 */
final class Page {
  private Page() {}

  /**
   * The page of a run.
   *
   * @param figures the run's figures, by {@link Report#figures}
   */
  static String of(RunSummary run, List<Figure> figures) {
    List<PageSection> sections = sections(run, figures);
    Html html = new Html();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';")
        .raw(" style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .raw("<meta name=\"color-scheme\" content=\"light dark\">\n")
        .raw("<link rel=\"icon\" href=\"data:,\">\n")
        .element("title", run.title())
        .raw("<style>\n" + colours() + resource("page.css") + "</style>\n</head>\n<body>\n<main>\n")
        .raw(PageHeader.of(run));
    navigation(html, sections);
    sections.forEach(section -> section(html, section));
    html.raw("</main>\n");
    for (String script : List.of("page.js", "curves.js")) {
      html.raw("<script>\n" + resource(script) + "</script>\n");
    }
    return html.raw("</body>\n</html>\n").toString();
  }

  /** Everything below the header, in the order of the page. */
  private static List<PageSection> sections(RunSummary run, List<Figure> figures) {
    return Stream.of(
            TableSection.of(run),
            CurvesSection.of(run, figures),
            LandscapeSection.of(run, figures),
            PlaneSection.of(figures),
            CurvatureSection.of(run, figures),
            EnsembleSection.of(run, figures),
            BaselinesSection.of(run, figures),
            PairsSection.of(run),
            AboutSection.of(run))
        .flatMap(Optional::stream)
        .toList();
  }

  private static void navigation(Html html, List<PageSection> sections) {
    html.raw("<nav aria-label=\"Sections\">\n");
    for (PageSection section : sections) {
      html.raw("<a href=\"#" + section.id() + "\">").text(section.link()).raw("</a>\n");
    }
    html.raw("</nav>\n");
  }

  private static void section(Html html, PageSection section) {
    html.raw("<section id=\"" + section.id() + "\">\n<details class=\"section\" open><summary>")
        .element("h2", section.title())
        .raw("</summary>\n" + section.content() + "</details>\n</section>\n");
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
