package io.isthmus.cli;

import io.isthmus.experiment.Summary;
import io.isthmus.landscape.Minimum;
import io.isthmus.report.RunSummary;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code isthmus train}: the minima of a run, without the paths. */
@Command(
    name = "train",
    description = "Train the minima of a run; 'explore' or 'connect' then look for the paths.")
final class Train implements Callable<Integer> {
  private final Console console;

  @Mixin private RunArguments arguments = new RunArguments();

  Train(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (RunDirectory run = arguments.open(console)) {
      Work.in(
          run,
          console,
          experiment -> {
            experiment.train();
            return null;
          });
      RunSummary summary = Summary.of(run);
      console.answer(new Document(run.folder(), summary.minima()), () -> table(summary));
      return 0;
    }
  }

  private record Document(Path directory, List<Minimum> minima) {}

  private static String table(RunSummary summary) {
    return summary.minima().stream()
        .map(minimum -> row(minimum, summary.tested()))
        .collect(Collectors.joining(System.lineSeparator()));
  }

  private static String row(Minimum minimum, boolean tested) {
    List<Object> values =
        List.of(
            minimum.number(),
            minimum.train().loss(),
            100 * minimum.train().error(),
            minimum.test().loss(),
            100 * minimum.test().error());
    return tested
        ? String.format(
            Locale.ROOT,
            "minimum %d: training loss %.4g, error %.2f %%; test loss %.4g, error %.2f %%",
            values.toArray())
        : String.format(Locale.ROOT, "minimum %d: energy %.6g", values.toArray());
  }
}
