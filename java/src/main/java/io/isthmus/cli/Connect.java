package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathResult;
import io.isthmus.neb.Saddle;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus connect}: the path between two minima. */
@Command(name = "connect", description = "Find the path between two trained minima of a run.")
final class Connect implements Callable<Integer> {
  private final Console console;

  @Parameters(index = "0", paramLabel = "DIR", description = "Run directory.")
  private Path folder;

  @Parameters(index = "1", paramLabel = "FROM", description = "Number of one minimum.")
  private int from;

  @Parameters(index = "2", paramLabel = "TO", description = "Number of the other.")
  private int to;

  @Option(
      names = "--from",
      paramLabel = "FILE",
      description =
          "Start from the pivots of this path, HDF5 or safetensors, in place of the straight line.")
  private Path start;

  Connect(Console console) {
    this.console = console;
  }

  private record Document(
      Path directory,
      String pair,
      Path file,
      int cycle,
      int pivots,
      double lengthOverStraight,
      Saddle saddle,
      Saddle line) {}

  @Override
  public Integer call() {
    if (from < 1 || to < 1 || from == to) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "a path needs two different minima, numbered from 1, but got %d and %d"
              .formatted(from, to));
    }
    Pair pair = Pair.of(from, to);
    try (RunDirectory run = RunDirectory.resume(folder)) {
      PathResult result =
          Work.in(
              run,
              console,
              experiment ->
                  start == null ? experiment.connect(pair) : experiment.connect(pair, start));
      answer(run, result);
      return 0;
    }
  }

  private void answer(RunDirectory run, PathResult result) {
    ExperimentConfig config = run.config();
    StatisticsConvention convention = config.exploration().statistics();
    CycleResult valued = result.valued(config.exploration().pairValue(), convention);
    Saddle saddle = valued.saddle(convention);
    Saddle barrier = Saddle.of(result.line(), convention);
    Path file = run.cycle(result.pair(), valued.cycle());
    Document document =
        new Document(
            run.folder(),
            result.pair().toString(),
            file,
            valued.cycle(),
            valued.profile().gaps() + 1,
            valued.stretch(),
            saddle,
            barrier);
    console.answer(
        document,
        () ->
            String.format(
                Locale.ROOT,
                "path %d-%d: the saddle is at training loss %.4g, the straight line's maximum at"
                    + " %.4g%nits %d pivots are in %s",
                result.pair().first(),
                result.pair().second(),
                saddle.trainLoss(),
                barrier.trainLoss(),
                valued.profile().gaps() + 1,
                file));
  }
}
