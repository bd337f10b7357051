/* isthmus.h - the whole public C API of the Isthmus engine. Java sees this file and nothing else.
 *
 * Every call that can fail returns ist_status; the reason is ist_last_error(). Results come through trailing `out`
 * arguments and are written only on IST_OK. Handles come from *_create and go to *_destroy, which takes NULL and never
 * fails; handles may be destroyed in any order. Host memory stays the caller's: the library keeps no host pointer after
 * a call returns, and returns none to be freed. Calls block. One engine may be used by one thread at a time.
 *
 * Words: a *point* is one parameter vector of a model: its n_params trainable parameters followed by its n_statistics
 * batch-norm running statistics, float32, in the order and axes of the PyTorch state dictionary (ist_model_tensor).
 * *Points* are n of them. They are the one mechanism for minima being trained, the pivots of a path, and samples that
 * are evaluated.
 *
 * Repeatability: the same build on the same kind of processor gives the same bits for any number of threads, any
 * grouping of points, and any division of the steps into calls: every random draw is a function of (seed, stream, step,
 * image slot) alone (Philox4x32-10), every sum has a fixed order.
 */
#ifndef ISTHMUS_H
#define ISTHMUS_H

#include <stdint.h>

#ifndef IST_API
#define IST_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Named for what the caller can do about it. */
typedef enum ist_status {
    IST_OK = 0,
    IST_INVALID_ARGUMENT = 1, /* the caller broke a documented rule: correct the call */
    IST_OUT_OF_MEMORY = 2,    /* host or device: use fewer points or a smaller batch */
    IST_UNSUPPORTED = 3,      /* backend, precision or model not available here: choose another */
    IST_DEVICE_ERROR = 4,     /* the device or its library failed: the engine refuses further work */
    IST_INTERNAL = 5          /* a bug: report the message */
} ist_status;

/* CUDA and EMULATED are libraries of their own, libisthmus_cuda.so and libisthmus_emulated.so, loaded from beside this
 * one when an engine asks for them, and kept. */
typedef enum ist_backend {
    IST_BACKEND_CPU = 0,
    IST_BACKEND_CUDA = 1,    /* an NVIDIA GPU of compute capability 8.0 or higher */
    IST_BACKEND_EMULATED = 2 /* for tests: CUDA's kernels on an emulated device */
} ist_backend;

/* Type of activations and of the weights inside convolutions and matrix products. Accumulation, master weights,
 * momentum, gradients and batch-norm vectors are float32 in all. IST_FP32 is float32 throughout; some convolutions are
 * done by Winograd's filtering, which is float32 arithmetic in another order. IST_FP16 has 3 more bits than IST_BF16
 * and ends at 65504, where a loss becomes infinite or no number; it is for GPUs alone. */
typedef enum ist_precision { IST_FP32 = 0, IST_BF16 = 1, IST_FP16 = 2 } ist_precision;

/* Tangent of a path at a pivot. */
typedef enum ist_tangent {
    IST_TANGENT_UPWIND = 0,   /* Draxler et al. 2018: towards the neighbour of higher loss */
    IST_TANGENT_IMPROVED = 1, /* Henkelman & Jonsson 2000, eqs. 8-11 */
    IST_TANGENT_OFFICIAL = 2  /* as IMPROVED, differences normalised before weighting (PyTorch-AutoNEB) */
} ist_tangent;

/* Coordinates over which distances, tangents, projection, decay and respacing weights are taken. */
typedef enum ist_geometry {
    IST_GEOMETRY_PARAMETERS = 0, /* trainable parameters; statistics are interpolated along when pivots are respaced */
    IST_GEOMETRY_ALL = 1         /* parameters and batch-norm statistics (PyTorch-AutoNEB) */
} ist_geometry;

typedef struct ist_engine ist_engine;   /* one device, its threads, its memory */
typedef struct ist_dataset ist_dataset; /* images and labels on the device */
typedef struct ist_model ist_model;     /* an architecture for one image shape, or an analytic surface */
typedef struct ist_points ist_points;   /* n points of one model on the device */

/* How a mini-batch is drawn. Every point walks its own stream: an endless sequence of epochs, each a fresh permutation
 * of the data set; step t takes the positions t * batch_size .. (t + 1) * batch_size - 1 of that sequence. */
typedef struct ist_sampling {
    uint64_t seed;
    int32_t batch_size;   /* images per point and step, >= 1 */
    int32_t crop_padding; /* zero padding of normalised pixels before a random crop to the old size; 0: no crop */
    int32_t flip;         /* 1: mirror left-right with probability 1/2 */
} ist_sampling;

/* Stochastic gradient descent: g = grad + weight_decay * p; v = momentum * v + g; p -= learning_rate * v, or with
 * nesterov p -= learning_rate * (g + momentum * v). */
typedef struct ist_sgd {
    float learning_rate;
    float momentum;
    float weight_decay; /* on every trainable parameter; on a path, on every coordinate of the geometry */
    int32_t nesterov;   /* 0 or 1 */
} ist_sgd;

/* One step of the nudged elastic band or string method; mission: NEB step. */
typedef struct ist_neb {
    ist_sgd sgd;
    ist_tangent tangent;
    ist_geometry geometry;
    float spring;     /* INFINITY: string method (respacing at every step, no springs); finite k >= 0: classic NEB */
    int32_t climbing; /* 1: the highest inner pivot climbs (Henkelman, Uberuaga & Jonsson 2000) and is not respaced */
} ist_neb;

typedef struct ist_metrics {
    double loss;  /* mean cross-entropy in nats; the energy of a surface */
    double error; /* fraction of images misclassified, 0..1; 0 for a surface */
} ist_metrics;

typedef enum ist_tensor_kind { IST_TENSOR_PARAMETER = 0, IST_TENSOR_STATISTIC = 1 } ist_tensor_kind;

typedef struct ist_tensor {
    const char *name; /* PyTorch state-dictionary key, valid as long as the model */
    ist_tensor_kind kind;
    int64_t offset; /* of the first value in a point, in floats */
    int32_t rank;
    int64_t shape[4]; /* PyTorch's axis order; entries from rank on are 1 */
} ist_tensor;

/* --- library ------------------------------------------------------------------------------------------------- */
IST_API const char *ist_version(void);
IST_API const char *ist_last_error(void); /* of this thread, until its next call */
IST_API int64_t ist_live_handles(void);   /* created and not yet destroyed, in the process */

/* --- engine -------------------------------------------------------------------------------------------------- */
/* n_threads 0: one per available core. */
IST_API ist_status ist_engine_create(ist_backend backend, int32_t device, int32_t n_threads, ist_engine **out);
IST_API void ist_engine_destroy(ist_engine *engine);
/* One line: device, instruction set, threads, library versions. Valid as long as the engine. */
IST_API const char *ist_engine_description(const ist_engine *engine);
IST_API int32_t ist_engine_supports(const ist_engine *engine, ist_precision precision);

/* --- data set ------------------------------------------------------------------------------------------------ */
/* images [n_images][channels][height][width]; a pixel becomes (value / 255 - mean[channel]) / std[channel].
 * labels in 0 .. n_classes - 1. */
IST_API ist_status ist_dataset_create(ist_engine *engine, const uint8_t *images, const int32_t *labels,
                                      int64_t n_images, int32_t channels, int32_t height, int32_t width,
                                      int32_t n_classes, const float *mean, const float *std, ist_dataset **out);
IST_API void ist_dataset_destroy(ist_dataset *dataset);

/* --- model --------------------------------------------------------------------------------------------------- */
/* spec: name[:key=value[,key=value...]]
 *   resnet20 (any 6n+2)       keys shortcut=A|B (default A), width=16
 *   densenet40-12, densenet100-12-bc   (depth-growth, bc: bottleneck and compression 0.5) keys bottleneck, compression
 *   mlp-64-32                 hidden widths (mlp alone: linear) keys activation=relu|tanh|sigmoid, batchnorm=0|1
 *   cnn-16-32                 convolutions of these widths, each with 2x2 max pooling and ReLU; keys kernel=3,
 * batchnorm=0|1 (before the ReLU), dense=0 (width of a hidden layer after them) surface-mueller-brown, surface-leps,
 * surface-egg-carton, surface-curvy-valley   two-dimensional, no data: channels, height, width, n_classes must be 0 and
 * precision IST_FP32. */
IST_API ist_status ist_model_create(ist_engine *engine, const char *spec, int32_t channels, int32_t height,
                                    int32_t width, int32_t n_classes, ist_precision precision, ist_model **out);
IST_API void ist_model_destroy(ist_model *model);
IST_API int64_t ist_model_n_params(const ist_model *model);     /* trainable */
IST_API int64_t ist_model_n_statistics(const ist_model *model); /* batch-norm running means and variances */
IST_API int64_t ist_model_flops(const ist_model *model); /* forward, per image, 2 per multiply-add, conv + linear */
IST_API int32_t ist_model_n_tensors(const ist_model *model);
IST_API ist_status ist_model_tensor(const ist_model *model, int32_t index, ist_tensor *out);

/* A convolution of a model: what it is, and how far the engine's own is from cuDNN's, |own - cuDNN| / |cuDNN|. */
typedef struct ist_convolution_check {
    int32_t kernel, stride, padding, channels, filters, height, width; /* channels and size of the input */
    double forward, data_gradient, weight_gradient;
} ist_convolution_check;

/* Compares the convolutions of a model, each shape once, on random numbers of n_images images and in the model's
 * precision. *n_shapes: how many there are; out gets the first `capacity` of them. IST_UNSUPPORTED without cuDNN. */
IST_API ist_status ist_model_check_convolutions(ist_model *model, int32_t n_images, int32_t capacity,
                                                ist_convolution_check *out, int32_t *n_shapes);

/* --- points -------------------------------------------------------------------------------------------------- */
/* In what follows dataset and sampling are NULL for surfaces and required otherwise; `streams` has one entry per point.
 * A new set of points is all zeros. */
IST_API ist_status ist_points_create(ist_model *model, int32_t n_points, ist_points **out);
IST_API void ist_points_destroy(ist_points *points);
IST_API int32_t ist_points_count(const ist_points *points);

/* He initialisation of convolutions, PyTorch's default for linear layers, batch norm 1 and 0, statistics 0 and 1. */
IST_API ist_status ist_points_initialise(ist_points *points, int32_t index, uint64_t seed);
/* n_params + n_statistics floats each way. Writing a point clears its momentum. */
IST_API ist_status ist_points_write(ist_points *points, int32_t index, const float *values);
IST_API ist_status ist_points_read(const ist_points *points, int32_t index, float *out);
/* The optimiser's momentum, n_params + n_statistics floats (zeros before the first step). */
IST_API ist_status ist_points_write_momentum(ist_points *points, int32_t index, const float *values);
IST_API ist_status ist_points_read_momentum(const ist_points *points, int32_t index, float *out);
/* points[index] = sum over i < n_terms of weights[i] * source[indices[i]], parameters and statistics alike, summed in
 * double. One term of weight 1 copies the bits. Clears the momentum of points[index]. */
IST_API ist_status ist_points_combine(ist_points *points, int32_t index, const ist_points *source, int32_t n_terms,
                                      const int32_t *indices, const double *weights);
/* Euclidean distance of points[a] and points[b]. */
IST_API ist_status ist_points_distance(const ist_points *points, int32_t a, int32_t b, ist_geometry geometry,
                                       double *out);

/* Gradient of the mean training loss of one mini-batch at every point (weight decay not included; statistics are
 * updated as in a training step). losses [n_points]. */
IST_API ist_status ist_points_gradient(ist_points *points, const ist_dataset *dataset, const ist_sampling *sampling,
                                       const uint64_t *streams, int64_t step, float *losses);
/* The gradient left by the last call that computed one, n_params floats. */
IST_API ist_status ist_points_read_gradient(const ist_points *points, int32_t index, float *out);

/* Trains every point on its own batches for n_steps steps, numbered from first_step. losses [n_steps][n_points]: the
 * batch loss before each step. */
IST_API ist_status ist_points_descend(ist_points *points, const ist_dataset *dataset, const ist_sampling *sampling,
                                      const uint64_t *streams, const ist_sgd *sgd, int64_t first_step, int32_t n_steps,
                                      float *losses);

/* Relaxes the path points[0..n-1] (n >= 3) for n_steps steps; both ends keep every bit. spacing [n_points - 1]: target
 * weights of the gaps, > 0 (only their ratios count); ignored with finite spring. losses [n_steps][n_points]: the batch
 * loss of every pivot, ends included, before each step. */
IST_API ist_status ist_points_relax(ist_points *points, const ist_dataset *dataset, const ist_sampling *sampling,
                                    const uint64_t *streams, const ist_neb *neb, const float *spacing,
                                    int64_t first_step, int32_t n_steps, float *losses);

/* Puts the inner pivots at their target spacing along the present polyline; ends keep every bit. */
IST_API ist_status ist_points_respace(ist_points *points, ist_geometry geometry, const float *spacing);

/* Replaces the statistics of every point by the average of the batch means and unbiased variances over n_batches
 * batches (steps 0 .. n_batches - 1 of its stream). */
IST_API ist_status ist_points_recompute_statistics(ist_points *points, const ist_dataset *dataset,
                                                   const ist_sampling *sampling, const uint64_t *streams,
                                                   int32_t n_batches);

/* Loss and error of every point over the whole data set in inference mode, no augmentation. out [n_points]. */
IST_API ist_status ist_points_evaluate(const ist_points *points, const ist_dataset *dataset, ist_metrics *out);
/* Log-probabilities of one point over the whole data set in inference mode. out [n_images][n_classes]. */
IST_API ist_status ist_points_predict(const ist_points *points, int32_t index, const ist_dataset *dataset, float *out);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_H */
