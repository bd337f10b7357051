// works.cpp - see works.h.
#include "works.h"

#include <algorithm>
#include <memory>

#include "network.h"
#include "probe.h"

namespace ist::bench {
namespace {

std::string str(int n) { return std::to_string(n); }

int batch_of(const Plan &plan, const std::string &net) {
    return plan.batch ? plan.batch : net.rfind("densenet", 0) == 0 ? 64 : 128;
}

Series named(std::string what, double images, double flops, int threads, double x = 0) {
    Series series;
    series.what = std::move(what);
    series.unit = "img";
    series.amount = images;
    series.flops = flops;
    series.threads = threads;
    series.x = x;
    return series;
}

// A training step of `n` points on `batch` images each.
Task training_task(const Engine &engine, const std::string &net, ist_precision precision, int n, int batch,
                   int threads) {
    const Network network(engine, net, precision);
    auto points = std::make_shared<Points>(network, noise_images(engine, std::max(2000, batch)), n, batch);
    points->initialise();
    const std::string what = "training step, " + str(n) + (n > 1 ? " points" : " point") + ", batch " + str(batch);
    return Task{named(what, double(n) * batch, n * batch * network.training_flops(), threads),
                [points] { points->descend(); }};
}

Task evaluation_task(const Engine &engine, const std::string &net, ist_precision precision, int n, int images,
                     int threads) {
    const Network network(engine, net, precision);
    auto points = std::make_shared<Points>(network, noise_images(engine, images), n, 1);
    points->initialise();
    const std::string what = "evaluation, " + str(n) + (n > 1 ? " points, " : " point, ") + str(images) + " images";
    return Task{named(what, double(n) * images, n * images * network.forward_flops(), threads),
                [points] { points->evaluate(); }};
}

Task path_task(const Engine &engine, const std::string &net, ist_precision precision, int pivots, int batch,
               int threads) {
    const Network network(engine, net, precision);
    auto points = std::make_shared<Points>(network, noise_images(engine, std::max(2000, batch)), pivots, batch);
    points->initialise_path();
    const double flops = batch * ((pivots - 2) * network.training_flops() + 2 * network.forward_flops());
    return Task{
        named("path step, " + str(pivots) + " pivots, batch " + str(batch), double(pivots) * batch, flops, threads),
        [points] { points->relax(); }};
}

// The gradients of a path step alone, and the passes that give the losses of its two ends.
Task gradient_task(const Engine &engine, const std::string &net, ist_precision precision, int n, int batch,
                   int threads) {
    const Network network(engine, net, precision);
    auto points = std::make_shared<Points>(network, noise_images(engine, std::max(2000, batch)), n, batch);
    points->initialise_path();
    return Task{named("gradients, " + str(n) + " points, batch " + str(batch), double(n) * batch,
                      n * batch * network.training_flops(), threads),
                [points] { points->gradient(); }};
}

Task forward_task(const Engine &engine, const std::string &net, ist_precision precision, int n, int batch,
                  int threads) {
    const Network network(engine, net, precision);
    auto points = std::make_shared<Points>(network, noise_images(engine, std::max(2000, batch)), n, batch);
    points->initialise();
    return Task{named("forward passes, " + str(n) + " points, batch " + str(batch), double(n) * batch,
                      n * batch * network.forward_flops(), threads),
                [points] { points->forward(); }};
}

Task at(double x, Task task) {
    task.series.x = x;
    return task;
}

} // namespace

void Plan::quick() {
    nets = {"resnet8", "densenet10-4"};
    path_net = "resnet8";
    depths = {"resnet8", "resnet14"};
    widths = {4, 8};
    pivots = {3, 5};
    batches = {8, 16};
    images = {16, 32};
    batch = scaling_batch = 8;
    path_pivots = 4;
    dense_points = 10;
    dense_images = evaluation_images = 16;
    effort = Effort{2, 0, 0, 1};
}

const std::vector<std::string> &kind_names() {
    static const std::vector<std::string> names = {"probe", "training", "evaluation", "path",  "dense",  "pivots",
                                                   "batch", "images",   "depth",      "width", "threads"};
    return names;
}

std::vector<Work> works(const Plan &plan) {
    std::vector<Work> list;
    const auto wanted = [&](const char *kind) {
        return std::find(plan.kinds.begin(), plan.kinds.end(), kind) != plan.kinds.end();
    };
    const Effort effort = plan.effort;
    const int threads = plan.threads;
    const auto one = [effort](Task task) { return measure({std::move(task)}, effort); };

    if (wanted("probe")) list.push_back({"probe", "", IST_FP32, "", [=] { return probe(threads, effort); }});
    for (const std::string &net : plan.nets)
        for (ist_precision precision : plan.precisions) {
            if (wanted("training"))
                list.push_back({"training", net, precision, "", [=] {
                                    return one(training_task(open_engine(threads), net, precision, threads,
                                                             batch_of(plan, net), threads));
                                }});
            if (wanted("evaluation"))
                list.push_back({"evaluation", net, precision, "", [=] {
                                    return one(evaluation_task(open_engine(threads), net, precision, 1,
                                                               plan.evaluation_images, threads));
                                }});
        }
    const std::string net = plan.path_net;
    for (ist_precision precision : plan.precisions) {
        const int batch = batch_of(plan, net), pivots = plan.path_pivots;
        if (wanted("path"))
            list.push_back({"path", net, precision, "", [=] {
                                const Engine engine = open_engine(threads);
                                return measure({path_task(engine, net, precision, pivots, batch, threads),
                                                gradient_task(engine, net, precision, pivots - 2, batch, threads),
                                                forward_task(engine, net, precision, 2, batch, threads),
                                                gradient_task(engine, net, precision, pivots, batch, threads)},
                                               effort);
                            }});
        if (wanted("dense"))
            list.push_back({"dense", net, precision, "", [=] {
                                return one(evaluation_task(open_engine(threads), net, precision, plan.dense_points,
                                                           plan.dense_images, threads));
                            }});
    }

    // Scaling, in the first of the precisions: x varies within one process, all values of it in turn.
    const ist_precision precision = plan.precisions.front();
    const int batch = plan.scaling_batch;
    const auto scaling = [&](const char *kind, const char *x, std::function<std::vector<Task>(const Engine &)> tasks) {
        if (wanted(kind))
            list.push_back({kind, net, precision, x, [=] { return measure(tasks(open_engine(threads)), effort); }});
    };
    scaling("pivots", "pivots with a gradient", [=](const Engine &engine) {
        std::vector<Task> tasks;
        for (int pivots : plan.pivots)
            tasks.push_back(at(pivots - 2, path_task(engine, net, precision, pivots, batch, threads)));
        return tasks;
    });
    scaling("batch", "images in a batch", [=](const Engine &engine) {
        std::vector<Task> tasks;
        for (int images : plan.batches)
            tasks.push_back(at(images, training_task(engine, net, precision, threads, images, threads)));
        return tasks;
    });
    scaling("images", "images evaluated", [=](const Engine &engine) {
        std::vector<Task> tasks;
        for (int images : plan.images)
            tasks.push_back(at(images, evaluation_task(engine, net, precision, 1, images, threads)));
        return tasks;
    });
    const auto by_parameters = [=](const Engine &engine, const std::string &spec) {
        Task task = training_task(engine, spec, precision, threads, batch, threads);
        task.series.what = spec + ", " + task.series.what;
        return at(Network(engine, spec, precision).n_params(), std::move(task));
    };
    scaling("depth", "parameters D, by depth", [=](const Engine &engine) {
        std::vector<Task> tasks;
        for (const std::string &spec : plan.depths) tasks.push_back(by_parameters(engine, spec));
        return tasks;
    });
    scaling("width", "parameters D, by width", [=](const Engine &engine) {
        std::vector<Task> tasks;
        for (int width : plan.widths) tasks.push_back(by_parameters(engine, net + ":width=" + str(width)));
        return tasks;
    });
    if (wanted("threads"))
        for (ist_precision each : plan.precisions)
            list.push_back({"threads", net, each, "", [=] {
                                std::vector<Task> tasks;
                                std::vector<int> counts{1};
                                if (threads > 1) counts.push_back(threads);
                                for (int n : counts) {
                                    const Engine engine = open_engine(n);
                                    tasks.push_back(training_task(engine, net, each, std::max(2, threads), batch, n));
                                    tasks.push_back(training_task(engine, net, each, 1, batch, n));
                                    tasks.push_back(evaluation_task(engine, net, each, 1, plan.evaluation_images, n));
                                    tasks.push_back(path_task(engine, net, each, plan.path_pivots, batch, n));
                                }
                                return measure(std::move(tasks), effort);
                            }});
    return list;
}

} // namespace ist::bench
