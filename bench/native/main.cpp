// main.cpp - isthmus_bench: how fast the engine is, and how fast this machine could be. See ../README.md.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/utsname.h>
#include <thread>

#include "isolated.h"
#include "network.h"
#include "report.h"
#include "works.h"

namespace ist::bench {
namespace {

const char *const kUsage = R"(isthmus_bench [options]: measures the engine on this machine and prints tables.

  --quick            everything once, on tiny networks: does the bench work?
  --works LIST       of probe, training, evaluation, path, dense, pivots, batch, images, depth, width, threads (all)
  --nets LIST        of training and evaluation (resnet20,resnet56,densenet40-12,densenet100-12-bc)
  --path-net NET     of everything else (resnet20)
  --precisions LIST  fp32,bf16 (what the processor has); scaling uses the first
  --threads N        (all)
  --batch N          images per point of training and path (128, DenseNets 64)
  --samples N        least number of samples (20)
  --seconds X        least time of the samples of one row (3)
  --out FILE         tables as Markdown, and scaling figures beside it as .svg
  --json FILE        raw samples, one JSON object a line; - for standard output, then without tables
  --note TEXT        a line for the head of the Markdown file

Exit code 0 if everything was measured, 1 if a row is missing, 2 if the command line is wrong.
)";

struct Options {
    Plan plan;
    bool quick = false;
    std::string out, json, note;
    std::string command; // what of it decides what is measured
};

[[noreturn]] void wrong(const std::string &sentence) { throw std::invalid_argument(sentence); }

std::vector<std::string> split(const std::string &list) {
    std::vector<std::string> parts;
    std::istringstream stream(list);
    for (std::string part; std::getline(stream, part, ',');)
        if (!part.empty()) parts.push_back(part);
    return parts;
}

double number(const std::string &option, const std::string &text, double least) {
    size_t used = 0;
    double value = 0;
    try {
        value = std::stod(text, &used);
    } catch (const std::exception &) {
    }
    if (used == 0 || used != text.size() || !(value >= least && value <= 1e6))
        wrong(option + " must be a number from " + std::to_string(int(least)) + " to 1000000, got '" + text + "'");
    return value;
}

std::vector<ist_precision> precisions_of(const std::vector<std::string> &names) {
    std::vector<ist_precision> precisions;
    for (const std::string &name : names) {
        if (name != "fp32" && name != "bf16") wrong("--precisions knows fp32 and bf16, not '" + name + "'");
        precisions.push_back(name == "bf16" ? IST_BF16 : IST_FP32);
    }
    if (precisions.empty()) wrong("--precisions must name one");
    return precisions;
}

Options parsed(int argc, char **argv) {
    Options options;
    Plan &plan = options.plan;
    plan.kinds = kind_names();
    plan.threads = std::max(1, int(std::thread::hardware_concurrency()));
    for (int i = 1; i < argc; ++i)
        if (!std::strcmp(argv[i], "--quick")) options.quick = true;
    if (options.quick) plan.quick();
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--quick") {
            options.command += " --quick";
            continue;
        }
        if (i + 1 == argc) wrong(option + ": no such option, or its value is missing; --help lists them");
        const std::string value = argv[++i];
        if (option != "--note" && option != "--out" && option != "--json")
            options.command += " " + option + " " + value;
        if (option == "--works") plan.kinds = split(value);
        else if (option == "--nets") plan.nets = split(value);
        else if (option == "--path-net") plan.path_net = value;
        else if (option == "--precisions") plan.precisions = precisions_of(split(value));
        else if (option == "--threads") plan.threads = int(number(option, value, 1));
        else if (option == "--batch") plan.batch = int(number(option, value, 2));
        else if (option == "--samples") plan.effort.samples = int(number(option, value, 1));
        else if (option == "--seconds") plan.effort.seconds = number(option, value, 0);
        else if (option == "--out") options.out = value;
        else if (option == "--json") options.json = value;
        else if (option == "--note") options.note = value;
        else wrong("no option '" + option + "'; --help lists them");
    }
    for (const std::string &kind : plan.kinds)
        if (std::find(kind_names().begin(), kind_names().end(), kind) == kind_names().end())
            wrong("no work '" + kind + "'; --help lists them");
    return options;
}

void write(const std::string &path, const std::string &text) {
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path + "; is its folder there and writable?");
}

std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
    return "unknown processor";
}

std::string today() {
    const std::time_t now = std::time(nullptr);
    char text[16];
    std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
    return text;
}

std::string svg_name(const std::string &out) {
    const size_t dot = out.rfind(".md");
    return (dot == std::string::npos ? out : out.substr(0, dot)) + ".svg";
}

std::string head(const Options &options) {
    struct utsname system{};
    uname(&system);
    std::ostringstream text;
    text << "* " << today() << "; Isthmus " << ist_version() << "; " << processor() << "; "
         << description(options.plan.threads) << "; " << system.sysname << ' ' << system.release << "; GCC "
         << __VERSION__ << '\n';
    if (!options.note.empty()) text << "* " << options.note << '\n';
    text << "* Command: `./isthmus bench" << options.command << "`\n"
         << "* Median and 10th to 90th percentile of n samples after a warm-up; the first call, which compiles "
            "primitives, apart. "
            "Every row ran in a process of its own, whose largest resident memory is given; rows of the path table and "
            "of "
            "each scaling table took turns in one process and share its peak.\n"
         << "* Batches are drawn, cropped and flipped within the time. Data: noise, 3 x 32 x 32, 10 classes.\n"
         << "* % of ceiling: operations of convolutions and linear layers (2 per multiply-add) per second, over the "
            "multiply-add rate of the same precision and number of threads in this run. An image costs the forward "
            "pass, "
            "or in training three times that less the input gradient of the first convolution.\n";
    return text.str();
}

std::string progress(const Result &result) {
    std::string text = result.work.kind;
    if (!result.work.net.empty()) text += " " + result.work.net + " " + precision_name(result.work.precision);
    if (!result.measured.error.empty()) return text + ": failed: " + result.measured.error;
    if (result.measured.series.size() != 1) return text + ": done";
    const Series &series = result.measured.series[0];
    return text + ": " + std::to_string(int(series.amount / median(series.seconds))) + " images/s";
}

int run(const Options &given) {
    Options options = given;
    Plan &plan = options.plan;
    const bool tables_wanted = options.json != "-";
    if (!supports(IST_BF16)) {
        plan.precisions.erase(std::remove(plan.precisions.begin(), plan.precisions.end(), IST_BF16),
                              plan.precisions.end());
        std::cerr << "bf16 is left out: this processor has no AVX-512 with bf16\n";
    }
    if (plan.precisions.empty()) return 1;
    std::vector<Work> list = works(plan);
    if (!list.empty() && list.front().kind == "probe" && list.size() > 1)
        list.push_back(list.front()); // again at the end: machines change their speed
    std::vector<Result> results;
    for (const Work &work : list) {
        results.push_back(Result{work, isolated(work.run)});
        std::cerr << progress(results.back()) << '\n';
    }

    const std::vector<Table> all = tables(results);
    if (tables_wanted) std::cout << head(options) << '\n' << as_text(all);
    if (options.json == "-") std::cout << as_json_lines(results);
    else if (!options.json.empty()) write(options.json, as_json_lines(results));
    if (!options.out.empty()) {
        const std::string svg = as_svg(results);
        std::string text = "# The engine alone\n\n" + head(options) + as_markdown(all);
        if (!svg.empty()) {
            const std::string name = svg_name(options.out);
            write(name, svg);
            text += "\n![cost against pivots, images and parameters](" + name.substr(name.rfind('/') + 1) + ")\n";
        }
        write(options.out, text);
    }
    const std::vector<std::string> missing = defects(results);
    for (const std::string &sentence : missing) std::cerr << "isthmus_bench: " << sentence << '\n';
    if (tables_wanted && missing.empty()) std::cout << results.size() << " works measured, none missing\n";
    return missing.empty() ? 0 : 1;
}

} // namespace
} // namespace ist::bench

int main(int argc, char **argv) {
    using namespace ist::bench;
    for (int i = 1; i < argc; ++i)
        if (!std::strcmp(argv[i], "--help")) {
            std::cout << kUsage;
            return 0;
        }
    try {
        return run(parsed(argc, argv));
    } catch (const std::invalid_argument &e) {
        std::cerr << "isthmus_bench: " << e.what() << '\n';
        return 2;
    } catch (const std::exception &e) {
        std::cerr << "isthmus_bench: " << e.what() << '\n';
        return 1;
    }
}
