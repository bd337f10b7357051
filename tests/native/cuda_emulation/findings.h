// findings.h - tests expect the emulation's findings, and the same bits for every order.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "device_array.h"

namespace ist::cuda {

// The launch is stopped by a finding of this kind, whose sentence has this part.
template <class Launch> void expect_finding(emulation::Kind kind, const std::string &part, Launch launch) {
    emulation::take_finding(nullptr);
    try {
        launch();
        ADD_FAILURE() << "no finding, expected: " << emulation::name(kind);
    } catch (const Error &e) {
        EXPECT_EQ(e.status, IST_DEVICE_ERROR);
        emulation::Finding finding;
        ASSERT_TRUE(emulation::take_finding(&finding)) << e.what();
        EXPECT_EQ(finding.kind, kind) << finding.text;
        EXPECT_NE(finding.text.find(part), std::string::npos) << finding.text;
        EXPECT_NE(std::string(e.what()).find(finding.text), std::string::npos) << e.what();
    }
}

// How many different results run() has over some seeds.
template <class Run> size_t different_results(Run run, int seeds = 8) {
    using Result = decltype(run());
    std::vector<Result> results;
    for (int seed = 1; seed <= seeds; seed++) {
        emulation::set_seed(uint64_t(seed));
        Result result = run();
        bool known = false;
        for (const Result &other : results) {
            known |= other.size() == result.size() &&
                     !std::memcmp(other.data(), result.data(), result.size() * sizeof(result[0]));
        }
        if (!known) results.push_back(std::move(result));
    }
    emulation::set_seed(1);
    return results.size();
}

} // namespace ist::cuda
