package io.isthmus.cli;

import io.isthmus.experiment.Summary;
import io.isthmus.report.Report;
import io.isthmus.report.ResultTable;
import io.isthmus.report.RunSummary;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus report}: results of runs, finished or not. */
@Command(
    name = "report",
    description = {
      "Print the result table of one run or several; with --write also renew each run's tables,"
          + " figures and report.html."
    })
final class ReportVerb implements Callable<Integer> {
  /** What the table is written as. */
  enum Format {
    /** For reading. */
    TERMINAL,
    /** All numbers in full. */
    CSV,
    /** Everything known about runs and pairs. */
    JSON,
    /** For a page. */
    MARKDOWN,
    /** For a paper. */
    LATEX
  }

  private final Console console;

  @Parameters(arity = "1..*", paramLabel = "DIR", description = "Run directory.")
  private List<Path> folders;

  @Option(
      names = {"-f", "--format"},
      paramLabel = "FORMAT",
      defaultValue = "terminal",
      description = "terminal, csv, json, markdown or latex (default: ${DEFAULT-VALUE}).")
  private Format format;

  @Option(
      names = {"-w", "--write"},
      description = "Write tables/, figures/ and report.html of each run anew.")
  private boolean write;

  ReportVerb(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    List<RunSummary> summaries = new ArrayList<>();
    for (Path folder : folders) {
      RunSummary summary = Summary.of(RunDirectory.view(folder));
      summaries.add(summary);
      if (write) {
        console.note("written: " + Report.write(summary, folder));
      }
    }
    ResultTable table = ResultTable.of(summaries);
    console.answer(Json.read(table.json()), () -> text(table));
    return 0;
  }

  private String text(ResultTable table) {
    return switch (format) {
      case TERMINAL -> table.terminal(console.colours());
      case CSV -> table.csv();
      case JSON -> table.json();
      case MARKDOWN -> table.markdown();
      case LATEX -> table.latex();
    };
  }
}
