package io.isthmus.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;

/**
 * Configurations as text. A user writes what differs from a {@link Preset}; {@link #load} fills in
 * the rest and checks everything; {@link #toYaml} writes all of it out again.
 *
 * <p>Of several files the later wins, mapping by mapping; lists are replaced as a whole. A key left
 * empty stands for its default. {@code data: mnist} and {@code model: resnet20} are short for
 * {@code data: {name: mnist}} and {@code model: {spec: resnet20}}. In {@code exploration.autoneb} a
 * cycle inherits what it leaves out from the one before it. Files of the authors' PyTorch-AutoNEB
 * are understood as well.
 */
public final class Config {
  private static final long MAX_FILE_BYTES = 1 << 20;

  private Config() {}

  /**
   * Loads an experiment.
   *
   * @param files in ascending order of weight; a path without a file may name a built-in
   *     configuration
   * @param sets overrides such as {@code exploration.autoneb.0.steps=200}, applied in order as if
   *     they had been written into the files
   * @throws IsthmusException USAGE for every mistake in them, with file, line and column; IO when a
   *     file cannot be read
   */
  public static ExperimentConfig load(List<Path> files, List<String> sets) {
    List<Tree.Mapping> trees = new ArrayList<>();
    for (Path file : files) {
      trees.add(document(text(file), file.toString()));
    }
    return resolve(trees, sets);
  }

  /** As {@link #load}, from a text that {@code source} names in messages. */
  public static ExperimentConfig parse(String yaml, String source, List<String> sets) {
    return resolve(List.of(document(yaml, source)), sets);
  }

  /**
   * In what results will differ from those of the program a file was written for, one line each:
   * for the files of the authors' PyTorch-AutoNEB, none for others.
   *
   * @param files as for {@link #load}
   */
  public static List<String> differences(List<Path> files) {
    List<String> lines = new ArrayList<>();
    for (Path file : files) {
      if (YamlReader.read(text(file), file.toString()) instanceof Tree.Mapping root
          && AutonebFile.recognises(root)) {
        for (String difference : AutonebFile.differences(root)) {
          lines.add(file + ", a file of PyTorch-AutoNEB: " + difference);
        }
      }
    }
    return lines;
  }

  /** The whole configuration, every setting written out; loading it gives an equal one. */
  public static String toYaml(ExperimentConfig config) {
    return Canonical.yaml(config);
  }

  /** What differs, one line per setting: {@code training.batch: 128 -> 64}. */
  public static List<String> diff(ExperimentConfig before, ExperimentConfig after) {
    var old = Canonical.settings(before);
    var now = Canonical.settings(after);
    var keys = new ArrayList<>(old.keySet());
    now.keySet().stream().filter(key -> !old.containsKey(key)).forEach(keys::add);
    return keys.stream()
        .filter(key -> !Objects.equals(old.get(key), now.get(key)))
        .map(
            key ->
                key
                    + ": "
                    + old.getOrDefault(key, "(none)")
                    + " -> "
                    + now.getOrDefault(key, "(none)"))
        .toList();
  }

  /** The JSON schema of configuration files, for editors. */
  public static String schema() {
    return Schema.text();
  }

  private static String text(Path file) {
    if (!Files.isRegularFile(file)) {
      String name = file.toString();
      return BuiltinConfigs.text(name)
          .orElseThrow(() -> new IsthmusException(ExitCode.IO, missing(file, name)));
    }
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new IsthmusException(
            ExitCode.USAGE,
            file + " is larger than 1 MiB and so no configuration; give the YAML file instead");
      }
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
          .toString();
    } catch (CharacterCodingException e) {
      throw new IsthmusException(
          ExitCode.USAGE, file + " is not UTF-8 text; save it as UTF-8 or give another file", e);
    } catch (IOException e) {
      throw new IsthmusException(
          ExitCode.IO, "cannot read the configuration " + file + ": " + reason(e), e);
    }
  }

  private static String missing(Path file, String name) {
    if (Files.isDirectory(file)) {
      return file + " is a folder; give a configuration file";
    }
    return "there is no file "
        + file
        + " and no built-in configuration of that name"
        + DidYouMean.hint(name, BuiltinConfigs.names())
        + "; built in are "
        + String.join(", ", BuiltinConfigs.names());
  }

  private static String reason(IOException e) {
    return e instanceof NoSuchFileException ? "it does not exist" : e.getMessage();
  }

  private static Tree.Mapping document(String text, String source) {
    Tree tree = YamlReader.read(text, source);
    if (!(tree instanceof Tree.Mapping mapping)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          tree.location()
              + ": a configuration must be a mapping of settings, but is "
              + tree.kind());
    }
    return expandShorthand(
        AutonebFile.recognises(mapping) ? AutonebFile.convert(mapping) : mapping);
  }

  private static Tree.Mapping expandShorthand(Tree.Mapping root) {
    return expandShorthand(expandShorthand(root, "data", "name"), "model", "spec");
  }

  private static Tree.Mapping expandShorthand(Tree.Mapping root, String section, String key) {
    if (!(root.get(section) instanceof Tree.Scalar scalar)) {
      return root;
    }
    Location at = root.entries().get(section).location();
    Tree.Mapping expanded = Tree.emptyMapping(scalar.location()).with(key, at, scalar);
    return root.with(section, at, expanded);
  }

  private static ExperimentConfig resolve(List<Tree.Mapping> trees, List<String> sets) {
    Tree.Mapping tree = Tree.emptyMapping(new Location("the configuration", 0, 0));
    for (Tree.Mapping next : trees) {
      tree = (Tree.Mapping) Tree.merge(tree, next);
    }
    try {
      for (String set : sets) {
        tree = override(tree, set);
      }
      tree = checked(tree);
      return bind(Section.root(tree));
    } catch (InvalidSetting e) {
      Location at = Tree.locate(tree, e.key());
      throw new IsthmusException(e.code(), at + ": " + e.getMessage(), e);
    }
  }

  private static Tree.Mapping checked(Tree.Mapping tree) {
    Tree.Mapping written = (Tree.Mapping) Tree.withoutNulls(tree);
    Schema.check(written);
    return written;
  }

  private static Tree.Mapping override(Tree.Mapping tree, String set) {
    String compact = set.strip();
    if (compact.matches("(?s)(data|model)\\s*=.*")) { // the short form must find its mapping
      Tree.Mapping alone = Tree.emptyMapping(Location.override(set));
      return (Tree.Mapping) Tree.merge(tree, expandShorthand(Overrides.apply(alone, set)));
    }
    boolean intoCycles = compact.startsWith("exploration.autoneb.");
    return Overrides.apply(intoCycles ? withCycles(tree) : tree, set);
  }

  /**
   * With the preset's cycles written out, if there are none, so that one of them can be changed.
   */
  private static Tree.Mapping withCycles(Tree.Mapping tree) {
    Section root = Section.root(checked(tree));
    if (root.section("exploration").has("autoneb")) {
      return tree;
    }
    Tree.Sequence cycles = presets(root).autoneb();
    Tree.Mapping exploration =
        tree.get("exploration") instanceof Tree.Mapping own
            ? own
            : Tree.emptyMapping(cycles.location());
    return tree.with(
        "exploration", cycles.location(), exploration.with("autoneb", cycles.location(), cycles));
  }

  private static Preset preset(Section root) {
    return root.choice("preset", Preset.PAPER);
  }

  private static String dataName(Section root, ModelConfig model) {
    boolean surface = model.family() == ModelConfig.Family.SURFACE;
    String name = root.section("data").text("name", surface ? "none" : null);
    InvalidSetting.require(
        name != null,
        "data",
        "is missing: say which images, such as data: cifar10; there are "
            + String.join(", ", new TreeSet<>(NamedData.names()))
            + " and file");
    return name;
  }

  private static Presets presets(Section root) {
    String spec = root.section("model").text("spec", null);
    InvalidSetting.require(
        spec != null, "model", "is missing: say which network, such as model: resnet20");
    ModelConfig model = new ModelConfig(spec);
    int limit = root.section("data").integer("train_limit", 0);
    return new Presets(preset(root), model, dataName(root, model), limit);
  }

  private static ExperimentConfig bind(Section root) {
    Presets presets = presets(root);
    ModelConfig model = new ModelConfig(root.section("model").text("spec", null));
    ExplorationConfig exploration = exploration(root.section("exploration"), presets, preset(root));
    return new ExperimentConfig(
        root.whole("seed", 1),
        root.text("backend", "cpu"),
        root.integer("threads", 0),
        root.choice("precision", Precision.FP32),
        data(root.section("data"), presets, dataName(root, model)),
        model,
        training(root.section("training"), presets),
        exploration,
        evaluation(root.section("evaluation"), presets.evaluation(exploration.batch())),
        checkpoint(root.section("checkpoint"), presets.checkpoint()));
  }

  private static DataConfig data(Section s, Presets presets, String name) {
    DataConfig d = presets.data(name, s.text("folder", null), s.text("file", null));
    return new DataConfig(
        name,
        d.folder(),
        d.file(),
        s.flag("normalise", d.normalise()),
        s.integer("crop_padding", d.cropPadding()),
        s.flag("flip", d.flip()),
        s.integer("train_limit", d.trainLimit()),
        s.integer("test_limit", d.testLimit()));
  }

  private static TrainingConfig training(Section s, Presets presets) {
    TrainingConfig d = presets.training();
    long steps = s.whole("steps", d.steps());
    List<Long> milestones =
        Arrays.stream(presets.milestones(steps)).filter(m -> m > 0).distinct().boxed().toList();
    return new TrainingConfig(
        s.integer("minima", d.minima()),
        s.integer("batch", d.batch()),
        steps,
        s.single("learning_rate", d.learningRate()),
        s.wholes("milestones", milestones),
        s.single("factor", d.factor()),
        s.single("momentum", d.momentum()),
        s.flag("nesterov", d.nesterov()),
        s.single("weight_decay", d.weightDecay()));
  }

  private static ExplorationConfig exploration(Section s, Presets presets, Preset preset) {
    ExplorationConfig d = presets.exploration(preset);
    Section insertion = s.section("insertion");
    CycleConfig first = d.cycles().get(0);
    List<CycleConfig> cycles = new ArrayList<>();
    for (Section c : s.inheriting("autoneb", presets.autoneb())) {
      cycles.add(
          new CycleConfig(
              c.integer("steps", first.steps()),
              c.single("learning_rate", first.learningRate()),
              c.flag("insert", first.insert()),
              c.flag("climbing", first.climbing())));
    }
    return new ExplorationConfig(
        preset,
        s.integer("batch", d.batch()),
        s.integer("initial_pivots", d.initialPivots()),
        s.choice("spacing", d.spacing()),
        s.choice("tangent", d.tangent()),
        s.choice("geometry", d.geometry()),
        s.single("spring", d.spring()),
        s.single("momentum", d.momentum()),
        s.flag("nesterov", d.nesterov()),
        s.single("weight_decay", d.weightDecay()),
        new InsertionConfig(
            insertion.number("threshold", d.insertion().threshold()),
            insertion.integer("max_per_cycle", d.insertion().maxPerCycle())),
        cycles,
        s.choice("pair_value", d.pairValue()),
        s.choice("statistics", d.statistics()),
        s.number("tolerance", d.tolerance()),
        s.integer("max_pairs", d.maxPairs()));
  }

  private static EvaluationConfig evaluation(Section s, EvaluationConfig d) {
    return new EvaluationConfig(
        s.integer("between", d.between()),
        s.integer("statistics_batches", d.statisticsBatches()),
        s.choice("train_pass", d.trainPass()),
        s.integer("train_limit", d.evalTrainLimit()));
  }

  private static CheckpointConfig checkpoint(Section s, CheckpointConfig d) {
    return new CheckpointConfig(
        s.integer("interval_steps", d.intervalSteps()),
        s.number("interval_seconds", d.intervalSeconds()));
  }
}
