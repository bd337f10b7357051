package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.StatisticsConvention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The table's numbers against {@link HandRun}, computed by hand, and the forms it comes in. */
class ResultTableTest {
  private static final double SMALL = 1e-12;
  private final RunSummary run = HandRun.run();
  private final ResultTable table = ResultTable.of(List.of(run));

  @Test
  void the_tree_takes_the_two_lower_saddles() {
    assertThat(run.tree()).extracting(RunSummary.Connection::name).containsExactly("1-2", "2-3");
  }

  @Test
  void csv_has_the_numbers_computed_by_hand() {
    Map<String, String> row = csvRows().get("recomputed own_maximum");
    assertNumber(row, "train_loss_minima_mean", 0.02);
    assertNumber(row, "train_loss_minima_std", 0.01);
    assertNumber(row, "train_loss_saddles_mean", 0.045);
    assertNumber(row, "train_loss_saddles_std", 0.01 / Math.sqrt(2));
    assertNumber(row, "train_loss_factor", 2.25);
    assertNumber(row, "train_loss_difference", 0.025);
    assertNumber(row, "train_loss_lines_mean", 1.5);
    assertNumber(row, "train_loss_lines_std", 1 / Math.sqrt(2));
    assertNumber(row, "train_loss_lines_factor", 75);
    assertNumber(row, "test_loss_minima_mean", 0.4);
    assertNumber(row, "test_loss_saddles_mean", 0.45);
    assertNumber(row, "test_error_minima_mean", 0.12);
    assertNumber(row, "test_error_saddles_mean", 0.16);
    assertNumber(row, "test_error_difference", 0.04);
    assertNumber(row, "test_error_lines_mean", 0.8);
    assertNumber(row, "train_error_saddles_mean", 0.01);
    assertThat(row)
        .containsEntry("dataset", "CIFAR10+")
        .containsEntry("parameters", "272474")
        .containsEntry("minima", "3")
        .containsEntry("paths", "2");
  }

  @Test
  void the_two_readings_of_a_saddle_differ_where_its_metrics_peak_at_different_points() {
    Map<String, String> row = csvRows().get("recomputed at_highest_training_loss");
    // Test errors 0.12 and 0.13 lie at the highest training losses 0.04 and 0.05.
    assertNumber(row, "test_error_saddles_mean", 0.125);
    assertNumber(row, "test_error_lines_mean", 0.7);
    assertNumber(row, "train_loss_saddles_mean", 0.045);
  }

  @Test
  void the_two_conventions_stand_in_lines_of_their_own() {
    Map<String, Map<String, String>> rows = csvRows();
    assertThat(rows)
        .containsOnlyKeys(
            "recomputed own_maximum",
            "recomputed at_highest_training_loss",
            "interpolated own_maximum",
            "interpolated at_highest_training_loss");
    Map<String, String> row = rows.get("interpolated own_maximum");
    assertNumber(row, "train_loss_saddles_mean", 0.09);
    assertNumber(row, "train_loss_minima_mean", 0.02);
    assertNumber(row, "test_error_saddles_mean", 0.32);
    assertNumber(row, "train_loss_lines_mean", 3);
  }

  @Test
  void terminal_fits_eighty_columns_and_says_what_its_numbers_mean() {
    String text = table.terminal(false);
    assertThat(text.lines()).allMatch(line -> line.codePointCount(0, line.length()) <= 80);
    assertThat(words(text))
        .contains("CIFAR10+ ResNet-20 3 minima, 2 paths, statistics recomputed")
        .contains("training loss 0.0200 ± 0.0100 0.0450 ± 0.0071 × 2.25 1.50 ± 0.71")
        .contains("test error (%) 12.00 ± 2.00 16.00 ± 1.41 +4.00 80.00 ± 0.00")
        .contains("over the minimum spanning tree")
        .contains("each metric’s own maximum along the path")
        .doesNotContain("\u001b");
  }

  @Test
  void terminal_columns_are_as_wide_as_their_numbers() {
    RunSummary small =
        HandRun.with(
            List.of(HandRun.minimum(1, 0.000539, 0.3, 0.1), HandRun.minimum(2, 0.000555, 0.3, 0.1)),
            List.of());
    List<String> lines = ResultTable.of(List.of(small, run)).terminal(false).lines().toList();
    assertThat(lines).anyMatch(line -> line.contains("0.000547 ± 0.000011"));
    assertThat(lines.stream().filter(line -> line.matches("( {3}| {2}t).*")).map(String::length))
        .hasSize(7)
        .containsOnly(lines.get(0).length());
  }

  @Test
  void terminal_colours_change_no_letter() {
    assertThat(table.terminal(true)).contains("\u001b[1m");
    assertThat(table.terminal(true).replaceAll("\u001b\\[\\d+m", ""))
        .isEqualTo(table.terminal(false));
  }

  @Test
  void markdown_has_one_row_for_each_run() {
    String text = ResultTable.of(List.of(run, HandRun.named("MNIST", "a|b*c"))).markdown();
    List<String> lines = text.lines().toList();
    assertThat(lines.get(2))
        .isEqualTo(
            "| CIFAR10+ | ResNet-20 | 3 | 2 | recomputed | 0.0200 ± 0.0100 | 0.0450 ± 0.0071"
                + " | 2.25 | 1.50 ± 0.71 | 0.400 ± 0.100 | 0.450 ± 0.071"
                + " | 12.00 ± 2.00 | 16.00 ± 1.41 | +4.00 |");
    assertThat(lines.get(3)).startsWith("| MNIST | a\\|b\\*c | 3 |");
    assertThat(lines.subList(0, 4))
        .allMatch(line -> line.replace("\\|", "").chars().filter(c -> c == '|').count() == 15);
  }

  @Test
  void tables_for_readers_show_the_reading_and_the_statistics_asked_for_and_say_so() {
    ResultTable other =
        ResultTable.of(
            List.of(run),
            Optional.of(StatisticsConvention.INTERPOLATED),
            Reading.AT_HIGHEST_TRAINING_LOSS);
    for (String text : List.of(words(other.terminal(false)), other.markdown(), other.latex())) {
      assertThat(text.replace("$\\pm$", "±"))
          .contains("every metric at the point of highest training loss", "interpolated")
          .contains("0.0900 ± 0.0141") // saddles 0.08 and 0.10
          .contains("25.00 ± 1.41") // test errors 0.24 and 0.26 there
          .doesNotContain("own maximum", "recomputed");
    }
    assertThat(other.csv()).isEqualTo(table.csv());
    assertThat(other.json()).isEqualTo(table.json());
  }

  @Test
  void latex_escapes_what_it_must() {
    String text =
        ResultTable.of(List.of(HandRun.named("50%_of {CIFAR} & \\more$#^~", "ResNet"))).latex();
    assertThat(text)
        .contains("50\\%\\_of \\{CIFAR\\} \\& \\textbackslash{}more\\$\\#\\textasciicircum{}")
        .contains("0.0200 $\\pm$ 0.0100")
        .containsPattern("\\\\begin\\{tabular\\}\\{llrrlrrrrrrrrr\\}");
    String row = text.lines().filter(line -> line.startsWith("50")).findFirst().orElseThrow();
    assertThat(row.replace("\\&", "").chars().filter(c -> c == '&').count()).isEqualTo(13);
    assertThat(text.chars()).allMatch(c -> c < 128);
  }

  @Test
  void json_agrees_with_the_csv_and_has_every_pair() {
    JsonNode document = JsonMapper.builder().build().readTree(table.json());
    JsonNode first = document.get("runs").get(0);
    assertThat(first.get("table")).hasSize(4);
    JsonNode loss = first.get("table").get(0).get("train_loss");
    assertThat(loss.get("saddles").get("mean").asDouble()).isCloseTo(0.045, within(SMALL));
    assertThat(loss.get("factor").asDouble()).isCloseTo(2.25, within(SMALL));
    JsonNode pair = first.get("pairs").get(1);
    assertThat(pair.get("from").asInt()).isEqualTo(1);
    assertThat(pair.get("to").asInt()).isEqualTo(2);
    assertThat(pair.get("in_tree").asBoolean()).isTrue();
    assertThat(pair.get("length_over_straight").asDouble()).isEqualTo(1.5);
    JsonNode saddle = pair.get("saddle").get("recomputed");
    assertThat(saddle.get("position").asDouble()).isEqualTo(0.5);
    assertThat(saddle.get("own_maximum").get("test_error").asDouble()).isEqualTo(0.15);
    assertThat(saddle.get("at_highest_training_loss").get("test_error").asDouble()).isEqualTo(0.12);
    assertThat(first.get("minima")).hasSize(3);
  }

  @Test
  void one_path_has_a_mean_and_no_deviation() {
    RunSummary pair =
        HandRun.with(
            HandRun.MINIMA.subList(0, 2),
            List.of(HandRun.done(1, 2, new double[] {0.03, 0.04, 0.03}, new double[3], 1)));
    String text = ResultTable.of(List.of(pair)).terminal(false);
    assertThat(words(text)).contains("training loss 0.0150 ± 0.0071 0.0400 × 2.67 1.00");
    Map<String, String> row =
        csvRows(ResultTable.of(List.of(pair)).csv()).get("recomputed own_maximum");
    assertThat(row).containsEntry("train_loss_saddles_std", "");
  }

  @Test
  void without_paths_or_minima_cells_are_empty_and_never_nan() {
    for (int minima = 0; minima < 3; minima++) {
      ResultTable empty =
          ResultTable.of(List.of(HandRun.with(HandRun.MINIMA.subList(0, minima), List.of())));
      for (String text :
          List.of(
              empty.terminal(true), empty.csv(), empty.json(), empty.markdown(), empty.latex())) {
        assertThat(text).doesNotContain("NaN");
      }
    }
    assertThat(ResultTable.of(List.of()).markdown().lines()).hasSize(4);
  }

  @Test
  void a_surface_shows_energies_only() {
    ResultTable surface = ResultTable.of(List.of(SampleRun.surface()));
    String text = surface.terminal(false);
    assertThat(text).contains("energy").doesNotContain("test").doesNotContain("statistics");
    // Minima -146.7, -108.2, -80.8; saddles -72.2, -40.7.
    assertThat(words(text)).contains("energy −112 ± 33 −56.5 ± 22.3 +55.4");
    assertThat(csvRows(surface.csv()).get("recomputed own_maximum"))
        .containsEntry("test_error_minima_mean", "")
        .containsEntry("train_loss_factor", "");
  }

  @Test
  void a_name_cannot_steer_the_terminal() {
    String text = ResultTable.of(List.of(HandRun.named("a\u001b[2Jb\r\nc", "x"))).terminal(false);
    assertThat(text).contains("a?[2Jb??c x").doesNotContain("\u001b");
  }

  private static void assertNumber(Map<String, String> row, String column, double expected) {
    assertThat(Double.parseDouble(row.get(column))).as(column).isCloseTo(expected, within(SMALL));
  }

  private Map<String, Map<String, String>> csvRows() {
    return csvRows(table.csv());
  }

  /** Rows by convention and reading; for files without quoted cells. */
  private static Map<String, Map<String, String>> csvRows(String csv) {
    List<String> lines = csv.lines().toList();
    String[] header = lines.get(0).split(",", -1);
    Map<String, Map<String, String>> rows = new HashMap<>();
    for (String line : lines.subList(1, lines.size())) {
      List<String> cells = new ArrayList<>(Arrays.asList(line.split(",", -1)));
      assertThat(cells).hasSameSizeAs(header);
      Map<String, String> row = new HashMap<>();
      for (int i = 0; i < header.length; i++) {
        row.put(header[i], cells.get(i));
      }
      rows.put(row.get("statistics") + " " + row.get("saddle"), row);
    }
    return rows;
  }

  private static String words(String text) {
    return text.replaceAll("\\s+", " ");
  }
}
