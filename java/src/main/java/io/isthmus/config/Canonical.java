package io.isthmus.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** An experiment written out: every setting, always in the same order and form. */
final class Canonical {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z_/][A-Za-z0-9_./-]*");
  private static final Pattern WORD = Pattern.compile("(?i)null|true|false|y|n|yes|no|on|off|inf");

  private Canonical() {}

  /** The configuration file that loads as {@code config}. */
  static String yaml(ExperimentConfig config) {
    StringBuilder yaml = new StringBuilder();
    write(tree(config), 0, yaml);
    return yaml.toString();
  }

  /** Every setting by its dotted key. */
  static Map<String, String> settings(ExperimentConfig config) {
    Map<String, String> settings = new LinkedHashMap<>();
    flatten("", tree(config), settings);
    return settings;
  }

  private static Map<String, Object> tree(ExperimentConfig c) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("preset", c.exploration().preset());
    root.put("seed", c.seed());
    root.put("backend", c.backend());
    root.put("threads", c.threads());
    root.put("precision", c.precision());
    root.put("data", data(c.data()));
    root.put("model", Map.of("spec", c.model().spec()));
    root.put("training", training(c.training()));
    root.put("exploration", exploration(c.exploration()));
    Map<String, Object> evaluation = new LinkedHashMap<>();
    evaluation.put("between", c.evaluation().between());
    evaluation.put("statistics_batches", c.evaluation().statisticsBatches());
    evaluation.put("train_pass", c.evaluation().trainPass());
    evaluation.put("train_limit", c.evaluation().evalTrainLimit());
    root.put("evaluation", evaluation);
    Map<String, Object> checkpoint = new LinkedHashMap<>();
    checkpoint.put("interval_steps", c.checkpoint().intervalSteps());
    checkpoint.put("interval_seconds", c.checkpoint().intervalSeconds());
    root.put("checkpoint", checkpoint);
    return root;
  }

  private static Map<String, Object> data(DataConfig d) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("name", d.name());
    data.put("folder", d.folder());
    data.put("file", d.file());
    data.put("normalise", d.normalise());
    data.put("crop_padding", d.cropPadding());
    data.put("flip", d.flip());
    data.put("train_limit", d.trainLimit());
    data.put("test_limit", d.testLimit());
    return data;
  }

  private static Map<String, Object> training(TrainingConfig t) {
    Map<String, Object> training = new LinkedHashMap<>();
    training.put("minima", t.minima());
    training.put("batch", t.batch());
    training.put("steps", t.steps());
    training.put("learning_rate", t.learningRate());
    training.put("milestones", t.milestones());
    training.put("factor", t.factor());
    training.put("momentum", t.momentum());
    training.put("nesterov", t.nesterov());
    training.put("weight_decay", t.weightDecay());
    return training;
  }

  private static Map<String, Object> exploration(ExplorationConfig e) {
    Map<String, Object> exploration = new LinkedHashMap<>();
    exploration.put("batch", e.batch());
    exploration.put("initial_pivots", e.initialPivots());
    exploration.put("spacing", e.spacing());
    exploration.put("tangent", e.tangent());
    exploration.put("geometry", e.geometry());
    exploration.put("spring", e.spring());
    exploration.put("momentum", e.momentum());
    exploration.put("nesterov", e.nesterov());
    exploration.put("weight_decay", e.weightDecay());
    Map<String, Object> insertion = new LinkedHashMap<>();
    insertion.put("threshold", e.insertion().threshold());
    insertion.put("max_per_cycle", e.insertion().maxPerCycle());
    exploration.put("insertion", insertion);
    exploration.put("autoneb", e.cycles().stream().map(Canonical::cycle).toList());
    exploration.put("pair_value", e.pairValue());
    exploration.put("statistics", e.statistics());
    exploration.put("tolerance", e.tolerance());
    exploration.put("max_pairs", e.maxPairs());
    return exploration;
  }

  private static Map<String, Object> cycle(CycleConfig c) {
    Map<String, Object> cycle = new LinkedHashMap<>();
    cycle.put("steps", c.steps());
    cycle.put("learning_rate", c.learningRate());
    cycle.put("insert", c.insert());
    cycle.put("climbing", c.climbing());
    return cycle;
  }

  /** Mappings by indented lines, lists of mappings one per line, everything else in its line. */
  private static void write(Map<?, ?> mapping, int indent, StringBuilder yaml) {
    mapping.forEach(
        (key, value) -> {
          yaml.append("  ".repeat(indent)).append(key).append(':');
          if (value instanceof Map<?, ?> inner) {
            yaml.append('\n');
            write(inner, indent + 1, yaml);
          } else if (value instanceof List<?> list
              && !list.isEmpty()
              && list.get(0) instanceof Map) {
            yaml.append('\n');
            for (Object item : list) {
              yaml.append("  ".repeat(indent + 1)).append("- ").append(inline(item)).append('\n');
            }
          } else {
            yaml.append(' ').append(inline(value)).append('\n');
          }
        });
  }

  private static void flatten(String key, Object value, Map<String, String> settings) {
    String prefix = key.isEmpty() ? "" : key + ".";
    if (value instanceof Map<?, ?> mapping) {
      mapping.forEach((name, inner) -> flatten(prefix + name, inner, settings));
    } else {
      if (value instanceof List<?> list && !list.isEmpty() && list.get(0) instanceof Map) {
        for (int i = 0; i < list.size(); i++) {
          settings.put(prefix + i, inline(list.get(i)));
        }
      } else {
        settings.put(key, inline(value));
      }
    }
  }

  private static String inline(Object value) {
    if (value instanceof Map<?, ?> mapping) {
      return mapping.entrySet().stream()
          .map(entry -> entry.getKey() + ": " + inline(entry.getValue()))
          .collect(Collectors.joining(", ", "{", "}"));
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Canonical::inline).collect(Collectors.joining(", ", "[", "]"));
    }
    if (value instanceof Enum<?> word) {
      return word.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
    if (value instanceof Float || value instanceof Double) {
      return number(value.toString());
    }
    return value instanceof String text ? quoted(text) : String.valueOf(value);
  }

  /** Java's decimal, which reads back to the same bits, less what is of no use: 64, 1e-4, inf. */
  private static String number(String java) {
    if (java.equals("Infinity")) {
      return "inf";
    }
    String plain = java.endsWith(".0") ? java.substring(0, java.length() - 2) : java;
    return plain.replace(".0E", "e").replace('E', 'e');
  }

  private static String quoted(String text) {
    if (PLAIN.matcher(text).matches() && !WORD.matcher(text).matches()) {
      return text;
    }
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean printable =
          Character.isLetterOrDigit(c) || (c >= ' ' && c < 0x7f) || Character.isIdeographic(c);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (!printable) {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
