package io.isthmus.config;

/** Type of activations and of the weights inside convolutions and matrix products. */
public enum Precision {
  /** Exact 32-bit floating point arithmetic. */
  FP32,
  /** bfloat16 products with 32-bit accumulation, where the processor has them. */
  BF16,
  /** float16 products with 32-bit accumulation: 3 bits more than BF16, up to 65504; on GPUs. */
  FP16
}
