package io.isthmus.analysis;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.hipparchus.linear.EigenDecompositionSymmetric;

/**
 * Both ends of the spectrum of a symmetric matrix by Lanczos's method (Lanczos 1950, J. Res. NBS
 * 45:255; Golub and Van Loan, Matrix Computations, chapter 10) with full reorthogonalisation, all
 * in double. The tridiagonal eigenproblem is Hipparchus's.
 *
 * <p>The start vector comes from a seed alone and every sum has one order, so the same operator
 * gives the same bits. When the Krylov space closes, the method starts anew with a vector across
 * all of it, and it ends only once such a restart has found nothing that belongs to the wanted
 * ends: then repeated eigenvalues are found as often as they occur. While the space has not closed,
 * as for networks, whose products carry rounding noise, an eigenvalue that is exactly repeated may
 * be counted once.
 *
 * <p>Memory: one vector of the operator's size for each product.
 */
public final class Lanczos {
  /** A new direction shorter than this, as a share of the spectral radius, closes the space. */
  private static final double CLOSED = 1e-10;

  private final SymmetricOperator operator;
  private final int lowest;
  private final int highest;
  private final int most;
  private final double tolerance;
  private final Random random;
  private final double[] excluded;
  private final Watcher watcher;
  private final List<double[]> basis = new ArrayList<>();
  private final List<Double> diagonal = new ArrayList<>();
  private final List<Double> below = new ArrayList<>();
  private final List<Integer> blocks = new ArrayList<>();

  /** Hears after every product how far it is; may throw to stop the work. */
  public interface Watcher {
    /**
     * One more product is done.
     *
     * @param products done so far
     * @param residual the largest residual of the wanted eigenvalues by the latest estimate, as a
     *     share of the spectral radius; NaN before the first estimate
     */
    void done(int products, double residual);
  }

  /**
   * What to look for.
   *
   * @param lowest how many eigenvalues from the low end, at least 1
   * @param highest how many from the high end, at least 1
   * @param products at most so many, at least 1
   * @param tolerance largest residual {@code |A y - value y|} of a wanted eigenvalue, as a share of
   *     the spectral radius, at which it ends; in exact arithmetic an eigenvalue lies this close
   */
  public record Goal(int lowest, int highest, int products, double tolerance) {}

  /**
   * What was found.
   *
   * @param lowest pairs from the low end, rising
   * @param highest pairs from the high end, falling
   * @param products that it took
   */
  public record Result(List<Eigenpair> lowest, List<Eigenpair> highest, int products) {}

  /**
   * An eigenvalue with its vector.
   *
   * @param value the Ritz value
   * @param residual estimate of {@code |A vector - value vector|}
   * @param vector {@code [size]}, of length 1
   */
  public record Eigenpair(double value, double residual, double[] vector) {}

  private Lanczos(
      SymmetricOperator operator, Goal goal, long seed, double[] excluded, Watcher watcher) {
    this.operator = operator;
    int dimensions = operator.size() - (excluded == null ? 0 : 1);
    this.most = Math.min(goal.products(), dimensions);
    this.lowest = Math.min(goal.lowest(), dimensions);
    this.highest = Math.min(goal.highest(), dimensions);
    this.tolerance = goal.tolerance();
    this.random = new Random(seed);
    this.excluded = excluded;
    this.watcher = watcher;
  }

  /** The ends of an operator's spectrum. */
  public static Result of(SymmetricOperator operator, Goal goal, long seed, Watcher watcher) {
    return new Lanczos(operator, goal, seed, null, watcher).run();
  }

  /**
   * The ends of the spectrum in the space across a direction, of which the operator has at least
   * two dimensions.
   *
   * @param direction {@code [size]}, of length 1
   */
  public static Result across(
      SymmetricOperator operator, double[] direction, Goal goal, long seed, Watcher watcher) {
    return new Lanczos(operator.across(direction), goal, seed, direction, watcher).run();
  }

  private Result run() {
    begin();
    while (true) {
      double[] newest = basis.get(basis.size() - 1);
      double[] next = operator.times(newest);
      diagonal.add(Vectors.dot(newest, next));
      orthogonalise(next);
      double length = Vectors.norm(next);
      boolean full = basis.size() == most;
      boolean closed = length <= CLOSED * radius() || basis.size() == dimensions();
      below.add(closed ? 0 : length);
      boolean look = full || closed || basis.size() % 5 == 0;
      double residual = Double.NaN;
      if (look) {
        Tridiagonal all = decomposed(0);
        residual = all.worst();
        if (full || residual <= tolerance && settled(all)) {
          watcher.done(basis.size(), residual);
          return result(all);
        }
      }
      watcher.done(basis.size(), residual);
      if (closed) {
        begin();
      } else {
        Vectors.scale(next, 1 / length);
        basis.add(next);
      }
    }
  }

  private int dimensions() {
    return operator.size() - (excluded == null ? 0 : 1);
  }

  /** Adds a random direction across everything so far. */
  private void begin() {
    blocks.add(basis.size());
    double[] start = new double[operator.size()];
    for (int i = 0; i < start.length; i++) {
      start[i] = random.nextGaussian();
    }
    orthogonalise(start);
    basis.add(Vectors.normalised(start));
  }

  /** Gram and Schmidt, twice: what rounding leaves of the first time goes in the second. */
  private void orthogonalise(double[] vector) {
    for (int time = 0; time < 2; time++) {
      if (excluded != null) {
        Vectors.removeComponent(vector, excluded);
      }
      for (double[] known : basis) {
        Vectors.removeComponent(vector, known);
      }
    }
  }

  /** An upper bound on the largest absolute Ritz value (Gershgorin). */
  private double radius() {
    double radius = Double.MIN_NORMAL;
    for (int i = 0; i < diagonal.size(); i++) {
      double left = i == 0 ? 0 : below.get(i - 1);
      double right = i < below.size() ? below.get(i) : 0;
      radius = Math.max(radius, Math.abs(diagonal.get(i)) + left + right);
    }
    return radius;
  }

  /**
   * Whether nothing of the wanted ends can be missing: the space has not closed yet, or the ends of
   * the present block, beyond which nothing is left, are sharp and lie within what is wanted.
   */
  private boolean settled(Tridiagonal all) {
    int start = blocks.get(blocks.size() - 1);
    if (start == 0) {
      return below.get(below.size() - 1) > 0 || basis.size() == dimensions();
    }
    Tridiagonal block = decomposed(start);
    double slack = tolerance * all.radius();
    int last = block.values.length - 1;
    return block.residual(0) <= slack
        && block.residual(last) <= slack
        && block.values[0] >= all.values[lowest - 1] - slack
        && block.values[last] <= all.values[all.values.length - highest] + slack;
  }

  private Tridiagonal decomposed(int start) {
    int size = basis.size() - start;
    double[] main = new double[size];
    double[] side = new double[size - 1];
    for (int i = 0; i < size; i++) {
      main[i] = diagonal.get(start + i);
      if (i < size - 1) {
        side[i] = below.get(start + i);
      }
    }
    return new Tridiagonal(main, side, below.get(below.size() - 1));
  }

  private Result result(Tridiagonal all) {
    List<Eigenpair> low = new ArrayList<>();
    List<Eigenpair> high = new ArrayList<>();
    int size = all.values.length;
    for (int i = 0; i < Math.min(lowest, size); i++) {
      low.add(pair(all, i));
    }
    for (int i = 0; i < Math.min(highest, size); i++) {
      high.add(pair(all, size - 1 - i));
    }
    return new Result(low, high, basis.size());
  }

  private Eigenpair pair(Tridiagonal all, int index) {
    double[] vector = new double[operator.size()];
    for (int i = 0; i < basis.size(); i++) {
      Vectors.add(vector, all.vectors[index][i], basis.get(i));
    }
    return new Eigenpair(all.values[index], all.residual(index), Vectors.normalised(vector));
  }

  /** A tridiagonal matrix's eigenvalues, rising, and their vectors. */
  private final class Tridiagonal {
    final double[] values;
    final double[][] vectors;
    private final double next;

    /**
     * Decomposes it.
     *
     * @param main diagonal
     * @param side the entries beside it
     * @param next what would follow in {@code side}
     */
    Tridiagonal(double[] main, double[] side, double next) {
      this.next = next;
      EigenDecompositionSymmetric decomposition = new EigenDecompositionSymmetric(main, side);
      double[] found = decomposition.getEigenvalues();
      Integer[] order = new Integer[found.length];
      Arrays.setAll(order, i -> i);
      Arrays.sort(order, Comparator.comparingDouble(i -> found[i]));
      values = new double[found.length];
      vectors = new double[found.length][];
      for (int i = 0; i < order.length; i++) {
        values[i] = found[order[i]];
        vectors[i] = decomposition.getEigenvector(order[i]).toArray();
      }
    }

    /** Estimate of {@code |A y - value y|}. */
    double residual(int index) {
      return Math.abs(next * vectors[index][vectors[index].length - 1]);
    }

    double radius() {
      return Math.max(
          Double.MIN_NORMAL, Math.max(Math.abs(values[0]), Math.abs(values[values.length - 1])));
    }

    /** The largest residual of the wanted ends, as a share of the radius. */
    double worst() {
      double worst = values.length < Math.max(lowest, highest) ? Double.POSITIVE_INFINITY : 0;
      for (int i = 0; i < values.length; i++) {
        if (i < lowest || i >= values.length - highest) {
          worst = Math.max(worst, residual(i));
        }
      }
      return worst / radius();
    }
  }
}
