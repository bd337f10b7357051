package io.isthmus.report;

import io.isthmus.neb.Saddle;
import io.isthmus.report.ResultRow.Cell;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import io.isthmus.report.scene.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/**
 * What came out of a run, in plain words.
 *
 * @param saddle highest training loss on the paths of the tree; NaN without a path
 * @param line highest training loss on the straight lines between the same pairs; NaN when unknown
 * @param minimum mean training loss of the minima; NaN without any
 * @param sentences the result, most important first; at least one
 */
public record Verdict(double saddle, double line, double minimum, List<String> sentences) {
  /** Makes the list unmodifiable. */
  public Verdict {
    sentences = List.copyOf(sentences);
  }

  /** The result of a run, finished or not. */
  public static Verdict of(RunSummary run) {
    ResultRow row = ResultRow.headline(run);
    double minimum = row.cells().get(Measure.TRAIN_LOSS).minima().mean();
    double saddle = highest(run, c -> run.path(c).map(path -> path.saddle(run.convention())));
    double line = highest(run, c -> c.barrier(run.convention()));
    List<String> sentences = new ArrayList<>();
    if (row.paths() == 0) {
      sentences.add(withoutPath(run));
    } else {
      sentences.add(heights(run, saddle, line, minimum));
      row.cell(Measure.TEST_ERROR).map(Verdict::error).ifPresent(sentences::add);
      openEnds(run, row).ifPresent(sentences::add);
    }
    return new Verdict(saddle, line, minimum, sentences);
  }

  /** The highest saddle as a multiple of a minimum; NaN where that says nothing. */
  public double saddleFactor() {
    return minimum > 0 ? saddle / minimum : Double.NaN;
  }

  /** The straight lines' highest point as a multiple of a minimum; NaN where that says nothing. */
  public double lineFactor() {
    return minimum > 0 ? line / minimum : Double.NaN;
  }

  private static double highest(RunSummary run, Function<Connection, Optional<Saddle>> of) {
    OptionalDouble highest =
        run.tree().stream().map(of).flatMap(Optional::stream).mapToDouble(Saddle::trainLoss).max();
    return highest.orElse(Double.NaN);
  }

  private static String withoutPath(RunSummary run) {
    int minima = run.minima().size();
    if (minima == 0) {
      return "No minimum is trained yet.";
    }
    if (minima == 1) {
      return "One minimum is trained; a path needs two.";
    }
    return minima + " minima are trained; no path between them is finished yet.";
  }

  private static String heights(RunSummary run, double saddle, double line, double minimum) {
    boolean single = run.tree().size() == 1;
    String path = single ? "The saddle of the path is " : "The highest saddle of the tree is ";
    String lines =
        single ? "the straight line reaches " : "the straight lines between the same minima reach ";
    if (run.tested() && minimum > 0) {
      String first =
          String.format(
              Locale.ROOT,
              "%s%s times a minimum (training loss %s against %s on average)",
              path,
              Numbers.factor(saddle / minimum),
              Numbers.significant(saddle, 3),
              Numbers.significant(minimum, 3));
      return Double.isNaN(line)
          ? first + "."
          : String.format(
              Locale.ROOT,
              "%s; %s%s times a minimum (%s).",
              first,
              lines,
              Numbers.factor(line / minimum),
              Numbers.significant(line, 3));
    }
    String first =
        String.format(
            Locale.ROOT,
            "%sat %s, %s above the mean of the minima",
            path,
            Numbers.significant(saddle, 3),
            Numbers.significant(saddle - minimum, 3));
    return Double.isNaN(line)
        ? first + "."
        : String.format(Locale.ROOT, "%s; %s%s.", first, lines, Numbers.significant(line, 3));
  }

  private static String error(Cell cell) {
    boolean single = cell.saddles().count() == 1;
    String text =
        String.format(
            Locale.ROOT,
            "The test error is %s %% at the minima and %s %% on the %s (%s points)",
            Numbers.fixed(100 * cell.minima().mean(), 2),
            Numbers.fixed(100 * cell.saddles().mean(), 2),
            single ? "saddle" : "saddles",
            Numbers.signed(100 * cell.difference(), 2));
    return cell.lines().count() == 0
        ? text + "."
        : text
            + String.format(
                Locale.ROOT,
                ", and %s %% on the straight %s.",
                Numbers.fixed(100 * cell.lines().mean(), 2),
                single ? "line" : "lines, on average");
  }

  /** A number with its noun. */
  static String count(long number, String one, String many) {
    return number + " " + (number == 1 ? one : many);
  }

  /** What is not finished. */
  private static Optional<String> openEnds(RunSummary run, ResultRow row) {
    List<String> open = new ArrayList<>();
    if (row.minima() < run.minima().size() || row.paths() < row.minima() - 1) {
      open.add(
          String.format(
              Locale.ROOT,
              "the tree has %d of %d paths so far",
              row.paths(),
              run.minima().size() - 1));
    }
    long unfinished =
        run.connections().stream()
            .filter(c -> c.status() == Status.RUNNING || c.status() == Status.PENDING)
            .count();
    if (unfinished > 0) {
      open.add(count(unfinished, "pair is", "pairs are") + " not finished");
    }
    long diverged = run.connections().stream().filter(c -> c.status() == Status.DIVERGED).count();
    if (diverged > 0) {
      open.add(count(diverged, "pair", "pairs") + " diverged");
    }
    return open.isEmpty()
        ? Optional.empty()
        : Optional.of("Not complete: " + String.join(", ", open) + ".");
  }
}
