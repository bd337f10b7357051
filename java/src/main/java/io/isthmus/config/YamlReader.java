package io.isthmus.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * Reads one YAML 1.2 document into a {@link Tree} that knows the place of everything. Numbers may
 * also be written as Python does ({@code 1e-4}, {@code inf}). Refused: duplicate keys, anchors and
 * aliases, several documents, nesting beyond any need.
 */
final class YamlReader {
  private static final Set<Tag> PLAIN_TAGS =
      Set.of(Tag.STR, Tag.INT, Tag.FLOAT, Tag.BOOL, Tag.NULL, Tag.SEQ, Tag.MAP);
  private static final int MAX_DEPTH = 20;
  private static final int MAX_CHARACTERS = 1 << 20;
  private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]+");
  private static final Pattern FLOAT =
      Pattern.compile("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  private static final Pattern INFINITY = Pattern.compile("[-+]?\\.?(inf|Inf|INF)");

  private final String source;
  private final boolean override;

  private YamlReader(String source, boolean override) {
    this.source = source;
    this.override = override;
  }

  /** A file's text; an empty one is an empty mapping. {@code source} names it in messages. */
  static Tree read(String text, String source) {
    return new YamlReader(source, false).document(text);
  }

  /** The value of an override, {@code set} being the whole of it. */
  static Tree readOverride(String value, String set) {
    return new YamlReader("-s " + set, true).document(value);
  }

  private Tree document(String text) {
    Location start = override ? new Location(source, 0, 0) : new Location(source, 1, 1);
    if (text.length() > MAX_CHARACTERS) {
      throw error(start, "the text is longer than 1 MiB, which no configuration needs");
    }
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(source)
            .setAllowDuplicateKeys(true) // found below, with both places
            .setAllowNonScalarKeys(true)
            .setMaxAliasesForCollections(0)
            .build();
    try {
      Node root = null;
      for (Node node : new Compose(settings).composeAllFromString(text)) {
        if (root != null) {
          throw error(location(node), "a second document begins; keep one per file");
        }
        root = node;
      }
      if (root == null) {
        return override ? new Tree.Scalar(null, start) : Tree.emptyMapping(start);
      }
      Tree tree = convert(root, 0);
      return !override && Tree.isNull(tree) ? Tree.emptyMapping(start) : tree;
    } catch (MarkedYamlEngineException e) {
      Location at = e.getProblemMark().map(this::location).orElse(start);
      String context = e.getContext() == null ? "" : e.getContext() + ": ";
      throw error(at, "is not valid YAML: " + oneLine(context + e.getProblem()));
    } catch (YamlEngineException e) {
      throw error(start, "is not valid YAML: " + oneLine(e.getMessage()));
    } catch (StackOverflowError e) {
      throw error(start, "is nested too deeply");
    }
  }

  private Tree convert(Node node, int depth) {
    Location at = location(node);
    if (depth > MAX_DEPTH) {
      throw error(at, "is nested deeper than " + MAX_DEPTH + " levels");
    }
    if (node.getAnchor().isPresent()) {
      throw error(at, "anchors (&) and aliases (*) are not supported; write the value out");
    }
    if (!PLAIN_TAGS.contains(node.getTag())) {
      throw error(at, "tags (!) are not supported; remove " + node.getTag().getValue());
    }
    if (node instanceof ScalarNode scalar) {
      return new Tree.Scalar(scalar.isPlain() ? resolve(scalar) : scalar.getValue(), at);
    }
    if (node instanceof SequenceNode sequence) {
      List<Tree> items = new ArrayList<>();
      for (Node item : sequence.getValue()) {
        items.add(convert(item, depth + 1));
      }
      return new Tree.Sequence(items, at);
    }
    Map<String, Tree.Entry> entries = new LinkedHashMap<>();
    for (NodeTuple tuple : ((MappingNode) node).getValue()) {
      Location keyAt = location(tuple.getKeyNode());
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        throw error(keyAt, "a key must be a single word");
      }
      Tree.Entry earlier = entries.get(key.getValue());
      if (earlier != null) {
        throw error(
            keyAt,
            "'" + key.getValue() + "' stands here a second time, after " + earlier.location());
      }
      entries.put(key.getValue(), new Tree.Entry(keyAt, convert(tuple.getValueNode(), depth + 1)));
    }
    return new Tree.Mapping(entries, at);
  }

  private static Object resolve(ScalarNode scalar) {
    String text = scalar.getValue();
    switch (text) {
      case "", "~", "null", "Null", "NULL":
        return null;
      case "true", "True", "TRUE":
        return true;
      case "false", "False", "FALSE":
        return false;
      case ".nan", ".NaN", ".NAN":
        return Double.NaN;
      default:
        break;
    }
    if (INTEGER.matcher(text).matches()) {
      try {
        return Long.parseLong(text);
      } catch (NumberFormatException e) {
        return Double.parseDouble(text); // beyond 64 bits
      }
    }
    if (FLOAT.matcher(text).matches()) {
      return Double.parseDouble(text);
    }
    if (INFINITY.matcher(text).matches()) {
      return text.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    return text;
  }

  private Location location(Node node) {
    Optional<Mark> mark = node.getStartMark();
    return mark.map(this::location).orElse(new Location(source, override ? 0 : 1, 1));
  }

  private Location location(Mark mark) {
    return override
        ? new Location(source, 0, 0)
        : new Location(source, mark.getLine() + 1, mark.getColumn() + 1);
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s+", " ");
  }

  private static IsthmusException error(Location at, String message) {
    return new IsthmusException(ExitCode.USAGE, at + ": " + message);
  }
}
