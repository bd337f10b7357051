package io.isthmus.cli;

import io.isthmus.config.Config;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.experiment.Evaluation;
import io.isthmus.store.FileSummary;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus eval}: the metrics of stored points. */
@Command(
    name = "eval",
    description = {
      "Evaluate a minimum, a state dictionary or the pivots of a path on a data set.",
      "",
      "Network, data set and settings are those of the run the file lies in, or else what the file"
          + " says of itself; -s overrides them, as in -s data.folder=DIR."
    })
final class Eval implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "FILE", description = "HDF5 or safetensors file.")
  private Path file;

  @Option(
      names = {"-s", "--set"},
      paramLabel = "KEY=VALUE",
      description = "Override a setting; may be repeated.")
  private List<String> sets = List.of();

  Eval(Console console) {
    this.console = console;
  }

  private record Document(Path file, String model, String data, List<Evaluation> points) {}

  @Override
  public Integer call() {
    ExperimentConfig config = config();
    List<Evaluation> points = Evaluation.of(file, config);
    console.answer(
        new Document(file, config.model().spec(), config.data().name(), points),
        () -> table(points));
    return 0;
  }

  private ExperimentConfig config() {
    Optional<Path> run =
        Stream.iterate(file.toAbsolutePath().getParent(), p -> p != null, Path::getParent)
            .limit(3)
            .filter(RunDirectory::isRun)
            .findFirst();
    if (run.isPresent()) {
      String yaml = Config.toYaml(RunDirectory.view(run.get()).config());
      return Config.parse(yaml, run.get().toString(), sets);
    }
    Map<String, String> attributes = FileSummary.of(file).attributes();
    String model = attributes.get("architecture");
    String data = attributes.get("dataset");
    boolean told = sets.stream().anyMatch(set -> set.startsWith("model"));
    if (model == null && !told) {
      throw new IsthmusException(
          ExitCode.USAGE,
          file + " does not say which network it is; add -s model=<spec> -s data=<name>");
    }
    String yaml =
        (model == null ? "" : "model: '" + model.replace("'", "''") + "'\n")
            + (data == null ? "" : "data: '" + data.replace("'", "''") + "'\n");
    return Config.parse(yaml, file.toString(), sets);
  }

  private static String table(List<Evaluation> points) {
    StringBuilder text = new StringBuilder();
    text.append("             as stored                          statistics recomputed\n");
    text.append("pivot  train loss  test loss  test error     train loss  test loss  test error\n");
    for (Evaluation point : points) {
      text.append(
          String.format(
              Locale.ROOT,
              "%5d  %10.4g %10.4g  %8.2f %%     %10.4g %10.4g  %8.2f %%%n",
              point.index(),
              point.train().loss(),
              point.test().loss(),
              100 * point.test().error(),
              point.trainRecomputed().loss(),
              point.testRecomputed().loss(),
              100 * point.testRecomputed().error()));
    }
    return text.toString();
  }
}
