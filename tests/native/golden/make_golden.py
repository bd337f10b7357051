#!/usr/bin/env python3
"""Writes the golden files beside it: the networks of Isthmus as plain PyTorch modules, in double.

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
from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent


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


# --- the networks ------------------------------------------------------------------------------------------------
class PadShortcut(nn.Module):
    """He et al. 2015, option A: every second pixel, zero channels half before and half after."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.before, self.after, self.stride = (outputs - inputs) // 2, (outputs - inputs + 1) // 2, stride

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride == 1 and inputs == outputs:
            self.downsample = nn.Identity()
        elif shortcut == "A":
            self.downsample = PadShortcut(inputs, outputs, stride)
        else:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(h)) + self.downsample(x))


class ResNet(nn.Module):
    """CIFAR ResNet of depth 6n + 2 (He et al. 2015, section 4.2)."""

    def __init__(self, depth, channels, classes, shortcut, width=16):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for stage in range(3):
            outputs = width << stage
            blocks = []
            for block in range((depth - 2) // 6):
                blocks.append(Block(inputs, outputs, 2 if stage > 0 and block == 0 else 1, shortcut))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear_out = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear_out(x.mean((2, 3)))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth, bottleneck):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        if bottleneck:
            self.conv1 = nn.Conv2d(inputs, 4 * growth, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(4 * growth)
            self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)
        self.bottleneck = bottleneck

    def forward(self, x):
        z = self.conv1(F.relu(self.bn1(x)))
        if self.bottleneck:
            z = self.conv2(F.relu(self.bn2(z)))
        return torch.cat((x, z), 1)


class Transition(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv1(F.relu(self.bn1(x))), 2)


class DenseNet(nn.Module):
    """DenseNet for CIFAR (Huang et al. 2016) with three blocks and 2 * growth stem channels."""

    def __init__(self, depth, growth, channels, classes, bottleneck, compression):
        super().__init__()
        layers = (depth - 4) // (6 if bottleneck else 3)
        width = 2 * growth
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        for block in (1, 2, 3):
            stack = []
            for _ in range(layers):
                stack.append(DenseLayer(width, growth, bottleneck))
                width += growth
            setattr(self, f"dense{block}", nn.Sequential(*stack))
            if block < 3:
                reduced = int(width * compression)
                setattr(self, f"trans{block}", Transition(width, reduced))
                width = reduced
        self.bn1 = nn.BatchNorm2d(width)
        self.linear_out = nn.Linear(width, classes)

    def forward(self, x):
        x = self.trans1(self.dense1(self.conv1(x)))
        x = self.dense3(self.trans2(self.dense2(x)))
        return self.linear_out(F.relu(self.bn1(x)).mean((2, 3)))


class MLP(nn.Module):
    def __init__(self, inputs, widths, classes, activation, batch_norm=False):
        super().__init__()
        self.body = nn.Sequential()
        for i, width in enumerate(widths):
            layer = OrderedDict(linear=nn.Linear(inputs, width))
            if batch_norm:
                layer["batch_norm"] = nn.BatchNorm1d(width)
            layer["activation"] = activation()
            self.body.add_module(f"layer_{i}", nn.Sequential(layer))
            inputs = width
        self.final = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.final(self.body(x.flatten(1)))


class CNN(nn.Module):
    """Convolution, 2x2 maximum, [batch norm,] ReLU, any number of times; at most one hidden layer."""

    def __init__(self, channels, height, width, filters, classes, batch_norm=False, kernel=3, dense=0):
        super().__init__()
        self.conv = nn.Sequential()
        for i, outputs in enumerate(filters):
            layer = OrderedDict(conv=nn.Conv2d(channels, outputs, kernel, padding=kernel // 2), maxpool=nn.MaxPool2d(2))
            if batch_norm:
                layer["batchnorm"] = nn.BatchNorm2d(outputs)
            layer["activation"] = nn.ReLU()
            self.conv.add_module(f"conv_{i}", nn.Sequential(layer))
            channels, height, width = outputs, height // 2, width // 2
        inputs = channels * height * width
        self.fc = nn.Sequential()
        if dense:
            layer = OrderedDict(linear=nn.Linear(inputs, dense))
            if batch_norm:
                layer["batch_norm"] = nn.BatchNorm1d(dense)
            layer["activation"] = nn.ReLU()
            self.fc.add_module("fc_0", nn.Sequential(layer))
            inputs = dense
        self.final = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.final(self.fc(self.conv(x).flatten(1)))


# --- the cases ---------------------------------------------------------------------------------------------------
def cases():
    """file name, spec, channels, height, width, classes, images, module"""
    for s in "AB":
        yield f"resnet8-{s}", f"resnet8:shortcut={s}", 3, 8, 8, 10, 4, ResNet(8, 3, 10, s)
        yield f"resnet8-{s}-odd", f"resnet8:shortcut={s},width=5", 1, 9, 7, 3, 7, ResNet(8, 1, 3, s, 5)
        yield f"resnet20-{s}", f"resnet20:shortcut={s}", 3, 16, 16, 10, 2, ResNet(20, 3, 10, s)
    yield "densenet10-4", "densenet10-4", 3, 8, 8, 10, 4, DenseNet(10, 4, 3, 10, False, 1.0)
    yield "densenet16-4-bc", "densenet16-4-bc", 3, 8, 8, 10, 4, DenseNet(16, 4, 3, 10, True, 0.5)
    yield "densenet40-12", "densenet40-12", 3, 8, 8, 10, 2, DenseNet(40, 12, 3, 10, False, 1.0)
    yield "densenet100-12-bc", "densenet100-12-bc", 3, 8, 8, 100, 2, DenseNet(100, 12, 3, 100, True, 0.5)


    yield "mlp-linear", "mlp", 2, 3, 4, 3, 5, MLP(24, (), 3, nn.ReLU)
    yield "mlp-7-5", "mlp-7-5", 2, 3, 4, 3, 5, MLP(24, (7, 5), 3, nn.ReLU)
    yield "mlp-7-5-tanh", "mlp-7-5:activation=tanh", 2, 3, 4, 3, 5, MLP(24, (7, 5), 3, nn.Tanh)
    sigmoid = MLP(24, (6,), 3, nn.Sigmoid, True)
    yield "mlp-6-sigmoid-bn", "mlp-6:activation=sigmoid,batchnorm=1", 2, 3, 4, 3, 5, sigmoid
    yield "cnn-4-6", "cnn-4-6", 3, 9, 11, 10, 4, CNN(3, 9, 11, (4, 6), 10)
    everything = CNN(3, 8, 8, (4, 6), 10, True, 5, 7)
    yield "cnn-4-6-everything", "cnn-4-6:batchnorm=1,kernel=5,dense=7", 3, 8, 8, 10, 4, everything


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


def golden(name, spec, channels, height, width, classes, images, module):
    """Of ten salts the first whose images keep float32 on the same side of every kink as double, or the best."""
    best, lines = 0.0, []
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
    for case in cases():
        if not chosen or case[0] in chosen:
            golden(*case)


if __name__ == "__main__":
    main()
