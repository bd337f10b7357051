#!/usr/bin/env python3
"""Writes the golden files beside it: java/exchange/isthmus_networks.py, plain PyTorch modules, in double.

This is the independent implementation that judges native/src/architectures.cpp (key names, shapes, order, strides,
shortcuts, transitions) and, through the C API, whole gradients. Run it only when an architecture is added or renamed:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install torch numpy
    /tmp/golden/bin/python tests/native/golden/make_golden.py

Every number that goes in (weights, statistics, pixels, labels) is a closed formula of (key, index), see `hashes`, which
test_golden.cpp repeats bit by bit. What comes out, per case, is one text file:

    spec, input, images, classes, salt          what was computed; mean 0.5 and standard deviation 0.25 in every channel
    counts  n_params n_statistics
    train   loss error                          training mode, one batch
    infer   loss error                          inference mode with the running statistics of the formula
    tensor  key kind shape                      in the order of a point: parameters, then statistics
        parameter: norm of the gradient, its projection on hashes(key + "/probe"), its first, middle and last entry
        statistic: the same of the running statistic after the batch

A projection on pseudo-random numbers makes every entry count and every permutation show.
"""
import math
import pathlib
import sys

import numpy as np
import torch
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.resolve().parents[2] / "java" / "exchange"))

from isthmus_networks import network  # noqa: E402


# --- the formula -------------------------------------------------------------------------------------------------
def hashes(key: str, count: int) -> np.ndarray:
    """uint64 [count]: SplitMix64's finaliser of FNV-1a(key) + (index + 1) * golden ratio."""
    seed = 0xCBF29CE484222325
    for byte in key.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def signed(key: str, count: int) -> np.ndarray:
    """Multiples of 2^-23 in [-1, 1): exact in float32."""
    return (hashes(key, count) >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0


def value(key: str, shape) -> torch.Tensor:
    """Weights of variance 1 / fan-in; gamma and running variance in [0.5, 1.5); everything else in [-0.5, 0.5)."""
    u = signed(key, math.prod(shape))
    if len(shape) > 1:
        values = u * math.sqrt(3.0 / math.prod(shape[1:]))
    elif key.endswith("running_var") or (key.endswith("weight")):
        values = 1.0 + 0.5 * u
    else:
        values = 0.5 * u
    return torch.from_numpy(values.astype(np.float32).astype(np.float64)).reshape(shape)


# --- the cases ---------------------------------------------------------------------------------------------------
CASES = [  # file name, architecture, channels, height, width, classes, images
    ("resnet8-A", "resnet8:shortcut=A", 3, 8, 8, 10, 4),
    ("resnet8-A-odd", "resnet8:shortcut=A,width=5", 1, 9, 7, 3, 7),
    ("resnet20-A", "resnet20:shortcut=A", 3, 16, 16, 10, 2),
    ("resnet8-B", "resnet8:shortcut=B", 3, 8, 8, 10, 4),
    ("resnet8-B-odd", "resnet8:shortcut=B,width=5", 1, 9, 7, 3, 7),
    ("resnet20-B", "resnet20:shortcut=B", 3, 16, 16, 10, 2),
    ("densenet10-4", "densenet10-4", 3, 8, 8, 10, 4),
    ("densenet16-4-bc", "densenet16-4-bc", 3, 8, 8, 10, 4),
    ("densenet40-12", "densenet40-12", 3, 8, 8, 10, 2),
    ("densenet100-12-bc", "densenet100-12-bc", 3, 8, 8, 100, 2),
    ("mlp-linear", "mlp", 2, 3, 4, 3, 5),
    ("mlp-7-5", "mlp-7-5", 2, 3, 4, 3, 5),
    ("mlp-7-5-tanh", "mlp-7-5:activation=tanh", 2, 3, 4, 3, 5),
    ("mlp-6-sigmoid-bn", "mlp-6:activation=sigmoid,batchnorm=1", 2, 3, 4, 3, 5),
    ("cnn-4-6", "cnn-4-6", 3, 9, 11, 10, 4),
    ("cnn-4-6-everything", "cnn-4-6:batchnorm=1,kernel=5,dense=7", 3, 8, 8, 10, 4),
]


class Kinks:
    """Watches how near to 0 the inputs of ReLU come, relative to their root mean square."""

    def __init__(self):
        self.margin, self.relu = math.inf, F.relu

    def __enter__(self):
        def watched(x, inplace=False):
            self.margin = min(self.margin, (x.abs().min() / x.square().mean().sqrt()).item())
            return self.relu(x)

        F.relu = watched
        return self

    def __exit__(self, *_):
        F.relu = self.relu


def golden(name, spec, channels, height, width, classes, images):
    """Of ten salts the first whose images keep float32 on the same side of every kink as double, or the best."""
    best, lines = 0.0, []
    module = network(spec, channels, height, width, classes)
    for salt in range(10):
        with Kinks() as kinks:
            tried = passes(spec, channels, height, width, classes, images, salt, module)
        if kinks.margin > best:
            best, lines = kinks.margin, tried
        if best > 1e-5:
            break
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
    print(f"{name}: {', '.join(lines[4:8])}, margin {best:.1e}")


def passes(spec, channels, height, width, classes, images, salt, module):
    module = module.double()
    module.zero_grad()
    state = module.state_dict()
    keys = [k for k in state if not k.endswith("num_batches_tracked")]
    module.load_state_dict({k: value(k, state[k].shape) for k in keys}, strict=False)
    pixels = hashes(f"images{salt}", images * channels * height * width) >> np.uint64(56)
    x = (torch.from_numpy(pixels.astype(np.float64)).reshape(images, channels, height, width) / 255 - 0.5) / 0.25
    labels = torch.from_numpy((hashes(f"labels{salt}", images) % np.uint64(classes)).astype(np.int64))

    def metrics():
        logits = module(x)
        return F.cross_entropy(logits, labels), (logits.argmax(1) != labels).double().mean()

    module.eval()
    with torch.no_grad():
        infer_loss, infer_error = metrics()
    module.train()
    loss, error = metrics()
    loss.backward()

    parameters = dict(module.named_parameters())
    statistics = {k: v for k, v in module.state_dict().items() if k.endswith(("running_mean", "running_var"))}
    lines = [
        f"spec {spec}",
        f"input {channels} {height} {width}",
        f"images {images}",
        f"classes {classes}",
        f"salt {salt}",
        f"counts {sum(p.numel() for p in parameters.values())} {sum(s.numel() for s in statistics.values())}",
        f"train {loss.item():.17g} {error.item():.17g}",
        f"infer {infer_loss.item():.17g} {infer_error.item():.17g}",
    ]
    for kind, tensors in (("parameter", parameters), ("statistic", statistics)):
        for key, tensor in tensors.items():
            v = (tensor.grad if kind == "parameter" else tensor).detach().numpy().reshape(-1)
            numbers = [np.linalg.norm(v), v @ signed(key + "/probe", v.size), v[0], v[v.size // 2], v[-1]]
            shape = "x".join(map(str, tensor.shape))
            lines.append(f"tensor {key} {kind} {shape} " + " ".join(f"{n:.10g}" for n in numbers))
    return lines


def main():
    torch.set_num_threads(1)
    chosen = set(sys.argv[1:])
    for case in CASES:
        if not chosen or case[0] in chosen:
            golden(*case)


if __name__ == "__main__":
    main()
