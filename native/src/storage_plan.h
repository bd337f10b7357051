// storage_plan.h - where the values of a network live, whatever the device: storages, ranges of channels, who reads and
// who writes them, which of them have batch statistics. Plans of backends build on it.
#pragma once

#include <cstdint>
#include <vector>

#include "network.h"

namespace ist {

// A tensor that is allocated; several values may be channel ranges of one storage (concatenation).
struct Storage {
    int height = 0, width = 0, channels = 0;
    bool transient = false; // never held as a whole: a backend's plan says which
    bool wide = false;      // float in every precision: vectors behind the global pooling, logits
    int64_t rows() const { return int64_t(height) * width; }
    int64_t elements() const { return rows() * channels; }
};

struct ValuePlan {
    int storage = -1, channel = 0; // first channel within the storage
    int producer = -1;             // op, -1 for the input
    std::vector<int> consumers;    // ops, ascending, aliasing concatenations left out
    bool normalised = false;       // its gradient needs the batch-norm correction before the producer's backward
    bool needs_gradient = false;
};

struct StoragePlan {
    explicit StoragePlan(const Network &network);

    const Network &network;
    std::vector<Storage> storages;
    std::vector<ValuePlan> values;
    std::vector<char> aliased;              // per op: a concatenation that is no work at all
    std::vector<int> norm_channel;          // per op: of a batch norm, its first channel among those of all batch norms
    std::vector<int> produced;              // normalised values in forward order
    std::vector<int64_t> statistics_offset; // per storage: offset of its channels in the statistics arrays, -1: none
    int64_t n_statistics = 0;               // channels of all normalised storages
    int64_t n_norm_channels = 0;            // channels of all batch-norm ops

    const Op &op(int index) const { return network.ops[size_t(index)]; }
    const Value &value(int index) const { return network.values[size_t(index)]; }
    const Storage &storage_of(int value) const { return storages[size_t(values[size_t(value)].storage)]; }
    // Offset of a normalised value's first channel in the statistics arrays.
    int64_t statistics_of(int value) const {
        const ValuePlan &v = values[size_t(value)];
        return statistics_offset[size_t(v.storage)] + v.channel;
    }
    // Whether a value is a storage by itself.
    bool is_dense(int value) const { return storage_of(value).channels == this->value(value).channels; }
};

// How a backward op leaves the gradient of one of its sources.
struct GradientUse {
    bool wanted = false;
    bool add = false;           // to what is there; otherwise written
    bool zero_before = false;   // part of the range was never written: clear the unwritten channels first
    std::vector<int> unwritten; // storage channels to clear when zero_before
};

// Follows which channels have been written while a plan walks through the backward pass.
class GradientRanges {
  public:
    explicit GradientRanges(const StoragePlan &plan);
    // The next gradient of `value` (-1: none) and how it must be left.
    GradientUse touch(int value);
    bool untouched(int value) const;

  private:
    const StoragePlan &plan_;
    std::vector<std::vector<char>> written_;
};

} // namespace ist
