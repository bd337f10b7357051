/**
 * Measurements at given points of a landscape that need the engine: the ends of the Hessian's
 * spectrum ({@link io.isthmus.analysis.HessianProduct}, {@link io.isthmus.analysis.Lanczos}),
 * ensembles of networks ({@link io.isthmus.analysis.Ensemble}, {@link
 * io.isthmus.analysis.Calibration}), the loss on the plane through a path ({@link
 * io.isthmus.analysis.PlaneEvaluation}), and a path on a surface as it relaxes ({@link
 * io.isthmus.analysis.SurfaceRelaxation}). Results are plain records.
 */
package io.isthmus.analysis;
