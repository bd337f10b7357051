package io.isthmus.report;

import io.isthmus.analysis.Calibration;
import io.isthmus.analysis.EnsembleResult;
import io.isthmus.analysis.EnsembleScore;
import io.isthmus.analysis.EnsembleScore.Kind;
import io.isthmus.report.scene.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Ensembles of a path and independent ones, a row for each kind and size. */
public final class EnsembleTable {
  /** The head of the table. */
  static final List<String> COLUMNS =
      List.of(
          "ensemble",
          "ensembles",
          "test error (%)",
          "neg. log-likelihood",
          "Brier score",
          "calibration error (%)",
          "disagreement (%)");

  private final EnsembleResult result;
  private final List<List<String>> rows = new ArrayList<>();

  private EnsembleTable(EnsembleResult result) {
    this.result = result;
    row("one minimum", Kind.INDEPENDENT, 1);
    for (int size = 2; size <= result.size(); size++) {
      String path = "%d along path %s".formatted(size, name(result));
      row(size == 2 ? "both ends of path " + name(result) : path, Kind.PATH, size);
      row(size + " independent minima", Kind.INDEPENDENT, size);
    }
  }

  /** The table of a path's ensembles. */
  public static EnsembleTable of(EnsembleResult result) {
    return new EnsembleTable(result);
  }

  /** The cells, row by row, as many as {@link #COLUMNS}. */
  List<List<String>> rows() {
    return rows;
  }

  /** What the numbers are. */
  String note() {
    return "Over "
        + Numbers.count(result.images())
        + " test images. Mean ± standard deviation (n − 1) over the ensembles of a kind, which share"
        + " members. Probabilities are averaged; calibration error: expected, over "
        + Calibration.BINS
        + " equal bins of confidence; disagreement: share of images on which two members predict"
        + " different classes."
        + (result.minima() < result.size()
            ? " The run has "
                + Verdict.count(result.minima(), "minimum", "minima")
                + ", so independent ensembles are no larger."
            : "");
  }

  /** The table for a terminal. */
  public String text() {
    List<List<String>> all = new ArrayList<>();
    all.add(COLUMNS);
    all.addAll(rows);
    int[] widths = new int[COLUMNS.size()];
    for (List<String> row : all) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : all) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String pad = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? row.get(i) + pad : "  " + pad + row.get(i));
      }
      text.append(line.toString().stripTrailing()).append(System.lineSeparator());
    }
    return text + note();
  }

  private void row(String label, Kind kind, int size) {
    List<EnsembleScore> scores = result.scores(kind, size);
    if (scores.isEmpty()) {
      return;
    }
    rows.add(
        List.of(
            label,
            String.valueOf(scores.size()),
            percent(scores, s -> s.calibration().error()),
            plain(scores, s -> s.calibration().loss()),
            plain(scores, s -> s.calibration().brier()),
            percent(scores, s -> s.calibration().calibrationError()),
            size == 1 ? Numbers.NONE : percent(scores, EnsembleScore::disagreement)));
  }

  /** Mean and deviation of one number over ensembles. */
  static Spread spread(List<EnsembleScore> scores, ToDoubleFunction<EnsembleScore> number) {
    return Spread.of(scores.stream().mapToDouble(number).toArray());
  }

  private static String percent(
      List<EnsembleScore> scores, ToDoubleFunction<EnsembleScore> number) {
    Spread spread = spread(scores, number);
    return Numbers.plusMinus(100 * spread.mean(), 100 * spread.deviation(), 2);
  }

  private static String plain(List<EnsembleScore> scores, ToDoubleFunction<EnsembleScore> number) {
    Spread spread = spread(scores, number);
    return Numbers.plusMinus(spread.mean(), spread.deviation(), 4);
  }

  /** For instance 2-5. */
  static String name(EnsembleResult result) {
    return result.pair().first() + "-" + result.pair().second();
  }
}
