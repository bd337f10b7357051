package io.isthmus.cli;

import io.isthmus.config.BuiltinConfigs;
import io.isthmus.config.Config;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.store.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code isthmus demo}: the built-in configuration {@code demo}, which takes a minute. */
@Command(
    name = "demo",
    description = {
      "See it work: five small networks on 8x8 digits and the paths between them, in a minute.",
      "",
      "Goes on with a demo that was stopped; a finished one is shown again at once, as running it"
          + " anew would give the same bits."
    })
final class Demo implements Callable<Integer> {
  private static final String NAME = "demo";

  private final Console console;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      defaultValue = "runs/demo",
      description = "Run directory (default: ${DEFAULT-VALUE}).")
  private Path output;

  @Option(
      names = "--again",
      description = "Remove what an earlier demo left there, and start anew.")
  private boolean again;

  Demo(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    ExperimentConfig config = Config.load(List.of(Path.of(NAME)), List.of());
    if (again && RunDirectory.isRun(output)) {
      RunDirectory.open(output, config, "").close(); // refuses what is no demo, or at work
      remove(output);
    }
    try (RunDirectory run =
        RunDirectory.open(output, config, BuiltinConfigs.text(NAME).orElseThrow())) {
      Work.in(
          run,
          console,
          experiment -> {
            experiment.train();
            return experiment.explore();
          });
      return Work.conclude(run, console);
    }
  }

  private static void remove(Path folder) throws IOException {
    List<Path> inside;
    try (Stream<Path> tree = Files.walk(folder)) {
      inside = tree.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : inside) {
      Files.delete(path);
    }
  }
}
