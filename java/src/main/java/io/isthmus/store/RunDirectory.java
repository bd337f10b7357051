package io.isthmus.store;

import io.isthmus.baseline.Method;
import io.isthmus.config.Config;
import io.isthmus.config.DataConfig;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.neb.Pair;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The folder of one run: everything that was computed, so that the same command goes on where it
 * was.
 *
 * <pre>
 * config.yaml      the configuration as it was given
 * resolved.yaml    the same, every setting written out
 * env.json         machine, versions and engine, one entry for each place it was computed in
 * lock             held while a process works here
 * minima/0001/     minimum.h5, or checkpoint.h5 and checkpoint.h5.prev while it is trained
 * paths/0001-0002/ cycle-00.h5 (the straight line), cycle-01.h5 ..., checkpoint.h5 while it is computed
 * baselines/0001-0002/ bezier.h5 ..., other ways to connect a pair
 * planes/          0001-0002.h5, and 0001-0002.checkpoint.h5 while it is evaluated
 * graph.json       minima, saddles and the tree
 * metrics.csv      numbers on the way, the same in metrics.jsonl
 * timings.csv      seconds of computing, the same in timings.jsonl
 * hessian/         minimum-0001.json, path-0001-0002.json: curvature
 * ensembles/       0001-0002.json: networks along a path that predict together
 * tables/ figures/ report.html
 * </pre>
 *
 * Minima, paths, graph and metrics depend on the configuration alone. Files are {@link
 * MinimumFile}, {@link TrainingCheckpoint}, {@link PathFile}, {@link PathCheckpoint}, {@link
 * BaselineFile} and {@link BaselineCheckpoint}. One process at a time may work in it; any number
 * may {@link #view} it.
 */
public final class RunDirectory implements AutoCloseable {
  private static final String CONFIG = "config.yaml";
  private static final String RESOLVED = "resolved.yaml";
  private static final String ENVIRONMENT = "env.json";
  private static final String GRAPH = "graph.json";
  private static final String MINIMA = "minima";
  private static final String PATHS = "paths";
  private static final String BASELINES = "baselines";
  private static final String HESSIAN = "hessian";
  private static final String ENSEMBLES = "ensembles";
  private static final String PLANES = "planes";
  private static final String CHECKPOINT = "checkpoint.h5";
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path folder;
  private final ExperimentConfig config;
  private final RunLock lock;
  private final RunLog metrics;
  private final RunLog timings;

  private RunDirectory(Path folder, ExperimentConfig config, RunLock lock) {
    this.folder = folder;
    this.config = config;
    this.lock = lock;
    this.metrics = lock == null ? RunLog.read(folder, "metrics") : RunLog.open(folder, "metrics");
    this.timings = lock == null ? RunLog.read(folder, "timings") : RunLog.open(folder, "timings");
  }

  /**
   * How far a minimum is.
   *
   * @param number its number, from 1
   * @param trained whether its file is there; otherwise a checkpoint is
   */
  public record MinimumStatus(int number, boolean trained) {}

  /**
   * How far a path is.
   *
   * @param pair its minima
   * @param cycles finished cycles; 0 if only the straight line is known, -1 if not even that
   * @param inProgress whether a checkpoint is there
   */
  public record PathStatus(Pair pair, int cycles, boolean inProgress) {}

  /**
   * Starts a run, or goes on with it if {@code folder} holds one of the same configuration. The
   * settings {@code threads}, {@code checkpoint} and {@code data.folder} may change, as results do
   * not depend on them; before anything is computed, all of them may.
   *
   * @param config the resolved configuration
   * @param given the user's text of it, kept as it is
   * @throws IsthmusException USAGE if the folder holds something else, a run of another
   *     configuration (with the difference) or a working process; IO if the disk refuses
   */
  public static RunDirectory open(Path folder, ExperimentConfig config, String given) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw AtomicFile.failure("write", folder, e);
    }
    if (!isRun(folder)) {
      requireEmpty(folder);
    }
    RunLock lock = RunLock.take(folder);
    try {
      removeTemporaries(folder);
      if (isRun(folder) && (hasResults(folder) || load(folder).equals(config))) {
        requireSame(folder, load(folder), config);
      } else {
        AtomicFile.write(folder.resolve(CONFIG), given);
        AtomicFile.write(folder.resolve(RESOLVED), Config.toYaml(config)); // from now on a run
      }
      return new RunDirectory(folder, config, lock);
    } catch (RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  /** Goes on with an existing run under its own configuration. */
  public static RunDirectory resume(Path folder) {
    return open(folder, requireRun(folder), "");
  }

  /** Looks at an existing run, which may be at work; nothing is written. */
  public static RunDirectory view(Path folder) {
    return new RunDirectory(folder, requireRun(folder), null);
  }

  /** Whether a run was ever started in this folder. */
  public static boolean isRun(Path folder) {
    return Files.exists(folder.resolve(RESOLVED));
  }

  /** The folder itself. */
  public Path folder() {
    return folder;
  }

  /** The configuration this run works with. */
  public ExperimentConfig config() {
    return config;
  }

  /** Numbers that depend on the configuration alone. */
  public RunLog metrics() {
    return metrics;
  }

  /** Seconds of computing, which differ from run to run. */
  public RunLog timings() {
    return timings;
  }

  /** Where a {@link MinimumFile} belongs. */
  public Path minimum(int number) {
    return minimumFolder(number).resolve("minimum.h5");
  }

  /** Where a {@link TrainingCheckpoint} belongs. */
  public Path trainingCheckpoint(int number) {
    return minimumFolder(number).resolve(CHECKPOINT);
  }

  /** Where a {@link PathFile} belongs; cycle 0 is the straight line. */
  public Path cycle(Pair pair, int cycle) {
    return pathFolder(pair).resolve("cycle-%02d.h5".formatted(cycle));
  }

  /** Where a {@link PathCheckpoint} belongs. */
  public Path pathCheckpoint(Pair pair) {
    return pathFolder(pair).resolve(CHECKPOINT);
  }

  /** Where a complete {@link PlaneFile} belongs. */
  public Path plane(Pair pair) {
    return folder.resolve(PLANES).resolve(pair + ".h5");
  }

  /** Where a {@link PlaneFile} belongs while it is evaluated. */
  public Path planeCheckpoint(Pair pair) {
    return folder.resolve(PLANES).resolve(pair + ".checkpoint.h5");
  }

  /** To be called when a complete plane is written. */
  public void removePlaneCheckpoint(Pair pair) {
    removeCheckpoint(planeCheckpoint(pair));
  }

  /** The pairs whose planes are complete. */
  public List<Pair> planes() {
    return names(folder.resolve(PLANES), "\\d{4,9}-\\d{4,9}\\.h5").stream()
        .map(name -> pair(name.substring(0, name.length() - ".h5".length())))
        .filter(Objects::nonNull)
        .toList();
  }

  /** Where the {@link ResultFile} of a minimum's Hessian belongs. */
  public Path hessian(int minimum) {
    return folder.resolve(HESSIAN).resolve("minimum-%04d.json".formatted(minimum));
  }

  /** Where the {@link ResultFile} of the Hessian along a path belongs. */
  public Path hessian(Pair pair) {
    return folder.resolve(HESSIAN).resolve("path-%s.json".formatted(pair));
  }

  /** Where the {@link ResultFile} of a path's ensembles belongs. */
  public Path ensemble(Pair pair) {
    return folder.resolve(ENSEMBLES).resolve(pair + ".json");
  }

  /** Minima whose Hessian is known, by number. */
  public List<Integer> minimaWithHessian() {
    return names(folder.resolve(HESSIAN), "minimum-\\d{4,9}\\.json").stream()
        .map(name -> Integer.parseInt(name.replaceAll("\\D", "")))
        .filter(number -> Files.exists(hessian(number)))
        .toList();
  }

  /** Pairs along whose path the Hessian is known. */
  public List<Pair> pairsWithHessian() {
    return pairs(HESSIAN, "path-");
  }

  /** Pairs along whose path ensembles are known. */
  public List<Pair> pairsWithEnsemble() {
    return pairs(ENSEMBLES, "");
  }

  private List<Pair> pairs(String inside, String prefix) {
    return names(folder.resolve(inside), prefix + "\\d{4,9}-\\d{4,9}\\.json").stream()
        .map(name -> pair(name.substring(prefix.length(), name.length() - ".json".length())))
        .filter(pair -> pair != null)
        .toList();
  }

  /** To be called when a minimum is trained and its file written. */
  public void removeTrainingCheckpoint(int number) {
    removeCheckpoint(trainingCheckpoint(number));
  }

  /** To be called when a path's last cycle is written. */
  public void removePathCheckpoint(Pair pair) {
    removeCheckpoint(pathCheckpoint(pair));
  }

  /** Where a {@link BaselineFile} belongs. */
  public Path baseline(Pair pair, Method method) {
    return baselineFolder(pair).resolve(method.key() + ".h5");
  }

  /** The file that holds a baseline: the straight line may be that of a path. */
  public Path baselineOrLine(Pair pair, Method method) {
    boolean line = method == Method.LINE && Files.exists(cycle(pair, 0));
    return line ? cycle(pair, 0) : baseline(pair, method);
  }

  /** Where a {@link BaselineCheckpoint} belongs. */
  public Path baselineCheckpoint(Pair pair, Method method) {
    return baselineFolder(pair).resolve(method.key() + "-" + CHECKPOINT);
  }

  /** To be called when a baseline's file is written. */
  public void removeBaselineCheckpoint(Pair pair, Method method) {
    removeCheckpoint(baselineCheckpoint(pair, method));
  }

  /** Files of all finished baselines, by pair and method. */
  public List<Path> baselines() {
    List<Path> found = new ArrayList<>();
    for (String name : names(folder.resolve(BASELINES), "\\d{4,9}-\\d{4,9}")) {
      Pair pair = pair(name);
      for (Method method : Method.values()) {
        if (pair != null && Files.exists(baseline(pair, method))) {
          found.add(baseline(pair, method));
        }
      }
    }
    return found;
  }

  /** Every minimum of which there is anything, by number. */
  public List<MinimumStatus> minima() {
    List<MinimumStatus> found = new ArrayList<>();
    for (String name : names(folder.resolve(MINIMA), "\\d{4,9}")) {
      int number = Integer.parseInt(name);
      boolean trained = number > 0 && Files.exists(minimum(number));
      if (trained || number > 0 && anyCheckpoint(trainingCheckpoint(number))) {
        found.add(new MinimumStatus(number, trained));
      }
    }
    return found;
  }

  /** Every path of which there is anything, by pair. */
  public List<PathStatus> paths() {
    List<PathStatus> found = new ArrayList<>();
    for (String name : names(folder.resolve(PATHS), "\\d{4,9}-\\d{4,9}")) {
      Pair pair = pair(name);
      if (pair == null) {
        continue; // not made by Isthmus
      }
      int cycles = -1;
      while (Files.exists(cycle(pair, cycles + 1))) {
        cycles++;
      }
      boolean inProgress = anyCheckpoint(pathCheckpoint(pair));
      if (cycles >= 0 || inProgress) {
        found.add(new PathStatus(pair, cycles, inProgress));
      }
    }
    return found;
  }

  /** Keeps the graph, in place of the one before. */
  public void saveGraph(MinimaGraph graph) {
    GraphFile.write(folder.resolve(GRAPH), graph);
  }

  /** The graph that was saved last. */
  public Optional<MinimaGraph> graph() {
    Path file = folder.resolve(GRAPH);
    return Files.exists(file) ? Optional.of(GraphFile.read(file)) : Optional.empty();
  }

  /** Notes where the run is being computed, unless that is noted already. */
  public void saveEnvironment(Environment environment) {
    List<Environment> all = new ArrayList<>(environments());
    if (!all.contains(environment)) {
      all.add(environment);
      write(ENVIRONMENT, JSON.writeValueAsString(all) + "\n");
    }
  }

  /** Everywhere it was computed, in order. */
  public List<Environment> environments() {
    Path file = folder.resolve(ENVIRONMENT);
    if (!Files.exists(file)) {
      return List.of();
    }
    try {
      return List.of(JSON.readValue(Files.readAllBytes(file), Environment[].class));
    } catch (IOException e) {
      throw AtomicFile.failure("read", file, e);
    } catch (JacksonException e) {
      throw new IsthmusException(
          ExitCode.DATA, "%s is damaged; delete it, nothing depends on it.".formatted(file), e);
    }
  }

  /** Folder of the result tables. */
  public Path tables() {
    return folder.resolve("tables");
  }

  /** Folder of the figures and their data. */
  public Path figures() {
    return folder.resolve("figures");
  }

  /** The report. */
  public Path report() {
    return folder.resolve("report.html");
  }

  /** Writes a text file of the run, such as {@code tables/table1.csv}, whole or not at all. */
  public void write(String inside, String text) {
    AtomicFile.write(folder.resolve(inside), text);
  }

  /** Writes any other file of the run, such as {@code figures/graph.png}. */
  public void write(String inside, byte[] bytes) {
    AtomicFile.write(folder.resolve(inside), List.of(ByteBuffer.wrap(bytes)));
  }

  /** Lets other processes in. */
  @Override
  public void close() {
    if (lock != null) {
      lock.close();
    }
  }

  private Path minimumFolder(int number) {
    return folder.resolve(MINIMA).resolve("%04d".formatted(number));
  }

  private Path pathFolder(Pair pair) {
    return folder.resolve(PATHS).resolve(pair.toString());
  }

  private Path baselineFolder(Pair pair) {
    return folder.resolve(BASELINES).resolve(pair.toString());
  }

  private static Pair pair(String name) {
    try {
      Pair pair = Pair.parse(name);
      return pair.toString().equals(name) ? pair : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static boolean anyCheckpoint(Path checkpoint) {
    return Files.exists(checkpoint) || Files.exists(AtomicFile.previous(checkpoint));
  }

  /** The older one first: a kill in between must not leave it alone, as if it were the newest. */
  private static void removeCheckpoint(Path checkpoint) {
    try {
      Files.deleteIfExists(AtomicFile.previous(checkpoint));
      Files.deleteIfExists(checkpoint);
    } catch (IOException e) {
      throw AtomicFile.failure("delete", checkpoint, e);
    }
  }

  private static ExperimentConfig requireRun(Path folder) {
    if (!isRun(folder)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s holds no run; give the folder of one, or start one there with 'isthmus run'."
              .formatted(folder));
    }
    return load(folder);
  }

  private static boolean hasResults(Path folder) {
    return Files.exists(folder.resolve(MINIMA))
        || Files.exists(folder.resolve(PATHS))
        || Files.exists(folder.resolve(BASELINES))
        || Files.exists(folder.resolve("metrics.csv"));
  }

  private static ExperimentConfig load(Path folder) {
    try {
      return Config.load(List.of(folder.resolve(RESOLVED)), List.of());
    } catch (IsthmusException e) {
      throw e.code() != ExitCode.USAGE
          ? e
          : new IsthmusException(
              ExitCode.DATA,
              "%s is damaged (%s); restore it from a copy."
                  .formatted(folder.resolve(RESOLVED), e.getMessage()),
              e);
    }
  }

  private static void requireSame(Path folder, ExperimentConfig before, ExperimentConfig now) {
    ExperimentConfig comparable =
        new ExperimentConfig(
            now.seed(),
            now.backend(),
            before.threads(),
            now.precision(),
            inFolder(before.data().folder(), now.data()),
            now.model(),
            now.training(),
            now.exploration(),
            now.evaluation(),
            before.checkpoint());
    List<String> differences = Config.diff(before, comparable);
    if (!differences.isEmpty()) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s holds a run of another configuration (%s); choose another folder or undo the change."
              .formatted(folder, String.join("; ", differences)));
    }
  }

  /** The same data, whose files are checked wherever they lie. */
  private static DataConfig inFolder(String folder, DataConfig data) {
    return data.name().equals("file") || data.name().equals("xor") || data.name().equals("none")
        ? data
        : new DataConfig(
            data.name(),
            folder,
            data.file(),
            data.normalise(),
            data.cropPadding(),
            data.flip(),
            data.trainLimit(),
            data.testLimit());
  }

  private static void requireEmpty(Path folder) {
    Set<String> ours = Set.of(CONFIG, RunLock.NAME); // of a start that was killed
    try (Stream<Path> inside = Files.list(folder)) {
      inside
          .map(path -> path.getFileName().toString())
          .filter(name -> !ours.contains(name) && !name.startsWith(AtomicFile.TEMPORARY))
          .sorted()
          .findFirst()
          .ifPresent(
              name -> {
                throw new IsthmusException(
                    ExitCode.USAGE,
                    "%s is not empty and holds no run (there is %s); choose a new or empty folder."
                        .formatted(folder, name));
              });
    } catch (IOException e) {
      throw AtomicFile.failure("read", folder, e);
    }
  }

  /** What killed processes left in the middle of a write. */
  private static void removeTemporaries(Path folder) {
    List<Path> leftovers;
    try (Stream<Path> inside = Files.walk(folder, 3)) {
      leftovers =
          inside
              .filter(path -> path.getFileName().toString().startsWith(AtomicFile.TEMPORARY))
              .toList();
    } catch (IOException | UncheckedIOException e) {
      throw AtomicFile.failure(
          "read", folder, e instanceof IOException io ? io : new IOException(e));
    }
    leftovers.forEach(AtomicFile::deleteQuietly);
  }

  private static List<String> names(Path folder, String pattern) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return inside
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches(pattern))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw AtomicFile.failure("read", folder, e);
    }
  }
}
