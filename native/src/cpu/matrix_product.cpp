// matrix_product.cpp - see matrix_product.h.
#include "matrix_product.h"

#include "../error.h"
#include "dnnl.hpp"

namespace ist::cpu {

void matrix_product(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
    const dnnl_status_t status = dnnl_sgemm(transpose_a, transpose_b, m, n, k, 1.f, a, lda, b, ldb, beta, c, ldc);
    if (status == dnnl_out_of_memory || status == dnnl_runtime_error)
        throw Error(IST_OUT_OF_MEMORY, "out of memory: oneDNN found no room for a product of " + std::to_string(m) +
                                           " x " + std::to_string(n) +
                                           "; use fewer points, fewer threads or a smaller batch");
    if (status != dnnl_success)
        throw Error(IST_INTERNAL, "oneDNN's matrix product failed with status " + std::to_string(int(status)));
}

} // namespace ist::cpu
