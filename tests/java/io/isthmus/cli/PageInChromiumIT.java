package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isthmus.cli.Chromium.Event;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The report of a real run in a real browser: nothing is complained of, nothing leaves the page,
 * and what is shown is what the run's tables say. Pictures of it are left in {@code build/pages}.
 */
class PageInChromiumIT {
  private static final Path PICTURES = Path.of("build/pages");

  @TempDir static Path shared;
  private static Path run;
  private static Chromium browser;

  @BeforeAll
  static void runAndOpen() throws Exception {
    String missing = "No Chromium is installed (Debian: apt-get install chromium-headless-shell).";
    if (System.getenv("ISTHMUS_REQUIRE_CHROMIUM") != null) {
      assertThat(Chromium.find()).as(missing).isPresent();
    }
    assumeTrue(Chromium.find().isPresent(), missing);
    run = shared.resolve("run");
    String yaml = TinyRun.CONFIG.replace("mlp-12", "mlp-12:batchnorm=1");
    Run whole = Run.of("run", TinyRun.config(shared, yaml).toString(), "-o", run.toString());
    assertThat(whole.status()).as(whole.err()).isZero();
    browser = Chromium.start(Chromium.find().orElseThrow(), shared.resolve("profile"));
  }

  @AfterAll
  static void close() throws Exception {
    if (browser != null) {
      browser.close();
    }
  }

  @BeforeEach
  void openOnADesktop() throws Exception {
    browser.window(1280, 900, false);
    browser.dark(false);
    browser.open(run.resolve("report.html"));
  }

  @Test
  void nothingIsComplainedOfAndNoRequestLeavesThePage() throws Exception {
    press("button:not([data-enlarge]), nav a, summary, input, [data-key]");
    press("summary");
    press("[data-save], a[download]");
    browser.point(640, 450);
    browser.value("0");
    List<Event> events = browser.events();
    assertThat(events)
        .noneMatch(
            event ->
                List.of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
                    .contains(event.method()));
    List<String> requests =
        events.stream()
            .filter(event -> event.method().equals("Network.requestWillBeSent"))
            .map(event -> event.params().get("request").get("url").asString())
            .toList();
    assertThat(requests).contains(run.resolve("report.html").toUri().toString());
    assertThat(requests)
        .allMatch(
            url ->
                url.equals(run.resolve("report.html").toUri().toString())
                    || url.startsWith("data:")
                    || url.startsWith("blob:"));
  }

  @Test
  void theTableSaysWhatTheTerminalSaysAndItsNumbersAreThoseOfTheJsonDocument() throws Exception {
    JsonNode shown =
        browser.value(
            "[...document.querySelectorAll('[data-table]:not([hidden]) tbody tr')]"
                + ".map(row => [...row.cells].map(cell => cell.textContent))");
    List<List<String>> page = new ArrayList<>();
    shown.forEach(row -> page.add(strings(row)));
    List<List<String>> terminal = terminalRows();
    assertThat(terminal).hasSize(3);
    assertThat(page).hasSize(4).containsAll(terminal);

    JsonNode row = document().get("table").get(0);
    for (List<String> cells : page) {
      boolean error = cells.get(0).endsWith("error (%)");
      JsonNode measure =
          row.get(cells.get(0).replace("training", "train").replace(" (%)", "").replace(' ', '_'));
      for (int i : new int[] {1, 2, 4}) {
        double mean =
            measure
                .get(List.of("", "minima", "saddles", "", "lines").get(i))
                .get("mean")
                .asDouble();
        double read = Double.parseDouble(cells.get(i).split(" ")[0]);
        assertThat(read)
            .as(cells.toString())
            .isCloseTo(error ? 100 * mean : mean, within(0.006 * (error ? 1 : mean)));
      }
    }
  }

  @Test
  void theCurvesHaveEverySampleOfTheProfileAndFollowTheChoiceOfPairMetricAndStatistics()
      throws Exception {
    for (JsonNode pair : document().get("pairs")) {
      String name = pair.get("from").asInt() + "-" + pair.get("to").asInt();
      List<String> data = Files.readAllLines(run.resolve("figures/profile-" + name + ".csv"));
      choose("curve-pair", name);
      JsonNode points = browser.value(CURVE_LENGTHS);
      assertThat(points.get(0).asLong())
          .isEqualTo(data.stream().filter(l -> l.startsWith("line,")).count());
      assertThat(points.get(1).asLong())
          .isEqualTo(data.stream().filter(l -> l.startsWith("path,")).count());
      assertThat(browser.value("document.querySelectorAll('[data-pivot]').length").asInt())
          .as("inner pivots")
          .isEqualTo(pair.get("pivots").asInt() - 2);
      assertThat(browser.value("document.querySelector('#curve-view svg').ariaLabel").asString())
          .contains("minimum " + pair.get("from").asInt());
    }
    List<String> drawings = new ArrayList<>();
    for (String choice :
        List.of(
            "curve-measure=train_loss",
            "curve-statistics=interpolated",
            "curve-measure=test_error",
            "curve-measure=test_loss",
            "curve-scale=logarithmic")) {
      String[] words = choice.split("=");
      drawings.add(choose(words[0], words[1]));
    }
    assertThat(drawings).doesNotHaveDuplicates();
  }

  @Test
  void pointingAtTheCurvesReadsTheValuesOfTheNearestSample() throws Exception {
    List<String> pivots =
        Files.readAllLines(run.resolve("figures/profile-1-2.csv")).stream()
            .filter(line -> line.startsWith("path,"))
            .filter(line -> !line.split(",")[2].isEmpty())
            .toList();
    choose("curve-pair", "1-2");
    browser.value("document.querySelector('#curve-view').scrollIntoView({block: 'center'})");
    JsonNode at =
        browser.value(
            "(b => [b.x + b.width / 2, b.y + 4])"
                + "(document.querySelector('[data-pivot=\"1\"]').getBoundingClientRect())");
    assertThat(browser.value(TIP).asString()).isEmpty();
    browser.point(at.get(0).asDouble(), at.get(1).asDouble());
    double loss = Double.parseDouble(pivots.get(1).split(",")[3]);
    String tip = browser.value(TIP).asString();
    assertThat(tip).contains("(pivot 1)", "straight line");
    double read = Double.parseDouble(tip.replaceAll("(?s).*path ([0-9.]+).*", "$1"));
    assertThat(read).isCloseTo(loss, within(1e-3 * loss));

    browser.value("document.querySelector('#curve-view').focus()");
    browser.press("End");
    assertThat(browser.value(TIP).asString())
        .contains("position 1.000", "(pivot " + (pivots.size() - 1) + ")");
    browser.press("ArrowLeft");
    assertThat(browser.value(TIP).asString()).contains("position 0.990");
    browser.press("Escape");
    assertThat(browser.value(TIP).asString()).isEmpty();
  }

  @Test
  void theTableOfResultsFollowsTheChoiceOfStatistics() throws Exception {
    String shown = "document.querySelector('[data-table]:not([hidden])').dataset.table";
    assertThat(browser.value(shown).asString()).isEqualTo("recomputed own_maximum");
    browser.value("document.querySelector('[name=table-statistics][value=interpolated]').click()");
    browser.value("document.querySelector('[name=table-saddle][value^=at_]').click()");
    assertThat(browser.value(shown).asString()).isEqualTo("interpolated at_highest_training_loss");
  }

  @Test
  void pairsAreSortedByTheColumnThatIsPressedAndChosenByTheirName() throws Exception {
    String column =
        "[...document.querySelectorAll('#pairs table')[0].tBodies[0].rows]"
            + ".map(row => Number(row.cells[2].dataset.value))";
    String press =
        "document.querySelectorAll('#pairs thead')[0].querySelectorAll('button')[2].click()";
    browser.value(press);
    double[] rising = numbers(browser.value(column));
    assertThat(rising).hasSizeGreaterThan(1).isSorted();
    browser.value(press);
    double[] falling = numbers(browser.value(column));
    assertThat(falling).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    browser.value("document.querySelector('[data-key=\"pair-2-3\"] button').click()");
    assertThat(browser.value("document.querySelector('#curve-pair').value").asString())
        .isEqualTo("2-3");
  }

  @Test
  void aFigureCanBeEnlargedAndItsNumbersAreThoseOfItsFile() throws Exception {
    browser.value("document.querySelector('#figure-graph [data-enlarge]').click()");
    assertThat(browser.value("document.querySelector('dialog[open] svg').clientWidth").asInt())
        .isGreaterThan(1000);
    browser.value("document.querySelector('dialog button').click()");
    assertThat(
            browser
                .value("document.querySelectorAll('#figure-graph .figure > svg').length")
                .asInt())
        .isOne();
    String data =
        browser
            .value(
                "decodeURIComponent(document.querySelector('#figure-graph [download]').href.split(',').slice(1).join(','))")
            .asString();
    assertThat(data).isEqualTo(Files.readString(run.resolve("figures/graph.csv")));
  }

  @ParameterizedTest
  @CsvSource({
    "1280, 900, false, false",
    "1280, 900, false, true",
    "390, 844, true, false",
    "390, 844, true, true",
    "320, 640, true, false"
  })
  void onEveryDeviceThePageFitsAndItsTextStandsOut(
      int width, int height, boolean phone, boolean dark) throws Exception {
    browser.window(width, height, phone);
    browser.dark(dark);
    browser.open(run.resolve("report.html"));
    browser.picture(PICTURES.resolve("report-" + width + (dark ? "-dark" : "-light") + ".png"));
    assertThat(browser.value("document.documentElement.scrollWidth").asInt()).isEqualTo(width);
    double paper = luminance(colour("document.documentElement", "backgroundColor"));
    assertThat(paper < 0.2).isEqualTo(dark);
    for (String place :
        List.of("p", ".note", ".facts", "td", "thead th", "figcaption", ".tools a", "nav a")) {
      double text = luminance(colour("document.querySelector('" + place + "')", "color"));
      assertThat(contrast(text, paper)).as(place).isGreaterThanOrEqualTo(4.5);
    }
    if (phone) {
      assertThat(Arrays.stream(numbers(browser.value(TARGETS))).min().orElseThrow())
          .isGreaterThanOrEqualTo(40);
    }
  }

  private static final String CURVE_LENGTHS =
      "['line', 'path'].map(k => document.querySelector(`[data-curve=${k}]`))"
          + ".map(p => p.getAttribute('d').match(/[ML]/g).length)";

  private static final String TIP =
      "(tip => tip.hidden ? '' : [...tip.children].map(e => e.textContent).join('\\n'))"
          + "(document.querySelector('#curve-tip'))";

  /** Heights of what a finger must hit. */
  private static final String TARGETS =
      "[...document.querySelectorAll('fieldset span, select, .tools button, .tools a, nav a, .sortable tbody button')]"
          + ".map(e => e.getBoundingClientRect().height).filter(h => h > 0)";

  /** Clicks everything that a selector finds. */
  private static void press(String selector) throws Exception {
    browser.value(
        "document.querySelectorAll('"
            + selector
            + "')"
            + ".forEach(e => e.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true})))");
  }

  /** Makes a choice as a reader does; the drawing that follows. */
  private static String choose(String control, String value) throws Exception {
    String script =
        """
        (() => {
          const select = document.getElementById('CONTROL');
          if (select) {
            select.value = 'VALUE';
            select.dispatchEvent(new Event('change'));
          } else {
            document.querySelector('[name="CONTROL"][value="VALUE"]').click();
          }
          return document.querySelector('#curve-view svg').innerHTML;
        })()
        """;
    return browser
        .value(script.strip().replace("CONTROL", control).replace("VALUE", value))
        .asString();
  }

  private static JsonNode document() throws IOException {
    String json = Files.readString(run.resolve("tables/table.json"));
    return new JsonMapper().readTree(json).get("runs").get(0);
  }

  /** The indented rows of the table for terminals, cell by cell. */
  private static List<List<String>> terminalRows() throws IOException {
    return Files.readAllLines(run.resolve("tables/table.txt")).stream()
        .filter(line -> line.matches("  \\S.*"))
        .map(line -> Arrays.asList(line.strip().split(" {2,}")))
        .toList();
  }

  private static List<String> strings(JsonNode array) {
    List<String> strings = new ArrayList<>();
    array.forEach(each -> strings.add(each.asString()));
    return strings;
  }

  private static double[] numbers(JsonNode array) {
    double[] numbers = new double[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = array.get(i).asDouble();
    }
    return numbers;
  }

  private static String colour(String element, String property) throws Exception {
    return browser.value("getComputedStyle(" + element + ")." + property).asString();
  }

  /** Relative luminance of {@code rgb(r, g, b)} (WCAG 2.2). */
  private static double luminance(String rgb) {
    double[] weights = {0.2126, 0.7152, 0.0722};
    String[] parts = rgb.replaceAll("[^0-9,]", "").split(",");
    double sum = 0;
    for (int i = 0; i < 3; i++) {
      double c = Integer.parseInt(parts[i]) / 255.0;
      sum += weights[i] * (c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
  }

  /** Contrast ratio of two luminances (WCAG 2.2). */
  private static double contrast(double a, double b) {
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
}
