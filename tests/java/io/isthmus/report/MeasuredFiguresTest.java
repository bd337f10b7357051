package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.neb.Pair;
import io.isthmus.report.scene.SvgWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a run shows of Hessians and ensembles. */
class MeasuredFiguresTest {
  private static final RunSummary RUN = MeasuredRun.run();

  @Test
  void curvature_data_are_eigenvalues_and_both_curvatures_of_the_saddle() {
    assertThat(FiguresTest.figure(RUN, "curvature").data().lines())
        .contains(
            "minimum 2,lowest,1,-0.01,0.01,0.02,",
            "saddle 2-3,highest,2,5.0,0.0,0.0,0.25",
            "saddle 2-3,along path,,-0.02,,0.001,1.0",
            "saddle 2-3,lowest across path,,-0.4,0.2,0.1,0.0");
  }

  @Test
  void curvature_along_a_path_is_in_the_order_of_the_path_with_the_saddle_marked() {
    assertThat(FiguresTest.figure(RUN, "curvature-2-3").data().lines().skip(1))
        .containsExactly(
            "0.0,0,false,0.02,0.01,0.0,0.01,0.001,-0.01,0.01,0.02",
            "0.4,,true,0.05,0.04,0.001,-0.02,0.001,-0.4,0.1,0.2",
            "1.0,1,false,0.03,0.01,0.0,0.02,0.001,,0.0,0.0");
  }

  @Test
  void ensemble_data_are_every_ensemble_and_curves_differ_without_colour() {
    Figure figure = FiguresTest.figure(RUN, "ensemble-2-3");
    assertThat(figure.data().lines())
        .contains(
            "path,3,0 0.5 1,0.09,0.27,0.135,0.0225,0.045",
            "independent,1,3,0.14,0.42000000000000004,0.21000000000000002,0.035,");
    assertThat(SvgWriter.file(figure.scene()))
        .contains("stroke-dasharray", "independent minima, mean ± standard deviation");
  }

  @Test
  void the_table_of_ensembles_has_means_and_says_that_there_are_too_few_minima() {
    EnsembleTable table = EnsembleTable.of(MeasuredRun.ensembles());
    assertThat(table.rows())
        .extracting(row -> row.get(0))
        .containsExactly(
            "one minimum",
            "both ends of path 2-3",
            "2 independent minima",
            "3 along path 2-3",
            "4 along path 2-3");
    assertThat(table.rows().get(0).get(2)).isEqualTo("13.00 ± 1.41");
    assertThat(table.rows().get(0).get(6)).isEqualTo("–");
    assertThat(table.note())
        .contains("The run has 2 minima, so independent ensembles are no larger.");
    assertThat(table.text()).contains("13.00 ± 1.41", "Over 1,000 test images");
  }

  @Test
  void the_page_has_a_section_for_each_and_none_without_results() {
    String page = Page.of(RUN, Report.figures(RUN));
    assertThat(page)
        .contains("id=\"curvature\"", "id=\"ensembles\"", "id=\"figure-curvature-2-3\"")
        .contains("the curvature along the path is −0.0200 ± 0.001, −0.20 % of the highest")
        .contains("1,024 training images in mini-batches of 64, batch norm in training mode");
    RunSummary without = HandRun.run();
    assertThat(Page.of(without, Report.figures(without)))
        .doesNotContain("id=\"curvature\"", "id=\"ensembles\"");
  }

  @Test
  void the_document_carries_both() {
    JsonNode run = new JsonMapper().readTree(RunJson.document(List.of(RUN))).get("runs").get(0);
    JsonNode saddle = run.get("hessian").get(1);
    assertThat(saddle.get("point").asString()).isEqualTo("saddle 2-3");
    assertThat(saddle.get("along_path").asDouble()).isEqualTo(-0.02);
    JsonNode row = run.get("ensembles").get(0).get("rows").get(3);
    assertThat(row.get("members").asString()).isEqualTo("independent");
    assertThat(row.get("test_error").get("mean").asDouble()).isCloseTo(0.13, within(1e-12));
  }

  @Test
  void figures_are_of_the_pair_asked_for_and_missing_ones_name_their_command() {
    Subject subject = new Subject(Path.of("runs/a"), RUN, Optional.of(new Pair(1, 2)));
    assertThat(Gallery.draw("curvature", List.of(subject)).figures())
        .extracting(Figure::name)
        .containsExactly("curvature");
    assertThatThrownBy(() -> Gallery.draw("ensemble", List.of(subject)))
        .isInstanceOf(Missing.class)
        .hasMessageContaining("'isthmus ensemble runs/a");
  }
}
