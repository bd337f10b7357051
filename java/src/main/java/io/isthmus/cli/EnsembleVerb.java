package io.isthmus.cli;

import io.isthmus.analysis.EnsembleResult;
import io.isthmus.experiment.Summary;
import io.isthmus.neb.Pair;
import io.isthmus.report.EnsembleTable;
import io.isthmus.report.Report;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus ensemble}: networks along a path that predict together. */
@Command(
    name = "ensemble",
    description = {
      "Judge ensembles of networks sampled along a path, equally spaced and with its ends, by test"
          + " error, likelihood and calibration, against ensembles of as many independent minima.",
      "",
      "Without --pair: the path of the tree's highest saddle. Probabilities are averaged; batch-norm"
          + " statistics between the ends are recomputed."
    })
final class EnsembleVerb implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "DIR", description = "Run directory.")
  private Path folder;

  @Option(
      names = "--pair",
      paramLabel = "A-B",
      converter = PairConverter.class,
      description = "Minima at the ends of a finished path, such as 2-5.")
  private Pair pair;

  @Option(
      names = "--size",
      paramLabel = "K",
      defaultValue = "5",
      description = "Networks in the largest ensemble (default: ${DEFAULT-VALUE}).")
  private int size;

  EnsembleVerb(Console console) {
    this.console = console;
  }

  private record Document(Path directory, EnsembleResult ensemble, Path report) {}

  @Override
  public Integer call() {
    HessianVerb.atLeast(1, size, "--size");
    try (RunDirectory run = RunDirectory.resume(folder)) {
      EnsembleResult result =
          Work.in(run, console, experiment -> experiment.ensemble(Optional.ofNullable(pair), size));
      Path report = Report.write(Summary.of(run), run.folder());
      console.answer(
          new Document(run.folder(), result, report),
          () ->
              EnsembleTable.of(result).text()
                  + System.lineSeparator()
                  + "The report is "
                  + report
                  + ".");
      return 0;
    }
  }
}
