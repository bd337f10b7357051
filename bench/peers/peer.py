"""PyTorch's side: the same networks, and the three kinds of work as a PyTorch user would write them.

A *vector* is a point: every parameter, then every running statistic, in the order of the state dictionary.
"""
import pathlib
import sys

import torch
from torch.nn import functional as F

from data import CLASSES, MEAN, STD

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "java" / "exchange"))

from isthmus_networks import network  # noqa: E402


def names_of(module):
    """The names of a vector's tensors, in order."""
    statistics = [name for name, _ in module.named_buffers() if not name.endswith("num_batches_tracked")]
    return [name for name, _ in module.named_parameters()] + statistics


class Net:
    """A module with its vector, in one of PyTorch's settings. precision: fp64, fp32 or bf16 (autocast)."""

    def __init__(self, spec, precision="fp32", layout="nchw", mode="eager", device="cpu"):
        self.precision, self.device = precision, device
        self.memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        self.dtype = torch.float64 if precision == "fp64" else torch.float32
        self.module = network(spec, 3, 32, 32, CLASSES).to(device, self.dtype, memory_format=self.memory)
        self.parameters = list(self.module.parameters())
        tensors = self.module.state_dict()
        self.statistics = [tensors[name] for name in names_of(self.module)[len(self.parameters):]]
        self.n_params = sum(p.numel() for p in self.parameters)
        self.run = torch.compile(self.module) if mode == "compiled" else self.module

    def inputs(self, images, labels):
        x = ((torch.from_numpy(images).to(self.dtype) / 255 - MEAN) / STD).contiguous(memory_format=self.memory)
        return x.to(self.device), torch.from_numpy(labels).long().to(self.device)

    def autocast(self):
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")

    def loss(self, x, y):
        with self.autocast():
            return F.cross_entropy(self.run(x), y)

    @torch.no_grad()
    def load(self, vector):
        offset = 0
        for tensor in self.parameters + self.statistics:
            tensor.copy_(vector[offset:offset + tensor.numel()].view(tensor.shape))
            offset += tensor.numel()

    def vector(self):
        return torch.cat([tensor.detach().flatten() for tensor in self.parameters + self.statistics])

    def gradient(self):
        return torch.cat([p.grad.flatten() for p in self.parameters])


class Descent:
    """Plain stochastic gradient descent on batches that are ready in memory."""

    def __init__(self, net, learning_rate=0.1):
        self.net = net
        net.module.train()
        self.sgd = torch.optim.SGD(net.parameters, learning_rate, momentum=0.9, weight_decay=1e-4)

    def step(self, x, y):
        self.sgd.zero_grad(set_to_none=True)
        loss = self.net.loss(x, y)
        loss.backward()
        self.sgd.step()
        return loss


class Path:
    """The string method in the authors' manner: one module, the pivots' vectors loaded into it one after another."""

    def __init__(self, net, vectors, learning_rate=0.01, momentum=0.9, weight_decay=1e-4):
        self.net, self.values = net, vectors.clone()
        self.learning_rate, self.momentum, self.weight_decay = learning_rate, momentum, weight_decay
        self.velocity = torch.zeros_like(self.values[1:-1, :net.n_params])
        net.module.train()

    def step(self, draw):
        """draw() gives one batch. Returns the losses of all pivots before the step."""
        net, n = self.net, self.net.n_params
        last = len(self.values) - 1
        losses, gradients = [], torch.empty_like(self.velocity)
        for i in range(last + 1):
            net.load(self.values[i])
            x, y = draw()
            if i in (0, last):
                with torch.no_grad():
                    losses.append(net.loss(x, y).item())
                continue
            for p in net.parameters:
                p.grad = None
            loss = net.loss(x, y)
            loss.backward()
            losses.append(loss.item())
            gradients[i - 1] = net.gradient()
            self.values[i, n:] = torch.cat([s.flatten() for s in net.statistics])
        self.update(gradients, losses)
        self.respace()
        return losses

    def update(self, gradients, losses):
        n = self.net.n_params
        inner = self.values[1:-1, :n]
        force = gradients + self.weight_decay * inner
        tangents = self.tangents(losses)
        force -= (force * tangents).sum(1, keepdim=True) * tangents
        self.velocity.mul_(self.momentum).add_(force)
        inner.sub_(self.learning_rate * self.velocity)

    def tangents(self, losses):
        """Henkelman & Jonsson 2000, equations 8 to 11."""
        differences = self.values[1:, :self.net.n_params] - self.values[:-1, :self.net.n_params]
        tangents = torch.empty_like(self.velocity)
        for i in range(1, len(losses) - 1):
            below, here, above = losses[i - 1:i + 2]
            larger, smaller = max(abs(above - here), abs(below - here)), min(abs(above - here), abs(below - here))
            if above > here > below:
                tangent = differences[i]
            elif above < here < below:
                tangent = differences[i - 1]
            elif above > below:
                tangent = larger * differences[i] + smaller * differences[i - 1]
            else:
                tangent = smaller * differences[i] + larger * differences[i - 1]
            tangents[i - 1] = tangent / tangent.norm()
        return tangents

    def respace(self):
        """Equal gaps along the polyline as it is; the ends stay."""
        n, last = self.net.n_params, len(self.values) - 1
        gaps = (self.values[1:, :n] - self.values[:-1, :n]).norm(dim=1).double()
        place = torch.cat([gaps.new_zeros(1), gaps.cumsum(0)])
        target = place[-1] * torch.arange(1, last, dtype=torch.float64, device=place.device) / last
        segment = (torch.searchsorted(place, target, right=True) - 1).clamp(0, last - 1)
        fraction = ((target - place[segment]) / gaps[segment]).to(self.values.dtype)[:, None]
        self.values[1:-1] = torch.lerp(self.values[segment], self.values[segment + 1], fraction)


def evaluate(net, vectors, x, y):
    """Loss and error of every vector on one batch, in inference mode."""
    net.module.eval()
    metrics = []
    for vector in vectors:
        net.load(vector)
        with torch.inference_mode(), net.autocast():
            logits = net.run(x).to(net.dtype)
            metrics.append((F.cross_entropy(logits, y).item(), (logits.argmax(1) != y).double().mean().item()))
    return metrics


def augmented(images, labels, batch, padding=4):
    """Draws a batch, crops and flips it, normalises it: what a data loader does, in one go on tensors."""
    chosen = torch.randint(len(images), (batch,))
    x = F.pad(images[chosen], (padding,) * 4)
    top, left = torch.randint(2 * padding + 1, (2, batch, 1, 1))
    rows = top + torch.arange(images.shape[2])[None, :, None]
    columns = torch.arange(images.shape[3])[None, None, :]
    columns = torch.where(torch.rand(batch, 1, 1) < 0.5, images.shape[3] - 1 - columns, columns) + left
    x = x[torch.arange(batch)[:, None, None, None], torch.arange(3)[None, :, None, None], rows[:, None], columns[:, None]]
    return (x.float() / 255 - MEAN) / STD, labels[chosen]
