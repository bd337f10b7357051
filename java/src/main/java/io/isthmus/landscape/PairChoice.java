package io.isthmus.landscape;

import io.isthmus.neb.Pair;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Which pair of minima to connect next (Draxler et al. 2018, algorithm 3):
 *
 * <ol>
 *   <li>Star: the lowest minimum is joined to every other, those of lower loss first.
 *   <li>Only if searches of the star failed: pairs across the parts that are not joined yet.
 *   <li>Then, always: the highest edge of the minimum spanning tree is taken out, and the best
 *       untried pair across the two sides is computed; a lower path makes the tree lighter. An edge
 *       without an untried pair stays, and the next highest is looked at.
 * </ol>
 *
 * <p>The best pair is that whose higher end is lowest, since no path can be lower than its ends;
 * equal ones by the sum of the two losses, then by number. (The authors' code sorts both sides by
 * loss and takes the first untried combination; its first choice across a cut is the same.)
 *
 * <p>{@link #next} looks at the graph alone, not at the order in which results came in.
 *
 * @param tolerance stop once all saddles of the tree are similar: (highest - lowest) no more than
 *     this fraction of the highest one's size; 0: never for that reason
 * @param maxPairs stop after this many tried pairs; 0: no budget
 */
public record PairChoice(double tolerance, int maxPairs) {
  /** Why no further pair is chosen. */
  public enum Stop {
    /** Every pair has been tried. */
    ALL_TRIED,
    /** The saddles of the spanning tree are similar within the tolerance. */
    SIMILAR_SADDLES,
    /** The budget of pairs is spent. */
    BUDGET
  }

  public PairChoice {
    if (!(tolerance >= 0) || maxPairs < 0) {
      throw new IllegalArgumentException(
          "tolerance and maxPairs must be >= 0, got %s and %d".formatted(tolerance, maxPairs));
    }
  }

  /** Why {@link #next} has nothing to offer, empty while it has. */
  public Optional<Stop> stop(MinimaGraph graph) {
    if (graph.untried().isEmpty()) {
      return Optional.of(Stop.ALL_TRIED);
    }
    if (maxPairs > 0 && graph.tried() >= maxPairs) {
      return Optional.of(Stop.BUDGET);
    }
    return star(graph).isEmpty() && similar(SpanningTree.of(graph))
        ? Optional.of(Stop.SIMILAR_SADDLES)
        : Optional.empty();
  }

  /** The pair to compute next, empty when the exploration is over. */
  public Optional<Pair> next(MinimaGraph graph) {
    if (stop(graph).isPresent()) {
      return Optional.empty();
    }
    List<Pair> star = star(graph);
    if (!star.isEmpty()) {
      return Optional.of(star.get(0));
    }
    SpanningTree tree = SpanningTree.of(graph);
    return acrossParts(graph, tree).or(() -> acrossHighestEdge(graph, tree));
  }

  /**
   * Up to {@code count} pairs to work on side by side, the first of them {@link #next}. While the
   * star is being built all of them are certain to be asked for. Later the first alone is: the
   * others are what follows if no result changes the tree. Whoever computes them ahead of time
   * keeps their results aside until {@link #next} asks for that pair; then the graph does not
   * depend on how many work on it.
   */
  public List<Pair> candidates(MinimaGraph graph, int count) {
    List<Pair> star = star(graph);
    var candidates = new ArrayList<Pair>();
    MinimaGraph assumed = graph;
    while (candidates.size() < count && (star.isEmpty() || candidates.size() < star.size())) {
      Optional<Pair> pair = next(assumed);
      if (pair.isEmpty()) {
        break;
      }
      candidates.add(pair.get());
      assumed = assumed.withFailure(pair.get());
    }
    return candidates;
  }

  /** Untried pairs of the lowest minimum with the others, the lower ones first. */
  private static List<Pair> star(MinimaGraph graph) {
    int centre = graph.lowest().number();
    return graph.minima().stream()
        .filter(minimum -> minimum.number() != centre)
        .sorted(Comparator.comparingDouble(Minimum::loss).thenComparing(Minimum::number))
        .map(minimum -> Pair.of(centre, minimum.number()))
        .filter(pair -> graph.state(pair) == PairState.UNTRIED)
        .toList();
  }

  private static Optional<Pair> acrossParts(MinimaGraph graph, SpanningTree tree) {
    List<NavigableSet<Integer>> parts = tree.components();
    return best(graph, pair -> parts.stream().noneMatch(part -> holdsBoth(part, pair)));
  }

  private static Optional<Pair> acrossHighestEdge(MinimaGraph graph, SpanningTree tree) {
    List<Edge> edges = tree.edges();
    return IntStream.range(0, edges.size())
        .mapToObj(i -> edges.get(edges.size() - 1 - i))
        .map(edge -> acrossCut(graph, tree, edge))
        .flatMap(Optional::stream)
        .findFirst();
  }

  private static Optional<Pair> acrossCut(MinimaGraph graph, SpanningTree tree, Edge edge) {
    Set<Integer> one = tree.side(edge.pair().first(), edge);
    Set<Integer> other = tree.side(edge.pair().second(), edge);
    return best(
        graph,
        pair ->
            one.contains(pair.first()) && other.contains(pair.second())
                || one.contains(pair.second()) && other.contains(pair.first()));
  }

  private static Optional<Pair> best(MinimaGraph graph, Predicate<Pair> allowed) {
    return graph.untried().stream()
        .filter(allowed)
        .min(
            Comparator.comparingDouble((Pair pair) -> higherEnd(graph, pair))
                .thenComparingDouble(pair -> sumOfEnds(graph, pair))
                .thenComparing(Comparator.naturalOrder()));
  }

  private static double higherEnd(MinimaGraph graph, Pair pair) {
    return Math.max(graph.minimum(pair.first()).loss(), graph.minimum(pair.second()).loss());
  }

  private static double sumOfEnds(MinimaGraph graph, Pair pair) {
    return graph.minimum(pair.first()).loss() + graph.minimum(pair.second()).loss();
  }

  private boolean similar(SpanningTree tree) {
    if (tolerance == 0 || !tree.connected() || tree.edges().isEmpty()) {
      return false;
    }
    double lowest = tree.edges().get(0).saddle();
    double highest = tree.edges().get(tree.edges().size() - 1).saddle();
    return highest - lowest <= tolerance * Math.abs(highest);
  }

  private static boolean holdsBoth(Set<Integer> numbers, Pair pair) {
    return numbers.contains(pair.first()) && numbers.contains(pair.second());
  }
}
