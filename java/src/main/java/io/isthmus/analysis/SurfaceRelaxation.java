package io.isthmus.analysis;

import io.isthmus.config.CycleConfig;
import io.isthmus.config.ExplorationConfig;
import io.isthmus.engine.Metrics;
import io.isthmus.engine.Model;
import io.isthmus.engine.Neb;
import io.isthmus.engine.Points;
import io.isthmus.engine.Sgd;
import io.isthmus.neb.Pair;
import io.isthmus.neb.PathPlan;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks at a path on a two-dimensional surface: on the straight line, after some steps of the first
 * cycle, and at the end. The engine is deterministic and a surface has no batches, so the first
 * steps of a finished path are taken anew, bit for bit.
 */
public final class SurfaceRelaxation {
  private static final int COLUMNS = 101;
  private static final double MARGIN = 0.22;

  /** Points of the surface that are evaluated together. */
  private static final int GROUP = 4096;

  private final Model model;
  private final String surface;
  private final ExplorationConfig exploration;

  /**
   * Takes the surface and the settings of its path.
   *
   * @param surface its spec, such as {@code surface-leps}
   */
  public SurfaceRelaxation(Model model, String surface, ExplorationConfig exploration) {
    this.model = model;
    this.surface = surface;
    this.exploration = exploration;
  }

  /**
   * The path before its first step, after {@code steps} of them, and at its end, over the surface
   * around it.
   *
   * @param pivots of the path after its last cycle, from end to end
   * @param cycle number of that cycle
   */
  public Relaxation of(Pair pair, List<FloatBuffer> pivots, int cycle, int steps) {
    List<Relaxation.Frame> frames = new ArrayList<>();
    try (Points first = straight(pivots);
        Points last = Points.create(model, pivots.size())) {
      frames.add(frame("Iteration 0", first, 1));
      relax(first, steps);
      frames.add(frame("Iteration " + steps, first, 1));
      for (int i = 0; i < pivots.size(); i++) {
        last.write(i, pivots.get(i));
      }
      frames.add(frame("Converged", last, cycle));
    }
    List<Place> places =
        frames.stream()
            .flatMap(frame -> frame.pivots().stream())
            .map(pivot -> new Place(pivot.x(), pivot.y(), 0))
            .toList();
    PlaneGrid grid = PlaneGrid.covering(places, MARGIN, COLUMNS);
    return new Relaxation(pair, grid, energies(grid), KnownSaddles.of(surface), frames);
  }

  /** The first cycle's pivots before its first step, as AutoNEB lays them. */
  private Points straight(List<FloatBuffer> pivots) {
    PathPlan plan = PathPlan.straight(exploration.initialPivots(), exploration.spacing());
    int last = plan.pivots() - 1;
    Points path = Points.create(model, plan.pivots());
    path.write(0, pivots.get(0));
    path.write(last, pivots.get(pivots.size() - 1));
    for (int i = 1; i < last; i++) {
      double fraction = plan.insertions().get(i - 1).fraction();
      path.combine(i, path, new int[] {0, last}, new double[] {1 - fraction, fraction});
    }
    if (Float.isInfinite(exploration.spring())) {
      path.respace(exploration.geometry(), plan.spacing());
    }
    return path;
  }

  private void relax(Points path, int steps) {
    CycleConfig cycle = exploration.cycles().get(0);
    Sgd sgd =
        new Sgd(
            cycle.learningRate(),
            exploration.momentum(),
            exploration.weightDecay(),
            exploration.nesterov());
    float[] spacing =
        PathPlan.straight(exploration.initialPivots(), exploration.spacing()).spacing();
    path.relax(null, null, null, neb(sgd, exploration.spring(), cycle), spacing, 0, steps);
  }

  private Neb neb(Sgd sgd, float spring, CycleConfig cycle) {
    return new Neb(sgd, exploration.tangent(), exploration.geometry(), spring, cycle.climbing());
  }

  private Relaxation.Frame frame(String title, Points path, int cycle) {
    int n = path.count();
    Metrics[] metrics = path.evaluate(null);
    path.gradient(null, null, null, 0);
    List<Relaxation.Pivot> pivots = new ArrayList<>();
    try (Points moved = Points.create(model, n)) {
      for (int i = 0; i < n; i++) {
        moved.copy(i, path, i);
      }
      // One step of rate 1 without momentum or respacing moves a pivot by the force on it.
      float spring = Float.isInfinite(exploration.spring()) ? 0 : exploration.spring();
      Sgd whole = new Sgd(1, 0, exploration.weightDecay(), false);
      CycleConfig config = exploration.cycles().get(cycle - 1);
      moved.relax(null, null, null, neb(whole, spring, config), null, 0, 1);
      for (int i = 0; i < n; i++) {
        FloatBuffer at = path.read(i);
        FloatBuffer to = moved.read(i);
        float[] gradient = path.readGradient(i);
        pivots.add(
            new Relaxation.Pivot(
                at.get(0),
                at.get(1),
                metrics[i].loss(),
                new double[] {-gradient[0], -gradient[1]},
                new double[] {(double) to.get(0) - at.get(0), (double) to.get(1) - at.get(1)}));
      }
    }
    return new Relaxation.Frame(title, pivots);
  }

  private double[][] energies(PlaneGrid grid) {
    double[][] energies = new double[grid.rows()][grid.columns()];
    FloatBuffer point = Points.allocate(model);
    for (int first = 0; first < grid.size(); first += GROUP) {
      int count = Math.min(GROUP, grid.size() - first);
      try (Points points = Points.create(model, count)) {
        for (int i = 0; i < count; i++) {
          int row = (first + i) / grid.columns();
          int column = (first + i) % grid.columns();
          point.put(0, (float) grid.x(column)).put(1, (float) grid.y(row));
          points.write(i, point);
        }
        Metrics[] metrics = points.evaluate(null);
        for (int i = 0; i < count; i++) {
          energies[(first + i) / grid.columns()][(first + i) % grid.columns()] = metrics[i].loss();
        }
      }
    }
    return energies;
  }
}
