package io.isthmus.config;

/** Coordinates over which distances, tangents and weight decay of a path are taken. */
public enum Geometry {
  /** Trainable parameters. */
  PARAMETERS,
  /** Parameters and batch-norm running means and variances. */
  ALL
}
