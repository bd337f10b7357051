// matrix_product.h - the product of two small float32 matrices, by oneDNN: linear layers.
#pragma once

#include <cstdint>

namespace ist::cpu {

// c[m][n] = op(a) * op(b) + beta * c, rows contiguous; op transposes where 'T' is given instead of 'N', ld are the row
// lengths in memory. Throws Error(IST_OUT_OF_MEMORY) where oneDNN finds no memory to work in.
void matrix_product(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

} // namespace ist::cpu
