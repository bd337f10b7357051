package io.isthmus.config;

/** Direction of the path at a pivot, along which the force is taken out. */
public enum Tangent {
  /** Towards the neighbour of higher loss (Draxler et al. 2018, eq. 5). */
  UPWIND,
  /** Henkelman and Jonsson 2000, eqs. 8-11. */
  IMPROVED,
  /** As {@link #IMPROVED}, with the differences normalised before they are weighted. */
  OFFICIAL
}
