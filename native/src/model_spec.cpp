// model_spec.cpp - see model_spec.h.
#include "model_spec.h"

#include <algorithm>
#include <cstdlib>

#include "error.h"
#include "surfaces.h"

namespace ist {
namespace {

constexpr int kLargestNumber = 65536; // of any number in a spec
constexpr size_t kMostNumbers = 64;
constexpr size_t kLongestText = 1000;

const std::map<std::string, std::vector<std::string>> kKeys = {
    {"resnet", {"shortcut", "width"}},
    {"densenet", {"bottleneck", "compression"}},
    {"mlp", {"activation", "batchnorm"}},
    {"cnn", {"batchnorm", "dense", "kernel"}},
    {"surface", {}},
};

std::vector<std::string> known_names() {
    std::vector<std::string> names = {"resnet8",       "resnet20",          "resnet32", "resnet44", "resnet56",
                                      "densenet40-12", "densenet100-12-bc", "mlp-64",   "cnn-16-32"};
    for (const Surface &surface : surfaces()) names.push_back("surface-" + surface.name);
    return names;
}

std::string join(const std::vector<std::string> &words) {
    std::string text;
    for (const std::string &word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// -1 where `digits` is not a number from 1 to kLargestNumber.
int number_of(const std::string &digits) {
    if (digits.empty() || digits.size() > 5 || !std::all_of(digits.begin(), digits.end(), is_digit)) return -1;
    const int number = std::atoi(digits.c_str());
    return number >= 1 && number <= kLargestNumber ? number : -1;
}

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts(1);
    for (char c : text)
        if (c == separator) parts.emplace_back();
        else parts.back() += c;
    return parts;
}

// Levenshtein's distance.
size_t edits(const std::string &a, const std::string &b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t kept = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, kept});
        }
    }
    return row[b.size()];
}

} // namespace

std::string did_you_mean(const std::string &word, const std::vector<std::string> &candidates) {
    std::string nearest;
    size_t least = 1 + std::max<size_t>(1, word.size() / 3);
    for (const std::string &candidate : candidates) {
        const size_t distance = edits(word, candidate);
        if (distance < least) {
            least = distance;
            nearest = candidate;
        }
    }
    return nearest.empty() ? "" : " (did you mean '" + nearest + "'?)";
}

ModelSpec::ModelSpec(const std::string &text) : text_(text.substr(0, kLongestText)) {
    if (text.size() > kLongestText) fail("must have at most " + std::to_string(kLongestText) + " characters");
    const size_t colon = text.find(':');
    const std::string name = text.substr(0, colon);
    const auto unknown = [&] {
        fail("'" + name + "' is no known model" + did_you_mean(name, known_names()) + "; known are resnet<6n+2>, " +
             "densenet<depth>-<growth>[-bc], mlp[-<width>...], cnn-<width>[-<width>...] and " + join([] {
                 std::vector<std::string> all;
                 for (const Surface &surface : surfaces()) all.push_back("surface-" + surface.name);
                 return all;
             }()));
    };

    size_t end = 0;
    while (end < name.size() && is_letter(name[end])) ++end;
    family_ = name.substr(0, end);
    const auto keys = kKeys.find(family_);
    if (keys == kKeys.end()) unknown();
    std::string rest = name.substr(end);
    if (family_ == "surface") {
        word_ = rest.empty() ? "" : rest.substr(1);
        if (rest.empty() || rest[0] != '-' || find_surface(word_) == nullptr) unknown();
    } else if (!rest.empty()) {
        if (rest.size() > 3 && rest.compare(rest.size() - 3, 3, "-bc") == 0) {
            word_ = "bc";
            rest.resize(rest.size() - 3);
        }
        if (rest[0] == '-') // mlp-64, cnn-16
            rest.erase(0, 1);
        else if (family_ == "mlp" || family_ == "cnn") unknown();
        for (const std::string &part : split(rest, '-')) {
            const int number = number_of(part);
            if (number < 0) unknown();
            numbers_.push_back(number);
        }
        if (numbers_.size() > kMostNumbers) fail("must have at most " + std::to_string(kMostNumbers) + " widths");
        if (word_ == "bc" && family_ != "densenet") unknown();
    }

    if (colon == std::string::npos) return;
    for (const std::string &setting : split(text.substr(colon + 1), ',')) {
        const size_t equals = setting.find('=');
        const std::string key = setting.substr(0, equals);
        if (std::find(keys->second.begin(), keys->second.end(), key) == keys->second.end())
            fail("'" + key + "' is no setting of " + family_ + did_you_mean(key, keys->second) + "; " +
                 (keys->second.empty() ? "it has none" : "known are " + join(keys->second)));
        if (equals == std::string::npos || equals + 1 == setting.size())
            fail("setting '" + key + "' must have a value, as in " + key + "=...");
        if (!settings_.emplace(key, setting.substr(equals + 1)).second) fail("setting '" + key + "' is given twice");
    }
}

int ModelSpec::integer(const std::string &key, int fallback, int low, int high) const {
    const auto setting = settings_.find(key);
    if (setting == settings_.end()) return fallback;
    const int number = setting->second == "0" ? 0 : number_of(setting->second);
    if (number < low || number > high)
        fail(key + " must be a whole number from " + std::to_string(low) + " to " + std::to_string(high) + ", got '" +
             setting->second + "'");
    return number;
}

double ModelSpec::real(const std::string &key, double fallback, double low, double high) const {
    const auto setting = settings_.find(key);
    if (setting == settings_.end()) return fallback;
    // Digits and at most one point: the same in every locale.
    const std::string &text = setting->second;
    double number = 0, place = 0;
    bool good = text.size() <= 12;
    for (char c : text) {
        if (is_digit(c)) {
            number = place == 0 ? number * 10 + (c - '0') : number + (c - '0') * place;
            place /= 10;
        } else if (c == '.' && place == 0) {
            place = 0.1;
        } else {
            good = false;
        }
    }
    if (!good || !(number >= low && number <= high)) {
        std::string bounds = std::to_string(low) + " to " + std::to_string(high);
        fail(key + " must be a number from " + bounds + ", got '" + text + "'");
    }
    return number;
}

int ModelSpec::choice(const std::string &key, int fallback, const std::vector<std::string> &options) const {
    const auto setting = settings_.find(key);
    if (setting == settings_.end()) return fallback;
    const auto found = std::find(options.begin(), options.end(), setting->second);
    if (found == options.end())
        fail(key + " must be one of " + join(options) + ", got '" + setting->second + "'" +
             did_you_mean(setting->second, options));
    return int(found - options.begin());
}

void ModelSpec::fail(const std::string &rule) const {
    throw Error(IST_INVALID_ARGUMENT, "spec '" + text_ + "': " + rule);
}

} // namespace ist
