"""PyTorch's side on a GPU, as strong as it gets: one step is a function that never waits for the device, so a CUDA graph can hold it.

Every class has `step()`, one step on the batch of its place in the draws, which gives a tensor of losses, and `reset()`, back
to the start. Networks and path are those of peer.py.
"""
import torch
from torch.nn import functional as F

from data import MEAN, STD
from peer import Net, Path, names_of


def taken(images, labels, draw):
    """The batch of a draw [4][batch] (stream.py) from bytes [n][3][h][w]: cropped, flipped, normalised."""
    image, dy, dx, flip = draw.long().unbind(0)
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) + dy[:, None]
    columns = torch.arange(width, device=images.device)
    columns = torch.where(flip[:, None] > 0, width - 1 - columns, columns) + dx[:, None]
    inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[:, None, None, :]
    channels = torch.arange(images.shape[1], device=images.device)
    x = images[image[:, None, None, None], channels[None, :, None, None],
               rows.clamp(0, height - 1)[:, None, :, None], columns.clamp(0, width - 1)[:, None, None, :]]
    return torch.where(inside, (x.float() / 255 - MEAN) / STD, 0.0), labels[image]


def compiled(function, mode):
    """mode: eager, or one of torch.compile."""
    return function if mode == "eager" else torch.compile(function, mode=mode, dynamic=False)


class Draws:
    """Batches on the device: draws [steps][points][4][batch], walked round and round; or, with `ready`, one normalised batch."""

    def __init__(self, images, labels, draws, ready, device):
        self.images, self.labels = torch.from_numpy(images).to(device), torch.from_numpy(labels).long().to(device)
        self.draws, self.place = torch.from_numpy(draws).to(device), torch.zeros(1, dtype=torch.long, device=device)
        self.batch = taken(self.images, self.labels, self.draws[0, 0]) if ready else None

    def next(self):
        """[points][4][batch]"""
        draw = self.draws.index_select(0, self.place)[0]
        self.place.add_(1).remainder_(len(self.draws))
        return draw


class Training:
    """One point."""

    def __init__(self, spec, precision, layout, mode, device, vectors, draws, learning_rate):
        self.net, self.draws = Net(spec, precision, layout, device=device), draws
        self.start = torch.from_numpy(vectors[0]).to(device)
        self.net.module.train()
        self.sgd = torch.optim.SGD(self.net.parameters, learning_rate, momentum=0.9, weight_decay=1e-4,
                                   **({"fused": True} if device == "cuda" else {}))
        self.of_draw = compiled(self.loss_of_draw, mode)
        self.of_batch = compiled(self.net.loss, mode)
        self.reset()

    def loss_of_draw(self, draw):
        x, y = taken(self.draws.images, self.draws.labels, draw)
        return self.net.loss(x.contiguous(memory_format=self.net.memory), y)

    def reset(self):
        self.net.load(self.start)
        self.draws.place.zero_()
        for state in self.sgd.state.values():
            state["momentum_buffer"].zero_()
        if self.draws.batch:
            self.batch = self.draws.batch[0].contiguous(memory_format=self.net.memory), self.draws.batch[1]

    def step(self):
        self.sgd.zero_grad(set_to_none=True)
        loss = self.of_batch(*self.batch) if self.draws.batch else self.of_draw(self.draws.next()[0])
        loss.backward()
        self.sgd.step()
        return loss.detach()[None]


class Ensemble:
    """Several points at once: torch.func's functional call under vmap, one optimiser over the stacked parameters."""

    def __init__(self, spec, precision, mode, device, vectors, draws, learning_rate):
        self.net, self.draws = Net(spec, precision, device=device), draws
        self.net.module.train()
        self.vectors = torch.from_numpy(vectors).to(device)
        names = names_of(self.net.module)
        shapes = [t.shape for t in self.net.parameters + self.net.statistics]
        stacked = [t.reshape(len(vectors), *shape) for t, shape in zip(self.split(), shapes)]
        count = len(self.net.parameters)
        self.parameters = {n: t.clone().requires_grad_() for n, t in zip(names[:count], stacked)}
        self.statistics = {n: t.clone() for n, t in zip(names[count:], stacked[count:])}
        self.counters = {n: torch.zeros(len(vectors), dtype=torch.long, device=device)
                         for n, _ in self.net.module.named_buffers() if n.endswith("num_batches_tracked")}
        self.sgd = torch.optim.SGD(self.parameters.values(), learning_rate, momentum=0.9, weight_decay=1e-4,
                                   **({"fused": True} if device == "cuda" else {}))
        self.of_draw = compiled(self.losses, mode)
        self.reset()

    def split(self):
        return self.vectors.split([t.numel() for t in self.net.parameters + self.net.statistics], 1)

    @torch.no_grad()
    def reset(self):
        for tensor, values in zip([*self.parameters.values(), *self.statistics.values()], self.split()):
            tensor.copy_(values.reshape(tensor.shape))
        self.draws.place.zero_()
        for state in self.sgd.state.values():
            state["momentum_buffer"].zero_()

    def losses(self, draw):
        n, _, batch = draw.shape
        x, y = taken(self.draws.images, self.draws.labels, draw.transpose(0, 1).reshape(4, n * batch))

        def loss(parameters, buffers, x, y):
            with self.net.autocast():
                return F.cross_entropy(torch.func.functional_call(self.net.module, (parameters, buffers), (x,)), y)

        return torch.func.vmap(loss)(self.parameters, self.statistics | self.counters, x.reshape(n, batch, *x.shape[1:]),
                                     y.reshape(n, batch))

    def step(self):
        self.sgd.zero_grad(set_to_none=True)
        losses = self.of_draw(self.draws.next())
        losses.sum().backward()
        self.sgd.step()
        return losses.detach()


class DevicePath(Path):
    """The string method: pivots loaded into one module one after another, nothing read back to the host."""

    def __init__(self, spec, precision, layout, mode, device, vectors, draws, learning_rate):
        net = Net(spec, precision, layout, device=device)
        self.start, self.draws = torch.from_numpy(vectors).to(device), draws
        super().__init__(net, self.start, learning_rate)
        self.of_draw = compiled(self.loss_of_draw, mode)

    def loss_of_draw(self, draw):
        x, y = taken(self.draws.images, self.draws.labels, draw)
        return self.net.loss(x.contiguous(memory_format=self.net.memory), y)

    def reset(self):
        self.values.copy_(self.start)
        self.velocity.zero_()
        self.draws.place.zero_()

    def step(self):
        net, n = self.net, self.net.n_params
        last = len(self.values) - 1
        draw, losses, gradients = self.draws.next(), [], torch.empty_like(self.velocity)
        for i in range(last + 1):
            net.load(self.values[i])
            if i in (0, last):
                with torch.no_grad():
                    losses.append(self.of_draw(draw[i]).detach().clone())
                continue
            for p in net.parameters:
                p.grad = None
            loss = self.of_draw(draw[i])
            loss.backward()
            losses.append(loss.detach().clone())
            gradients[i - 1] = net.gradient()
            self.values[i, n:] = torch.cat([s.flatten() for s in net.statistics])
        losses = torch.stack(losses)
        self.update(gradients, losses)
        self.respace()
        return losses

    def tangents(self, losses):
        """Path.tangents with its branches as weights of the two differences."""
        differences = self.values[1:, :self.net.n_params] - self.values[:-1, :self.net.n_params]
        below, here, above = losses[:-2], losses[1:-1], losses[2:]
        larger = torch.maximum((above - here).abs(), (below - here).abs())
        smaller = torch.minimum((above - here).abs(), (below - here).abs())
        rising, falling = (above > here) & (here > below), (above < here) & (here < below)
        up = torch.where(rising, 1.0, torch.where(falling, 0.0, torch.where(above > below, larger, smaller)))
        down = torch.where(rising, 0.0, torch.where(falling, 1.0, torch.where(above > below, smaller, larger)))
        tangents = up[:, None] * differences[1:] + down[:, None] * differences[:-1]
        return tangents / tangents.norm(dim=1, keepdim=True)


class Evaluation:
    """Loss and error of every point on a data set in chunks, inference mode; a step evaluates all points."""

    def __init__(self, spec, precision, layout, mode, device, vectors, images, labels, chunk):
        self.net = Net(spec, precision, layout, device=device)
        self.net.module.eval()
        self.vectors = torch.from_numpy(vectors).to(device)
        self.images = torch.from_numpy(images).to(device).split(chunk)
        self.labels = torch.from_numpy(labels).long().to(device).split(chunk)
        self.count = len(images)
        self.of_chunk = compiled(self.sums, mode)

    def sums(self, images, y):
        x = ((images.float() / 255 - MEAN) / STD).contiguous(memory_format=self.net.memory)
        with self.net.autocast():
            logits = self.net.module(x).float()
        return F.cross_entropy(logits, y, reduction="sum"), (logits.argmax(1) != y).sum()

    def reset(self):
        pass

    @torch.no_grad()
    def step(self):
        losses = []
        for vector in self.vectors:
            self.net.load(vector)
            sums = [self.of_chunk(x, y) for x, y in zip(self.images, self.labels)]
            losses.append(torch.stack([loss.double() for loss, _ in sums]).sum() / self.count)
        return torch.stack(losses)


def graphed(work):
    """`work`, its step replayed from one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            work.step()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    work.reset()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        losses = work.step()

    def replay():
        graph.replay()
        return losses

    work.step = replay
    return work
