package io.isthmus.report;

import io.isthmus.landscape.Minimum;
import io.isthmus.neb.Saddle;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * The minima and paths of a run as a graph that other programs read: GraphML (networkx, igraph,
 * Gephi) or DOT (Graphviz). Nodes are minima; edges are the pairs that have been asked for. Numbers
 * that are not known are left out.
 *
 * <table>
 * <caption>Attributes</caption>
 * <tr><td>graph</td><td>{@code title}, {@code statistics} by which paths are judged</td></tr>
 * <tr><td>node</td><td>{@code number}; {@code train_loss}, {@code train_error}, {@code test_loss},
 * {@code test_error} (errors as fractions)</td></tr>
 * <tr><td>edge</td><td>{@code state} (pending, running, done, diverged); {@code tree}, whether it is
 * in the minimum spanning tree; {@code cycles} done; for a finished path each metric's maximum
 * along it, {@code saddle_train_loss} and so on, and {@code length}, over the distance of its ends;
 * {@code line_train_loss} and so on, the same maxima along the straight line</td></tr>
 * </table>
 */
public final class LandscapeGraph {
  private LandscapeGraph() {}

  /**
   * Writes it in the format that the file's ending names, {@code .graphml} or else DOT.
   *
   * @throws io.isthmus.config.IsthmusException IO when the file cannot be written
   */
  public static void write(RunSummary run, Path file) {
    boolean graphml = file.toString().endsWith(".graphml");
    Report.write(file, graphml ? graphml(run) : dot(run));
  }

  /** GraphML 1.0; every attribute has its type. */
  static String graphml(RunSummary run) {
    Map<String, String> keys = new LinkedHashMap<>();
    StringBuilder body = new StringBuilder();
    write(
        run,
        new Form() {
          @Override
          public void graph(Map<String, Object> attributes) {
            data("graph", attributes, "    ");
          }

          @Override
          public void node(int number, Map<String, Object> attributes) {
            body.append("    <node id=\"%d\">\n".formatted(number));
            data("node", attributes, "      ");
            body.append("    </node>\n");
          }

          @Override
          public void edge(int first, int second, Map<String, Object> attributes) {
            body.append("    <edge source=\"%d\" target=\"%d\">\n".formatted(first, second));
            data("edge", attributes, "      ");
            body.append("    </edge>\n");
          }

          private void data(String owner, Map<String, Object> attributes, String indent) {
            attributes.forEach(
                (name, value) -> {
                  String id = owner + "_" + name;
                  keys.putIfAbsent(
                      id,
                      "  <key id=\"%s\" for=\"%s\" attr.name=\"%s\" attr.type=\"%s\"/>\n"
                          .formatted(id, owner, name, type(value)));
                  body.append(indent)
                      .append("<data key=\"%s\">%s</data>\n".formatted(id, escaped(value)));
                });
          }
        });
    return """
    <?xml version="1.0" encoding="UTF-8"?>
    <graphml xmlns="http://graphml.graphdrawing.org/xmlns">
    %s  <graph id="landscape" edgedefault="undirected">
    %s  </graph>
    </graphml>
    """
        .formatted(String.join("", keys.values()), body);
  }

  /**
   * DOT; edges of the tree are bold, paths outside it plain, unfinished ones dotted, and the labels
   * are training losses.
   */
  static String dot(RunSummary run) {
    StringBuilder text = new StringBuilder("graph landscape {\n");
    write(
        run,
        new Form() {
          @Override
          public void graph(Map<String, Object> attributes) {
            attributes.forEach(
                (name, value) ->
                    text.append("  %s=%s;\n".formatted(name, quoted(String.valueOf(value)))));
          }

          @Override
          public void node(int number, Map<String, Object> attributes) {
            line(Integer.toString(number), attributes, number + "\\n", "train_loss", null);
          }

          @Override
          public void edge(int first, int second, Map<String, Object> attributes) {
            boolean done = Status.DONE.label().equals(attributes.get("state"));
            String style = Boolean.TRUE.equals(attributes.get("tree")) ? "bold" : "solid";
            line(
                first + " -- " + second,
                attributes,
                "",
                "saddle_train_loss",
                done ? style : "dotted");
          }

          private void line(
              String what,
              Map<String, Object> attributes,
              String label,
              String measure,
              String style) {
            String loss =
                attributes.get(measure) instanceof Double value
                    ? String.format(Locale.ROOT, "%.4g", value)
                    : "";
            text.append("  %s [label=\"%s%s\"".formatted(what, label, loss));
            if (style != null) {
              text.append(", style=").append(style);
            }
            attributes.forEach(
                (name, value) ->
                    text.append(", %s=%s".formatted(name, quoted(String.valueOf(value)))));
            text.append("];\n");
          }
        });
    return text.append("}\n").toString();
  }

  /** What a format does with the parts of a graph. */
  private interface Form {
    void graph(Map<String, Object> attributes);

    void node(int number, Map<String, Object> attributes);

    void edge(int first, int second, Map<String, Object> attributes);
  }

  private static void write(RunSummary run, Form form) {
    Map<String, Object> whole = new LinkedHashMap<>();
    whole.put("title", run.title());
    whole.put("statistics", run.convention().name().toLowerCase(Locale.ROOT));
    form.graph(whole);
    for (Minimum minimum : run.minima()) {
      Map<String, Object> node = new LinkedHashMap<>();
      node.put("number", minimum.number());
      BiConsumer<String, Double> put = finite(node);
      put.accept("train_loss", minimum.train().loss());
      if (run.tested()) {
        put.accept("train_error", minimum.train().error());
        put.accept("test_loss", minimum.test().loss());
        put.accept("test_error", minimum.test().error());
      }
      form.node(minimum.number(), node);
    }
    Set<Connection> tree = new HashSet<>(run.tree());
    for (Connection connection : run.connections()) {
      Map<String, Object> edge = new LinkedHashMap<>();
      edge.put("state", connection.status().label());
      edge.put("tree", tree.contains(connection));
      edge.put("cycles", connection.cycles().size());
      if (connection.status() == Status.DONE) {
        var path = run.path(connection).orElseThrow();
        maxima(run, "saddle_", path.saddle(run.convention()), edge);
        finite(edge).accept("length", path.stretch());
      }
      connection.barrier(run.convention()).ifPresent(line -> maxima(run, "line_", line, edge));
      form.edge(connection.pair().first(), connection.pair().second(), edge);
    }
  }

  private static void maxima(
      RunSummary run, String prefix, Saddle saddle, Map<String, Object> into) {
    BiConsumer<String, Double> put = finite(into);
    put.accept(prefix + "train_loss", saddle.trainLoss());
    if (run.tested()) {
      put.accept(prefix + "train_error", saddle.trainError());
      put.accept(prefix + "test_loss", saddle.testLoss());
      put.accept(prefix + "test_error", saddle.testError());
    }
  }

  private static BiConsumer<String, Double> finite(Map<String, Object> into) {
    return (name, value) -> {
      if (Double.isFinite(value)) {
        into.put(name, value);
      }
    };
  }

  private static String type(Object value) {
    return value instanceof Double
        ? "double"
        : value instanceof Integer ? "int" : value instanceof Boolean ? "boolean" : "string";
  }

  private static String escaped(Object value) {
    return String.valueOf(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  private static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
