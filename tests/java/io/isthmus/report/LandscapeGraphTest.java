package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.engine.Metrics;
import io.isthmus.landscape.Minimum;
import io.isthmus.report.RunSummary.Status;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jgrapht.Graph;
import org.jgrapht.alg.spanning.KruskalMinimumSpanningTree;
import org.jgrapht.graph.AsWeightedGraph;
import org.jgrapht.graph.DefaultEdge;
import org.jgrapht.graph.SimpleGraph;
import org.jgrapht.nio.BaseEventDrivenImporter;
import org.jgrapht.nio.GraphImporter;
import org.jgrapht.nio.dot.DOTImporter;
import org.jgrapht.nio.graphml.GraphMLImporter;
import org.jgrapht.util.SupplierUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The graph of a run, read back by JGraphT. */
class LandscapeGraphTest {
  @TempDir Path folder;

  private final Map<String, Map<String, String>> nodes = new HashMap<>();
  private final Map<DefaultEdge, Map<String, String>> edges = new HashMap<>();
  private Graph<String, DefaultEdge> graph;

  private static RunSummary run() {
    RunSummary run = HandRun.run();
    List<Minimum> minima = new ArrayList<>(run.minima());
    minima.add(new Minimum(4, new Metrics(0.5, Double.NaN), new Metrics(1e-9, 0.25)));
    var connections = new ArrayList<>(run.connections());
    connections.add(HandRun.open(3, 4, Status.DIVERGED));
    return HandRun.with("a < b & \"c\"", "back\\slash", minima, connections);
  }

  @Test
  void graphmlSaysEverythingThatTheSummaryDoes() throws Exception {
    GraphMLImporter<String, DefaultEdge> importer = new GraphMLImporter<>();
    importer.setSchemaValidation(true);
    importer.setVertexFactory(id -> id);
    read(importer, LandscapeGraph.graphml(run()));
    judge();
  }

  @Test
  void dotSaysTheSame() {
    DOTImporter<String, DefaultEdge> importer = new DOTImporter<>();
    importer.setVertexFactory(id -> id);
    read(importer, LandscapeGraph.dot(run()));
    judge();
    assertThat(nodes.get("1")).containsEntry("label", "1\\n0.01000");
    assertThat(edge("1", "2")).containsEntry("style", "bold").containsEntry("label", "0.04000");
    assertThat(edge("1", "3")).containsEntry("style", "solid");
    assertThat(edge("3", "4")).containsEntry("style", "dotted").containsEntry("label", "");
  }

  @Test
  void theEndingDecides() throws Exception {
    LandscapeGraph.write(run(), folder.resolve("g.graphml"));
    LandscapeGraph.write(run(), folder.resolve("g.dot"));
    assertThat(folder.resolve("g.graphml")).hasContent(LandscapeGraph.graphml(run()));
    assertThat(Files.readString(folder.resolve("g.dot"))).startsWith("graph landscape {");
  }

  private void judge() {
    assertThat(graph.vertexSet()).containsExactlyInAnyOrder("1", "2", "3", "4");
    assertThat(graph.edgeSet()).hasSize(4);
    assertThat(number(nodes.get("2"), "train_loss")).isEqualTo(0.02);
    assertThat(number(nodes.get("2"), "test_error")).isEqualTo(0.12);
    assertThat(number(nodes.get("4"), "test_loss")).isEqualTo(1e-9);
    assertThat(nodes.get("4")).doesNotContainKey("train_error");
    Map<String, String> path = edge("1", "2");
    assertThat(path).containsEntry("state", "done").containsEntry("tree", "true");
    assertThat(number(path, "saddle_train_loss")).isEqualTo(0.04);
    assertThat(number(path, "saddle_test_loss")).isEqualTo(0.4);
    assertThat(number(path, "saddle_test_error")).isEqualTo(0.15);
    assertThat(number(path, "line_train_loss")).isEqualTo(1.0);
    assertThat(number(path, "length")).isEqualTo(1.5);
    assertThat(edge("3", "4"))
        .containsEntry("state", "diverged")
        .containsEntry("tree", "false")
        .doesNotContainKey("saddle_train_loss");
    // The tree that is marked is the one that Kruskal finds in what was written.
    Graph<String, DefaultEdge> weighted =
        new AsWeightedGraph<>(
            graph,
            graph.edgeSet().stream()
                .collect(
                    Collectors.toMap(
                        e -> e,
                        e ->
                            edges.get(e).containsKey("saddle_train_loss")
                                ? number(edges.get(e), "saddle_train_loss")
                                : 1e9)));
    var tree = new KruskalMinimumSpanningTree<>(weighted).getSpanningTree().getEdges();
    assertThat(graph.edgeSet())
        .allSatisfy(
            e -> {
              if (edges.get(e).get("state").equals("done")) {
                assertThat(edges.get(e)).containsEntry("tree", "" + tree.contains(e));
              }
            });
  }

  private <
          I extends
              BaseEventDrivenImporter<String, DefaultEdge> & GraphImporter<String, DefaultEdge>>
      void read(I importer, String text) {
    graph = new SimpleGraph<>(null, SupplierUtil.createDefaultEdgeSupplier(), false);
    importer.addVertexAttributeConsumer(
        (key, value) ->
            nodes
                .computeIfAbsent(key.getFirst(), id -> new HashMap<>())
                .put(key.getSecond(), value.getValue()));
    importer.addEdgeAttributeConsumer(
        (key, value) ->
            edges
                .computeIfAbsent(key.getFirst(), e -> new HashMap<>())
                .put(key.getSecond(), value.getValue()));
    importer.importGraph(graph, new StringReader(text));
  }

  private Map<String, String> edge(String from, String to) {
    return edges.get(graph.getEdge(from, to));
  }

  private static double number(Map<String, String> attributes, String name) {
    return Double.parseDouble(attributes.get(name));
  }
}
