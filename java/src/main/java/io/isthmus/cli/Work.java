package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.experiment.Experiment;
import io.isthmus.experiment.Summary;
import io.isthmus.report.Report;
import io.isthmus.report.ResultTable;
import io.isthmus.report.RunSummary;
import io.isthmus.report.Verdict;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.List;

/** Long work in a run directory: stoppable, with progress, and with the whole run's result. */
final class Work {
  private Work() {}

  private record Document(Path directory, Path report, Verdict verdict, Object results) {}

  /** A stage of an experiment. */
  interface Stage<T> {
    T of(Experiment experiment);
  }

  /** Carries out a stage and closes the run; signals stop it at its next checkpoint. */
  static <T> T in(RunDirectory run, Console console, Stage<T> stage) {
    try (StopSignal stop = new StopSignal(console);
        Experiment experiment = new Experiment(run, run.config(), console.progress(), stop)) {
      return stage.of(experiment);
    }
  }

  /** Writes the report of a run and gives its result; the exit code. */
  static int conclude(RunDirectory run, Console console) {
    RunSummary summary = Summary.of(run);
    Path report = Report.write(summary, run.folder());
    ResultTable table = ResultTable.of(List.of(summary));
    Verdict verdict = Verdict.of(summary);
    console.answer(
        new Document(run.folder(), report, verdict, Json.read(table.json())),
        () ->
            "%s%n%s%n%nThe report is %s, its tables and figures lie beside it."
                .formatted(
                    table.terminal(console.colours()),
                    String.join(System.lineSeparator(), verdict.sentences()),
                    report));
    boolean diverged =
        summary.connections().stream()
            .anyMatch(connection -> connection.status() == RunSummary.Status.DIVERGED);
    return (diverged ? ExitCode.DIVERGED : ExitCode.OK).status();
  }
}
