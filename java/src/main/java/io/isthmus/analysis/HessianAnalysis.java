package io.isthmus.analysis;

import io.isthmus.analysis.Lanczos.Eigenpair;
import io.isthmus.engine.Seeds;
import io.isthmus.neb.Objective;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Ends of the spectrum and curvatures of the training loss at points of its landscape. */
public final class HessianAnalysis {
  private final Objective objective;
  private final HessianSettings settings;
  private final long seed;

  /**
   * Prepares measurements.
   *
   * @param objective in fp32
   * @param seed root seed of the experiment
   */
  public HessianAnalysis(Objective objective, HessianSettings settings, long seed) {
    this.objective = objective;
    this.settings = settings;
    this.seed = seed;
  }

  /**
   * Both ends of the spectrum.
   *
   * @param point parameters and statistics
   * @param tangent {@code [parameters]}, of length 1, for the overlaps; null for none
   * @param watcher hears of every product and may throw
   */
  public Spectrum spectrum(FloatBuffer point, double[] tangent, Lanczos.Watcher watcher) {
    try (HessianProduct hessian = product(point)) {
      HessianProduct.Slope slope = hessian.slope();
      Lanczos.Result found = Lanczos.of(hessian, goal(settings.eigenvalues()), start(), watcher);
      List<Eigenvalue> lowest = checked(hessian, found.lowest(), tangent);
      List<Eigenvalue> highest = checked(hessian, found.highest(), tangent);
      lowest.sort(Comparator.comparingDouble(Eigenvalue::value));
      highest.sort(Comparator.comparingDouble(Eigenvalue::value).reversed());
      int products = found.products() + 2 * (lowest.size() + highest.size());
      return new Spectrum(slope.loss(), Vectors.norm(slope.gradient()), lowest, highest, products);
    }
  }

  /**
   * Curvature along a path's tangent and across it; NaN across where there is but one dimension.
   *
   * @param path that the point is of
   * @param position arc length as a fraction of the whole, 0..1
   * @param watcher hears of every product and may throw
   */
  public Curvature curvature(PathPoints path, double position, Lanczos.Watcher watcher) {
    double[] tangent = path.tangent(position);
    try (HessianProduct hessian = product(path.at(position))) {
      HessianProduct.Slope slope = hessian.slope();
      double along = Vectors.dot(tangent, hessian.times(tangent));
      double alongWider = Vectors.dot(tangent, hessian.times(tangent, 2 * HessianProduct.STEP));
      double across = Double.NaN;
      double acrossWider = Double.NaN;
      double residual = Double.NaN;
      if (hessian.size() > 1) {
        double[] vector =
            Lanczos.across(hessian, tangent, goal(1), start(), watcher).lowest().get(0).vector();
        double[] product = hessian.across(tangent).times(vector);
        across = Vectors.dot(vector, product);
        acrossWider = Vectors.dot(vector, hessian.times(vector, 2 * HessianProduct.STEP));
        residual = Vectors.distance(product, across, vector);
      }
      return new Curvature(
          position,
          path.pivotAt(position),
          slope.loss(),
          Vectors.dot(slope.gradient(), tangent),
          Vectors.norm(slope.gradient()),
          along,
          Math.abs(alongWider - along),
          across,
          Math.abs(acrossWider - across),
          residual);
    }
  }

  private HessianProduct product(FloatBuffer point) {
    return new HessianProduct(objective, point, settings.sample(), seed, settings.weightDecay());
  }

  private Lanczos.Goal goal(int eigenvalues) {
    return new Lanczos.Goal(
        eigenvalues, eigenvalues, settings.products(), HessianSettings.TOLERANCE);
  }

  private long start() {
    return Seeds.derive(seed, "hessian", "", "start");
  }

  private static List<Eigenvalue> checked(
      HessianProduct hessian, List<Eigenpair> pairs, double[] tangent) {
    List<Eigenvalue> checked = new ArrayList<>();
    for (Eigenpair pair : pairs) {
      double[] product = hessian.times(pair.vector());
      double value = Vectors.dot(pair.vector(), product);
      double[] wider = hessian.times(pair.vector(), 2 * HessianProduct.STEP);
      checked.add(
          new Eigenvalue(
              value,
              Vectors.distance(product, value, pair.vector()),
              Math.abs(Vectors.dot(pair.vector(), wider) - value),
              tangent == null ? Double.NaN : Math.abs(Vectors.dot(pair.vector(), tangent))));
    }
    return checked;
  }
}
