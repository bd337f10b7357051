package io.isthmus.cli;

import io.isthmus.analysis.Eigenvalue;
import io.isthmus.analysis.HessianSettings;
import io.isthmus.analysis.MinimumHessian;
import io.isthmus.analysis.PathHessian;
import io.isthmus.analysis.Spectrum;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.experiment.HessianRequest;
import io.isthmus.experiment.HessianStage;
import io.isthmus.experiment.Summary;
import io.isthmus.neb.Pair;
import io.isthmus.report.Report;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus hessian}: curvature at minima, saddles and along paths. */
@Command(
    name = "hessian",
    description = {
      "Measure the Hessian of the training loss at minima and saddles: its lowest and highest"
          + " eigenvalues, and the curvature along a path and across it.",
      "",
      "Without --minimum and --pair: the path of the tree's highest saddle and the minima at its"
          + " ends. The loss is that of training, with batch-norm statistics of each mini-batch and"
          + " without augmentation. What is known already by the same settings is not computed again."
    })
final class HessianVerb implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "DIR", description = "Run directory.")
  private Path folder;

  @Option(
      names = "--minimum",
      paramLabel = "N",
      description = "Number of a minimum; may be repeated.")
  private List<Integer> minima = List.of();

  @Option(
      names = "--pair",
      paramLabel = "A-B",
      converter = PairConverter.class,
      description = "Minima at the ends of a finished path, such as 2-5; may be repeated.")
  private List<Pair> pairs = List.of();

  @Option(
      names = "--along",
      description = "Also the curvature along the path and across it at every pivot.")
  private boolean along;

  @Option(
      names = "--eigenvalues",
      paramLabel = "K",
      defaultValue = "5",
      description = "Eigenvalues from each end of the spectrum (default: ${DEFAULT-VALUE}).")
  private int eigenvalues;

  @Option(
      names = "--images",
      paramLabel = "N",
      defaultValue = "1024",
      description =
          "Training images that the loss is taken over, in whole mini-batches (default:"
              + " ${DEFAULT-VALUE}, or all if there are fewer).")
  private int images;

  @Option(
      names = "--weight-decay",
      paramLabel = "W",
      defaultValue = "0",
      description =
          "Add the L2 term of this weight to the loss, which adds W to every eigenvalue (default:"
              + " ${DEFAULT-VALUE}).")
  private double weightDecay;

  @Option(
      names = "--products",
      paramLabel = "N",
      defaultValue = "100",
      description =
          "At most so many products of the Hessian with a vector for each point; each keeps a vector"
              + " in memory (default: ${DEFAULT-VALUE}).")
  private int products;

  HessianVerb(Console console) {
    this.console = console;
  }

  private record Document(
      Path directory, List<MinimumHessian> minima, List<PathHessian> paths, Path report) {}

  @Override
  public Integer call() {
    atLeast(1, eigenvalues, "--eigenvalues");
    atLeast(1, images, "--images");
    atLeast(Math.max(2, eigenvalues), products, "--products");
    if (!Double.isFinite(weightDecay) || weightDecay < 0) {
      throw new IsthmusException(
          ExitCode.USAGE, "--weight-decay must be 0 or more, but is " + weightDecay);
    }
    HessianRequest request =
        new HessianRequest(minima, pairs, eigenvalues, images, weightDecay, products, along);
    try (RunDirectory run = RunDirectory.resume(folder)) {
      HessianStage.Results results =
          Work.in(run, console, experiment -> experiment.hessian(request));
      Path report = Report.write(Summary.of(run), run.folder());
      console.answer(
          new Document(run.folder(), results.minima(), results.paths(), report),
          () -> text(results, report));
      return 0;
    }
  }

  static void atLeast(int least, int value, String option) {
    if (value < least) {
      throw new IsthmusException(
          ExitCode.USAGE, "%s must be at least %d, but is %d".formatted(option, least, value));
    }
  }

  private static String text(HessianStage.Results results, Path report) {
    List<String> lines = new ArrayList<>();
    for (MinimumHessian minimum : results.minima()) {
      lines.addAll(spectrum("minimum " + minimum.minimum(), minimum.spectrum()));
    }
    for (PathHessian path : results.paths()) {
      String name = path.pair().first() + "-" + path.pair().second();
      lines.addAll(spectrum("saddle " + name, path.saddle()));
      lines.add(
          String.format(
              Locale.ROOT,
              "  curvature along the path %.4g ± %.1g, lowest across it %.4g ± %.1g; the lowest"
                  + " eigenvector's overlap with the tangent is %.3f",
              path.at().tangent(),
              path.at().tangentChange(),
              path.at().across(),
              path.at().acrossUncertainty(),
              path.saddle().bottom().overlap()));
    }
    HessianSettings settings =
        results.minima().isEmpty()
            ? results.paths().get(0).settings()
            : results.minima().get(0).settings();
    lines.add(
        settings.images() == 0
            ? "The report is " + report + "."
            : "Over %d training images in mini-batches of %d, batch norm in training mode. The report is %s."
                .formatted(settings.images(), settings.batch(), report));
    return String.join(System.lineSeparator(), lines);
  }

  private static List<String> spectrum(String name, Spectrum spectrum) {
    return List.of(
        String.format(
            Locale.ROOT,
            "%s: loss %.4g, gradient %.2g",
            name,
            spectrum.loss(),
            spectrum.gradient()),
        "  lowest eigenvalues  " + values(spectrum.lowest()),
        "  highest eigenvalues " + values(spectrum.highest()),
        String.format(
            Locale.ROOT,
            "  changed by %.1g (lowest) and %.1g (highest) when the step is doubled; residuals %.1g and"
                + " %.1g; %d products",
            spectrum.bottom().change(),
            spectrum.top().change(),
            spectrum.bottom().residual(),
            spectrum.top().residual(),
            spectrum.products()));
  }

  private static String values(List<Eigenvalue> eigenvalues) {
    return eigenvalues.stream()
        .map(eigenvalue -> String.format(Locale.ROOT, "%.4g", eigenvalue.value()))
        .collect(Collectors.joining("  "));
  }
}
