package io.isthmus.cli;

import io.isthmus.experiment.Experiment;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code isthmus explore}: algorithm 3 on trained minima. */
@Command(
    name = "explore",
    description = {
      "Connect the trained minima of a run, pair by pair, until the tree of lowest paths is known.",
      "",
      "Which pair comes next, and when to stop, is algorithm 3 of the paper; its tolerance and budget"
          + " are exploration.tolerance and exploration.max_pairs of the configuration."
    })
final class Explore implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "DIR", description = "Run directory.")
  private Path folder;

  Explore(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (RunDirectory run = RunDirectory.resume(folder)) {
      Work.in(run, console, Experiment::explore);
      return Work.conclude(run, console);
    }
  }
}
