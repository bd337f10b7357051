package io.isthmus.cli;

import io.isthmus.store.RunDirectory;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code isthmus run}: a whole experiment. */
@Command(
    name = "run",
    description = {
      "Run a whole experiment: train minima, connect them, report.",
      "",
      "The same command goes on with a run that was stopped or killed, and ends with the same bits."
    })
final class RunVerb implements Callable<Integer> {
  private final Console console;

  @Mixin private RunArguments arguments = new RunArguments();

  @Option(
      names = "--dry-run",
      description = "Print what would be done and what it costs on this machine; do nothing.")
  private boolean dryRun;

  RunVerb(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    if (dryRun) {
      return DryRun.of(arguments, console);
    }
    try (RunDirectory run = arguments.open(console)) {
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
}
