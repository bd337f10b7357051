package io.isthmus.report;

import io.isthmus.analysis.Calibration;
import io.isthmus.analysis.Curvature;
import io.isthmus.analysis.Eigenvalue;
import io.isthmus.analysis.EnsembleResult;
import io.isthmus.analysis.EnsembleScore;
import io.isthmus.analysis.EnsembleScore.Kind;
import io.isthmus.analysis.HessianSettings;
import io.isthmus.analysis.MinimumHessian;
import io.isthmus.analysis.PathHessian;
import io.isthmus.analysis.Spectrum;
import io.isthmus.neb.Pair;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The run of {@link HandRun} with made-up Hessians and ensembles. */
final class MeasuredRun {
  private static final HessianSettings SETTINGS = new HessianSettings(2, 64, 1024, 0, 100);
  private static final Pair PAIR = new Pair(2, 3);

  private MeasuredRun() {}

  static RunSummary run() {
    return with(List.of(hessians(), new EnsembleFinding(ensembles())));
  }

  static RunSummary with(List<Finding> findings) {
    RunSummary run = HandRun.run();
    return new RunSummary(
        run.title(),
        run.dataset(),
        run.architecture(),
        run.parameters(),
        run.tested(),
        run.convention(),
        run.pairValue(),
        run.minima(),
        run.connections(),
        run.schedule(),
        run.insertion(),
        run.notes(),
        run.costs(),
        run.environment(),
        run.configuration(),
        findings);
  }

  static HessianFinding hessians() {
    Curvature at = new Curvature(0.4, -1, 0.05, 0.001, 0.04, -0.02, 0.001, -0.4, 0.1, 0.2);
    Curvature end = new Curvature(0, 0, 0.02, 0, 0.01, 0.01, 0.001, -0.01, 0.01, 0.02);
    Curvature other = new Curvature(1, 1, 0.03, 0, 0.01, 0.02, 0.001, Double.NaN, 0, 0);
    return new HessianFinding(
        List.of(new MinimumHessian(2, SETTINGS, spectrum(-0.01, 4, Double.NaN))),
        List.of(
            new PathHessian(PAIR, 1, SETTINGS, spectrum(-0.5, 10, 0.25), at, List.of(end, other))));
  }

  private static Spectrum spectrum(double low, double high, double overlap) {
    return new Spectrum(
        0.02,
        0.003,
        List.of(new Eigenvalue(low, 0.01, 0.02, overlap), new Eigenvalue(low / 2, 0, 0, overlap)),
        List.of(new Eigenvalue(high, 0.01, 0.5, overlap), new Eigenvalue(high / 2, 0, 0, overlap)),
        42);
  }

  /** A path's ensembles of 2 and 3, two single minima and their pair; sizes of 4 have no rival. */
  static EnsembleResult ensembles() {
    List<EnsembleScore> scores = new ArrayList<>();
    scores.add(score(Kind.PATH, 0.10, 0, 1));
    scores.add(score(Kind.PATH, 0.09, 0, 0.5, 1));
    scores.add(score(Kind.PATH, 0.08, 0, 1 / 3.0, 2 / 3.0, 1));
    scores.add(score(Kind.INDEPENDENT, 0.12, 2));
    scores.add(score(Kind.INDEPENDENT, 0.14, 3));
    scores.add(score(Kind.INDEPENDENT, 0.07, 2, 3));
    return new EnsembleResult(PAIR, 1, 4, 2, 1000, scores);
  }

  private static EnsembleScore score(Kind kind, double error, double... members) {
    List<Calibration.Bin> bins =
        new ArrayList<>(
            Collections.nCopies(Calibration.BINS, new Calibration.Bin(0, Double.NaN, Double.NaN)));
    bins.set(9, new Calibration.Bin(200, 0.65, 0.5));
    bins.set(14, new Calibration.Bin(800, 0.97, 0.99));
    Calibration calibration = new Calibration(error, 3 * error, 1.5 * error, error / 4, bins);
    return new EnsembleScore(
        kind,
        java.util.Arrays.stream(members).boxed().toList(),
        calibration,
        members.length == 1 ? Double.NaN : error / 2);
  }
}
