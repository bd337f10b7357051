// model.cpp - see model.h.
#include "model.h"

#include "architectures.h"
#include "error.h"
#include "random.h"

namespace ist {

Model::Model(std::shared_ptr<Engine> engine, const std::string &spec, int channels, int height, int width,
             int n_classes, ist_precision precision)
    : engine_(std::move(engine)) {
    const ModelSpec parsed(spec);
    if (parsed.family() == "surface") {
        if (channels != 0 || height != 0 || width != 0 || n_classes != 0)
            parsed.fail("channels, height, width and n_classes of a surface must be 0");
        if (precision != IST_FP32) parsed.fail("precision of a surface must be IST_FP32");
        surface_ = find_surface(parsed.word());
        network_ = surface_network(*surface_);
        executor_ = prepare_surface(*surface_, backend());
        return;
    }
    network_ = build_network(parsed, channels, height, width, n_classes);
    for (const Value &value : network_.values)
        if (value.normalised && value.height * value.width == 1) least_batch_ = 2;
    if (!backend().supports(precision))
        throw Error(IST_UNSUPPORTED, std::string(precision == IST_FP16 ? "precision IST_FP16 needs a GPU"
                                                                       : "precision IST_BF16 needs a device with bf16 "
                                                                         "arithmetic") +
                                         ", this one is " + backend().description() + "; use IST_FP32");
    executor_ = backend().prepare(network_, precision);
}

void Model::initialise(uint64_t seed, float *values) const {
    if (surface_) {
        const Pair pair = draw_uniform(seed, 0, 0);
        const double units[] = {(pair.first + 1) / 2, (pair.second + 1) / 2};
        for (int i = 0; i < 2; ++i)
            values[i] = float(surface_->low[i] + (surface_->high[i] - surface_->low[i]) * units[i]);
        return;
    }
    ist::initialise(network_, seed, values);
}

} // namespace ist
