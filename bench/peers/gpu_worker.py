#!/usr/bin/env python3
"""One side in one setting on a GPU, in a process of its own: gpu_worker.py SETTING, a JSON object with the keys of
compare_gpu.Setting. Speaks as worker.py does; its first answer also holds the losses of the first steps, from the vectors in
the common file. A sample is `steps` steps, after which the device is waited for; its time is given per step.

The side "common" writes that file with the engine: [points] vectors as the engine initialises them, for an evaluation with
running statistics of their own.
"""
import json
import pathlib
import sys
import time

import numpy as np

from data import CLASSES, MEAN, STD, images_of
from stream import draws_of
from worker import answer, pivots_between, training_flops

SEGMENTS = 4  # of the peers' draws, each of `steps` steps; they are walked round and round


def images_for(s):
    if s["work"] == "evaluate":
        return images_of(s["images"])
    return images_of(s["batch"] if s["ready"] else s["images"])


def engine_for(s, images, labels, points):
    from engine import Isthmus

    return Isthmus(s["net"], images, labels, CLASSES, "bf16" if s["precision"] == "bf16" else "fp32", points, 0, MEAN, STD,
                   pathlib.Path(s["library"]), s["device"])


def common(s):
    net = engine_for(s, *images_for(s), s["points"])
    if s["work"] == "evaluate":
        net.recompute_statistics(min(64, s["images"]), 4)
    vectors = np.stack([net.read(i) for i in range(s["points"])])
    if s["work"] == "path":
        vectors = pivots_between(vectors[0], vectors[-1], s["points"])
    table = [(name, offset, shape) for name, _, offset, shape in net.tensors()]
    np.savez(s["common"], vectors=vectors, table=json.dumps(table), n_params=net.n_params)
    return {"machine": net.description, "forward_flops": net.flops, "training_flops": training_flops(net)}


def isthmus(s, vectors):
    """A function of the number of the sample that gives losses [steps][points], and what the side says of itself."""
    net = engine_for(s, *images_for(s), s["points"])
    for i, vector in enumerate(vectors):
        net.write(i, vector)
    crop, steps, rate = 0 if s["ready"] else 4, s["steps"], s["learning_rate"]
    if s["work"] == "train":
        run = lambda k: net.descend(s["batch"], steps, rate, crop, k * steps)
    elif s["work"] == "path":
        run = lambda k: net.relax(s["batch"], steps, rate, crop, k * steps)
    else:
        run = lambda k: np.array([[loss for loss, _ in net.evaluate()] for _ in range(steps)])
    return run, {"machine": net.description}


def draws_for(s):
    """[steps of all segments][points][4][batch]"""
    n_images = s["batch"] if s["ready"] else s["images"]
    crop = 0 if s["ready"] else 4
    return np.stack([np.stack([draws_of(1, point, step, s["batch"], n_images, crop) for point in range(s["points"])])
                     for step in range(SEGMENTS * s["steps"])])


class InTurn:
    """Several works, one after another in every step."""

    def __init__(self, works):
        self.works = works

    def step(self):
        import torch

        return torch.cat([work.step() for work in self.works])


def pytorch(s, vectors):
    import torch

    import gpu_peer

    cuda = s["device"] == "cuda"
    torch.set_float32_matmul_precision("highest" if s["precision"] == "exact" else "high")
    torch.backends.cudnn.allow_tf32 = s["precision"] != "exact"
    torch.backends.cudnn.benchmark = True
    layout, mode, *more = s["setting"].split(", ")
    precision = "bf16" if s["precision"] == "bf16" else "fp32"
    images, labels = images_for(s)
    head = (s["net"], precision)
    if s["work"] == "evaluate":
        work = gpu_peer.Evaluation(*head, layout, mode, s["device"], vectors, images, labels, s["batch"])
    elif s["work"] == "path":
        draws = gpu_peer.Draws(images, labels, draws_for(s), False, s["device"])
        work = gpu_peer.DevicePath(*head, layout, mode, s["device"], vectors, draws, s["learning_rate"])
    elif layout == "vmap":
        draws = gpu_peer.Draws(images, labels, draws_for(s), False, s["device"])
        work = gpu_peer.Ensemble(*head, mode, s["device"], vectors, draws, s["learning_rate"])
    else:
        all_draws = draws_for(s)
        work = InTurn([gpu_peer.Training(*head, layout, mode, s["device"], vectors[i:], gpu_peer.Draws(
            images, labels, np.ascontiguousarray(all_draws[:, i:i + 1]), s["ready"], s["device"]), s["learning_rate"])
            for i in range(s["points"])])
        work = work.works[0] if s["points"] == 1 else work
    if "graph" in more:
        work = gpu_peer.graphed(work)

    def run(k):
        losses = [work.step().clone() if k == 0 else work.step() for _ in range(s["steps"])]
        if cuda:
            torch.cuda.synchronize()
        return torch.stack(losses).cpu().numpy() if k == 0 else None

    versions = f"PyTorch {torch.__version__}"
    if cuda:
        versions += f", CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    return run, {"machine": versions, "allocated": lambda: torch.cuda.max_memory_reserved() / 2**20 if cuda else None}


def jax(s, vectors):
    import jax as library

    import jax_peer

    if s["device"] == "cuda" and library.default_backend() != "gpu":
        raise RuntimeError("this JAX sees no GPU")
    with np.load(s["common"]) as file:
        table, n_params = json.loads(str(file["table"])), int(file["n_params"])
    head = (s["net"], table, s["precision"], n_params, vectors, *images_for(s))
    mode = s["setting"]
    if s["work"] == "evaluate":
        work = jax_peer.Evaluation(*head, s["batch"], mode)
    else:
        draws = draws_for(s)
        draws = draws.reshape(SEGMENTS, s["steps"], *draws.shape[1:])
        if s["work"] == "path":
            work = jax_peer.DevicePath(*head, draws, s["learning_rate"], mode)
        else:
            work = jax_peer.Training(*head, draws, s["learning_rate"], mode, s["ready"])
    work.reset()

    def run(k):
        if s["work"] != "evaluate":
            return np.asarray(work.step().block_until_ready())
        return np.concatenate([work.step().block_until_ready() for _ in range(s["steps"])])

    def allocated():
        found = library.devices()[0].memory_stats()
        return found["peak_bytes_in_use"] / 2**20 if found else None

    return run, {"machine": f"JAX {library.__version__}", "allocated": allocated}


def main():
    s = json.loads(sys.argv[1])
    if s["side"] == "common":
        return answer(common(s))
    with np.load(s["common"]) as file:
        vectors = file["vectors"][:s["points"]]
    start = time.perf_counter()
    run, about = {"Isthmus": isthmus, "PyTorch": pytorch, "JAX": jax}[s["side"]](s, vectors)
    allocated = about.pop("allocated", lambda: None)
    losses = run(0)
    first = time.perf_counter() - start
    answer(about | {"first_s": first, "losses": np.asarray(losses, np.float64).tolist()})
    count = 1
    for line in sys.stdin:
        wanted = json.loads(line)
        run(count)  # the other sides had the device in between
        times, begin, count = [], time.perf_counter(), count + 1
        while len(times) < wanted["samples"] or time.perf_counter() - begin < wanted["seconds"]:
            start = time.perf_counter()
            run(count)
            times.append((time.perf_counter() - start) / s["steps"])
            count += 1
        answer({"seconds": times, "peak_mib": allocated()})


if __name__ == "__main__":
    main()
