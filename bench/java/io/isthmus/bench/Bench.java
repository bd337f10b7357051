package io.isthmus.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/**
 * Runs the benches by JMH and writes their table: {@code [--quick] [--out FILE] [--note TEXT] [JMH
 * options]}. {@code --quick} measures a tiny network once, to see that everything works.
 */
public final class Bench {
  private static final List<String> QUICK = List.of("-f 1 -wi 1 -i 2 -p spec=resnet8".split(" "));
  private static final List<String> QUICK_TIMES = List.of("-w 100ms -r 100ms".split(" "));

  private Bench() {}

  public static void main(String[] args) throws Exception {
    Path out = null;
    String note = "";
    List<String> measured = new ArrayList<>();
    List<String> jmh = new ArrayList<>();
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> {
          measured.add(args[i]);
          jmh.addAll(QUICK);
          jmh.addAll(QUICK_TIMES);
        }
        case "--out" -> out = Path.of(args[++i]);
        case "--note" -> note = args[++i];
        default -> {
          measured.add(args[i]);
          jmh.add(args[i]);
        }
      }
    }
    var options = new CommandLineOptions(jmh.toArray(String[]::new));
    String table = table(new Runner(options).run());
    System.out.println("\n" + table);
    if (out != null) {
      Files.writeString(out, head(measured, note) + table);
    }
  }

  private static String head(List<String> measured, String note) {
    return """
        # The engine through Java

        * %s; %s %s, JDK %s; %s processors
        %s* Command: `./isthmus bench --java%s`
        * Milliseconds per call, n iterations in all forks after a warm-up

        """
        .formatted(
            LocalDate.now(ZoneOffset.UTC),
            System.getProperty("os.name"),
            System.getProperty("os.version"),
            Runtime.version(),
            Runtime.getRuntime().availableProcessors(),
            note.isEmpty() ? "" : "* " + note + "\n",
            measured.isEmpty() ? "" : " " + String.join(" ", measured));
  }

  private static String table(Collection<RunResult> results) {
    var text =
        new StringBuilder("| bench | setting | n | median ms | 10-90 % |\n|---|---|---|---|---|\n");
    for (RunResult run : results) {
      var times = run.getPrimaryResult().getStatistics();
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %d | %.4g | %.4g - %.4g |%n",
              name(run),
              setting(run),
              times.getN(),
              median(run),
              times.getPercentile(10),
              times.getPercentile(90)));
    }
    return text + shares(results);
  }

  /** Java's share of a path step: its bound over the step of every network that was measured. */
  private static String shares(Collection<RunResult> results) {
    var text = new StringBuilder();
    for (RunResult boundary : results) {
      for (RunResult step : results) {
        if (name(boundary).equals("BoundaryBenchmark.relax")
            && name(step).equals("PointsBenchmark.relax")) {
          text.append(
              String.format(
                  Locale.ROOT,
                  "%n* Java's share of a path step, %s: at most %.3f %%",
                  setting(step),
                  100 * median(boundary) / median(step)));
        }
      }
    }
    return text.append(text.isEmpty() ? "" : "\n").toString();
  }

  private static double median(RunResult run) {
    return run.getPrimaryResult().getStatistics().getPercentile(50);
  }

  private static String name(RunResult run) {
    String[] parts = run.getParams().getBenchmark().split("\\.");
    return parts[parts.length - 2] + "." + parts[parts.length - 1];
  }

  private static String setting(RunResult run) {
    var params = run.getParams();
    return String.join(" ", params.getParamsKeys().stream().map(params::getParam).toList());
  }
}
