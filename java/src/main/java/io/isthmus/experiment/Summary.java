package io.isthmus.experiment;

import io.isthmus.analysis.EnsembleResult;
import io.isthmus.analysis.MinimumHessian;
import io.isthmus.analysis.PathHessian;
import io.isthmus.baseline.BaselineResult;
import io.isthmus.baseline.Method;
import io.isthmus.config.Config;
import io.isthmus.config.EvaluationConfig;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.ModelConfig;
import io.isthmus.config.NamedData;
import io.isthmus.config.TrainPass;
import io.isthmus.engine.TensorInfo;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import io.isthmus.report.Baseline;
import io.isthmus.report.EnsembleFinding;
import io.isthmus.report.Finding;
import io.isthmus.report.HessianFinding;
import io.isthmus.report.LearningCurve;
import io.isthmus.report.PlaneFinding;
import io.isthmus.report.RelaxationFinding;
import io.isthmus.report.RunSummary;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Cost;
import io.isthmus.report.RunSummary.Fact;
import io.isthmus.report.RunSummary.Status;
import io.isthmus.store.BaselineFile;
import io.isthmus.store.Environment;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.Origin;
import io.isthmus.store.PathFile;
import io.isthmus.store.PlaneFile;
import io.isthmus.store.ResultFile;
import io.isthmus.store.RunDirectory;
import io.isthmus.store.RunDirectory.MinimumStatus;
import io.isthmus.store.RunDirectory.PathStatus;
import io.isthmus.store.RunLog;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Gathers from a run directory, finished or not, what a report shows. Needs no engine, but for a
 * surface: the first steps of its paths are not kept and taken anew.
 */
public final class Summary {
  private final RunDirectory run;
  private final ExperimentConfig config;
  private final Map<Integer, MinimumFile> minima = new TreeMap<>();
  private final List<BaselineResult> baselines = new ArrayList<>();

  private Summary(RunDirectory run) {
    this.run = run;
    this.config = run.config();
  }

  /**
   * Reads every result of a run.
   *
   * @throws io.isthmus.config.IsthmusException DATA if a file is damaged
   */
  public static RunSummary of(RunDirectory run) {
    return new Summary(run).gather();
  }

  private RunSummary gather() {
    for (MinimumStatus minimum : run.minima()) {
      if (minimum.trained()) {
        minima.put(minimum.number(), MinimumFile.read(run.minimum(minimum.number())));
      }
    }
    run.baselines().forEach(file -> baselines.add(BaselineFile.read(file).result()));
    List<Connection> connections = connections();
    String dataset = Labels.dataset(config.data());
    String architecture = Labels.architecture(config.model());
    boolean surface = config.model().family() == ModelConfig.Family.SURFACE;
    return new RunSummary(
        surface ? architecture : architecture + " on " + dataset,
        dataset,
        architecture,
        parameters(),
        !surface,
        config.exploration().statistics(),
        config.exploration().pairValue(),
        minima.values().stream()
            .map(file -> new Minimum(file.number(), file.train(), file.test()))
            .toList(),
        connections,
        config.exploration().cycles(),
        config.exploration().insertion(),
        notes(),
        costs(connections),
        environment(),
        Config.toYaml(config),
        findings());
  }

  /** Results beyond minima and paths, kind by kind. */
  private List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    minima.values().forEach(file -> findings.add(learningCurve(file)));
    hessians().ifPresent(findings::add);
    ensembles().forEach(findings::add);
    for (Pair pair : run.planes()) {
      PlaneFile file = PlaneFile.read(run.plane(pair));
      Origin.of(config).require(file.origin(), run.plane(pair));
      findings.add(new PlaneFinding(file.plane()));
    }
    if (config.model().family() == ModelConfig.Family.SURFACE) {
      Relaxations.of(run).forEach(each -> findings.add(new RelaxationFinding(each)));
    }
    baselines.forEach(result -> findings.add(new Baseline(result)));
    return findings;
  }

  private LearningCurve learningCurve(MinimumFile file) {
    int limit = config.data().trainLimit();
    int all = NamedData.of(config.data().name()).map(NamedData::trainCount).orElse(limit);
    int images = limit > 0 ? Math.min(limit, all) : all;
    return new LearningCurve(
        file.number(),
        file.curve().batchLosses(),
        images > 0 ? (double) images / config.training().batch() : Double.NaN,
        config.data().cropPadding() > 0 || config.data().flip());
  }

  private Optional<HessianFinding> hessians() {
    Origin origin = Origin.of(config);
    List<MinimumHessian> atMinima =
        run.minimaWithHessian().stream()
            .map(
                number ->
                    ResultFile.read(
                        run.hessian(number), HessianStage.MINIMUM, origin, MinimumHessian.class))
            .toList();
    List<PathHessian> onPaths =
        run.pairsWithHessian().stream()
            .map(
                pair ->
                    ResultFile.read(
                        run.hessian(pair), HessianStage.PATH, origin, PathHessian.class))
            .toList();
    return atMinima.isEmpty() && onPaths.isEmpty()
        ? Optional.empty()
        : Optional.of(new HessianFinding(atMinima, onPaths));
  }

  private List<EnsembleFinding> ensembles() {
    return run.pairsWithEnsemble().stream()
        .map(
            pair ->
                ResultFile.read(
                    run.ensemble(pair),
                    EnsembleStage.ENSEMBLE,
                    Origin.of(config),
                    EnsembleResult.class))
        .map(EnsembleFinding::new)
        .toList();
  }

  private long parameters() {
    return minima.values().stream()
        .findFirst()
        .map(
            file ->
                file.state().tensors().stream()
                    .filter(tensor -> !tensor.statistic())
                    .mapToLong(TensorInfo::size)
                    .sum())
        .orElse(0L);
  }

  /** In the order in which they were begun, which the log of metrics has kept. */
  private List<Connection> connections() {
    List<String> begun =
        run.metrics().rows().keySet().stream()
            .filter(key -> key.kind().equals(Numbers.CYCLE))
            .map(key -> key.id().substring(0, key.id().indexOf('/')))
            .distinct()
            .toList();
    Collection<Pair> failures = run.graph().map(MinimaGraph::failures).orElse(List.of());
    Map<Pair, PathStatus> paths = new TreeMap<>();
    failures.forEach(pair -> paths.put(pair, new PathStatus(pair, -1, false)));
    run.paths().forEach(path -> paths.put(path.pair(), path));
    List<Connection> connections = new ArrayList<>();
    for (PathStatus path : paths.values()) {
      if (minima.containsKey(path.pair().first()) && minima.containsKey(path.pair().second())) {
        connections.add(connection(path, failures.contains(path.pair())));
      }
    }
    connections.sort(
        Comparator.comparingInt(
            connection -> {
              int place = begun.indexOf(connection.pair().toString());
              return place < 0 ? Integer.MAX_VALUE : place;
            }));
    return connections;
  }

  private Connection connection(PathStatus path, boolean failed) {
    Pair pair = path.pair();
    Optional<Profile> line =
        path.cycles() < 0
            ? Optional.empty()
            : Optional.of(PathFile.readResult(run.cycle(pair, 0)).profile());
    List<CycleResult> cycles = new ArrayList<>();
    for (int cycle = 1; cycle <= path.cycles(); cycle++) {
      cycles.add(PathFile.readResult(run.cycle(pair, cycle)));
    }
    boolean done = path.cycles() == config.exploration().cycles().size();
    Status status =
        done
            ? Status.DONE
            : failed ? Status.DIVERGED : line.isEmpty() ? Status.PENDING : Status.RUNNING;
    double shared = MinimumFile.sharedMistakes(minima.get(pair.first()), minima.get(pair.second()));
    return new Connection(pair, status, line, cycles, shared);
  }

  private List<Fact> notes() {
    List<Fact> notes = new ArrayList<>();
    notes.add(new Fact("Preset", word(config.exploration().preset())));
    notes.add(new Fact("Seed", Long.toString(config.seed())));
    if (config.model().family() == ModelConfig.Family.SURFACE) {
      return notes;
    }
    EvaluationConfig evaluation = config.evaluation();
    String images =
        evaluation.evalTrainLimit() == 0
            ? "the whole training set"
            : "the first " + evaluation.evalTrainLimit() + " training images";
    notes.add(
        new Fact(
            "Training metrics",
            evaluation.trainPass() == TrainPass.CLEAN
                ? images + ", not augmented"
                : images + ", one augmented pass"));
    if (!minima.isEmpty() && hasStatistics()) {
      notes.add(
          new Fact(
              "Recomputed statistics",
              "batch norm averaged over %d batches of %d training images"
                  .formatted(evaluation.statisticsBatches(), config.exploration().batch())));
    }
    notes.add(new Fact("Precision", word(config.precision())));
    return notes;
  }

  private boolean hasStatistics() {
    return minima.values().iterator().next().state().tensors().stream()
        .anyMatch(TensorInfo::statistic);
  }

  private List<Cost> costs(List<Connection> connections) {
    List<Cost> costs = new ArrayList<>();
    if (!minima.isEmpty()) {
      long gradients = minima.values().stream().mapToLong(MinimumFile::steps).sum();
      costs.add(
          new Cost(
              "training %d %s".formatted(minima.size(), minima.size() == 1 ? "minimum" : "minima"),
              gradients,
              seconds(Numbers.MINIMUM, "")));
    }
    for (Connection connection : connections) {
      long gradients = connection.cycles().stream().mapToLong(CycleResult::gradients).sum();
      costs.add(
          new Cost(
              "path " + connection.name(),
              gradients,
              seconds(Numbers.CYCLE, connection.pair() + "/")));
    }
    for (Method method : Method.values()) {
      List<BaselineResult> of = baselines.stream().filter(b -> b.method() == method).toList();
      if (!of.isEmpty()) {
        costs.add(
            new Cost(
                "%s, %d %s".formatted(method.label(), of.size(), of.size() == 1 ? "pair" : "pairs"),
                of.stream().mapToLong(b -> b.settings().gradients()).sum(),
                of.stream()
                    .mapToDouble(b -> seconds(Numbers.BASELINE, b.pair() + "/" + method.key()))
                    .sum()));
      }
    }
    return costs;
  }

  private double seconds(String kind, String idStart) {
    double sum = Double.NaN;
    for (Map.Entry<RunLog.Key, Double> row : run.timings().rows().entrySet()) {
      if (row.getKey().kind().equals(kind) && row.getKey().id().startsWith(idStart)) {
        sum = Double.isNaN(sum) ? row.getValue() : sum + row.getValue();
      }
    }
    return sum;
  }

  private List<Fact> environment() {
    List<Fact> facts = new ArrayList<>();
    for (Environment environment : run.environments()) {
      environment
          .facts()
          .forEach(
              (name, value) -> {
                if (!value.toString().isEmpty()) {
                  facts.add(new Fact(name, value.toString()));
                }
              });
    }
    return facts;
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
