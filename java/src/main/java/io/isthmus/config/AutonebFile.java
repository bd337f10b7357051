package io.isthmus.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Understands the configuration files of the authors' PyTorch-AutoNEB: turns the tree of one into
 * the tree of ours, with the preset {@code official}, every value keeping its place in the file.
 * What they say that cannot be computed here is refused, not dropped.
 */
final class AutonebFile {
  private static final Set<String> TOP =
      Set.of("dataset", "architecture", "device", "minima_count", "minimum", "exploration");
  private static final Set<String> CYCLE =
      Set.of("insert", "subsample_pivot_count", "spring_constant", "weight_decay", "optim");
  private static final Map<String, String> SURFACES =
      Map.of(
          "Eggcarton",
          "surface-egg-carton",
          "CurvyValley",
          "surface-curvy-valley",
          "Flat",
          "surface-flat");
  private static final Set<String> SUGGESTIONS = Set.of("unfinished", "disconnected", "mst");
  private static final int MOST_LAYERS = 64;

  private final Part root;
  private final List<String> differences = new ArrayList<>();
  private Tree.Mapping out;

  private AutonebFile(Tree.Mapping root) {
    this.root = new Part("", root);
    this.out = Tree.emptyMapping(root.location());
  }

  /** Only their files have an architecture. */
  static boolean recognises(Tree.Mapping root) {
    return root.entries().containsKey("architecture");
  }

  static Tree.Mapping convert(Tree.Mapping root) {
    return new AutonebFile((Tree.Mapping) canonical(root)).convert();
  }

  /** In what a run of such a file differs from what PyTorch-AutoNEB computes, one line each. */
  static List<String> differences(Tree.Mapping root) {
    AutonebFile file = new AutonebFile((Tree.Mapping) canonical(root));
    file.convert();
    return file.differences;
  }

  private Tree.Mapping convert() {
    root.only(TOP);
    put("preset", new Tree.Scalar("official", root.mapping.location()));
    root.mustBe("device", "cpu", "cuda");
    if ("cuda".equals(root.value("device"))) {
      differences.add(
          "device: cuda is not taken over, this is computed on the CPU; -s backend=cuda asks for the"
              + " GPU");
    }
    model();
    Tree dataset = root.get("dataset");
    if (dataset != null) {
      put("data.name", dataset);
      whatNetworksDifferIn();
    }
    move(root, "minima_count", "training.minima");
    Part minimum = root.part("minimum");
    minimum.only(Set.of("nsteps", "algorithm", "scheduler", "eval"));
    move(minimum, "nsteps", "training.steps");
    algorithm(minimum.part("algorithm"), "training");
    scheduler(minimum);
    move(minimum.part("eval").only(Set.of("batch_size")), "batch_size", "training.batch");
    Part exploration = root.part("exploration");
    exploration.only(Set.of("value_key", "weight_key", "suggest", "autoneb"));
    exploration.mustBe("value_key", "train_loss", "loss");
    exploration.mustBe("weight_key", "saddle_train_loss", "saddle_loss");
    suggestions(exploration);
    cycles(exploration);
    return out;
  }

  private void whatNetworksDifferIn() {
    differences.add(
        "all random numbers follow from the setting seed (there: unseeded); convolutions start as He"
            + " et al. say, linear layers as in PyTorch (there: variance 1 / fan-in, biases zero)");
    differences.add(
        "a batch at the end of an epoch is filled up from the next one (there: it is smaller)");
    if ("mnist".equals(root.value("dataset"))) {
      differences.add("images have 28 x 28 pixels (there: padded to 32 x 32)");
    }
  }

  /** Which pairs to try is not a setting here. */
  private void suggestions(Part exploration) {
    if (exploration.get("suggest") == null) {
      return;
    }
    boolean usual =
        exploration.list("suggest").items().stream()
            .allMatch(item -> item instanceof Tree.Scalar one && SUGGESTIONS.contains(one.value()));
    if (!usual) {
      differences.add(
          "exploration.suggest is not taken over: pairs are chosen by algorithm 3 of the paper, that"
              + " is unfinished, disconnected, mst");
    }
  }

  private void model() {
    Part architecture = root.part("architecture");
    Tree name = architecture.required("name");
    String given = String.valueOf(architecture.value("name"));
    String spec =
        switch (given.replaceFirst("-?\\d+$", "")) {
          case "ResNet" -> resnet(architecture, given);
          case "DenseNet" -> densenet(architecture);
          case "CNN" -> cnn(architecture);
          case "MLP" -> mlp(architecture);
          default -> SURFACES.get(given);
        };
    if (spec == null) {
      throw new IsthmusException(
          ExitCode.USAGE,
          name.location()
              + ": the architecture '"
              + given
              + "' of PyTorch-AutoNEB is not available here; there are ResNet, DenseNet, CNN, MLP,"
              + " Eggcarton, CurvyValley and Flat");
    }
    if (SURFACES.containsKey(given)) {
      differences.add(
          "each minimum starts at a point that the seed draws from the surface's box (there: from"
              + " another one)");
    }
    put("model.spec", new Tree.Scalar(spec, name.location()));
  }

  private static String resnet(Part architecture, String given) {
    architecture.only(Set.of("name", "depth"));
    String depth = given.replaceAll("\\D", "");
    // Their shortcut is a projection.
    return "resnet" + (depth.isEmpty() ? architecture.whole("depth") : depth) + ":shortcut=B";
  }

  private static String densenet(Part architecture) {
    architecture.only(Set.of("name", "growth_rate", "depth", "reduction", "bottleneck"));
    String size = architecture.whole("depth") + "-" + architecture.whole("growth_rate");
    boolean bottleneck = Boolean.TRUE.equals(architecture.value("bottleneck"));
    Object reduction = architecture.value("reduction");
    double kept = reduction instanceof Number number ? number.doubleValue() : 1;
    if (bottleneck && kept == 0.5) {
      return "densenet" + size + "-bc";
    }
    String options =
        (bottleneck ? ",bottleneck=1" : "") + (kept == 1 ? "" : ",compression=" + kept);
    return "densenet" + size + options.replaceFirst(",", ":");
  }

  private static String cnn(Part architecture) {
    architecture.only(
        Set.of(
            "name",
            "conv_depth",
            "num_filters",
            "filter_size",
            "padding_size",
            "pool_size",
            "pool_every",
            "dense_depth",
            "num_dense_units",
            "batch_norm",
            "dropout"));
    long filter = architecture.whole("filter_size");
    architecture.mustBe("padding_size", String.valueOf(filter / 2));
    architecture.mustBe("pool_size", "2");
    architecture.mustBe("pool_every", "1");
    architecture.mustBe("dropout", "0");
    architecture.mustBe("dense_depth", "0", "1");
    boolean dense = architecture.whole("dense_depth") == 1;
    boolean normalise = !Boolean.FALSE.equals(architecture.value("batch_norm"));
    return "cnn"
        + widths(architecture, "conv_depth", "num_filters")
        + ":kernel="
        + filter
        + (dense
            ? widths(architecture, "dense_depth", "num_dense_units").replace("-", ",dense=")
            : "")
        + (normalise ? ",batchnorm=1" : "");
  }

  private static String mlp(Part architecture) {
    architecture.only(Set.of("name", "depth", "widths", "batch_norm", "dropout"));
    architecture.mustBe("dropout", "0");
    boolean normalise = !Boolean.FALSE.equals(architecture.value("batch_norm"));
    return "mlp" + widths(architecture, "depth", "widths") + (normalise ? ":batchnorm=1" : "");
  }

  /** The widths of some layers, "-16-16": a list of them, or one that is that of all. */
  private static String widths(Part architecture, String layers, String key) {
    long depth = architecture.whole(layers);
    if (depth < 1 || depth > MOST_LAYERS) {
      throw architecture.error(
          layers + " must be between 1 and " + MOST_LAYERS + ", but is " + depth);
    }
    if (!(architecture.get(key) instanceof Tree.Sequence list)) {
      return ("-" + architecture.whole(key)).repeat((int) depth);
    }
    StringBuilder widths = new StringBuilder();
    for (Tree item : list.items()) {
      if (!(item instanceof Tree.Scalar width && width.value() instanceof Long)) {
        throw architecture.error(key + " must be whole numbers, but one is " + item.kind());
      }
      widths.append("-").append(width.value());
    }
    if (list.items().size() != depth) {
      throw architecture.error(
          key + " has " + list.items().size() + " values, but " + layers + " is " + depth);
    }
    return widths.toString();
  }

  private void algorithm(Part algorithm, String section) {
    algorithm.only(Set.of("name", "lr", "momentum", "nesterov", "weight_decay"));
    algorithm.mustBe("name", "SGD", "SGD-Momentum");
    if (section.equals("training")) {
      move(algorithm, "lr", "training.learning_rate");
      move(algorithm, "weight_decay", "training.weight_decay");
    } else if (algorithm.get("weight_decay") != null) {
      throw algorithm.error("weight_decay of a cycle stands beside optim, not inside it");
    }
    Tree momentum = algorithm.get("momentum");
    boolean named = "SGD-Momentum".equals(algorithm.value("name"));
    Tree assumed = new Tree.Scalar(named ? 0.9 : 0.0, algorithm.mapping.location());
    put(section + ".momentum", momentum == null ? assumed : momentum);
    Tree nesterov = algorithm.get("nesterov");
    Tree without = new Tree.Scalar(false, algorithm.mapping.location());
    put(section + ".nesterov", nesterov == null ? without : nesterov);
  }

  private void scheduler(Part minimum) {
    Part scheduler = minimum.part("scheduler");
    if (scheduler.mapping.entries().isEmpty()) {
      put("training.milestones", new Tree.Sequence(List.of(), minimum.mapping.location()));
      return;
    }
    scheduler.only(Set.of("name", "milestones", "gamma"));
    scheduler.mustBe("name", "MultiStepLR");
    move(scheduler, "gamma", "training.factor");
    Tree.Sequence milestones = scheduler.list("milestones");
    // Milestones after the last step have no effect there, and are refused here.
    Object steps = minimum.value("nsteps");
    List<Tree> reached =
        milestones.items().stream()
            .filter(
                item ->
                    !(steps instanceof Long last
                        && item instanceof Tree.Scalar scalar
                        && scalar.value() instanceof Long at
                        && at > last))
            .toList();
    put("training.milestones", new Tree.Sequence(reached, milestones.location()));
  }

  private void cycles(Part exploration) {
    Tree state = Tree.emptyMapping(exploration.mapping.location());
    List<Tree> cycles = new ArrayList<>();
    Map<String, Tree> shared = new LinkedHashMap<>();
    for (Tree written : exploration.list("autoneb").items()) {
      state = Tree.merge(state, written);
      if (!(state instanceof Tree.Mapping mapping)) {
        throw new IsthmusException(
            ExitCode.USAGE, state.location() + ": a cycle must be a mapping of settings");
      }
      Part cycle = new Part("exploration.autoneb." + cycles.size(), mapping).only(CYCLE);
      Location at = written.location();
      Part optim = cycle.part("optim").only(Set.of("nsteps", "algorithm", "scheduler", "eval"));
      if (optim.get("scheduler") != null) {
        throw optim.error("a scheduler inside a cycle is not available; use more cycles");
      }
      same(shared, "evaluation.between", cycle.get("subsample_pivot_count"), at);
      same(shared, "exploration.spring", cycle.get("spring_constant"), at);
      Tree decay = cycle.get("weight_decay");
      Tree none = new Tree.Scalar(0L, mapping.location());
      same(shared, "exploration.weight_decay", decay == null ? none : decay, at);
      same(shared, "exploration.batch", optim.part("eval").get("batch_size"), at);
      Part algorithm = optim.part("algorithm");
      algorithm(algorithm, "exploration");
      Tree.Mapping own = Tree.emptyMapping(at);
      own = with(own, "steps", optim.get("nsteps"));
      own = with(own, "learning_rate", algorithm.get("lr"));
      boolean insert = insertion(cycle.part("insert"), cycles.isEmpty(), shared);
      cycles.add(with(own, "insert", new Tree.Scalar(insert, at)));
    }
    if (shared.get("exploration.spring") instanceof Tree.Scalar spring
        && spring.value() instanceof Number number
        && !Double.isInfinite(number.doubleValue())) {
      differences.add(
          "springs pull along the tangent alone (there: part of the force acts on every"
              + " coordinate)");
    }
    if (root.get("dataset") != null && !shared.containsKey("exploration.batch")) {
      differences.add("paths use batches of the preset, as no cycle says optim.eval.batch_size");
    }
    shared.forEach(this::put);
    put("exploration.autoneb", new Tree.Sequence(cycles, exploration.mapping.location()));
  }

  /** The pivots that are put in before a cycle; says whether there are any. */
  private boolean insertion(Part insert, boolean first, Map<String, Tree> shared) {
    insert.only(Set.of("name", "count", "key", "threshold"));
    insert.mustBe("key", "dense_train_loss", "dense_loss");
    Tree count = insert.required("count");
    if (!first && ((Tree.Scalar) count).value() instanceof Long zero && zero == 0) {
      return false; // whatever the way, as the one of the cycle before stays
    }
    insert.mustBe("name", first ? "equal" : "highest");
    if (first) {
      put("exploration.initial_pivots", count);
      return true;
    }
    same(shared, "exploration.insertion.max_per_cycle", count, count.location());
    same(shared, "exploration.insertion.threshold", insert.get("threshold"), count.location());
    return true;
  }

  /** A setting that is one for all cycles here. */
  private static void same(Map<String, Tree> shared, String key, Tree value, Location at) {
    if (value == null) {
      return;
    }
    Tree before = shared.putIfAbsent(key, value);
    boolean changed =
        before instanceof Tree.Scalar one
            && value instanceof Tree.Scalar other
            && !String.valueOf(one.value()).equals(String.valueOf(other.value()));
    if (changed) {
      throw new IsthmusException(
          ExitCode.USAGE,
          at
              + ": "
              + key
              + " changes from "
              + before.kind()
              + " to "
              + value.kind()
              + " in this cycle; it must be the same in all");
    }
  }

  private void move(Part from, String key, String to) {
    Tree value = from.get(key);
    if (value != null) {
      put(to, value);
    }
  }

  private static Tree.Mapping with(Tree.Mapping mapping, String key, Tree value) {
    return value == null ? mapping : mapping.with(key, value.location(), value);
  }

  private void put(String key, Tree value) {
    out = (Tree.Mapping) put(out, key.split("\\."), 0, value);
  }

  private static Tree put(Tree.Mapping mapping, String[] key, int depth, Tree value) {
    if (depth == key.length - 1) {
      return mapping.with(key[depth], value.location(), value);
    }
    Tree.Mapping inner =
        mapping.get(key[depth]) instanceof Tree.Mapping present
            ? present
            : Tree.emptyMapping(value.location());
    return mapping.with(key[depth], inner.location(), put(inner, key, depth + 1, value));
  }

  /** Underscores for hyphens in keys, {@code args} taken in, a bare name for {@code {name: ..}}. */
  private static Tree canonical(Tree tree) {
    if (tree instanceof Tree.Sequence sequence) {
      return new Tree.Sequence(
          sequence.items().stream().map(AutonebFile::canonical).toList(), sequence.location());
    }
    if (!(tree instanceof Tree.Mapping mapping)) {
      return tree;
    }
    Map<String, Tree.Entry> entries = new LinkedHashMap<>();
    mapping
        .entries()
        .forEach(
            (written, entry) -> {
              String key = written.replace('-', '_');
              Tree value = canonical(entry.value());
              if (key.equals("args") && value instanceof Tree.Mapping args) {
                entries.putAll(args.entries());
                return;
              }
              boolean called =
                  Set.of("architecture", "algorithm", "scheduler", "insert").contains(key);
              if (called && value instanceof Tree.Scalar && !Tree.isNull(value)) {
                value = Tree.emptyMapping(value.location()).with("name", value.location(), value);
              }
              entries.put(key, new Tree.Entry(entry.location(), value));
            });
    return new Tree.Mapping(entries, mapping.location());
  }

  /** A mapping of their file, with checked access. */
  private record Part(String path, Tree.Mapping mapping) {
    Part only(Set<String> known) {
      mapping
          .entries()
          .forEach(
              (key, entry) -> {
                if (!known.contains(key)) {
                  throw new IsthmusException(
                      ExitCode.USAGE,
                      entry.location()
                          + ": there is no setting "
                          + name(key)
                          + " in a PyTorch-AutoNEB file as understood here"
                          + DidYouMean.hint(key, known));
                }
              });
      return this;
    }

    Tree get(String key) {
      return mapping.get(key);
    }

    Object value(String key) {
      return get(key) instanceof Tree.Scalar scalar ? scalar.value() : null;
    }

    Tree required(String key) {
      if (!(get(key) instanceof Tree.Scalar scalar)) {
        throw error(name(key) + " must be given as a single value");
      }
      return scalar;
    }

    long whole(String key) {
      if (required(key) instanceof Tree.Scalar scalar && scalar.value() instanceof Long number) {
        return number;
      }
      throw error(name(key) + " must be a whole number, but is " + get(key).kind());
    }

    Tree.Sequence list(String key) {
      if (get(key) instanceof Tree.Sequence sequence) {
        return sequence;
      }
      throw error(name(key) + " must be a list");
    }

    Part part(String key) {
      Tree inner = get(key);
      if (inner == null) {
        return new Part(name(key), Tree.emptyMapping(mapping.location()));
      }
      if (inner instanceof Tree.Mapping found) {
        return new Part(name(key), found);
      }
      throw new IsthmusException(
          ExitCode.USAGE, inner.location() + ": " + name(key) + " must be a mapping of settings");
    }

    /** Refuses another value than the ones that are understood; absent is fine. */
    void mustBe(String key, String... allowed) {
      Tree value = get(key);
      if (value != null && !List.of(allowed).contains(String.valueOf(value(key)))) {
        throw new IsthmusException(
            ExitCode.USAGE,
            value.location()
                + ": "
                + name(key)
                + " must be "
                + String.join(" or ", allowed)
                + " here, but is "
                + value.kind());
      }
    }

    IsthmusException error(String message) {
      return new IsthmusException(ExitCode.USAGE, mapping.location() + ": " + message);
    }

    private String name(String key) {
      return path.isEmpty() ? key : path + "." + key;
    }
  }
}
