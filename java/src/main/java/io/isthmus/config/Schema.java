package io.isthmus.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The form of a configuration: which keys there are, of which type, with which words. It is kept as
 * a JSON schema, which editors can use too, within the few keywords known here: type, enum,
 * properties, items, additionalProperties false. (A general validator takes longer to load than
 * everything else together; the tests use one to judge this class.) What values are sensible is
 * said by the records.
 */
final class Schema {
  private static final Tree.Mapping ROOT = (Tree.Mapping) YamlReader.read(text(), "schema.json");

  private final List<Mistake> mistakes = new ArrayList<>();

  private Schema() {}

  private record Mistake(Location at, String sentence) {}

  /** The JSON schema as text. */
  static String text() {
    try (InputStream in = Schema.class.getResourceAsStream("/configs/schema.json")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Refuses a tree of the wrong form, naming every mistake with its place, one per line. */
  static void check(Tree.Mapping tree) {
    Schema schema = new Schema();
    schema.check("", tree, ROOT);
    if (!schema.mistakes.isEmpty()) {
      throw new IsthmusException(ExitCode.USAGE, schema.message());
    }
  }

  private String message() {
    return mistakes.stream()
        .sorted(
            Comparator.comparing((Mistake m) -> m.at().source())
                .thenComparing(m -> m.at().line())
                .thenComparing(m -> m.at().column()))
        .map(mistake -> mistake.at() + ": " + mistake.sentence())
        .collect(Collectors.joining("\n"));
  }

  private void check(String key, Tree value, Tree.Mapping rule) {
    if (rule.get("enum") instanceof Tree.Sequence words) {
      checkWord(key, value, words.items().stream().map(Schema::word).toList());
      return;
    }
    String type = word(rule.get("type"));
    if (!isOfType(value, type)) {
      String name = key.isEmpty() ? "a configuration" : key;
      add(value.location(), name + " must be " + inWords(type) + ", but is " + value.kind());
    } else if (value instanceof Tree.Mapping mapping) {
      checkKeys(key, mapping, (Tree.Mapping) rule.get("properties"));
    } else if (value instanceof Tree.Sequence sequence) {
      for (int i = 0; i < sequence.items().size(); i++) {
        check(key + "." + i, sequence.items().get(i), (Tree.Mapping) rule.get("items"));
      }
    }
  }

  private void checkWord(String key, Tree value, List<String> words) {
    String given = value instanceof Tree.Scalar scalar ? String.valueOf(scalar.value()) : "";
    if (!(words.contains(given) && word(value) != null)) {
      String sentence = key + " must be one of " + String.join(", ", words) + ", but is ";
      add(value.location(), sentence + value.kind() + DidYouMean.hint(given, words));
    }
  }

  private void checkKeys(String key, Tree.Mapping mapping, Tree.Mapping known) {
    mapping
        .entries()
        .forEach(
            (name, entry) -> {
              String full = key.isEmpty() ? name : key + "." + name;
              if (known.get(name) instanceof Tree.Mapping rule) {
                check(full, entry.value(), rule);
                return;
              }
              List<String> names = List.copyOf(known.entries().keySet());
              String near = DidYouMean.hint(name, names);
              String here = near.isEmpty() ? "; here go " + String.join(", ", names) : near;
              add(entry.location(), "there is no setting " + full + here);
            });
  }

  private void add(Location at, String sentence) {
    mistakes.add(new Mistake(at, sentence));
  }

  private static String word(Tree tree) {
    return tree instanceof Tree.Scalar scalar && scalar.value() instanceof String text
        ? text
        : null;
  }

  private static boolean isOfType(Tree tree, String type) {
    Object value = tree instanceof Tree.Scalar scalar ? scalar.value() : null;
    return switch (type) {
      case "object" -> tree instanceof Tree.Mapping;
      case "array" -> tree instanceof Tree.Sequence;
      case "string" -> value instanceof String;
      case "boolean" -> value instanceof Boolean;
      case "number" -> value instanceof Number;
      case "integer" ->
          value instanceof Long || value instanceof Double real && real == Math.rint(real);
      default -> throw new IllegalStateException("schema.json uses the type " + type);
    };
  }

  private static String inWords(String type) {
    return switch (type) {
      case "integer" -> "a whole number";
      case "number" -> "a number";
      case "boolean" -> "true or false";
      case "string" -> "a text";
      case "array" -> "a list";
      default -> "a mapping of settings";
    };
  }
}
