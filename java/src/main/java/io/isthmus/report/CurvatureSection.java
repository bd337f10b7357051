package io.isthmus.report;

import io.isthmus.analysis.Curvature;
import io.isthmus.analysis.Eigenvalue;
import io.isthmus.analysis.HessianSettings;
import io.isthmus.analysis.MinimumHessian;
import io.isthmus.analysis.PathHessian;
import io.isthmus.analysis.Spectrum;
import io.isthmus.report.Html.Cell;
import io.isthmus.report.scene.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The Hessian's spectrum at minima and saddles, and curvature along paths. */
final class CurvatureSection {
  private final RunSummary run;
  private final HessianFinding finding;
  private final Html html = new Html();

  private CurvatureSection(RunSummary run, HessianFinding finding) {
    this.run = run;
    this.finding = finding;
  }

  /** The section; empty for a run without Hessians. */
  static Optional<PageSection> of(RunSummary run, List<Figure> figures) {
    return run.findings(HessianFinding.class).stream()
        .findFirst()
        .map(finding -> new CurvatureSection(run, finding).section(figures));
  }

  private PageSection section(List<Figure> figures) {
    finding.paths().forEach(path -> html.element("p", sentence(path)));
    figures.stream()
        .filter(figure -> figure.name().matches("curvature(-\\d+-\\d+)?"))
        .forEach(html::figure);
    html.tableStart(
        "Spectra",
        "",
        List.of(
            "point",
            "loss",
            "gradient",
            "lowest eigenvalue",
            "highest eigenvalue",
            "along the path",
            "lowest across it",
            "overlap"));
    for (MinimumHessian minimum : finding.minima()) {
      row("minimum " + minimum.minimum(), minimum.spectrum(), null);
    }
    for (PathHessian path : finding.paths()) {
      row("saddle " + name(path), path.saddle(), path.at());
    }
    html.tableEnd().note(note());
    return new PageSection("curvature", "Curvature", "Curvature", html.toString());
  }

  private void row(String name, Spectrum spectrum, Curvature at) {
    List<Cell> cells = new ArrayList<>();
    cells.add(Cell.number(spectrum.loss()));
    cells.add(Cell.number(spectrum.gradient()));
    cells.add(eigenvalue(spectrum.bottom()));
    cells.add(eigenvalue(spectrum.top()));
    boolean path = at != null;
    cells.add(Cell.of(path ? changed(at.tangent(), at.tangentChange()) : Numbers.NONE));
    cells.add(Cell.of(path ? changed(at.across(), at.acrossUncertainty()) : Numbers.NONE));
    cells.add(Cell.of(path ? Numbers.fixed(spectrum.bottom().overlap(), 2) : Numbers.NONE));
    html.row(name, cells);
  }

  private static Cell eigenvalue(Eigenvalue eigenvalue) {
    return Cell.of(changed(eigenvalue.value(), eigenvalue.uncertainty()));
  }

  private static String changed(double value, double change) {
    return Double.isNaN(value)
        ? Numbers.NONE
        : Numbers.significant(value, 3) + " ± " + Numbers.significant(change, 1);
  }

  /** What the saddle's curvature along the path is against the highest one. */
  private static String sentence(PathHessian path) {
    double along = path.at().tangent();
    double top = path.saddle().top().value();
    return "At the saddle of path %s the curvature along the path is %s, %s %% of the highest eigenvalue (%s)."
        .formatted(
            name(path),
            changed(along, path.at().tangentChange()),
            Numbers.significant(100 * along / top, 2),
            Numbers.significant(top, 3));
  }

  private String note() {
    HessianSettings settings =
        finding.minima().isEmpty()
            ? finding.paths().get(0).settings()
            : finding.minima().get(0).settings();
    return "Lanczos’s method on central differences of gradients; ±: change when the step is doubled"
        + " or, of eigenvalues, the residual if that is larger; what is below it is not told from zero."
        + " Overlap: of the lowest eigenvector with the"
        + " path’s tangent."
        + (run.tested()
            ? " Loss and Hessian over %s training images in mini-batches of %s, batch norm in training mode, no augmentation, %s."
                .formatted(
                    Numbers.count(settings.images()),
                    Numbers.count(settings.batch()),
                    settings.weightDecay() == 0
                        ? "no weight decay"
                        : "weight decay " + settings.weightDecay())
            : "");
  }

  private static String name(PathHessian path) {
    return path.pair().first() + "-" + path.pair().second();
  }
}
