package io.isthmus.cli;

import io.isthmus.experiment.Summary;
import io.isthmus.report.RunSummary;
import io.isthmus.report.Verdict;
import io.isthmus.store.FileSummary;
import io.isthmus.store.RunDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code isthmus inspect}: what a file or a run directory is. */
@Command(
    name = "inspect",
    description = {
      "Say what a file or a run directory is: its kind, its contents, and whether it is intact.",
      "",
      "Reads what runs write, HDF5 of other programs, and safetensors."
    })
final class Inspect implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "PATH", description = "File or run directory.")
  private Path path;

  Inspect(Console console) {
    this.console = console;
  }

  private record Document(
      Path directory,
      String kind,
      String title,
      List<RunDirectory.MinimumStatus> minima,
      List<RunDirectory.PathStatus> paths,
      List<String> verdict) {}

  @Override
  public Integer call() {
    if (Files.isDirectory(path)) {
      run();
    } else {
      FileSummary summary = FileSummary.of(path);
      console.answer(summary, () -> text(summary));
    }
    return 0;
  }

  private void run() {
    RunDirectory run = RunDirectory.view(path);
    RunSummary summary = Summary.of(run);
    Verdict verdict = Verdict.of(summary);
    console.answer(
        new Document(path, "run", summary.title(), run.minima(), run.paths(), verdict.sentences()),
        () -> text(run, summary, verdict));
  }

  private static String text(FileSummary file) {
    StringBuilder text = new StringBuilder();
    text.append(file.file()).append(": ").append(file.format());
    text.append(file.kind().isEmpty() ? "" : ", " + file.kind());
    text.append(", ").append(Sizes.bytes(file.bytes()));
    text.append(file.verified() ? ", every byte verified" : ", without checksums of its own");
    file.attributes().forEach((name, value) -> text.append("%n  %s: %s".formatted(name, value)));
    file.datasets().forEach((name, shape) -> text.append("%n  %s %s".formatted(name, shape)));
    return text.toString();
  }

  private static String text(RunDirectory run, RunSummary summary, Verdict verdict) {
    StringBuilder text = new StringBuilder();
    text.append(run.folder()).append(": run, ").append(summary.title());
    for (RunDirectory.MinimumStatus minimum : run.minima()) {
      text.append(
          "%n  minimum %d: %s"
              .formatted(minimum.number(), minimum.trained() ? "trained" : "in training"));
    }
    for (RunSummary.Connection connection : summary.connections()) {
      text.append(
          "%n  path %s: %s, %d of %d cycles"
              .formatted(
                  connection.name(),
                  connection.status().label(),
                  connection.cycles().size(),
                  summary.schedule().size()));
    }
    verdict.sentences().forEach(sentence -> text.append("%n".formatted()).append(sentence));
    return text.toString();
  }
}
