// judge.h - a network on a backend against ref_network: gradients, statistics, losses, inference, and the same bits
// again.
//
// Tolerances. fp32: 1e-4 of the largest entry of each tensor, in cases chosen clear of kinks. bf16: 1 % of each
// tensor's norm; it rounds to 8 significant bits (errors up to 2^-9) at each of about ten places between the pixels and
// a gradient, which makes 0.4 % where nothing cancels. Where something does cancel (a weight before a batch norm cannot
// change the loss by its scale) or a branch hangs on a rounded number (some 2^-8 of all ReLUs change sides, which moves
// gradients by sqrt(2^-8) = 6 %), the allowance grows by a few times what ref_network itself shows when it is disturbed
// by noise of the size of the rounding. Logic errors are for fp32 to find; bf16 runs the same shapes through its own
// kernels. fp16, which rounds to 11 bits: the same with 0.25 %, and less noise.
#pragma once

#include <string>

#include "device_network.h"
#include "network.h"

namespace ist::test {

// "fp32", "bf16" or "fp16"
const char *name_of(ist_precision precision);
// Letters and digits alone, the rest '_': what GoogleTest wants of a name.
std::string words(std::string name);

// Runs `network` on `n_images` random images, `margin` clear of kinks, and expects what ref_network says. The default
// margin is ten times the rounding of fp32.
void judge(const BackendUnderTest &backend, ist_precision precision, const Network &network, int n_images,
           double margin = 2e-6);

// The same for a point and images made by hand; c.pass is computed here.
void judge(const BackendUnderTest &backend, ist_precision precision, Case c);

} // namespace ist::test
