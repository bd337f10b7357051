#!/usr/bin/env python3
"""Whether both sides compute the same: agreement.py NET PRECISIONS THREADS BATCH WORK..., one JSON object on standard output.

The judge is PyTorch in float64. Isthmus and PyTorch in a precision to be timed do the same steps from the same vectors on the
same batches (a batch is a whole small data set, so the order of drawing does not matter; nothing is cropped or flipped), and
each is compared with the judge. Rounding grows from step to step and ReLUs within rounding of 0 open on one side only, so
PyTorch's own distance from the judge is the measure: Isthmus may be as far as ALLOWANCE times that, or as the floor.

    train   five steps of plain SGD with momentum and weight decay: every loss, every whole gradient;
            and one gradient at the batch size that is timed, where PyTorch in float32 is the judge
    path    two steps of a path of five pivots (improved tangents, respacing): losses, where the pivots went, and apart from
            them the running statistics
    infer, dense   losses of three points with running statistics of their own, in inference mode
"""
import itertools
import json
import sys

import numpy as np
import torch

from data import CLASSES, MEAN, STD, images_of
from engine import Isthmus
from peer import Descent, Net, Path, evaluate, names_of

ALLOWANCE = 2.0
STEPS, PATH_STEPS, PIVOTS = 5, 2, 5
LEARNING_RATE = 0.02


def few(spec):
    """Images of a batch that float64 sees."""
    return 4 if spec.startswith("densenet") else 8


def floor(precision, what):
    if what == "gradient" and precision == "fp32":
        return 5e-2  # one ReLU that opens on one side moves the gradients of the steps after it by a few percent
    return 5e-3 if precision == "fp32" else 2e-2


def distance(got, wanted):
    got, wanted = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def isthmus(spec, precision, points, batch, threads):
    net = Isthmus(spec, *images_of(batch), CLASSES, precision, points, threads, MEAN, STD)
    names = [name for name, _, _, _ in net.tensors()]
    if names != names_of(Net(spec).module):
        sys.exit(f"{spec}: the two sides name or order their tensors differently")
    return net


def both(judge, sides):
    """{what: [distance of Isthmus, distance of PyTorch]}; of a list the largest."""
    return {what: [max(map(distance, side[what], judge[what])) for side in sides] for what in judge}


def training(spec, precisions, threads):
    """{precision: {what: [distance of Isthmus, distance of PyTorch]}}"""
    n_images = few(spec)
    batches = [images_of(n_images, seed) for seed in range(STEPS)]
    start = torch.from_numpy(isthmus(spec, "fp32", 1, n_images, threads).read(0))

    def ours(precision):
        net, out = isthmus(spec, precision, 1, n_images, threads), {"loss": [], "gradient": []}
        for batch in batches:
            net.use(*batch)
            out["loss"].append(net.descend(n_images, 1, LEARNING_RATE, crop=0)[0, 0])
            out["gradient"].append(net.read_gradient(0))
        return out

    def theirs(precision):
        net, out = Net(spec, precision), {"loss": [], "gradient": []}
        net.load(start.to(net.dtype))
        descent = Descent(net, LEARNING_RATE)
        for batch in batches:
            out["loss"].append(descent.step(*net.inputs(*batch)).item())
            out["gradient"].append(net.gradient().numpy())
        return out

    judge = theirs("fp64")
    return {p: both(judge, [ours(p), theirs(p)]) for p in precisions}


def timed_batch(spec, precisions, threads, batch):
    def ours(precision):
        net = isthmus(spec, precision, 1, batch, threads)
        net.gradient(batch)
        return {f"gradient, batch {batch}": [net.read_gradient(0)]}

    def theirs(precision):
        net = Net(spec, precision)
        net.load(torch.from_numpy(start))
        net.module.train()
        net.loss(*net.inputs(*images_of(batch))).backward()
        return {f"gradient, batch {batch}": [net.gradient().numpy()]}

    start = isthmus(spec, "fp32", 1, batch, threads).read(0)
    judge = theirs("fp32")
    return {p: both(judge, [ours(p), theirs(p)]) for p in precisions}


def path(spec, precisions, threads):
    n_images = few(spec)
    batches = [images_of(n_images, seed) for seed in range(PATH_STEPS)]
    first = isthmus(spec, "fp32", 2, n_images, threads)
    ends, n = (first.read(0), first.read(1)), first.n_params
    start = np.stack([ends[0] + (ends[1] - ends[0]) * np.float32(i / (PIVOTS - 1)) for i in range(PIVOTS)])

    def result(losses, values):
        return {"path loss": [losses], "pivots": [(values - start)[:, :n]], "statistics": [values[:, n:]]}

    def theirs(precision):
        net = Net(spec, precision)
        walk = Path(net, torch.from_numpy(start).to(net.dtype))
        losses = [walk.step(lambda: net.inputs(*batch)) for batch in batches]
        return result(losses, walk.values.numpy())

    def ours(precision):
        net, losses = isthmus(spec, precision, PIVOTS, n_images, threads), []
        for i, vector in enumerate(start):
            net.write(i, vector)
        for batch in batches:
            net.use(*batch)
            losses.append(net.relax(n_images, 1, crop=0)[0])
        return result(losses, np.stack([net.read(i) for i in range(PIVOTS)]))

    judge = theirs("fp64")
    return {p: both(judge, [ours(p), theirs(p)]) for p in precisions}


def inference(spec, precisions, threads):
    images, labels = images_of(few(spec))
    first = isthmus(spec, "fp32", 3, len(images), threads)
    for step in range(3):
        first.gradient(len(images), step)  # moves the running statistics
    vectors = np.stack([first.read(i) for i in range(3)])

    def theirs(precision):
        net = Net(spec, precision)
        evaluated = evaluate(net, torch.from_numpy(vectors).to(net.dtype), *net.inputs(images, labels))
        return {"inference loss": [[loss for loss, _ in evaluated]]}

    def ours(precision):
        net = isthmus(spec, precision, 3, len(images), threads)
        for i, vector in enumerate(vectors):
            net.write(i, vector)
        return {"inference loss": [[loss for loss, _ in net.evaluate()]]}

    judge = theirs("fp64")
    return {p: both(judge, [ours(p), theirs(p)]) for p in precisions}


def main():
    spec, precisions, threads, batch, *works = sys.argv[1:]
    precisions, threads = precisions.split(","), int(threads)
    torch.set_num_threads(threads)
    distances = {p: {} for p in precisions}
    checks = []
    if "train" in works:
        checks += [training(spec, precisions, threads), timed_batch(spec, precisions, threads, int(batch))]
    if "path" in works:
        checks.append(path(spec, precisions, threads))
    if {"infer", "dense"} & set(works):
        checks.append(inference(spec, precisions, threads))
    for check, p in itertools.product(checks, precisions):
        distances[p] |= check[p]
    agrees = all(own <= max(floor(p, what), ALLOWANCE * peer)
                 for p in precisions for what, (own, peer) in distances[p].items())
    print(json.dumps({"agrees": agrees, "distances": distances}))


if __name__ == "__main__":
    main()
