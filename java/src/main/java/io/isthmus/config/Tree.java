package io.isthmus.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A configuration as written, before it has a meaning: mappings, sequences and scalars, each with
 * the place it comes from. Trees are values: merging and setting make new ones.
 */
sealed interface Tree {
  /** Where this was written. */
  Location location();

  /** What this is, for messages. */
  String kind();

  /**
   * A single value.
   *
   * @param value a String, Long, Double or Boolean, or null
   */
  record Scalar(Object value, Location location) implements Tree {
    @Override
    public String kind() {
      if (value == null) {
        return "nothing";
      }
      return value instanceof String ? "the text '" + value + "'" : String.valueOf(value);
    }
  }

  /** A list. */
  record Sequence(List<Tree> items, Location location) implements Tree {
    public Sequence {
      items = List.copyOf(items);
    }

    @Override
    public String kind() {
      return "a list";
    }
  }

  /** One key of a mapping: where the key stands, and its value. */
  record Entry(Location location, Tree value) {}

  /** Named values in the order they were written. */
  record Mapping(Map<String, Entry> entries, Location location) implements Tree {
    @Override
    public String kind() {
      return "a mapping";
    }

    /** The value of a key; null when the key is absent or left empty. */
    Tree get(String key) {
      Entry entry = entries.get(key);
      return entry == null || isNull(entry.value()) ? null : entry.value();
    }

    /** The same with one key more, or another value. */
    Mapping with(String key, Location keyLocation, Tree value) {
      Map<String, Entry> changed = new LinkedHashMap<>(entries);
      changed.put(key, new Entry(keyLocation, value));
      return new Mapping(changed, location);
    }
  }

  static boolean isNull(Tree tree) {
    return tree instanceof Scalar scalar && scalar.value() == null;
  }

  /** Where a node should be a mapping and holds nothing, as with a key that was left empty. */
  static Mapping emptyMapping(Location location) {
    return new Mapping(new LinkedHashMap<>(), location);
  }

  /** {@code over} on {@code base}: mappings key by key, everything else is replaced. */
  static Tree merge(Tree base, Tree over) {
    if (!(base instanceof Mapping below && over instanceof Mapping above)) {
      return over;
    }
    Map<String, Entry> merged = new LinkedHashMap<>(below.entries());
    above
        .entries()
        .forEach(
            (key, entry) -> {
              Entry old = merged.get(key);
              Tree value = old == null ? entry.value() : merge(old.value(), entry.value());
              merged.put(key, new Entry(entry.location(), value));
            });
    return new Mapping(merged, above.location());
  }

  /** Without the keys that were left empty, which stand for "the default". */
  static Tree withoutNulls(Tree tree) {
    if (tree instanceof Mapping mapping) {
      Map<String, Entry> kept = new LinkedHashMap<>();
      mapping
          .entries()
          .forEach(
              (key, entry) -> {
                if (!isNull(entry.value())) {
                  kept.put(key, new Entry(entry.location(), withoutNulls(entry.value())));
                }
              });
      return new Mapping(kept, mapping.location());
    }
    if (tree instanceof Sequence sequence) {
      List<Tree> items = new ArrayList<>();
      sequence.items().forEach(item -> items.add(withoutNulls(item)));
      return new Sequence(items, sequence.location());
    }
    return tree;
  }

  /** The place of a dotted key, or of the nearest part of the tree that would hold it. */
  static Location locate(Tree tree, String key) {
    Tree node = tree;
    for (String part : key.split("\\.")) {
      Tree next = null;
      if (node instanceof Mapping mapping) {
        next = mapping.get(part);
      } else if (node instanceof Sequence sequence && part.matches("\\d{1,6}")) {
        int index = Integer.parseInt(part);
        next = index < sequence.items().size() ? sequence.items().get(index) : null;
      }
      if (next == null) {
        break;
      }
      node = next;
    }
    return node.location();
  }
}
