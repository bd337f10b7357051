/**
 * Measurements at given points of a landscape that need the engine: the ends of the Hessian's
 * spectrum ({@link io.isthmus.analysis.HessianProduct}, {@link io.isthmus.analysis.Lanczos}), and
 * ensembles of networks ({@link io.isthmus.analysis.Ensemble}, {@link
 * io.isthmus.analysis.Calibration}). Results are plain records.
 */
package io.isthmus.analysis;
