package io.isthmus.experiment;

import io.isthmus.analysis.BatchSample;
import io.isthmus.analysis.Curvature;
import io.isthmus.analysis.HessianAnalysis;
import io.isthmus.analysis.HessianSettings;
import io.isthmus.analysis.Lanczos;
import io.isthmus.analysis.MinimumHessian;
import io.isthmus.analysis.PathHessian;
import io.isthmus.analysis.PathPoints;
import io.isthmus.analysis.Spectrum;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.ModelConfig;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Saddle;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.PathFile;
import io.isthmus.store.ResultFile;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Hessians at minima, saddles and along paths. Every minimum and every path is a file of its own,
 * kept as soon as it is there; what exists by the same settings is not computed again.
 */
public final class HessianStage {
  /** Kind of a minimum's result file. */
  static final String MINIMUM = "minimum hessian";

  /** Kind of a path's result file. */
  static final String PATH = "path hessian";

  private final Session session;
  private final HessianRequest request;
  private HessianSettings settings;

  /**
   * What was measured, in the order asked for.
   *
   * @param minima Hessians at minima
   * @param paths Hessians at saddles and along paths
   */
  public record Results(List<MinimumHessian> minima, List<PathHessian> paths) {}

  HessianStage(Session session, HessianRequest request) {
    this.session = session;
    this.request = request;
  }

  Results run() {
    List<Integer> minima = request.minima();
    List<Pair> pairs = request.pairs();
    if (minima.isEmpty() && pairs.isEmpty()) {
      Pair highest = FinishedPath.highest(session.run());
      minima = List.of(highest.first(), highest.second());
      pairs = List.of(highest);
    }
    minima.forEach(this::requireTrained);
    List<PathFile> paths = pairs.stream().map(pair -> FinishedPath.of(session, pair)).toList();
    settings = settings();
    List<MinimumHessian> atMinima = new ArrayList<>();
    for (int minimum : minima) {
      atMinima.add(minimum(minimum));
    }
    List<PathHessian> onPaths = new ArrayList<>();
    for (PathFile path : paths) {
      onPaths.add(path(path));
    }
    return new Results(atMinima, onPaths);
  }

  private HessianSettings settings() {
    if (session.config().model().family() == ModelConfig.Family.SURFACE) {
      return new HessianSettings(
          request.eigenvalues(), 0, 0, request.weightDecay(), request.products());
    }
    BatchSample sample =
        BatchSample.of(
            request.images(),
            session.config().exploration().batch(),
            session.exactBench().data().train().count());
    return new HessianSettings(
        request.eigenvalues(),
        sample.batch(),
        sample.images(),
        request.weightDecay(),
        request.products());
  }

  private MinimumHessian minimum(int number) {
    Path target = session.run().hessian(number);
    if (Files.exists(target)) {
      MinimumHessian known =
          ResultFile.read(target, MINIMUM, session.origin(), MinimumHessian.class);
      if (known.settings().equals(settings)) {
        return known;
      }
    }
    Path source = session.run().minimum(number);
    FloatBuffer point =
        MinimumFile.read(source)
            .state()
            .requireLayout(session.exactBench().objective().model().tensors(), source)
            .values();
    String what = "Hessian at minimum " + number;
    Spectrum spectrum = analysis().spectrum(point, null, watcher(what, List.of()));
    MinimumHessian result = new MinimumHessian(number, settings, spectrum);
    ResultFile.write(target, MINIMUM, session.origin(), result);
    session.listener().note(what + ": " + Wording.spectrum(spectrum));
    return result;
  }

  private PathHessian path(PathFile file) {
    Pair pair = file.pair();
    Path target = session.run().hessian(pair);
    PathHessian known = null;
    if (Files.exists(target)) {
      known = ResultFile.read(target, PATH, session.origin(), PathHessian.class);
      if (!known.settings().equals(settings) || known.cycle() != file.result().cycle()) {
        known = null;
      }
    }
    if (known != null && (!request.along() || !known.along().isEmpty())) {
      return known;
    }
    String name = pair.first() + "-" + pair.second();
    try (PathPoints path =
        new PathPoints(
            session.exactBench().objective(),
            file.pivots(),
            session.config().exploration().geometry())) {
      if (known == null) {
        known = saddle(file, path, "Hessian at saddle " + name);
        ResultFile.write(target, PATH, session.origin(), known);
      }
      if (request.along()) {
        List<Curvature> along = along(path, "curvature along path " + name);
        known = new PathHessian(pair, known.cycle(), settings, known.saddle(), known.at(), along);
        ResultFile.write(target, PATH, session.origin(), known);
      }
    }
    return known;
  }

  private PathHessian saddle(PathFile file, PathPoints path, String what) {
    Saddle saddle = file.result().saddle(session.config().exploration().statistics());
    double position = saddle.position();
    double[] tangent = path.tangent(position);
    if (tangent == null) {
      throw new IsthmusException(
          ExitCode.DATA,
          "path %s has no length there, so no tangent; look for it anew".formatted(file.pair()));
    }
    Spectrum spectrum = analysis().spectrum(path.at(position), tangent, watcher(what, List.of()));
    Curvature at =
        analysis().curvature(path, position, watcher(what + ", across the path", List.of()));
    session
        .listener()
        .note(
            "%s: %s; along the path %s, lowest across it %s"
                .formatted(
                    what,
                    Wording.spectrum(spectrum),
                    Wording.number(at.tangent()),
                    Wording.number(at.across())));
    return new PathHessian(file.pair(), file.result().cycle(), settings, spectrum, at, List.of());
  }

  private List<Curvature> along(PathPoints path, String what) {
    List<Curvature> along = new ArrayList<>();
    for (int pivot = 0; pivot < path.pivots(); pivot++) {
      Progress.Level place = new Progress.Level("pivot", pivot, path.pivots());
      if (path.tangent(path.position(pivot)) != null) {
        along.add(analysis().curvature(path, path.position(pivot), watcher(what, List.of(place))));
      }
    }
    session.listener().note(what + ": " + along.size() + " pivots");
    return along;
  }

  private HessianAnalysis analysis() {
    return new HessianAnalysis(session.exactBench().objective(), settings, session.config().seed());
  }

  /** Shows every product, and ends the work after one when that is asked for. */
  private Lanczos.Watcher watcher(String what, List<Progress.Level> outer) {
    return new Lanczos.Watcher() {
      private double latest = Double.NaN;

      @Override
      public void done(int products, double residual) {
        latest = Double.isNaN(residual) ? latest : residual;
        double before = outer.isEmpty() ? 0 : outer.get(0).done();
        double all = outer.isEmpty() ? 1 : outer.get(0).total();
        int most = settings.products();
        List<Progress.Level> levels = new ArrayList<>(outer);
        levels.add(new Progress.Level("product", products, most));
        session
            .listener()
            .progress(
                new Progress(
                    what, levels, before * most + products, all * most, "residual", latest));
        if (session.stopRequested()) {
          throw new IsthmusException(
              ExitCode.STOPPED,
              what
                  + " was stopped on request; results before it are kept, and the same command"
                  + " goes on with it.");
        }
      }
    };
  }

  private void requireTrained(int number) {
    if (number < 1 || !Files.exists(session.run().minimum(number))) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s has no trained minimum %d; its minima are %s"
              .formatted(
                  session.run().folder(),
                  number,
                  session.run().minima().stream()
                      .filter(minimum -> minimum.trained())
                      .map(minimum -> String.valueOf(minimum.number()))
                      .reduce((a, b) -> a + ", " + b)
                      .orElse("none")));
    }
    MinimumFile file = MinimumFile.read(session.run().minimum(number));
    session.origin().require(file.origin(), session.run().minimum(number));
  }
}
