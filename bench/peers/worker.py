#!/usr/bin/env python3
"""One side in one setting, in a process of its own: worker.py SETTING, a JSON object with the keys of compare_pytorch.Setting.

It prepares the work, does it once (PyTorch compiles here, Isthmus too), prints what it found, then answers every line
{"seconds": S, "samples": N} on standard input with the times of at least N samples and S seconds. Lines are JSON.
"""
import itertools
import json
import os
import sys
import time

import numpy as np

from data import CLASSES, MEAN, STD, images_of

# Whatever libraries print goes to standard error; answers keep the real standard output.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

DATA = 2000  # images that batches are drawn from
DENSE_SHARE = 5  # a sample of the dense evaluation is a fifth of the points, in turn


def pivots_between(first, last, count):
    return np.stack([first + (last - first) * np.float32(i / (count - 1)) for i in range(count)])


def isthmus(s):
    from engine import Isthmus

    images, labels = images_of(s["images"] or max(DATA, s["batch"]))
    share = s["points"] // DENSE_SHARE
    n = {"train": s["threads"], "infer": 1, "path": s["pivots"], "dense": share}[s["work"]]
    net = Isthmus(s["net"], images, labels, CLASSES, s["precision"], n, s["threads"], MEAN, STD)
    crop = 0 if s["setting"] == "no crop or flip" else 4
    about = {"machine": net.description, "forward_flops": net.flops, "training_flops": training_flops(net)}
    if s["work"] == "train":
        return (lambda: net.descend(s["batch"], 1, crop=crop)), about
    if s["work"] == "infer":
        return net.evaluate, about
    between = pivots_between(net.read(0), net.read(1), s["pivots"] if s["work"] == "path" else s["points"])
    if s["work"] == "path":
        for i, vector in enumerate(between):
            net.write(i, vector)
        return (lambda: net.relax(s["batch"], 1)), about
    sets = []
    for vectors in np.split(between, DENSE_SHARE):
        net.points = net.more_points(share)
        for i, vector in enumerate(vectors):
            net.write(i, vector)
        sets.append(net.points)
    turn = itertools.cycle(sets)

    def dense():
        net.points = next(turn)
        net.evaluate()

    return dense, about


def training_flops(net):
    """Of an image: thrice the forward pass, less the input gradient of the first convolution, which nobody needs."""
    _, _, _, shape = next(net.tensors())
    return 3 * net.flops - 2 * int(np.prod(shape)) * 32 * 32


def pytorch(s):
    import torch

    import peer

    torch.set_num_threads(s["threads"])
    torch.manual_seed(0)
    layout, mode = s["setting"].split(", ")
    net = peer.Net(s["net"], s["precision"], layout, mode)
    about = {"machine": f"PyTorch {torch.__version__}"}
    if s["work"] == "train":
        descent = peer.Descent(net)
        x, y = net.inputs(*images_of(s["batch"]))
        if mode == "eager":
            about["drawing_s"] = drawing_seconds(s["batch"])
        return (lambda: descent.step(x, y)), about
    if s["work"] == "infer":
        x, _ = net.inputs(*images_of(s["batch"]))
        net.module.eval()

        def infer():
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=s["precision"] == "bf16"):
                net.run(x)

        return infer, about
    other = peer.Net(s["net"])
    between = torch.from_numpy(pivots_between(net.vector().numpy(), other.vector().numpy(),
                                              s["pivots"] if s["work"] == "path" else s["points"]))
    if s["work"] == "path":
        x, y = net.inputs(*images_of(max(DATA, s["batch"])))
        path = peer.Path(net, between)

        def draw():
            chosen = torch.randint(len(x), (s["batch"],))
            return x[chosen].contiguous(memory_format=net.memory), y[chosen]

        return (lambda: path.step(draw)), about
    x, y = net.inputs(*images_of(s["images"]))
    turn = itertools.cycle(between.split(s["points"] // DENSE_SHARE))
    return (lambda: peer.evaluate(net, next(turn), x, y)), about


def drawing_seconds(batch):
    """What a batch costs when it is drawn, cropped, flipped and normalised in PyTorch; not part of the timed step."""
    import torch

    import peer

    images, labels = map(torch.from_numpy, images_of(DATA))
    times = []
    for _ in range(9):
        start = time.perf_counter()
        peer.augmented(images, labels, batch)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def peak_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def answer(message):
    print(json.dumps(message), file=ANSWERS, flush=True)


def main():
    setting = json.loads(sys.argv[1])
    step, about = (isthmus if setting["side"] == "Isthmus" else pytorch)(setting)
    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    step()
    answer(about | {"first_s": first})
    for line in sys.stdin:
        wanted = json.loads(line)
        times, begin = [], time.perf_counter()
        while len(times) < wanted["samples"] or time.perf_counter() - begin < wanted["seconds"]:
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        answer({"seconds": times, "peak_mib": peak_mib()})


if __name__ == "__main__":
    main()
