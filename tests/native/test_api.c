/* test_api.c - the C API as a C11 program sees it: every handle, every error path's sentence, nothing left alive. */
#include <math.h>
#include <stdio.h>
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

/* The call fails with this status and a sentence that names its function and has `part` in it. */
#define REFUSED(expected, part, function, ...)                                                                         \
    do {                                                                                                               \
        const ist_status got = function(__VA_ARGS__);                                                                  \
        const char *text = ist_last_error();                                                                           \
        if (got != (expected) || strncmp(text, #function ": ", strlen(#function) + 2) != 0 || !strstr(text, part)) {   \
            fprintf(stderr, "%s:%d: %s: status %d, '%s'\n    expected status %d and '%s'\n", __FILE__, __LINE__,       \
                    #function, (int)got, text, (int)(expected), part);                                                 \
            ++failures;                                                                                                \
        }                                                                                                              \
    } while (0)

#define INVALID(part, function, ...) REFUSED(IST_INVALID_ARGUMENT, part, function, __VA_ARGS__)

static uint8_t images[20 * 3 * 8 * 8];
static int32_t labels[20];
static const float mean[3] = {0.5f, 0.4f, 0.3f}, std[3] = {0.2f, 0.3f, 0.4f};

static void test_engine(void) {
    ist_engine *engine = NULL;
    INVALID("n_threads must be 0 .. 1024, got -1", ist_engine_create, IST_BACKEND_CUDA, 0, -1, &engine);
    CHECK(ist_engine_create(IST_BACKEND_CUDA, 4096, 0, &engine) == IST_UNSUPPORTED); /* on any machine */
    INVALID("backend must be 0 .. 2, got 7", ist_engine_create, (ist_backend)7, 0, 0, &engine);
    INVALID("device must be 0 .. 0, got 1", ist_engine_create, IST_BACKEND_CPU, 1, 0, &engine);
    INVALID("n_threads must be 0 .. 1024, got -1", ist_engine_create, IST_BACKEND_CPU, 0, -1, &engine);
    INVALID("out must not be NULL", ist_engine_create, IST_BACKEND_CPU, 0, 1, NULL);
    CHECK(engine == NULL);
    CHECK(ist_live_handles() == 0);
    CHECK(ist_engine_create(IST_BACKEND_CPU, 0, 1, &engine) == IST_OK);
    CHECK(ist_last_error()[0] == '\0');
    CHECK(ist_live_handles() == 1);
    CHECK(strlen(ist_engine_description(engine)) > 10);
    CHECK(ist_engine_supports(engine, IST_FP32) == 1);
    CHECK(ist_engine_supports(engine, IST_FP16) == 0);
    CHECK(ist_engine_supports(engine, (ist_precision)5) == 0);
    ist_engine_destroy(engine);
    CHECK(strchr(ist_version(), '.') != NULL);
}

static void test_null_handles(void) {
    float value;
    ist_points *points = NULL;
    ist_tensor tensor;
    ist_engine_destroy(NULL);
    ist_dataset_destroy(NULL);
    ist_model_destroy(NULL);
    ist_points_destroy(NULL);
    CHECK(ist_points_count(NULL) == 0 && ist_model_n_params(NULL) == 0 && ist_model_n_tensors(NULL) == 0);
    CHECK(ist_engine_description(NULL)[0] == '\0');
    INVALID("engine must not be NULL", ist_dataset_create, NULL, images, labels, 20, 3, 8, 8, 4, mean, std, NULL);
    INVALID("engine must not be NULL", ist_model_create, NULL, "mlp", 1, 1, 1, 2, IST_FP32, NULL);
    INVALID("model must not be NULL", ist_points_create, NULL, 1, &points);
    INVALID("model must not be NULL", ist_model_tensor, NULL, 0, &tensor);
    INVALID("model must not be NULL", ist_model_check_convolutions, NULL, 1, 0, NULL, NULL);
    INVALID("points must not be NULL", ist_points_read, NULL, 0, &value);
    INVALID("points must not be NULL", ist_points_evaluate, NULL, NULL, NULL);
}

static void test_dataset(ist_engine *engine) {
    ist_dataset *dataset = NULL;
    const float zero[3] = {1, 0, 1}, nan_mean[3] = {0, 0, NAN};
    INVALID("n_images must be 1", ist_dataset_create, engine, images, labels, 0, 3, 8, 8, 4, mean, std, &dataset);
    INVALID("height must be 1", ist_dataset_create, engine, images, labels, 20, 3, 0, 8, 4, mean, std, &dataset);
    INVALID("n_classes must be 2", ist_dataset_create, engine, images, labels, 20, 3, 8, 8, 1, mean, std, &dataset);
    INVALID("labels[3] must be 0 .. 2, got 3", ist_dataset_create, engine, images, labels, 20, 3, 8, 8, 3, mean, std,
            &dataset);
    INVALID("std[1] must be finite and > 0", ist_dataset_create, engine, images, labels, 20, 3, 8, 8, 4, mean, zero,
            &dataset);
    INVALID("mean[2] must be finite", ist_dataset_create, engine, images, labels, 20, 3, 8, 8, 4, nan_mean, std,
            &dataset);
    INVALID("images must not be NULL", ist_dataset_create, engine, NULL, labels, 20, 3, 8, 8, 4, mean, std, &dataset);
    CHECK(dataset == NULL);
}

static void test_model(ist_engine *engine) {
    ist_model *model = NULL;
    ist_tensor tensor;
    int32_t n_shapes = 0;
    INVALID("did you mean 'resnet8'?", ist_model_create, engine, "resnt8", 3, 8, 8, 4, IST_FP32, &model);
    INVALID("precision must be 0 .. 2, got 9", ist_model_create, engine, "resnet8", 3, 8, 8, 4, (ist_precision)9,
            &model);
    INVALID("6n+2", ist_model_create, engine, "resnet9", 3, 8, 8, 4, IST_FP32, &model);
    INVALID("spec must not be NULL", ist_model_create, engine, NULL, 3, 8, 8, 4, IST_FP32, &model);
    INVALID("of a surface must be 0", ist_model_create, engine, "surface-leps", 3, 0, 0, 0, IST_FP32, &model);
    INVALID("must be IST_FP32", ist_model_create, engine, "surface-leps", 0, 0, 0, 0, IST_BF16, &model);
    INVALID("did you mean 'surface-leps'?", ist_model_create, engine, "surface-lep", 0, 0, 0, 0, IST_FP32, &model);
    CHECK(model == NULL);
    CHECK(ist_model_create(engine, "resnet8", 3, 8, 8, 4, IST_FP32, &model) == IST_OK);
    CHECK(ist_model_n_params(model) == 74900);
    CHECK(ist_model_n_statistics(model) == 480);
    CHECK(ist_model_tensor(model, 0, &tensor) == IST_OK);
    CHECK(strcmp(tensor.name, "conv1.weight") == 0 && tensor.kind == IST_TENSOR_PARAMETER && tensor.rank == 4);
    CHECK(tensor.shape[0] == 16 && tensor.shape[1] == 3 && tensor.shape[2] == 3 && tensor.shape[3] == 3);
    CHECK(ist_model_tensor(model, ist_model_n_tensors(model) - 1, &tensor) == IST_OK);
    CHECK(tensor.kind == IST_TENSOR_STATISTIC && tensor.rank == 1 && tensor.shape[1] == 1);
    CHECK(tensor.offset + tensor.shape[0] == ist_model_n_params(model) + ist_model_n_statistics(model));
    INVALID("n_images must be at least 1", ist_model_check_convolutions, model, 0, 0, NULL, &n_shapes);
    CHECK(ist_model_check_convolutions(model, 1, 0, NULL, &n_shapes) == IST_UNSUPPORTED);
    CHECK(strstr(ist_last_error(), "this backend has no cuDNN") != NULL);
    INVALID("index must be 0 .. ", ist_model_tensor, model, ist_model_n_tensors(model), &tensor);
    ist_model_destroy(model);
}

/* Every rule of every call on points, on a model that has batch statistics over 1 x 1 maps. */
static void test_points_rules(ist_engine *engine, ist_dataset *dataset) {
    ist_engine *other_engine = NULL;
    ist_model *model = NULL, *other_model = NULL;
    ist_points *points = NULL, *two = NULL, *other = NULL, *foreign = NULL;
    ist_sampling sampling = {1, 4, 1, 1};
    const uint64_t streams[3] = {1, 2, 3};
    const ist_sgd sgd = {0.1f, 0.9f, 1e-4f, 1};
    const ist_neb neb = {{0.1f, 0.9f, 1e-4f, 0}, IST_TANGENT_IMPROVED, IST_GEOMETRY_PARAMETERS, INFINITY, 0};
    const float spacing[2] = {1, 1};
    const int32_t indices[2] = {0, 3};
    const double weights[2] = {0.5, 0.5}, nan_weights[1] = {NAN};
    float losses[12], values[8];
    double length;
    ist_metrics metrics[3];

    CHECK(ist_model_create(engine, "cnn-2-2-2:batchnorm=1", 3, 8, 8, 4, IST_FP32, &model) == IST_OK);
    CHECK(ist_model_create(engine, "mlp", 3, 8, 8, 5, IST_FP32, &other_model) == IST_OK);
    INVALID("n_points must be 1 .. 65536, got 0", ist_points_create, model, 0, &points);
    CHECK(ist_points_create(model, 3, &points) == IST_OK);
    CHECK(ist_points_create(model, 2, &two) == IST_OK);
    CHECK(ist_points_create(other_model, 1, &other) == IST_OK);
    CHECK(ist_points_count(points) == 3);

    INVALID("index must be 0 .. 2, got 3", ist_points_initialise, points, 3, 1);
    INVALID("index must be 0 .. 2, got -1", ist_points_read, points, -1, values);
    INVALID("values must not be NULL", ist_points_write, points, 0, NULL);
    INVALID("gradient was computed", ist_points_read_gradient, points, 1, values);
    INVALID("source must not be NULL", ist_points_combine, points, 0, NULL, 1, indices, weights);
    INVALID("indices[1] must be 0 .. 2, got 3", ist_points_combine, points, 0, points, 2, indices, weights);
    INVALID("weights[0] must be finite", ist_points_combine, points, 0, points, 1, indices, nan_weights);
    INVALID("n_terms must be 1", ist_points_combine, points, 0, points, 0, indices, weights);
    INVALID("same architecture", ist_points_combine, points, 0, other, 1, indices, weights);
    INVALID("b must be 0 .. 2, got 3", ist_points_distance, points, 0, 3, IST_GEOMETRY_ALL, &length);
    INVALID("geometry must be 0 .. 1, got 2", ist_points_distance, points, 0, 1, (ist_geometry)2, &length);

    INVALID("dataset must not be NULL", ist_points_gradient, points, NULL, &sampling, streams, 0, losses);
    INVALID("sampling must not be NULL", ist_points_gradient, points, dataset, NULL, streams, 0, losses);
    INVALID("streams must not be NULL", ist_points_gradient, points, dataset, &sampling, NULL, 0, losses);
    INVALID("losses must not be NULL", ist_points_gradient, points, dataset, &sampling, streams, 0, NULL);
    INVALID("must be >= 0, got -1", ist_points_gradient, points, dataset, &sampling, streams, -1, losses);
    INVALID("steps must end before", ist_points_gradient, points, dataset, &sampling, streams, INT64_MAX, losses);
    INVALID("got 3 x 8 x 8 pixels and 4 classes", ist_points_gradient, other, dataset, &sampling, streams, 0, losses);
    sampling.batch_size = 1;
    INVALID("batch_size must be >= 2", ist_points_gradient, points, dataset, &sampling, streams, 0, losses);
    sampling.batch_size = 21;
    INVALID("at most the 20 images", ist_points_gradient, points, dataset, &sampling, streams, 0, losses);
    sampling.batch_size = 4;
    sampling.crop_padding = 8;
    INVALID("crop_padding must be 0 .. 7", ist_points_gradient, points, dataset, &sampling, streams, 0, losses);
    sampling.crop_padding = 1;
    sampling.flip = 2;
    INVALID("flip must be 0 .. 1, got 2", ist_points_gradient, points, dataset, &sampling, streams, 0, losses);
    sampling.flip = 1;

    ist_sgd bad_sgd = sgd;
    bad_sgd.learning_rate = NAN;
    INVALID("learning_rate must be finite", ist_points_descend, points, dataset, &sampling, streams, &bad_sgd, 0, 1,
            losses);
    bad_sgd = sgd;
    bad_sgd.momentum = -0.5f;
    INVALID("momentum must be finite and >= 0", ist_points_descend, points, dataset, &sampling, streams, &bad_sgd, 0, 1,
            losses);
    bad_sgd = sgd;
    bad_sgd.nesterov = 3;
    INVALID("nesterov must be 0 .. 1", ist_points_descend, points, dataset, &sampling, streams, &bad_sgd, 0, 1, losses);
    INVALID("n_steps must be >= 1, got 0", ist_points_descend, points, dataset, &sampling, streams, &sgd, 0, 0, losses);
    INVALID("sgd must not be NULL", ist_points_descend, points, dataset, &sampling, streams, NULL, 0, 1, losses);

    const float no_gap[2] = {1, 0}, nan_gap[2] = {NAN, 1};
    ist_neb bad_neb = neb;
    INVALID("neb must not be NULL", ist_points_relax, points, dataset, &sampling, streams, NULL, spacing, 0, 1, losses);
    INVALID("spacing must not be NULL", ist_points_relax, points, dataset, &sampling, streams, &neb, NULL, 0, 1,
            losses);
    INVALID("spacing[1] must be finite and > 0", ist_points_relax, points, dataset, &sampling, streams, &neb, no_gap, 0,
            1, losses);
    INVALID("spacing[0] must be finite and > 0", ist_points_respace, points, IST_GEOMETRY_ALL, nan_gap);
    INVALID("at least 3", ist_points_relax, two, dataset, &sampling, streams, &neb, spacing, 0, 1, losses);
    bad_neb.spring = 1;
    INVALID("at least 3", ist_points_relax, two, dataset, &sampling, streams, &bad_neb, NULL, 0, 1, losses);
    bad_neb.spring = -1;
    INVALID("spring must be >= 0", ist_points_relax, points, dataset, &sampling, streams, &bad_neb, spacing, 0, 1,
            losses);
    bad_neb = neb;
    bad_neb.tangent = (ist_tangent)3;
    INVALID("tangent must be 0 .. 2, got 3", ist_points_relax, points, dataset, &sampling, streams, &bad_neb, spacing,
            0, 1, losses);
    bad_neb = neb;
    bad_neb.climbing = -1;
    INVALID("climbing must be 0 .. 1", ist_points_relax, points, dataset, &sampling, streams, &bad_neb, spacing, 0, 1,
            losses);

    INVALID("n_batches must be >= 1", ist_points_recompute_statistics, points, dataset, &sampling, streams, 0);
    INVALID("out must not be NULL", ist_points_evaluate, points, dataset, NULL);
    INVALID("out must not be NULL", ist_points_predict, points, 0, dataset, NULL);

    CHECK(ist_engine_create(IST_BACKEND_CPU, 0, 1, &other_engine) == IST_OK);
    ist_model *foreign_model = NULL;
    CHECK(ist_model_create(other_engine, "mlp", 3, 8, 8, 4, IST_FP32, &foreign_model) == IST_OK);
    CHECK(ist_points_create(foreign_model, 1, &foreign) == IST_OK);
    INVALID("of the engine of the points", ist_points_evaluate, foreign, dataset, metrics);

    ist_points_destroy(points);
    ist_points_destroy(two);
    ist_points_destroy(other);
    ist_points_destroy(foreign);
    ist_model_destroy(model);
    ist_model_destroy(other_model);
    ist_model_destroy(foreign_model);
    ist_engine_destroy(other_engine);
}

/* Writing, combining and the momentum's fate; the steps of a path on a surface; the ends keep every bit. */
static void test_surface(ist_engine *engine) {
    ist_model *model = NULL;
    ist_points *points = NULL;
    const float start[4][2] = {{-0.558f, 1.442f}, {-0.3f, 1.2f}, {0.1f, 0.9f}, {0.623f, 0.028f}};
    const ist_neb neb = {{1e-4f, 0.5f, 0, 0}, IST_TANGENT_IMPROVED, IST_GEOMETRY_PARAMETERS, INFINITY, 0};
    const float spacing[3] = {1, 2, 1};
    float losses[40], momentum[2], value[2];
    double gaps[3];
    ist_metrics metrics[4];
    ist_sampling sampling = {1, 1, 0, 0};

    CHECK(ist_model_create(engine, "surface-mueller-brown", 0, 0, 0, 0, IST_FP32, &model) == IST_OK);
    CHECK(ist_model_n_params(model) == 2 && ist_model_n_statistics(model) == 0 && ist_model_flops(model) == 0);
    CHECK(ist_points_create(model, 4, &points) == IST_OK);
    CHECK(ist_points_read(points, 2, value) == IST_OK && value[0] == 0 && value[1] == 0);
    for (int i = 0; i < 4; ++i) CHECK(ist_points_write(points, i, start[i]) == IST_OK);
    INVALID("sampling must be NULL", ist_points_gradient, points, NULL, &sampling, NULL, 0, losses);
    INVALID("predicts no classes", ist_points_predict, points, 0, NULL, losses);
    CHECK(ist_points_recompute_statistics(points, NULL, NULL, NULL, 3) == IST_OK);

    CHECK(ist_points_evaluate(points, NULL, metrics) == IST_OK);
    CHECK(fabs(metrics[0].loss + 146.6995) < 1e-3 && metrics[0].error == 0);
    CHECK(ist_points_relax(points, NULL, NULL, NULL, &neb, spacing, 0, 10, losses) == IST_OK);
    CHECK(fabs(losses[0] - metrics[0].loss) < 1e-4 && losses[36] == losses[0] && losses[39] == losses[3]);
    CHECK(losses[1] != losses[37]);
    for (int i = 0; i < 4; i += 3)
        CHECK(ist_points_read(points, i, value) == IST_OK && memcmp(value, start[i], sizeof value) == 0);
    for (int i = 0; i < 3; ++i) CHECK(ist_points_distance(points, i, i + 1, IST_GEOMETRY_ALL, &gaps[i]) == IST_OK);
    CHECK(fabs(gaps[1] / gaps[0] - 2) < 0.2 && fabs(gaps[1] / gaps[2] - 2) < 0.2); /* chords, not arcs, after a bend */

    CHECK(ist_points_read_momentum(points, 1, momentum) == IST_OK && momentum[0] != 0);
    const int32_t source[2] = {3, 0};
    const double half[2] = {0.5, 0.5}, one[1] = {1};
    CHECK(ist_points_combine(points, 1, points, 2, source, half) == IST_OK);
    CHECK(ist_points_read(points, 1, value) == IST_OK);
    CHECK(value[0] == (float)(0.5 * start[3][0] + 0.5 * start[0][0]));
    CHECK(ist_points_read_momentum(points, 1, momentum) == IST_OK && momentum[0] == 0 && momentum[1] == 0);
    CHECK(ist_points_combine(points, 1, points, 1, source, one) == IST_OK);
    CHECK(ist_points_read(points, 1, value) == IST_OK && memcmp(value, start[3], sizeof value) == 0);
    ist_points_destroy(points);
    ist_model_destroy(model);
}

/* Ten steps are ten steps however they are divided and grouped, and handles may go in any order. */
static void test_training(ist_engine *engine, ist_dataset *dataset) {
    ist_model *model = NULL;
    ist_points *pair = NULL, *single = NULL;
    const ist_sampling sampling = {9, 6, 1, 1}, plain = {9, 6, 0, 0};
    const uint64_t streams[2] = {5, 6};
    const ist_sgd sgd = {0.05f, 0.9f, 1e-3f, 1};
    float together[20], first[4], second[6], later[150];
    static float a[40000], b[40000];

    CHECK(ist_model_create(engine, "resnet8:width=4,shortcut=B", 3, 8, 8, 4, IST_FP32, &model) == IST_OK);
    const int64_t size = ist_model_n_params(model) + ist_model_n_statistics(model);
    CHECK(size <= 40000);
    CHECK(ist_points_create(model, 2, &pair) == IST_OK && ist_points_create(model, 1, &single) == IST_OK);
    CHECK(ist_points_initialise(pair, 0, 1) == IST_OK && ist_points_initialise(pair, 1, 2) == IST_OK);
    CHECK(ist_points_initialise(single, 0, 2) == IST_OK);
    ist_model_destroy(model); /* the points keep it */
    CHECK(ist_points_descend(pair, dataset, &sampling, streams, &sgd, 0, 10, together) == IST_OK);
    CHECK(ist_points_descend(single, dataset, &sampling, streams + 1, &sgd, 0, 4, first) == IST_OK);
    CHECK(ist_points_descend(single, dataset, &sampling, streams + 1, &sgd, 4, 6, second) == IST_OK);
    for (int k = 0; k < 10; ++k) CHECK(together[2 * k + 1] == (k < 4 ? first[k] : second[k - 4]));
    CHECK(ist_points_read(pair, 1, a) == IST_OK && ist_points_read(single, 0, b) == IST_OK);
    CHECK(memcmp(a, b, (size_t)size * sizeof *a) == 0);
    ist_metrics learnt;
    CHECK(ist_points_descend(single, dataset, &plain, streams + 1, &sgd, 10, 150, later) == IST_OK);
    CHECK(ist_points_evaluate(single, dataset, &learnt) == IST_OK);
    CHECK(learnt.loss < 0.2 && learnt.error < 0.1); /* twenty images are soon known by heart */
    ist_points_destroy(single);
    ist_points_destroy(pair);
}

int main(void) {
    ist_engine *engine = NULL;
    ist_dataset *dataset = NULL;
    for (size_t i = 0; i < sizeof images; ++i) images[i] = (uint8_t)(i * 2654435761u >> 24);
    for (int i = 0; i < 20; ++i) labels[i] = i % 4;
    test_engine();
    test_null_handles();
    CHECK(ist_engine_create(IST_BACKEND_CPU, 0, 2, &engine) == IST_OK);
    CHECK(ist_dataset_create(engine, images, labels, 20, 3, 8, 8, 4, mean, std, &dataset) == IST_OK);
    test_dataset(engine);
    test_model(engine);
    test_points_rules(engine, dataset);
    test_surface(engine);
    test_training(engine, dataset);
    ist_engine_destroy(engine); /* before what lives on it */
    ist_dataset_destroy(dataset);
    CHECK(ist_live_handles() == 0);
    if (failures) fprintf(stderr, "%d checks failed\n", failures);
    return failures != 0;
}
