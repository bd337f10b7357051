package io.isthmus.report;

import io.isthmus.analysis.EnsembleResult;
import io.isthmus.analysis.EnsembleScore;
import io.isthmus.analysis.EnsembleScore.Kind;
import io.isthmus.analysis.MinimumHessian;
import io.isthmus.analysis.PathHessian;
import io.isthmus.analysis.Spectrum;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
import io.isthmus.neb.Sample;
import io.isthmus.report.RunSummary.Connection;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Runs as JSON: a document for other programs, and the curves for the page's script. */
final class RunJson {
  private static final JsonMapper DOCUMENT =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  private static final JsonMapper COMPACT = JsonMapper.builder().build();

  private RunJson() {}

  /** Results of every run, numbers in full, null for a number that does not exist. */
  static String document(List<RunSummary> runs) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("format", 1);
    document.put("runs", runs.stream().map(RunJson::run).toList());
    return DOCUMENT.writeValueAsString(document) + "\n";
  }

  /** Curves of every pair for the page, five digits each; safe inside a script element. */
  static String curves(RunSummary run) {
    Set<Connection> tree = new HashSet<>(run.tree());
    List<Object> pairs = new ArrayList<>();
    for (Connection connection : run.connections()) {
      if (connection.line().isEmpty() && connection.cycles().isEmpty()) {
        continue;
      }
      Map<String, Object> pair = new LinkedHashMap<>();
      pair.put("name", connection.name());
      pair.put("from", connection.pair().first());
      pair.put("to", connection.pair().second());
      pair.put("inTree", tree.contains(connection));
      pair.put("cycles", connection.cycles().size());
      pair.put("done", connection.status() == RunSummary.Status.DONE);
      connection.line().ifPresent(profile -> pair.put("line", curve(run, profile)));
      run.path(connection).ifPresent(path -> pair.put("path", curve(run, path.profile())));
      pairs.add(pair);
    }
    return COMPACT
        .writeValueAsString(Map.of("pairs", pairs))
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029");
  }

  private static Map<String, Object> curve(RunSummary run, Profile profile) {
    Map<String, Object> curve = new LinkedHashMap<>();
    curve.put("position", profile.samples().stream().map(s -> rounded(s.position())).toList());
    curve.put("pivot", profile.samples().stream().map(Sample::pivot).toList());
    for (StatisticsConvention convention : StatisticsConvention.values()) {
      for (Measure measure : run.measures()) {
        curve.put(
            measure.key() + "_" + ResultRow.word(convention),
            profile.samples().stream().map(s -> rounded(measure.of(s, convention))).toList());
      }
    }
    return curve;
  }

  private static Object run(RunSummary run) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("title", run.title());
    object.put("dataset", run.dataset());
    object.put("architecture", run.architecture());
    object.put("parameters", run.parameters());
    object.put("statistics", ResultRow.word(run.convention()));
    object.put("verdict", Verdict.of(run).sentences());
    object.put("table", ResultRow.all(run).stream().map(RunJson::row).toList());
    object.put("minima", run.minima().stream().map(m -> minimum(run, m)).toList());
    Set<Connection> tree = new HashSet<>(run.tree());
    object.put(
        "pairs", run.connections().stream().map(c -> pair(run, c, tree.contains(c))).toList());
    for (HessianFinding finding : run.findings(HessianFinding.class)) {
      object.put("hessian", hessian(finding));
    }
    List<EnsembleFinding> ensembles = run.findings(EnsembleFinding.class);
    if (!ensembles.isEmpty()) {
      object.put("ensembles", ensembles.stream().map(RunJson::ensemble).toList());
    }
    object.put("other_ways", Comparison.of(run).map(RunJson::comparison).orElse(null));
    return object;
  }

  private static Object hessian(HessianFinding finding) {
    List<Object> points = new ArrayList<>();
    for (MinimumHessian minimum : finding.minima()) {
      points.add(spectrum("minimum " + minimum.minimum(), minimum.spectrum()));
    }
    for (PathHessian path : finding.paths()) {
      Map<String, Object> point =
          spectrum("saddle " + path.pair().first() + "-" + path.pair().second(), path.saddle());
      point.put("along_path", number(path.at().tangent()));
      point.put("along_path_change", number(path.at().tangentChange()));
      point.put("lowest_across_path", number(path.at().across()));
      point.put("lowest_across_path_change", number(path.at().acrossChange()));
      point.put("overlap", number(path.saddle().bottom().overlap()));
      points.add(point);
    }
    return points;
  }

  private static Map<String, Object> spectrum(String name, Spectrum spectrum) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("point", name);
    object.put("loss", number(spectrum.loss()));
    object.put("gradient", number(spectrum.gradient()));
    object.put("lowest", spectrum.lowest().stream().map(e -> number(e.value())).toList());
    object.put("lowest_change", number(spectrum.bottom().change()));
    object.put("highest", spectrum.highest().stream().map(e -> number(e.value())).toList());
    object.put("highest_change", number(spectrum.top().change()));
    return object;
  }

  private static Object ensemble(EnsembleFinding finding) {
    EnsembleResult result = finding.result();
    List<Object> rows = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      for (int size = 1; size <= result.size(); size++) {
        List<EnsembleScore> scores = result.scores(kind, size);
        if (!scores.isEmpty()) {
          Map<String, Object> row = new LinkedHashMap<>();
          row.put("members", kind.name().toLowerCase(Locale.ROOT));
          row.put("size", size);
          row.put("test_error", mean(scores, s -> s.calibration().error()));
          row.put("negative_log_likelihood", mean(scores, s -> s.calibration().loss()));
          row.put("brier", mean(scores, s -> s.calibration().brier()));
          row.put("calibration_error", mean(scores, s -> s.calibration().calibrationError()));
          row.put("disagreement", mean(scores, EnsembleScore::disagreement));
          rows.add(row);
        }
      }
    }
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("pair", EnsembleTable.name(result));
    object.put("rows", rows);
    return object;
  }

  private static Object mean(List<EnsembleScore> scores, ToDoubleFunction<EnsembleScore> measured) {
    return spread(EnsembleTable.spread(scores, measured));
  }

  /** Every way to connect the same pairs, pair by pair. */
  private static Object comparison(Comparison comparison) {
    RunSummary run = comparison.run();
    List<Object> ways = new ArrayList<>();
    for (Comparison.Way way : comparison.ways()) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("method", way.key());
      object.put("gradients", spread(way.cost()));
      for (Measure measure : run.measures()) {
        object.put(
            measure.key(), spread(way.spread(measure, run.convention(), Reading.OWN_MAXIMUM)));
      }
      List<Object> pairs = new ArrayList<>();
      for (int i = 0; i < comparison.pairs().size(); i++) {
        Map<String, Object> pair = new LinkedHashMap<>();
        pair.put("from", comparison.pairs().get(i).pair().first());
        pair.put("to", comparison.pairs().get(i).pair().second());
        pair.put("gradients", number(way.gradients()[i]));
        pair.put("highest", readings(run, Optional.of(way.profiles().get(i))));
        pairs.add(pair);
      }
      object.put("pairs", pairs);
      ways.add(object);
    }
    return ways;
  }

  private static Object row(ResultRow row) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("statistics", ResultRow.word(row.convention()));
    object.put("saddle", row.reading().key());
    object.put("minima", row.minima());
    object.put("paths", row.paths());
    row.cells()
        .forEach(
            (measure, cell) -> {
              Map<String, Object> numbers = new LinkedHashMap<>();
              numbers.put("minima", spread(cell.minima()));
              numbers.put("saddles", spread(cell.saddles()));
              numbers.put("lines", spread(cell.lines()));
              numbers.put("factor", number(cell.factor()));
              numbers.put("difference", number(cell.difference()));
              numbers.put("lines_factor", number(cell.lineFactor()));
              object.put(measure.key(), numbers);
            });
    return object;
  }

  private static Object spread(Spread spread) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("count", spread.count());
    object.put("mean", number(spread.mean()));
    object.put("std", number(spread.deviation()));
    return object;
  }

  private static Object minimum(RunSummary run, Minimum minimum) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("number", minimum.number());
    run.measures().forEach(measure -> object.put(measure.key(), number(measure.of(minimum))));
    return object;
  }

  private static Object pair(RunSummary run, Connection connection, boolean inTree) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("from", connection.pair().first());
    object.put("to", connection.pair().second());
    object.put("status", connection.status().label());
    object.put("in_tree", inTree);
    object.put("cycles", connection.cycles().size());
    Optional<CycleResult> path = run.path(connection);
    object.put("pivots", path.map(p -> p.profile().gaps() + 1).orElse(null));
    object.put("length_over_straight", path.map(p -> number(p.stretch())).orElse(null));
    object.put("shared_mistakes", number(connection.sharedMistakes()));
    object.put("training_passed_saddle", path.map(p -> passed(run, connection, p)).orElse(null));
    object.put("saddle", readings(run, path.map(CycleResult::profile)));
    object.put("line", readings(run, connection.line()));
    return object;
  }

  /**
   * In which epoch the mean batch loss of each end's training was first as low as the saddle, by
   * the number of the minimum; null where it never was or is not known.
   */
  private static Object passed(RunSummary run, Connection connection, CycleResult path) {
    double saddle = path.saddle(run.convention()).trainLoss();
    Map<String, Object> epochs = new LinkedHashMap<>();
    for (LearningCurve curve : run.findings(LearningCurve.class)) {
      if (connection.touches(curve.minimum()) && curve.hasEpochs()) {
        OptionalInt epoch = curve.reaches(saddle);
        epochs.put("" + curve.minimum(), epoch.isPresent() ? epoch.getAsInt() : null);
      }
    }
    return epochs;
  }

  /** Both readings of a profile's highest point under both conventions. */
  private static Object readings(RunSummary run, Optional<Profile> profile) {
    if (profile.isEmpty()) {
      return null;
    }
    Map<String, Object> object = new LinkedHashMap<>();
    for (StatisticsConvention convention : StatisticsConvention.values()) {
      Saddle saddle = Saddle.of(profile.get(), convention);
      Map<String, Object> readings = new LinkedHashMap<>();
      readings.put("position", number(saddle.position()));
      for (Reading reading : Reading.values()) {
        Map<String, Object> numbers = new LinkedHashMap<>();
        run.measures().forEach(m -> numbers.put(m.key(), number(m.of(saddle, reading))));
        readings.put(reading.key(), numbers);
      }
      object.put(ResultRow.word(convention), readings);
    }
    return object;
  }

  private static Double number(double value) {
    return Double.isFinite(value) ? value : null;
  }

  private static BigDecimal rounded(double value) {
    return Double.isFinite(value) ? new BigDecimal(value).round(new MathContext(5)) : null;
  }
}
