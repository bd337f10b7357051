package io.isthmus.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Typed reading of one mapping of a tree that has passed the schema; a key that is absent yields
 * its default.
 */
final class Section {
  private final Tree.Mapping mapping;
  private final String path;

  private Section(Tree.Mapping mapping, String path) {
    this.mapping = mapping;
    this.path = path;
  }

  static Section root(Tree.Mapping mapping) {
    return new Section(mapping, "");
  }

  /** A mapping of this mapping; an empty one when the key is absent. */
  Section section(String key) {
    Tree inner = mapping.get(key);
    Tree.Mapping found =
        inner instanceof Tree.Mapping present ? present : Tree.emptyMapping(mapping.location());
    return new Section(found, path + key + ".");
  }

  boolean has(String key) {
    return mapping.get(key) != null;
  }

  String text(String key, String otherwise) {
    Object value = scalar(key);
    return value == null ? otherwise : value.toString();
  }

  boolean flag(String key, boolean otherwise) {
    Object value = scalar(key);
    return value == null ? otherwise : (Boolean) value;
  }

  long whole(String key, long otherwise) {
    Object value = scalar(key);
    return value == null ? otherwise : whole(value, path + key);
  }

  int integer(String key, int otherwise) {
    long value = whole(key, otherwise);
    InvalidSetting.require(
        value == (int) value,
        path + key,
        value > 0
            ? "must be at most " + Integer.MAX_VALUE + ", but is " + value
            : "must be at least " + Integer.MIN_VALUE + ", but is " + value);
    return (int) value;
  }

  double number(String key, double otherwise) {
    Object value = scalar(key);
    return value == null ? otherwise : ((Number) value).doubleValue();
  }

  float single(String key, float otherwise) {
    return has(key) ? (float) number(key, otherwise) : otherwise;
  }

  List<Long> wholes(String key, List<Long> otherwise) {
    if (!(mapping.get(key) instanceof Tree.Sequence sequence)) {
      return otherwise;
    }
    List<Long> values = new ArrayList<>();
    for (Tree item : sequence.items()) {
      values.add(whole(((Tree.Scalar) item).value(), path + key + "." + values.size()));
    }
    return values;
  }

  /** The mappings of a list, each on top of the one before it: what it leaves out stays. */
  List<Section> inheriting(String key, Tree.Sequence otherwise) {
    Tree.Sequence sequence = mapping.get(key) instanceof Tree.Sequence own ? own : otherwise;
    List<Section> sections = new ArrayList<>();
    Tree previous = Tree.emptyMapping(sequence.location());
    for (Tree item : sequence.items()) {
      previous = Tree.merge(previous, item);
      sections.add(new Section((Tree.Mapping) previous, path + key + "." + sections.size() + "."));
    }
    return sections;
  }

  <E extends Enum<E>> E choice(String key, E otherwise) {
    Object value = scalar(key);
    if (value == null) {
      return otherwise;
    }
    String name = value.toString().toUpperCase(Locale.ROOT).replace('-', '_');
    return Enum.valueOf(otherwise.getDeclaringClass(), name);
  }

  private Object scalar(String key) {
    return mapping.get(key) instanceof Tree.Scalar scalar ? scalar.value() : null;
  }

  private static long whole(Object value, String key) {
    if (value instanceof Long exact) {
      return exact;
    }
    double number = ((Number) value).doubleValue();
    InvalidSetting.require(
        Math.abs(number) < 1L << 62, key, "is " + number + ", which is out of every range");
    return (long) number;
  }
}
