package io.isthmus.config;

/** Which set of defaults fills what a configuration leaves open. */
public enum Preset {
  /** As the paper describes it (Draxler et al. 2018). */
  PAPER,
  /** As the authors' PyTorch-AutoNEB computes it. */
  OFFICIAL
}
