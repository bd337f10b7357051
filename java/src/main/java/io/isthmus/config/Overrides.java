package io.isthmus.config;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Puts {@code key.path=value} from the command line into a tree; numbers in the path index lists.
 */
final class Overrides {
  private final String set;
  private final Location location;
  private final List<String> path;
  private final Tree value;

  private Overrides(String set) {
    this.set = set;
    this.location = Location.override(set);
    int equals = set.indexOf('=');
    String key = equals < 0 ? "" : set.substring(0, equals).strip();
    this.path = Arrays.asList(key.split("\\.", -1));
    if (path.stream().anyMatch(String::isBlank)) {
      throw error("write an override as key=value, such as -s training.batch=64");
    }
    this.value = YamlReader.readOverride(set.substring(equals + 1).strip(), set);
  }

  /** {@code tree} with the value of {@code set} in place. */
  static Tree.Mapping apply(Tree.Mapping tree, String set) {
    Overrides override = new Overrides(set);
    return (Tree.Mapping) override.put(tree, 0);
  }

  private Tree put(Tree node, int depth) {
    if (depth == path.size()) {
      return value;
    }
    String part = path.get(depth);
    if (node instanceof Tree.Sequence list) {
      int index = index(list, part, depth);
      List<Tree> items = new ArrayList<>(list.items());
      items.set(index, put(items.get(index), depth + 1));
      return new Tree.Sequence(items, list.location());
    }
    if (node instanceof Tree.Mapping mapping) {
      Tree inner = mapping.get(part);
      // A new mapping takes the override as its place, for errors in it come from there.
      Tree below = inner == null ? Tree.emptyMapping(location) : inner;
      return mapping.with(part, location, put(below, depth + 1));
    }
    throw error(
        "nothing can be set inside "
            + String.join(".", path.subList(0, depth))
            + ", which is "
            + node.kind());
  }

  private int index(Tree.Sequence list, String part, int depth) {
    int size = list.items().size();
    int index = part.matches("\\d{1,6}") ? Integer.parseInt(part) : size;
    if (index >= size) {
      String name = String.join(".", path.subList(0, depth));
      throw error(
          name + " has " + size + " entries, numbered from 0, so '" + part + "' is none of them");
    }
    return index;
  }

  private IsthmusException error(String message) {
    return new IsthmusException(ExitCode.USAGE, location + ": " + message);
  }
}
