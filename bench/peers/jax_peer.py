"""JAX's side on a GPU: networks on NHWC images, several steps in one jit of a scan, points by vmap or one after another by map.

A point is a flat vector as everywhere: the parameters, then the statistics, in the order of `table`, which has
[name, offset, shape] of every tensor.
"""
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from data import MEAN, STD

MOMENTUM, DECAY = 0.9, 1e-4


class Pass:
    """One pass through a network: reads tensors of a vector and notes the new statistics in training."""

    def __init__(self, table, vector, training, dtype):
        self.tensors = {name: vector[offset:offset + int(np.prod(shape))].reshape(shape) for name, offset, shape in table}
        self.training, self.dtype, self.statistics = training, dtype, {}

    def conv(self, x, name, stride=1):
        weights = self.tensors[name + ".weight"].transpose(2, 3, 1, 0).astype(self.dtype)
        pad = weights.shape[0] // 2
        return lax.conv_general_dilated(x, weights, (stride, stride), [(pad, pad)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def norm(self, x, name):
        t, values = self.tensors, x.astype(jnp.float32)
        mean, variance = t[name + ".running_mean"], t[name + ".running_var"]
        if self.training:
            count = x.size // x.shape[-1]
            seen, spread = values.mean((0, 1, 2)), values.var((0, 1, 2))
            self.statistics[name + ".running_mean"] = 0.9 * mean + 0.1 * seen
            self.statistics[name + ".running_var"] = 0.9 * variance + 0.1 * spread * (count / (count - 1))
            mean, variance = seen, spread
        scale = t[name + ".weight"] * lax.rsqrt(variance + 1e-5)
        return ((values - mean) * scale + t[name + ".bias"]).astype(self.dtype)

    def head(self, x):
        x = x.astype(jnp.float32).mean((1, 2)).astype(self.dtype)
        weights = self.tensors["linear_out.weight"].astype(self.dtype)
        return jnp.dot(x, weights.T).astype(jnp.float32) + self.tensors["linear_out.bias"]


def resnet(p, x, depth):
    x = jax.nn.relu(p.norm(p.conv(x, "conv1"), "bn1"))
    for stage in range(3):
        for block in range((depth - 2) // 6):
            name, stride = f"layer{stage + 1}.{block}", 2 if stage > 0 and block == 0 else 1
            z = jax.nn.relu(p.norm(p.conv(x, name + ".conv1", stride), name + ".bn1"))
            z = p.norm(p.conv(z, name + ".conv2"), name + ".bn2")
            if stride == 2:
                more = z.shape[-1] - x.shape[-1]
                x = jnp.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (more // 2, more - more // 2)))
            x = jax.nn.relu(z + x)
    return p.head(x)


def densenet(p, x, layers, bottleneck):
    x = p.conv(x, "conv1")
    for block in (1, 2, 3):
        for layer in range(layers):
            name = f"dense{block}.{layer}"
            z = p.conv(jax.nn.relu(p.norm(x, name + ".bn1")), name + ".conv1")
            if bottleneck:
                z = p.conv(jax.nn.relu(p.norm(z, name + ".bn2")), name + ".conv2")
            x = jnp.concatenate((x, z), -1)
        if block < 3:
            x = p.conv(jax.nn.relu(p.norm(x, f"trans{block}.bn1")), f"trans{block}.conv1")
            n, h, w, c = x.shape
            x = x.astype(jnp.float32).reshape(n, h // 2, 2, w // 2, 2, c).mean((2, 4)).astype(p.dtype)
    return p.head(jax.nn.relu(p.norm(x, "bn1")))


def forward_of(spec):
    numbers = [int(part) for part in spec.split("-") if part.isdigit()]
    if spec.startswith("resnet"):
        return functools.partial(resnet, depth=int(spec[len("resnet"):]))
    bottleneck = spec.endswith("-bc")
    depth = int(spec.split("-")[0][len("densenet"):])
    assert numbers, spec
    return functools.partial(densenet, layers=(depth - 4) // (6 if bottleneck else 3), bottleneck=bottleneck)


def taken(images, labels, draw):
    """The batch of a draw [4][batch] (stream.py) from bytes [n][h][w][3]: cropped, flipped, normalised."""
    image, dy, dx, flip = draw
    height, width = images.shape[1:3]
    rows = jnp.arange(height) + dy[:, None]
    columns = jnp.arange(width)
    columns = jnp.where(flip[:, None] > 0, width - 1 - columns, columns) + dx[:, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None, None] & ((columns >= 0) & (columns < width))[:, None, :, None]
    x = images[image[:, None, None], rows.clip(0, height - 1)[:, :, None], columns.clip(0, width - 1)[:, None, :]]
    return jnp.where(inside, (x.astype(jnp.float32) / 255 - MEAN) / STD, 0.0), labels[image]


def each(mode, function):
    """`function` of every point: vmap at once, map one after another."""
    return jax.vmap(function) if mode == "vmap" else lambda *arguments: lax.map(lambda a: function(*a), arguments)


class Work:
    """What the kinds of work share. step() does all steps of one segment of the draws [segments][steps][points][4][batch]."""

    def __init__(self, spec, table, precision, n_params, vectors, images, labels):
        self.table, self.n, self.forward = table, n_params, forward_of(spec)
        self.dtype = jnp.bfloat16 if precision == "bf16" else jnp.float32
        jax.config.update("jax_default_matmul_precision", "highest" if precision == "exact" else "default")
        self.vectors = jnp.asarray(vectors)
        self.images, self.labels = jnp.asarray(images.transpose(0, 2, 3, 1)), jnp.asarray(labels)
        self.place = 0

    def loss(self, params, statistics, x, y):
        """Loss of a batch and the new statistics."""
        p = Pass(self.table, jnp.concatenate((params, statistics)), True, self.dtype)
        logits = self.forward(p, x.astype(self.dtype))
        named = [p.statistics[name] for name, offset, _ in self.table if offset >= self.n]
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean(), lax.stop_gradient(jnp.concatenate(named))

    def reset(self):
        self.state, self.place = self.first(), 0

    def step(self):
        self.state, losses = self.run(self.state, self.images, self.labels, self.draws[self.place])
        self.place = (self.place + 1) % len(self.draws)
        return losses


class Training(Work):
    def __init__(self, spec, table, precision, n_params, vectors, images, labels, draws, learning_rate, mode, ready):
        super().__init__(spec, table, precision, n_params, vectors, images, labels)
        self.draws = jnp.asarray(draws)
        self.batch = jax.jit(taken)(self.images, self.labels, self.draws[0, 0, 0]) if ready else None

        def point(params, velocity, statistics, draw, images, labels):
            x, y = self.batch if ready else taken(images, labels, draw)
            (loss, statistics), gradient = jax.value_and_grad(self.loss, has_aux=True)(params, statistics, x, y)
            velocity = MOMENTUM * velocity + gradient + DECAY * params
            return params - learning_rate * velocity, velocity, statistics, loss

        def run(state, images, labels, draws):
            def one(state, draw):
                *state, losses = each(mode, lambda p, v, s, d: point(p, v, s, d, images, labels))(*state, draw)
                return tuple(state), losses
            return lax.scan(one, state, draws)

        self.run = jax.jit(run, donate_argnums=0)

    def first(self):
        params = self.vectors[:, :self.n]
        return params + 0, jnp.zeros_like(params), self.vectors[:, self.n:] + 0


class DevicePath(Work):
    """The string method with improved tangents; as peer.Path."""

    def __init__(self, spec, table, precision, n_params, vectors, images, labels, draws, learning_rate, mode):
        super().__init__(spec, table, precision, n_params, vectors, images, labels)
        self.draws = jnp.asarray(draws)
        n = n_params

        def gradient(vector, draw, images, labels):
            (loss, statistics), found = jax.value_and_grad(self.loss, has_aux=True)(vector[:n], vector[n:], *taken(images, labels, draw))
            return loss, statistics, found

        def one(state, draw, images, labels):
            values, velocity = state
            loss, statistics, gradients = each(mode, lambda v, d: gradient(v, d, images, labels))(values[1:-1], draw[1:-1])
            ends = each(mode, lambda v, d: self.loss(v[:n], v[n:], *taken(images, labels, d))[0])(values[::len(values) - 1],
                                                                                                 draw[::len(values) - 1])
            losses = jnp.concatenate((ends[:1], loss, ends[1:]))
            inner = values[1:-1, :n]
            tangents = tangents_of(values[:, :n], losses)
            force = gradients + DECAY * inner
            force -= (force * tangents).sum(1, keepdims=True) * tangents
            velocity = MOMENTUM * velocity + force
            moved = jnp.concatenate((inner - learning_rate * velocity, statistics), 1)
            return (respaced(jnp.concatenate((values[:1], moved, values[-1:])), n), velocity), losses

        def run(state, images, labels, draws):
            return lax.scan(lambda s, d: one(s, d, images, labels), state, draws)

        self.run = jax.jit(run, donate_argnums=0)

    def first(self):
        return self.vectors + 0, jnp.zeros_like(self.vectors[1:-1, :self.n])


def tangents_of(params, losses):
    """Henkelman & Jonsson 2000, equations 8 to 11."""
    differences = params[1:] - params[:-1]
    below, here, above = losses[:-2], losses[1:-1], losses[2:]
    larger = jnp.maximum(abs(above - here), abs(below - here))
    smaller = jnp.minimum(abs(above - here), abs(below - here))
    rising, falling = (above > here) & (here > below), (above < here) & (here < below)
    up = jnp.where(rising, 1.0, jnp.where(falling, 0.0, jnp.where(above > below, larger, smaller)))
    down = jnp.where(rising, 0.0, jnp.where(falling, 1.0, jnp.where(above > below, smaller, larger)))
    tangents = up[:, None] * differences[1:] + down[:, None] * differences[:-1]
    return tangents / jnp.linalg.norm(tangents, axis=1, keepdims=True)


def respaced(values, n):
    """Equal gaps along the polyline; the ends stay."""
    gaps = jnp.linalg.norm(values[1:, :n] - values[:-1, :n], axis=1)
    place, last = jnp.concatenate((jnp.zeros(1), jnp.cumsum(gaps))), len(values) - 1
    target = place[-1] * jnp.arange(1, last) / last
    segment = (jnp.searchsorted(place, target, side="right") - 1).clip(0, last - 1)
    fraction = ((target - place[segment]) / gaps[segment])[:, None]
    inner = values[segment] + fraction * (values[segment + 1] - values[segment])
    return jnp.concatenate((values[:1], inner, values[-1:]))


class Evaluation(Work):
    """Loss of every point on the data set in chunks, inference mode; a step evaluates all points."""

    def __init__(self, spec, table, precision, n_params, vectors, images, labels, chunk, mode):
        super().__init__(spec, table, precision, n_params, vectors, images, labels)
        count = len(images)
        self.images = self.images.reshape(count // chunk, chunk, *self.images.shape[1:])
        self.labels = self.labels.reshape(count // chunk, chunk)

        def sums(vector, x, y):
            x = ((x.astype(jnp.float32) / 255 - MEAN) / STD).astype(self.dtype)
            logits = self.forward(Pass(self.table, vector, False, self.dtype), x)
            return (-jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).sum(), (logits.argmax(1) != y).sum())

        def run(vectors, images, labels):
            found = lax.map(lambda batch: each(mode, lambda v: sums(v, *batch))(vectors), (images, labels))
            return found[0].sum(0) / count, found[1].sum(0)

        self.run = jax.jit(run)

    def reset(self):
        pass

    def step(self):
        return self.run(self.vectors, self.images, self.labels)[0][None]
