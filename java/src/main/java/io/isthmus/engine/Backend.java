package io.isthmus.engine;

/** The kind of device an {@link Engine} computes on. */
public enum Backend {
  /** The host's processor. */
  CPU,
  /** An NVIDIA GPU. */
  CUDA,
  /** For tests: the kernels of {@link #CUDA} on an emulated device, which is slow. */
  EMULATED
}
