package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.analysis.Place;
import io.isthmus.analysis.PlaneGrid;
import io.isthmus.analysis.PlaneResult;
import io.isthmus.analysis.PlaneSettings;
import io.isthmus.analysis.Relaxation;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.neb.Pair;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.PngWriter;
import io.isthmus.report.scene.SvgWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;
import org.junit.jupiter.api.Test;

/** Figures 1 and 2: what they say, that it fits, and their data. */
class ContourFiguresTest {
  private static final RunSummary RUN = SampleRun.finished(2);
  private static final Connection PAIR = RUN.connections().get(0);

  private static PlaneResult plane(DoubleBinaryOperator loss) {
    int gaps = RUN.path(PAIR).orElseThrow().profile().gaps();
    List<Place> pivots = new ArrayList<>();
    for (int i = 0; i <= gaps; i++) {
      double t = (double) i / gaps;
      pivots.add(new Place(10 * t, 12 * t * (1 - t), t * (1 - t)));
    }
    PlaneGrid grid = PlaneGrid.covering(pivots, 0.25, 31);
    List<Metrics> metrics = new ArrayList<>();
    for (int i = 0; i < grid.size(); i++) {
      double x = grid.x(i % grid.columns());
      double y = grid.y(i / grid.columns());
      metrics.add(new Metrics(loss.applyAsDouble(x, y), 0.1));
    }
    return new PlaneResult(
        PAIR.pair(),
        RUN.path(PAIR).orElseThrow().cycle(),
        new PlaneSettings(31, 0.25, 2000, 4),
        StatisticsConvention.RECOMPUTED,
        grid,
        pivots,
        metrics);
  }

  /** A valley along the parabola of the pivots. */
  private static double valley(double x, double y) {
    double off = y - 0.12 * x * (10 - x);
    return 0.02 * Math.exp(Math.min(12, off * off));
  }

  private static RunSummary with(Finding finding) {
    return new RunSummary(
        RUN.title(),
        RUN.dataset(),
        RUN.architecture(),
        RUN.parameters(),
        RUN.tested(),
        RUN.convention(),
        RUN.pairValue(),
        RUN.minima(),
        RUN.connections(),
        RUN.schedule(),
        RUN.insertion(),
        RUN.notes(),
        RUN.costs(),
        RUN.environment(),
        RUN.configuration(),
        List.of(finding));
  }

  private static List<String> drawn(String figure, RunSummary run) {
    Subject subject = new Subject(Path.of("runs/a"), run, Optional.empty());
    return Gallery.draw(figure, List.of(subject)).figures().stream().map(Figure::name).toList();
  }

  private static void fits(Figure figure) {
    TextExtent.of(figure.scene())
        .forEach(
            (text, box) ->
                assertThat(
                        box.overlap(new Box(0, 0, figure.scene().width(), figure.scene().height())))
                    .as(text)
                    .isGreaterThan(0.999 * box.width() * box.height()));
    String svg = SvgWriter.file(figure.scene());
    assertThat(svg.length()).isLessThan(500_000);
    assertThat(svg).doesNotContain("NaN").doesNotContain("Infinity");
    assertThat(PngWriter.write(figure.scene(), 0.5).length).isGreaterThan(5000);
    assertThat(figure.caption()).endsWith(".");
  }

  @Test
  void figure_1_names_minima_saddle_and_barrier_and_its_data_are_the_grid_and_the_pivots() {
    PlaneResult plane = plane(ContourFiguresTest::valley);
    Figure figure = PlaneFigure.of(RUN, PAIR, plane);
    fits(figure);
    String svg = SvgWriter.file(figure.scene());
    assertThat(svg)
        .contains("minimum 1", "minimum 2", ">saddle 0.0", "fill-rule=\"evenodd\"", ">0.1<")
        .contains("batch-norm statistics recomputed", "up to 2,000 training images");
    List<String> rows = figure.data().lines().toList();
    assertThat(rows).hasSize(1 + plane.grid().size() + plane.pivots().size());
    assertThat(rows.get(1 + plane.grid().size())).startsWith("minimum,0.0,0.0,0.0,");
    assertThat(rows.stream().filter(row -> row.startsWith("pivot,")).count())
        .isEqualTo(plane.pivots().size() - 2);
  }

  @Test
  void figure_1_can_be_drawn_of_any_losses() {
    for (DoubleBinaryOperator losses :
        List.<DoubleBinaryOperator>of(
            (x, y) -> 0,
            (x, y) -> Double.NaN,
            (x, y) -> x < 3 ? Double.POSITIVE_INFINITY : 1,
            (x, y) -> 1e-9 + Math.exp(40 * Math.abs(y)),
            (x, y) -> -1e9 * x)) {
      fits(PlaneFigure.of(RUN, PAIR, plane(losses)));
    }
  }

  @Test
  void a_plane_of_another_cycle_is_not_shown() {
    PlaneResult plane = plane(ContourFiguresTest::valley);
    assertThat(drawn("1", with(new PlaneFinding(plane))))
        .containsExactly("plane-1-2", "profile-1-2");
    PlaneResult old =
        new PlaneResult(
            plane.pair(),
            1,
            plane.settings(),
            plane.convention(),
            plane.grid(),
            plane.pivots(),
            plane.metrics());
    assertThat(drawn("1", with(new PlaneFinding(old)))).containsExactly("profile-1-2");
  }

  @Test
  void figure_2_shows_each_frame_with_its_highest_pivot_and_two_kinds_of_arrows() {
    List<Relaxation.Pivot> pivots =
        List.of(
            new Relaxation.Pivot(0, 0, -5, new double[2], new double[2]),
            new Relaxation.Pivot(1, 0.5, 3.25, new double[] {30, 40}, new double[] {0, 40}),
            new Relaxation.Pivot(2, 0, -4, new double[2], new double[2]));
    PlaneGrid grid = PlaneGrid.covering(List.of(new Place(0, 0, 0), new Place(2, 1, 0)), 0.25, 41);
    double[][] energies = new double[grid.rows()][grid.columns()];
    for (int row = 0; row < grid.rows(); row++) {
      for (int column = 0; column < grid.columns(); column++) {
        energies[row][column] = 9 * Math.sin(grid.x(column)) + grid.y(row) * grid.y(row) - 6;
      }
    }
    Relaxation relaxation =
        new Relaxation(
            new Pair(1, 2),
            grid,
            energies,
            List.of(new Place(1, 0.4, 0)),
            List.of(
                new Relaxation.Frame("Iteration 0", pivots),
                new Relaxation.Frame("Iteration 10", pivots),
                new Relaxation.Frame("Converged", pivots)));
    Figure figure = RelaxationFigure.of(relaxation);
    fits(figure);
    assertThat(SvgWriter.file(figure.scene()))
        .contains("Iteration 0", "Iteration 10", "Converged", "3 pivots, the highest at 3.25")
        .contains("known saddle", "force of 50.0");
    assertThat(figure.data().lines())
        .hasSize(1 + 9 + 1)
        .contains("Iteration 10,1,1.0,0.5,3.25,30.0,40.0,0.0,40.0");
    assertThat(drawn("2", with(new RelaxationFinding(relaxation))))
        .containsExactly("relaxation-1-2");
  }
}
