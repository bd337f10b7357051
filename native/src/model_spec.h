// model_spec.h - the text that names a model, taken apart: name[:key=value[,key=value...]], see isthmus.h.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ist {

class ModelSpec {
  public:
    // Throws Error(IST_INVALID_ARGUMENT) with the known names or keys, and the nearest, where one is not known.
    explicit ModelSpec(const std::string &text);

    const std::string &text() const { return text_; }
    const std::string &family() const { return family_; }        // resnet, densenet, mlp, cnn, surface
    const std::vector<int> &numbers() const { return numbers_; } // densenet40-12-bc: 40, 12
    const std::string &word() const { return word_; }            // densenet40-12-bc: bc; surface-leps: leps

    // Settings, or `fallback` where the text has none. low <= value <= high.
    bool has(const std::string &key) const { return settings_.count(key) != 0; }
    int integer(const std::string &key, int fallback, int low, int high) const;
    double real(const std::string &key, double fallback, double low, double high) const;
    // Index of the setting's value in `options`.
    int choice(const std::string &key, int fallback, const std::vector<std::string> &options) const;
    bool flag(const std::string &key, bool fallback) const { return choice(key, fallback, {"0", "1"}) == 1; }

    // Error(IST_INVALID_ARGUMENT): "spec '<text>': <rule>".
    [[noreturn]] void fail(const std::string &rule) const;

  private:
    std::string text_, family_, word_;
    std::vector<int> numbers_;
    std::map<std::string, std::string> settings_;
};

// " (did you mean 'x'?)" with the nearest candidate, or nothing where none is near.
std::string did_you_mean(const std::string &word, const std::vector<std::string> &candidates);

} // namespace ist
