package io.isthmus.report;

import io.isthmus.config.StatisticsConvention;
import io.isthmus.report.ResultRow.Cell;
import io.isthmus.report.scene.Numbers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Table 1 of the paper for one or several runs: loss and error at the minima and at the saddles,
 * mean and standard deviation over the minimum spanning tree, beside the straight lines' maxima.
 *
 * <p>The tables for readers show each run under one batch-norm convention, that it judges by unless
 * another is asked for, and one reading of a saddle, each metric's own maximum (as the paper does)
 * unless the other is asked for, and say so; CSV and JSON have all four combinations.
 */
public final class ResultTable {
  private static final List<Measure> SHOWN =
      List.of(Measure.TRAIN_LOSS, Measure.TEST_LOSS, Measure.TEST_ERROR);

  private final List<RunSummary> runs;
  private final Optional<StatisticsConvention> statistics;
  private final Reading reading;

  private ResultTable(
      List<RunSummary> runs, Optional<StatisticsConvention> statistics, Reading reading) {
    this.runs = List.copyOf(runs);
    this.statistics = statistics;
    this.reading = reading;
  }

  /** The table of these runs, in this order, as each run judges its paths. */
  public static ResultTable of(List<RunSummary> runs) {
    return of(runs, Optional.empty(), Reading.OWN_MAXIMUM);
  }

  /**
   * The table of these runs, in this order.
   *
   * @param statistics batch-norm statistics of the tables for readers; empty for each run's own
   * @param reading what a saddle's metrics are in the tables for readers
   */
  public static ResultTable of(
      List<RunSummary> runs, Optional<StatisticsConvention> statistics, Reading reading) {
    return new ResultTable(runs, statistics, reading);
  }

  private String meaning() {
    return "Mean ± standard deviation (n − 1) over the minimum spanning tree. Saddles and straight"
        + " lines: "
        + reading.label()
        + ". Factor: ratio of the means.";
  }

  /** The row of a run that the tables for readers show. */
  private ResultRow shown(RunSummary run) {
    return ResultRow.of(run, statistics.orElse(run.convention()), reading);
  }

  /**
   * For a terminal of 80 columns: a block for each run.
   *
   * @param colours whether to use ANSI sequences for bold and dim
   */
  public String terminal(boolean colours) {
    String bold = colours ? "\u001b[1m" : "";
    String dim = colours ? "\u001b[2m" : "";
    String off = colours ? "\u001b[0m" : "";
    List<String> header = List.of("", "minima", "saddles", "change", "straight line");
    List<List<String>> rows = new ArrayList<>(List.of(header));
    List<Integer> ends = new ArrayList<>();
    for (RunSummary run : runs) {
      ResultRow row = shown(run);
      SHOWN.forEach(measure -> row.cell(measure).ifPresent(cell -> rows.add(line(row, measure))));
      ends.add(rows.size());
    }
    int[] widths = widths(rows);
    StringBuilder text = new StringBuilder();
    text.append(bold).append(aligned(header, widths)).append(off).append('\n');
    int next = 1;
    for (int i = 0; i < runs.size(); i++) {
      text.append(bold).append(visible(name(runs.get(i)))).append(off);
      text.append(dim).append("  ").append(sizes(shown(runs.get(i)))).append(off);
      text.append('\n');
      for (; next < ends.get(i); next++) {
        text.append(aligned(rows.get(next), widths)).append('\n');
      }
    }
    text.append(dim);
    for (String each : wrapped(meaning(), 78)) {
      text.append(each).append('\n');
    }
    text.append(off);
    comparisons().forEach(each -> terminal(text, each, bold, dim, off));
    return text.toString();
  }

  private void terminal(
      StringBuilder text, Comparison comparison, String bold, String dim, String off) {
    RunSummary run = comparison.run();
    List<List<String>> rows = ways(comparison);
    int[] widths = widths(rows);
    text.append('\n').append(bold).append(visible(name(run)) + ", other ways").append(off);
    text.append(dim).append("  ").append(comparison.count()).append(off).append('\n');
    text.append(bold).append(aligned(rows.get(0), widths)).append(off).append('\n');
    rows.stream().skip(1).forEach(row -> text.append(aligned(row, widths)).append('\n'));
    text.append(dim);
    wrapped(meaning(comparison), 78).forEach(each -> text.append(each).append('\n'));
    text.append(off);
  }

  /** The runs in which AutoNEB can be held against other ways. */
  private List<Comparison> comparisons() {
    return runs.stream().map(Comparison::of).flatMap(Optional::stream).toList();
  }

  /** How the table of other ways is to be read. */
  String meaning(Comparison comparison) {
    RunSummary run = comparison.run();
    return "Highest value on each curve ("
        + reading.label()
        + (run.tested()
            ? "; batch-norm statistics " + ResultRow.word(statistics.orElse(run.convention()))
            : "")
        + "): mean ± standard deviation (n − 1) over the same pairs. Gradients: of one mini-batch,"
        + " for each pair.";
  }

  /** Header, and one line for each way. */
  List<List<String>> ways(Comparison comparison) {
    RunSummary run = comparison.run();
    List<Measure> measures = SHOWN.stream().filter(run.measures()::contains).toList();
    List<String> header = new ArrayList<>(List.of("method"));
    measures.forEach(measure -> header.add(label(run, measure)));
    header.add("gradients");
    List<List<String>> rows = new ArrayList<>(List.of(header));
    for (Comparison.Way way : comparison.ways()) {
      List<String> cells = new ArrayList<>(List.of(way.label()));
      for (Measure measure : measures) {
        Spread spread = way.spread(measure, statistics.orElse(run.convention()), reading);
        cells.add(spread(measure, spread));
      }
      double cost = way.cost().mean();
      cells.add(cost == 0 ? Numbers.NONE : Numbers.count(Math.round(cost)));
      rows.add(cells);
    }
    return rows;
  }

  /** All numbers in full, one line for each run, batch-norm convention and reading of a saddle. */
  public String csv() {
    List<String> header =
        new ArrayList<>(
            List.of(
                "dataset",
                "architecture",
                "parameters",
                "statistics",
                "saddle",
                "minima",
                "paths",
                "method",
                "gradients_mean"));
    for (Measure measure : Measure.values()) {
      for (String part :
          List.of(
              "minima_mean",
              "minima_std",
              "saddles_mean",
              "saddles_std",
              "factor",
              "difference",
              "lines_mean",
              "lines_std",
              "lines_factor")) {
        header.add(measure.key() + "_" + part);
      }
    }
    Csv csv = new Csv(header.toArray(String[]::new));
    for (RunSummary run : runs) {
      for (ResultRow row : ResultRow.all(run)) {
        List<Object> cells =
            new ArrayList<>(
                List.of(
                    run.dataset(),
                    run.architecture(),
                    run.parameters() == 0 ? "" : run.parameters(),
                    ResultRow.word(row.convention()),
                    row.reading().key(),
                    row.minima(),
                    row.paths(),
                    "autoneb",
                    ""));
        for (Measure measure : Measure.values()) {
          cells.addAll(numbers(row.cell(measure)));
        }
        csv.row(cells.toArray());
        Comparison.of(run).ifPresent(comparison -> csv(csv, row, comparison));
      }
    }
    return csv.text();
  }

  /** Rows of the compared ways; AutoNEB's own is there again if it is over other pairs. */
  private static void csv(Csv csv, ResultRow row, Comparison comparison) {
    RunSummary run = row.run();
    Comparison.Way line = comparison.ways().get(1);
    for (Comparison.Way way : comparison.ways()) {
      List<Object> cells =
          new ArrayList<>(
              List.of(
                  run.dataset(),
                  run.architecture(),
                  run.parameters() == 0 ? "" : run.parameters(),
                  ResultRow.word(row.convention()),
                  row.reading().key(),
                  row.minima(),
                  comparison.pairs().size(),
                  way.key() + " (same pairs)",
                  way.cost().mean()));
      for (Measure measure : Measure.values()) {
        cells.addAll(
            numbers(
                row.cell(measure)
                    .map(
                        cell ->
                            new Cell(
                                cell.minima(),
                                way.spread(measure, row.convention(), row.reading()),
                                line.spread(measure, row.convention(), row.reading())))));
      }
      csv.row(cells.toArray());
    }
  }

  /** Everything the tables know about the runs and their pairs, as one document. */
  public String json() {
    return RunJson.document(runs);
  }

  /** For a page in Markdown: one row for each run. */
  public String markdown() {
    StringBuilder text = new StringBuilder();
    text.append(
            "| Data | Network | Minima | Paths | Statistics | Training loss: minima | saddles |")
        .append(" factor | straight line | Test loss: minima | saddles |")
        .append(" Test error (%): minima | saddles | difference |\n")
        .append("|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (RunSummary run : runs) {
      for (String cell : row(run)) {
        text.append("| ").append(markdown(cell)).append(' ');
      }
      text.append("|\n");
    }
    text.append('\n').append(meaning()).append('\n');
    for (Comparison comparison : comparisons()) {
      List<List<String>> rows = ways(comparison);
      text.append("\n**" + markdown(name(comparison.run())) + ", other ways**, ")
          .append(comparison.count() + "\n\n");
      for (int i = 0; i < rows.size(); i++) {
        rows.get(i).forEach(cell -> text.append("| ").append(markdown(cell)).append(' '));
        text.append("|\n");
        if (i == 0) {
          text.append("|---" + "|--:".repeat(rows.get(0).size() - 1) + "|\n");
        }
      }
      text.append('\n').append(meaning(comparison)).append('\n');
    }
    return text.toString();
  }

  /**
   * For a paper: table environments that need the packages booktabs and graphicx. They go across
   * both columns of a page; the wide one is made to fit.
   */
  public String latex() {
    StringBuilder text = new StringBuilder();
    text.append("% needs \\usepackage{booktabs,graphicx}\n\\begin{table*}\n\\centering\n")
        .append("\\setlength{\\tabcolsep}{4pt}\n\\resizebox{\\textwidth}{!}{%\n")
        .append("\\begin{tabular}{llrrlrrrrrrrrr}\n\\toprule\n")
        .append(" & & & & & \\multicolumn{4}{c}{Training loss} & \\multicolumn{2}{c}{Test loss}")
        .append(" & \\multicolumn{3}{c}{Test error (\\%)} \\\\\n")
        .append("\\cmidrule(lr){6-9} \\cmidrule(lr){10-11} \\cmidrule(lr){12-14}\n")
        .append("Data & Network & Minima & Paths & Statistics & minima & saddles & factor")
        .append(" & straight line & minima & saddles & minima & saddles & difference \\\\\n")
        .append("\\midrule\n");
    for (RunSummary run : runs) {
      text.append(String.join(" & ", row(run).stream().map(ResultTable::latex).toList()));
      text.append(" \\\\\n");
    }
    text.append("\\bottomrule\n\\end{tabular}}\n\\caption{")
        .append(latex(meaning()))
        .append("}\n\\end{table*}\n");
    for (Comparison comparison : comparisons()) {
      List<List<String>> rows = ways(comparison);
      text.append("\n\\begin{table*}\n\\centering\n\\small\n\\setlength{\\tabcolsep}{4pt}\n")
          .append("\\begin{tabular}{l")
          .append("r".repeat(rows.get(0).size() - 1) + "}\n\\toprule\n");
      for (int i = 0; i < rows.size(); i++) {
        text.append(String.join(" & ", rows.get(i).stream().map(ResultTable::latex).toList()))
            .append(" \\\\\n" + (i == 0 ? "\\midrule\n" : ""));
      }
      text.append("\\bottomrule\n\\end{tabular}\n\\caption{")
          .append(latex(name(comparison.run()) + ", " + comparison.count() + ". "))
          .append(latex(meaning(comparison)))
          .append("}\n\\end{table*}\n");
    }
    return text.toString();
  }

  private List<String> row(RunSummary run) {
    ResultRow row = shown(run);
    Optional<Cell> train = row.cell(Measure.TRAIN_LOSS);
    Optional<Cell> test = row.cell(Measure.TEST_LOSS);
    Optional<Cell> error = row.cell(Measure.TEST_ERROR);
    return List.of(
        run.dataset(),
        run.architecture(),
        String.valueOf(row.minima()),
        String.valueOf(row.paths()),
        run.tested() ? ResultRow.word(row.convention()) : Numbers.NONE,
        spread(Measure.TRAIN_LOSS, train.map(Cell::minima)),
        spread(Measure.TRAIN_LOSS, train.map(Cell::saddles)),
        train.map(cell -> Numbers.factor(cell.factor())).orElse(Numbers.NONE),
        spread(Measure.TRAIN_LOSS, train.map(Cell::lines)),
        spread(Measure.TEST_LOSS, test.map(Cell::minima)),
        spread(Measure.TEST_LOSS, test.map(Cell::saddles)),
        spread(Measure.TEST_ERROR, error.map(Cell::minima)),
        spread(Measure.TEST_ERROR, error.map(Cell::saddles)),
        error.map(cell -> Numbers.signed(100 * cell.difference(), 2)).orElse(Numbers.NONE));
  }

  private static String spread(Measure measure, Optional<Spread> spread) {
    return spread.map(s -> spread(measure, s)).orElse(Numbers.NONE);
  }

  /** A mean with its deviation, an error in percent. */
  static String spread(Measure measure, Spread spread) {
    return measure.isError()
        ? Numbers.plusMinus(100 * spread.mean(), 100 * spread.deviation(), 2)
        : Numbers.plusMinus(spread.mean(), spread.deviation());
  }

  /**
   * What happens from minimum to saddle: a factor for a loss (the difference where a factor says
   * nothing), points for an error.
   */
  static String change(Measure measure, Cell cell) {
    if (measure.isError()) {
      return Numbers.signed(100 * cell.difference(), 2);
    }
    if (!Double.isNaN(cell.factor())) {
      return "× " + Numbers.factor(cell.factor());
    }
    String difference = Numbers.significant(cell.difference(), 3);
    return cell.difference() > 0 ? "+" + difference : difference;
  }

  /** The name of a measure with its unit. */
  static String label(RunSummary run, Measure measure) {
    return !run.tested() ? "energy" : measure.label() + (measure.isError() ? " (%)" : "");
  }

  private static List<Object> numbers(Optional<Cell> cell) {
    if (cell.isEmpty()) {
      return Collections.nCopies(9, "");
    }
    Cell it = cell.get();
    return List.of(
        it.minima().mean(),
        it.minima().deviation(),
        it.saddles().mean(),
        it.saddles().deviation(),
        it.factor(),
        it.difference(),
        it.lines().mean(),
        it.lines().deviation(),
        it.lineFactor());
  }

  private static String name(RunSummary run) {
    return (run.dataset() + " " + run.architecture()).strip();
  }

  private static String sizes(ResultRow row) {
    String text =
        Verdict.count(row.minima(), "minimum", "minima")
            + ", "
            + Verdict.count(row.paths(), "path", "paths");
    return row.run().tested() ? text + ", statistics " + ResultRow.word(row.convention()) : text;
  }

  private static List<String> line(ResultRow row, Measure measure) {
    Cell cell = row.cells().get(measure);
    return List.of(
        "  " + label(row.run(), measure),
        spread(measure, cell.minima()),
        spread(measure, cell.saddles()),
        change(measure, cell),
        spread(measure, cell.lines()));
  }

  private static int[] widths(List<List<String>> rows) {
    int[] widths = new int[rows.get(0).size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], length(row.get(i)));
      }
    }
    return widths;
  }

  /** The first cell to the left, the others to the right of their columns. */
  private static String aligned(List<String> cells, int[] widths) {
    StringBuilder text = new StringBuilder(cells.get(0));
    text.append(" ".repeat(widths[0] - length(cells.get(0))));
    for (int i = 1; i < widths.length; i++) {
      text.append("  ").append(" ".repeat(widths[i] - length(cells.get(i)))).append(cells.get(i));
    }
    return text.toString();
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** A name without characters that would steer the terminal. */
  private static String visible(String name) {
    return name.replaceAll("\\p{Cntrl}", "?");
  }

  private static List<String> wrapped(String text, int width) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.split(" ")) {
      if (line.length() > 0 && line.length() + 1 + word.length() > width) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.length() == 0 ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }

  private static String markdown(String text) {
    return text.replaceAll("[\r\n]", " ").replaceAll("([\\\\`*_{}\\[\\]<>|])", "\\\\$1");
  }

  private static String latex(String text) {
    StringBuilder escaped = new StringBuilder();
    for (char c : text.replaceAll("\\p{Cntrl}", " ").toCharArray()) {
      escaped.append(
          switch (c) {
            case '\\' -> "\\textbackslash{}";
            case '~' -> "\\textasciitilde{}";
            case '^' -> "\\textasciicircum{}";
            case '&', '%', '$', '#', '_', '{', '}' -> "\\" + c;
            case '±' -> "$\\pm$";
            case '−' -> "$-$";
            case '·' -> "$\\cdot$";
            case '∞' -> "$\\infty$";
            case '–' -> "--";
            case '’' -> "'";
            case '⁻' -> "$^{-}$";
            default -> {
              int digit = "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c);
              yield digit >= 0 ? "$^{" + digit + "}$" : String.valueOf(c);
            }
          });
    }
    return escaped.toString();
  }
}
