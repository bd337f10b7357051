package io.isthmus.landscape;

import io.isthmus.neb.Pair;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Minima and what is known about the paths between them. Immutable: a new result makes a new graph.
 * The order in which results arrive leaves no trace.
 */
public final class MinimaGraph {
  private final NavigableMap<Integer, Minimum> minima;
  private final NavigableMap<Pair, Edge> known;
  private final NavigableSet<Pair> failed;

  private MinimaGraph(
      NavigableMap<Integer, Minimum> minima,
      NavigableMap<Pair, Edge> known,
      NavigableSet<Pair> failed) {
    this.minima = Collections.unmodifiableNavigableMap(minima);
    this.known = Collections.unmodifiableNavigableMap(known);
    this.failed = Collections.unmodifiableNavigableSet(failed);
  }

  /** A graph of these minima without any path. */
  public static MinimaGraph of(Collection<Minimum> minima) {
    var byNumber = new TreeMap<Integer, Minimum>();
    for (Minimum minimum : minima) {
      if (byNumber.put(minimum.number(), minimum) != null) {
        throw new IllegalArgumentException("Two minima have number " + minimum.number());
      }
    }
    return new MinimaGraph(byNumber, new TreeMap<>(), new TreeSet<>());
  }

  /** This graph and a path whose saddle is {@code saddle}; a former result of the pair goes. */
  public MinimaGraph withPath(Pair pair, double saddle) {
    requireMinima(pair);
    var edges = new TreeMap<>(known);
    edges.put(pair, new Edge(pair, saddle));
    var failures = new TreeSet<>(failed);
    failures.remove(pair);
    return new MinimaGraph(minima, edges, failures);
  }

  /** This graph and the fact that the search between these two minima failed. */
  public MinimaGraph withFailure(Pair pair) {
    requireMinima(pair);
    var edges = new TreeMap<>(known);
    edges.remove(pair);
    var failures = new TreeSet<>(failed);
    failures.add(pair);
    return new MinimaGraph(minima, edges, failures);
  }

  /** All minima by number. */
  public Collection<Minimum> minima() {
    return minima.values();
  }

  /** The minimum of this number. */
  public Minimum minimum(int number) {
    Minimum minimum = minima.get(number);
    if (minimum == null) {
      throw new IllegalArgumentException("There is no minimum " + number);
    }
    return minimum;
  }

  /** The minimum of lowest training loss, of equal ones the smallest number. */
  public Minimum lowest() {
    return minima.values().stream()
        .min(Comparator.comparingDouble(Minimum::loss).thenComparing(Minimum::number))
        .orElseThrow(() -> new IllegalStateException("The graph has no minima"));
  }

  /** Every known path, by pair. */
  public Collection<Edge> edges() {
    return known.values();
  }

  /** Pairs whose search failed. */
  public Collection<Pair> failures() {
    return failed;
  }

  public PairState state(Pair pair) {
    requireMinima(pair);
    if (known.containsKey(pair)) {
      return PairState.KNOWN;
    }
    return failed.contains(pair) ? PairState.FAILED : PairState.UNTRIED;
  }

  /** Number of pairs that have been tried, with or without success. */
  public int tried() {
    return known.size() + failed.size();
  }

  /** All pairs of minima that nobody has tried, in order. */
  public List<Pair> untried() {
    var pairs = new ArrayList<Pair>();
    for (int first : minima.keySet()) {
      for (int second : minima.tailMap(first, false).keySet()) {
        Pair pair = new Pair(first, second);
        if (state(pair) == PairState.UNTRIED) {
          pairs.add(pair);
        }
      }
    }
    return pairs;
  }

  private void requireMinima(Pair pair) {
    minimum(pair.first());
    minimum(pair.second());
  }
}
