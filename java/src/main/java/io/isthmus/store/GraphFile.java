package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.Metrics;
import io.isthmus.landscape.Edge;
import io.isthmus.landscape.MinimaGraph;
import io.isthmus.landscape.Minimum;
import io.isthmus.landscape.SpanningTree;
import io.isthmus.neb.Pair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The graph of minima and paths as {@code graph.json}, with the edges of its tree marked. */
final class GraphFile {
  private static final String FORMAT = "isthmus graph";
  private static final int VERSION = 1;
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private GraphFile() {}

  static void write(Path target, MinimaGraph graph) {
    List<Edge> tree = SpanningTree.of(graph).edges();
    List<Map<String, Object>> minima = new ArrayList<>();
    for (Minimum minimum : graph.minima()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("number", minimum.number());
      entry.put("train", metrics(minimum.train()));
      entry.put("test", metrics(minimum.test()));
      minima.add(entry);
    }
    List<Map<String, Object>> paths = new ArrayList<>();
    for (Edge edge : graph.edges()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("pair", edge.pair().toString());
      entry.put("saddle", edge.saddle());
      entry.put("tree", tree.contains(edge));
      paths.add(entry);
    }
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", FORMAT);
    root.put("version", VERSION);
    root.put("minima", minima);
    root.put("paths", paths);
    root.put("failed", graph.failures().stream().map(Pair::toString).toList());
    AtomicFile.write(target, JSON.writeValueAsString(root) + "\n");
  }

  static MinimaGraph read(Path source) {
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(source));
      if (!root.path("format").asString("").equals(FORMAT)
          || root.path("version").asInt(0) != VERSION) {
        throw new IllegalArgumentException("it is not a graph of version " + VERSION);
      }
      List<Minimum> minima = new ArrayList<>();
      for (JsonNode entry : root.required("minima")) {
        minima.add(
            new Minimum(
                entry.required("number").intValue(),
                metrics(entry.required("train")),
                metrics(entry.required("test"))));
      }
      MinimaGraph graph = MinimaGraph.of(minima);
      for (JsonNode entry : root.required("paths")) {
        graph =
            graph.withPath(
                Pair.parse(entry.required("pair").stringValue()),
                entry.required("saddle").doubleValue());
      }
      for (JsonNode pair : root.required("failed")) {
        graph = graph.withFailure(Pair.parse(pair.stringValue()));
      }
      return graph;
    } catch (IOException e) {
      throw AtomicFile.failure("read", source, e);
    } catch (JacksonException | IllegalArgumentException e) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s is damaged: %s; delete it, the same command makes it anew from the paths."
              .formatted(source, JsonReason.of(e)),
          e);
    }
  }

  /** JSON knows no NaN: it becomes null. */
  private static Map<String, Object> metrics(Metrics metrics) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("loss", Double.isFinite(metrics.loss()) ? metrics.loss() : null);
    entry.put("error", Double.isFinite(metrics.error()) ? metrics.error() : null);
    return entry;
  }

  private static Metrics metrics(JsonNode entry) {
    JsonNode loss = entry.required("loss");
    JsonNode error = entry.required("error");
    return new Metrics(
        loss.isNull() ? Double.NaN : loss.doubleValue(),
        error.isNull() ? Double.NaN : error.doubleValue());
  }
}
