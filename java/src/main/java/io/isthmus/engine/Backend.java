package io.isthmus.engine;

/** The kind of device an {@link Engine} computes on. */
public enum Backend {
  /** The host's processor. */
  CPU,
  /** An NVIDIA GPU. */
  CUDA
}
