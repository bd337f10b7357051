package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.InsertionConfig;
import io.isthmus.config.PairValue;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Sample;
import io.isthmus.report.RunSummary.Cost;
import io.isthmus.report.RunSummary.Fact;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The HTML page: complete, alone, and deaf to what names try to tell the browser. */
class PageTest {
  private static final Pattern DATA =
      Pattern.compile("<script type=\"application/json\" id=\"curve-data\">(.*?)</script>");

  @ParameterizedTest
  @MethodSource("io.isthmus.report.FiguresTest#runs")
  void a_page_refers_to_nothing_outside_of_itself(RunSummary run) {
    String page = page(run);
    assertThat(page)
        .startsWith("<!DOCTYPE html>")
        .endsWith("</html>\n")
        .contains("default-src 'none'")
        .doesNotContain("http:")
        .doesNotContain("https:")
        .doesNotContain("@import")
        .doesNotContain("NaN,")
        .doesNotContain(">NaN");
    assertThat(matches("\\s(?:src|href|action|srcset|poster)\\s*=\\s*\"[^\"]*\"", page))
        .isNotEmpty()
        .allMatch(reference -> reference.matches("(?s)\\shref=\"(data:|#).*"));
    assertThat(matches("url\\([^)]*\\)", page)).allMatch(url -> url.startsWith("url(#"));
  }

  @ParameterizedTest
  @MethodSource("io.isthmus.report.FiguresTest#runs")
  void every_drawing_inside_is_well_formed_and_every_id_is_unique(RunSummary run) {
    String page = page(run);
    for (String drawing : matches("(?s)<svg.*?</svg>", page)) {
      FiguresTest.parse(drawing);
    }
    assertThat(matches(" id=\"[^\"]*\"", page)).doesNotHaveDuplicates();
  }

  @Test
  void the_page_tells_the_result_the_table_and_every_pair() {
    String text = text(page(HandRun.run()));
    assertThat(text)
        .contains(Verdict.of(HandRun.run()).sentences().get(0))
        .contains("CIFAR10+ · ResNet-20 · 272,474 parameters · 3 minima · 2 paths in the tree")
        .contains("training loss 0.0200 ± 0.0100 0.0450 ± 0.0071 × 2.25 1.50 ± 0.71")
        .contains("test error (%) 12.00 ± 2.00 16.00 ± 1.41 +4.00 80.00 ± 0.00")
        .contains("batch-norm statistics recomputed", "batch-norm statistics interpolated")
        .contains("1-2 done 0.0400 0.400 15.00 1.00 1.50 2 50")
        .contains("seed: 1");
  }

  @Test
  void all_four_tables_are_there_and_only_that_of_the_run_is_shown_without_a_script() {
    List<String> tables = matches("data-table=\"[^\"]*\"( hidden)?", page(HandRun.run()));
    assertThat(tables)
        .containsExactly(
            "data-table=\"recomputed own_maximum\"",
            "data-table=\"recomputed at_highest_training_loss\" hidden",
            "data-table=\"interpolated own_maximum\" hidden",
            "data-table=\"interpolated at_highest_training_loss\" hidden");
  }

  @Test
  void the_curves_for_the_script_are_the_profiles() {
    JsonNode pairs = curves(page(HandRun.run())).get("pairs");
    assertThat(pairs).hasSize(3);
    JsonNode pair = pairs.get(1);
    assertThat(pair.get("name").asString()).isEqualTo("1-2");
    assertThat(pair.get("inTree").asBoolean()).isTrue();
    assertThat(numbers(pair.get("path").get("train_loss_recomputed")))
        .containsExactly(0.01, 0.03, 0.04, 0.035, 0.02);
    assertThat(numbers(pair.get("path").get("test_error_interpolated")))
        .containsExactly(0.1, 0.26, 0.24, 0.3, 0.12);
    assertThat(numbers(pair.get("line").get("position"))).containsExactly(0, 0.25, 0.5, 0.75, 1);
    assertThat(numbers(pair.get("path").get("pivot"))).containsExactly(0, -1, -1, -1, 1);
  }

  @Test
  void curves_keep_five_digits() {
    RunSummary run = SampleRun.finished(3);
    JsonNode path = curves(page(run)).get("pairs").get(0).get("path").get("train_loss_recomputed");
    double[] exact =
        Measure.TRAIN_LOSS.along(
            run.path(run.connections().get(0)).orElseThrow().profile(),
            StatisticsConvention.RECOMPUTED);
    assertThat(path).hasSameSizeAs(exact);
    for (int i = 0; i < exact.length; i++) {
      assertThat(path.get(i).asDouble()).isCloseTo(exact[i], within(1e-4 * exact[i]));
    }
  }

  @Test
  void losses_that_are_no_numbers_are_null_for_the_script() {
    JsonNode pair = curves(page(FiguresTest.undefined(Double.NaN))).get("pairs").get(0).get("path");
    assertThat(pair.get("train_loss_recomputed").get(1).isNull()).isTrue();
    assertThat(pair.get("train_loss_recomputed").get(2).asDouble()).isEqualTo(0.05);
  }

  @Test
  void hostile_names_stay_text() {
    String hostile = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script><!--\u0000";
    RunSummary good = HandRun.run();
    RunSummary bad =
        new RunSummary(
            hostile,
            hostile,
            hostile,
            5,
            true,
            StatisticsConvention.RECOMPUTED,
            PairValue.LAST,
            good.minima(),
            good.connections(),
            List.of(new CycleConfig(1, 1, true, false)),
            new InsertionConfig(0.2, 0),
            List.of(new Fact(hostile, hostile)),
            List.of(new Cost(hostile, 1, 1)),
            List.of(new Fact(hostile, hostile)),
            hostile,
            List.of());
    String page = page(bad);
    String clean = page(good);
    assertThat(matches("<img|onerror=alert\\(1\\)>|<!--|\u0000", page)).isEmpty();
    assertThat(matches("<script", page)).hasSameSizeAs(matches("<script", clean));
    assertThat(matches("</script", page)).hasSameSizeAs(matches("</script", clean));
    assertThat(page).contains("&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;");
  }

  @Test
  void data_for_the_script_cannot_end_its_element() {
    assertThat(RunJson.curves(HandRun.run())).doesNotContain("<");
  }

  @Test
  void a_network_without_batch_norm_has_no_choice_of_statistics() {
    assertThat(page(HandRun.run())).contains("name=\"curve-statistics\" value");
    assertThat(page(withoutBatchNorm()))
        .doesNotContain("-statistics\" value")
        .contains("name=\"table-saddle\"");
  }

  /** A run whose profiles agree under both conventions. */
  private static RunSummary withoutBatchNorm() {
    RunSummary run = HandRun.run();
    return HandRun.with(
        run.minima(),
        List.of(
            new RunSummary.Connection(
                run.connections().get(1).pair(),
                RunSummary.Status.DONE,
                Optional.of(agreeing(run.connections().get(1).line().orElseThrow())),
                run.connections().get(1).cycles().stream()
                    .map(
                        c ->
                            new CycleResult(
                                c.cycle(),
                                c.steps(),
                                c.seconds(),
                                c.spacing(),
                                agreeing(c.profile()),
                                c.length(),
                                c.straightLength(),
                                c.batchLosses()))
                    .toList(),
                0.5)));
  }

  private static Profile agreeing(Profile profile) {
    return new Profile(
        profile.samples().stream()
            .map(
                s ->
                    new Sample(
                        s.position(),
                        s.pivot(),
                        s.trainRecomputed(),
                        s.testRecomputed(),
                        s.trainRecomputed(),
                        s.testRecomputed()))
            .toList());
  }

  @Test
  void the_same_run_gives_the_same_page() {
    assertThat(page(SampleRun.stopped(7, 5))).isEqualTo(page(SampleRun.stopped(7, 5)));
  }

  private static String page(RunSummary run) {
    return Page.of(run, Report.figures(run));
  }

  private static JsonNode curves(String page) {
    Matcher matcher = DATA.matcher(page);
    assertThat(matcher.find()).isTrue();
    return JsonMapper.builder().build().readTree(matcher.group(1));
  }

  private static double[] numbers(JsonNode array) {
    double[] numbers = new double[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = array.get(i).asDouble();
    }
    return numbers;
  }

  private static List<String> matches(String pattern, String text) {
    return Pattern.compile(pattern).matcher(text).results().map(r -> r.group()).toList();
  }

  /** What a reader sees: no markup, no script, single blanks. */
  private static String text(String page) {
    return page.replaceAll("(?s)<(style|script|svg).*?</\\1>", " ")
        .replaceAll("</?b>|</?span>", "")
        .replaceAll("<[^>]*>", " ")
        .replace("&#39;", "'")
        .replaceAll("\\s+", " ");
  }
}
