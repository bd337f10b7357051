#!/usr/bin/env python3
"""Isthmus against PyTorch on this machine, in one run: training and inference of one network, images per second.

    python3 -m venv build/peers && build/peers/bin/pip install torch==2.8.0 numpy    # any recent PyTorch
    build/peers/bin/python bench/peers/compare_pytorch.py resnet20 --batch 128 --out bench/results/NAME.md

First losses and gradients of both are compared on the same weights and batch; nothing is timed if they differ. Then every
setting runs in a process of its own, one after another, in --rounds rounds; a figure is the median over all steps of all
rounds, the spread is the 10th and 90th percentile of single steps. PyTorch is given each of NCHW / channels_last, eager /
compiled; the table names the best of them per precision. Both sides draw and augment nothing in the timed PyTorch step
(its batch is ready in memory); Isthmus pays for drawing, cropping and flipping its batch.
"""
import argparse
import datetime
import itertools
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "native" / "golden"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))


def images_of(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, n).astype(np.int32)


def module_of(spec):
    from make_golden import DenseNet, ResNet

    name, _, keys = spec.partition(":")
    if name.startswith("resnet"):
        return ResNet(int(name[6:]), 3, 10, "B" if "shortcut=B" in keys else "A")
    depth, growth, *bc = name[len("densenet"):].split("-")
    return DenseNet(int(depth), int(growth), 3, 10, bool(bc), 0.5 if bc else 1.0)


def check(spec, batch):
    """Relative differences of the loss and (Euclidean) of the whole gradient, same weights, same batch.

    A ReLU whose input is within rounding of 0 may open on one side only, which is why single entries are not compared.
    """
    import torch
    from torch.nn import functional as F

    from engine import Isthmus

    images, labels = images_of(batch)
    ours = Isthmus(spec, images, labels, 10, "fp32", 1, 0)
    values = ours.read(0)
    module = module_of(spec)
    state = {name: torch.from_numpy(values[o : o + int(np.prod(s))].reshape(s).copy()) for name, _, o, s in ours.tensors()}
    state |= {k: v for k, v in module.state_dict().items() if k.endswith("num_batches_tracked")}
    module.load_state_dict(state, strict=True)
    x = (torch.from_numpy(images).float() / 255 - 0.5) / 0.25
    loss = F.cross_entropy(module(x), torch.from_numpy(labels).long())
    loss.backward()
    own_loss = float(ours.gradient(batch)[0])
    own = ours.read_gradient(0)
    parameters = dict(module.named_parameters())
    peer = np.concatenate([parameters[name].grad.numpy().ravel() for name, kind, _, _ in ours.tensors() if kind == 0])
    return max(abs(own_loss - loss.item()) / abs(loss.item()), np.linalg.norm(own - peer) / np.linalg.norm(peer))


def worker_isthmus(spec, precision, work, batch, threads, seconds):
    from engine import Isthmus

    images, labels = images_of(2000 if work == "infer" else max(batch, 10_000))
    points = threads if work == "train" else 1  # one point per core, as in a run of several minima
    net = Isthmus(spec, images, labels, 10, precision, points, threads)
    step = (lambda: net.evaluate()) if work == "infer" else (lambda: net.descend(batch, 1))
    per_step = len(images) if work == "infer" else points * batch
    return timed(step, per_step, seconds) | {"machine": net.description}


def worker_pytorch(spec, precision, work, layout, mode, batch, threads, seconds):
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    module = module_of(spec).to(memory_format=memory)
    images, labels = images_of(batch)
    x = ((torch.from_numpy(images).float() / 255 - 0.5) / 0.25).contiguous(memory_format=memory)
    y = torch.from_numpy(labels).long()
    run = torch.compile(module) if mode == "compiled" else module
    cast = lambda: torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    if work == "train":
        module.train()
        sgd = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)

        def step():
            sgd.zero_grad(set_to_none=True)
            with cast():
                loss = F.cross_entropy(run(x), y)
            loss.backward()
            sgd.step()
    else:
        module.eval()

        def step():
            with torch.inference_mode(), cast():
                run(x)

    return timed(step, batch, seconds) | {"machine": f"PyTorch {torch.__version__}"}


def timed(step, images, seconds):
    start = time.perf_counter()
    for _ in range(3):
        step()
    warm = time.perf_counter() - start
    times, start = [], time.perf_counter()
    while len(times) < 7 or time.perf_counter() - start < seconds:
        t = time.perf_counter()
        step()
        times.append((time.perf_counter() - t) / images)
    return {"seconds_per_image": times, "warm_up_s": warm}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("spec", nargs="?", default="resnet20")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--infer-batch", type=int, default=200)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=6, help="per setting and round")
    p.add_argument("--precision", default="fp32,bf16")
    p.add_argument("--work", default="train,infer")
    p.add_argument("--out", help="Markdown file to write")
    p.add_argument("--worker", help=argparse.SUPPRESS)
    a = p.parse_args()

    if a.worker:
        kind, work, precision, layout, mode = a.worker.split(",")
        batch = a.batch if work == "train" else a.infer_batch
        if kind == "isthmus":
            print(json.dumps(worker_isthmus(a.spec, precision, work, batch, a.threads, a.seconds)))
        else:
            print(json.dumps(worker_pytorch(a.spec, precision, work, layout, mode, batch, a.threads, a.seconds)))
        return

    worst = check(a.spec, min(a.batch, 64))
    print(f"loss and gradient agree to {worst:.1e}", file=sys.stderr)
    if not worst < 5e-3:  # PyTorch's own fp32 and fp64 gradients differ by up to 1e-3 here, for the same reason
        sys.exit(f"{a.spec}: the two sides compute different gradients ({worst:.1e}); nothing was timed")

    settings = []
    for work, precision in itertools.product(a.work.split(","), a.precision.split(",")):
        settings.append(("isthmus", work, precision, "-", "-"))
        for layout, mode in itertools.product(("nchw", "channels_last"), ("eager", "compiled")):
            settings.append(("pytorch", work, precision, layout, mode))
    samples, versions = {s: [] for s in settings}, {}
    for r in range(a.rounds):
        for s in settings:
            command = [sys.executable, __file__, a.spec, "--batch", str(a.batch), "--infer-batch", str(a.infer_batch),
                       "--threads", str(a.threads), "--seconds", str(a.seconds), "--worker", ",".join(s)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                print(f"{' '.join(s)}: failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                continue
            result = json.loads(done.stdout.splitlines()[-1])
            samples[s] += result["seconds_per_image"]
            versions[s[0]] = result["machine"]
            print(f"round {r + 1}/{a.rounds} {' '.join(s)}: {1 / statistics.median(result['seconds_per_image']):.0f} img/s", file=sys.stderr)

    rate = {s: 1 / statistics.median(t) for s, t in samples.items() if t}
    lines = [f"# {a.spec}: Isthmus against PyTorch, {a.threads} threads", "",
             f"* Command: `python bench/peers/compare_pytorch.py {' '.join(sys.argv[1:])}`",
             f"* Date {datetime.date.today()}; {versions.get('isthmus')}; {versions.get('pytorch')}; Python {platform.python_version()}; {platform.platform()}",
             f"* Training: batch {a.batch} (Isthmus: {a.threads} points at once, one per core, each its own batch of {a.batch}); inference: PyTorch batch {a.infer_batch}, Isthmus a whole evaluation of 2,000 images",
             f"* Loss and gradients of both agree to {worst:.1e} in fp32 before timing; median of {min(map(len, samples.values()))} or more steps over {a.rounds} interleaved rounds; spread = 10th to 90th percentile of single steps",
             "", "| work | precision | side | setting | img/s | spread | Isthmus / this |", "|---|---|---|---|---|---|---|"]
    for s in settings:
        if s not in rate:
            lines.append(f"| {s[1]} | {s[2]} | {s[0]} | {s[3]}, {s[4]} | failed | | |")
            continue
        q = np.quantile(samples[s], [0.1, 0.9])
        ratio = rate.get(("isthmus", s[1], s[2], "-", "-"), float("nan")) / rate[s]
        setting = "C API, one call a step" if s[0] == "isthmus" else f"{s[3]}, {s[4]}"
        lines.append(f"| {s[1]} | {s[2]} | {s[0]} | {setting} | {rate[s]:.0f} | {1 / q[1]:.0f} - {1 / q[0]:.0f} | {ratio:.2f} |")
    lines.append("")
    for work, precision in itertools.product(a.work.split(","), a.precision.split(",")):
        peers = [s for s in rate if s[:3] == ("pytorch", work, precision)]
        if peers:
            best = max(peers, key=rate.get)
            own = rate[("isthmus", work, precision, "-", "-")]
            lines.append(f"* {work} {precision}: Isthmus {own:.0f} img/s, best PyTorch {rate[best]:.0f} ({best[3]}, {best[4]}): **{own / rate[best]:.2f} x**")
    text = "\n".join(lines) + "\n"
    print(text)
    if a.out:
        pathlib.Path(a.out).write_text(text)


if __name__ == "__main__":
    main()
