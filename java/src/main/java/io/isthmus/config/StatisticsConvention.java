package io.isthmus.config;

/** Batch-norm statistics at points that were not trained. Both are always reported. */
public enum StatisticsConvention {
  /** Averaged anew over training batches at the point. */
  RECOMPUTED,
  /** Interpolated like the parameters, and carried along by the path's steps. */
  INTERPOLATED
}
