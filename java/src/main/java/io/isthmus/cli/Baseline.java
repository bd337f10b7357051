package io.isthmus.cli;

import io.isthmus.baseline.BaselineResult;
import io.isthmus.baseline.Method;
import io.isthmus.config.DidYouMean;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.experiment.Experiment;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Saddle;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus baseline}: other ways to connect minima. */
@Command(
    name = "baseline",
    description = {
      "Connect minima of a run by other means than AutoNEB, for comparison in the same report: the"
          + " straight line, the line after weight matching (Ainsworth et al. 2023), a polychain"
          + " with one trained bend and a quadratic Bezier curve (Garipov et al. 2018).",
      "",
      "Trained curves take as many mini-batch gradients as AutoNEB took for the same pair."
    })
final class Baseline implements Callable<Integer> {
  private static final String ALL = "all";

  private final Console console;

  @Parameters(index = "0", paramLabel = "DIR", description = "Run directory.")
  private Path folder;

  @Parameters(
      index = "1..*",
      paramLabel = "A B",
      description = "Pairs of minima by number (default: those of the minimum spanning tree).")
  private List<Integer> numbers = List.of();

  @Option(
      names = "--all",
      description = "Every pair of trained minima, in place of those of the tree.")
  private boolean all;

  @Option(
      names = {"-m", "--method"},
      paramLabel = "METHOD",
      defaultValue = ALL,
      description =
          "line, matching, polychain, bezier or all; may be repeated (default: ${DEFAULT-VALUE}).")
  private List<String> methods;

  @Option(
      names = "--gradients",
      paramLabel = "N",
      defaultValue = "0",
      description = "Mini-batch gradients for each trained curve (default: the cost of the path).")
  private int gradients;

  @Option(
      names = "--learning-rate",
      paramLabel = "RATE",
      defaultValue = "0",
      description = "Of trained curves, at the start (default: 0.3 of training.learning_rate).")
  private float learningRate;

  Baseline(Console console) {
    this.console = console;
  }

  private record Row(
      String pair,
      Method method,
      int gradients,
      double lengthOverStraight,
      Saddle saddle,
      Path file) {}

  private record Document(Path directory, StatisticsConvention statistics, List<Row> baselines) {}

  @Override
  public Integer call() {
    Set<Method> wanted = new LinkedHashSet<>();
    methods.forEach(name -> wanted.addAll(method(name)));
    List<Pair> given = pairs();
    if (gradients < 0 || !(learningRate >= 0) || Float.isInfinite(learningRate)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "--gradients and --learning-rate must be above 0, but are %d and %s"
              .formatted(gradients, learningRate));
    }
    try (RunDirectory run = RunDirectory.resume(folder)) {
      List<BaselineResult> results =
          Work.in(
              run,
              console,
              experiment ->
                  experiment.baselines(
                      given.isEmpty() ? chosen(experiment) : given,
                      List.copyOf(wanted),
                      gradients,
                      learningRate));
      answer(run, results);
      return 0;
    }
  }

  private List<Pair> chosen(Experiment experiment) {
    return all ? experiment.allPairs() : experiment.treePairs();
  }

  private static List<Method> method(String name) {
    if (name.equalsIgnoreCase(ALL)) {
      return List.of(Method.values());
    }
    return Arrays.stream(Method.values())
        .filter(method -> method.key().equalsIgnoreCase(name))
        .findFirst()
        .map(List::of)
        .orElseThrow(
            () -> {
              List<String> keys = new ArrayList<>(List.of(ALL));
              Arrays.stream(Method.values()).map(Method::key).forEach(keys::add);
              return new IsthmusException(
                  ExitCode.USAGE,
                  "there is no method '%s'%s; there are %s"
                      .formatted(
                          name,
                          DidYouMean.hint(name, new TreeSet<>(keys)),
                          String.join(", ", keys)));
            });
  }

  private List<Pair> pairs() {
    if (all && !numbers.isEmpty()) {
      throw new IsthmusException(ExitCode.USAGE, "give either pairs of minima or --all, not both");
    }
    if (numbers.size() % 2 != 0) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "pairs are two numbers each, but got %d numbers".formatted(numbers.size()));
    }
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < numbers.size(); i += 2) {
      int a = numbers.get(i);
      int b = numbers.get(i + 1);
      if (a < 1 || b < 1 || a == b) {
        throw new IsthmusException(
            ExitCode.USAGE,
            "a pair is two different minima, numbered from 1, but got %d and %d".formatted(a, b));
      }
      pairs.add(Pair.of(a, b));
    }
    return pairs.stream().distinct().toList();
  }

  private void answer(RunDirectory run, List<BaselineResult> results) {
    StatisticsConvention convention = run.config().exploration().statistics();
    List<Row> rows =
        results.stream()
            .map(
                result ->
                    new Row(
                        result.pair().toString(),
                        result.method(),
                        result.settings().gradients(),
                        result.length() / result.straightLength(),
                        result.saddle(convention),
                        run.baselineOrLine(result.pair(), result.method())))
            .toList();
    console.answer(
        new Document(run.folder(), convention, rows),
        () ->
            "pair       method                     gradients  training loss  test error\n"
                + rows.stream().map(Baseline::line).collect(Collectors.joining("\n")));
  }

  private static String line(Row row) {
    return String.format(
        Locale.ROOT,
        "%-10s %-26s %9d  %13.4g  %8.2f %%",
        row.pair(),
        row.method().label(),
        row.gradients(),
        row.saddle().trainLoss(),
        100 * row.saddle().testError());
  }
}
