/* test_emulated.c - the backend `emulated` through the shared library: loaded from beside it, devices refused, a
 * refusal of memory on its way from the plugin to the caller, and work after it. */
#define _POSIX_C_SOURCE 200112L /* setenv */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isthmus/isthmus.h"

static int failures = 0;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n    last error: %s\n", __FILE__, __LINE__, #condition, ist_last_error());      \
            ++failures;                                                                                                \
        }                                                                                                              \
    } while (0)

static void test_devices(void) {
    ist_engine *engine = NULL;
    CHECK(ist_engine_create(IST_BACKEND_EMULATED, 4096, 0, &engine) == IST_UNSUPPORTED);
    CHECK(strstr(ist_last_error(), "there is no device 4096: this machine has") != NULL);
    CHECK(ist_engine_create(IST_BACKEND_EMULATED, -1, 0, &engine) == IST_UNSUPPORTED);
    CHECK(strstr(ist_last_error(), "there is no device -1") != NULL);
    CHECK(engine == NULL);
}

static void test_memory(void) {
    ist_engine *engine = NULL;
    ist_model *model = NULL;
    ist_points *points = NULL;
    ist_metrics metrics[2];
    const float values[2][2] = {{0.25f, 0.5f}, {-0.5f, 1.5f}};
    float back[2] = {0, 0};
    double distance = 0;
    CHECK(ist_engine_create(IST_BACKEND_EMULATED, 0, 0, &engine) == IST_OK);
    CHECK(strstr(ist_engine_description(engine), "Emulated") != NULL);
    CHECK(ist_model_create(engine, "surface-mueller-brown", 0, 0, 0, 0, IST_FP32, &model) == IST_OK);
    CHECK(ist_points_create(model, 65536, &points) == IST_OUT_OF_MEMORY);
    CHECK(strstr(ist_last_error(), "ist_points_create: out of memory on") != NULL);
    CHECK(points == NULL);
    CHECK(ist_points_create(model, 2, &points) == IST_OK);
    CHECK(ist_points_write(points, 0, values[0]) == IST_OK);
    CHECK(ist_points_write(points, 1, values[1]) == IST_OK);
    CHECK(ist_points_read(points, 1, back) == IST_OK);
    CHECK(memcmp(back, values[1], sizeof back) == 0);
    CHECK(ist_points_distance(points, 0, 1, IST_GEOMETRY_PARAMETERS, &distance) == IST_OK);
    CHECK(fabs(distance - 1.25) < 1e-12);
    CHECK(ist_points_evaluate(points, NULL, metrics) == IST_OK);
    CHECK(isfinite(metrics[0].loss) && metrics[0].loss != metrics[1].loss);
    ist_points_destroy(points);
    ist_model_destroy(model);
    ist_engine_destroy(engine);
    CHECK(ist_live_handles() == 0);
}

int main(void) {
    setenv("ISTHMUS_EMULATED_MEMORY", "1", 1); /* MiB */
    test_devices();
    test_memory();
    if (failures == 0) printf("all checks passed\n");
    return failures != 0;
}
