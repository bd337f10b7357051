#!/usr/bin/env python3
"""Isthmus against PyTorch and JAX on one GPU, in one run. bench/gpu.sh installs what it needs and starts it.

    train     W2, one step of stochastic gradient descent: one point, and several at once
    path      W1, one step of the string method
    evaluate  W3, loss and error of several points on a data set

Every setting is a process of its own; those of one network, work and precision wait side by side and are timed in turn, in
rounds. All start from the same vectors and walk the same draws of images, crops and flips (stream.py). Before anything is timed
the losses of a setting's first five steps are compared with those of a judge, PyTorch in float32 without TF32 (JAX or the
engine where there is no PyTorch): a setting that is farther off than ALLOWANCE times PyTorch's eager setting of the same
precision, or than the floor, is a row that says so. So is one that fails.
"""
import argparse
import dataclasses
import datetime
import json
import math
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

from compare_pytorch import BUILD, HERE, Failed, Row, Worker, log, ratio_text

WORKS = {"train": "W2 training step", "path": "W1 path step", "evaluate": "W3 evaluation"}
NETS = {"resnet20": (128, 512), "resnet56": (256,), "densenet40-12": (64,), "densenet100-12-bc": (64,)}  # batches
ALLOWANCE, FLOOR = 2.0, {"fp32": 5e-3, "bf16": 2e-2}
CHECKED = 5  # steps whose losses are compared
LEARNING_RATE = 0.02
PEERS = ("PyTorch", "JAX")
TUNED = "max-autotune-no-cudagraphs"

# Floors of an H200, computed from bytes and operations, not measured: seconds of the gradient of an image in bf16, and of its
# evaluation. float32 storage: twice that.
FLOOR_GRADIENT = {"resnet20": 0.365e-3 / 512, "resnet56": 0.51e-3 / 256, "densenet40-12": 0.30e-3 / 64,
                  "densenet100-12-bc": 0.59e-3 / 64}
FLOOR_EVALUATION = {"resnet20": 0.62 / 6e6}


@dataclasses.dataclass(frozen=True)
class Setting:
    """What one process does. `setting` of PyTorch: layout or vmap, mode of torch.compile or eager, perhaps graph; of JAX: map or
    vmap over points."""

    net: str
    work: str
    precision: str
    side: str
    setting: str
    batch: int  # of an evaluation: images in a chunk of the peers
    points: int
    images: int
    steps: int  # in a sample
    ready: bool  # the batch is the whole data set: neither drawn nor cropped nor flipped
    device: str
    library: str
    common: str
    learning_rate: float = LEARNING_RATE

    def amount(self):
        """Images in a step."""
        return self.points * (self.images if self.work == "evaluate" else self.batch)

    def floor(self):
        """Seconds of a step that an H200 cannot do without, or None."""
        gradient, forward = FLOOR_GRADIENT.get(self.net), FLOOR_EVALUATION.get(self.net)
        if self.work == "evaluate":
            seconds = forward and self.amount() * forward
        elif self.work == "path":
            seconds = forward and gradient and self.batch * ((self.points - 2) * gradient + 2 * forward)
        else:
            seconds = gradient and self.amount() * gradient
        return seconds and seconds * (1 if self.precision == "bf16" else 2)

    def text(self):
        points = f", {self.points} {'pivots' if self.work == 'path' else 'points'}" if self.points > 1 else ""
        return f"{self.setting}{points}{', batch ready' if self.ready else ''}"


# --- measuring ----------------------------------------------------------------------------------------------------


def python_of(a, side):
    return {"PyTorch": a.torch, "JAX": a.jax}.get(side) or sys.executable


def variants(a, net, work, precision):
    """(side, setting, points, ready)"""
    several, compiled = a.several, [m for m in (a.tuned,) if m]
    graph = a.device == "cuda"
    with_graph = lambda text: f"{text}, graph" if graph else text
    if work == "train":
        for n in (1, *several):
            yield "Isthmus", "C API", n, False
        if not (a.quick and graph):
            yield "Isthmus", "C API", several[-1], True
        yield "PyTorch", "nchw, eager" if precision == "fp32" else "channels_last, eager", 1, False
        for mode in compiled:
            yield "PyTorch", with_graph(f"channels_last, {mode}"), 1, False
        yield "JAX", "map", 1, False
        if a.quick and graph:
            return
        for mode in compiled or ["eager"]:
            yield "PyTorch", with_graph(f"channels_last, {mode}"), 1, True
        if precision == "bf16":
            if graph:
                yield "PyTorch", "channels_last, eager, graph", 1, False
                yield "PyTorch", "channels_last, reduce-overhead", 1, False
            yield "PyTorch", with_graph("vmap, eager"), several[0], False
            if not net.startswith("densenet"):
                for mode in compiled:
                    yield "PyTorch", with_graph(f"nchw, {mode}"), 1, False
                    yield "PyTorch", with_graph(f"vmap, {mode}"), several[0], False
            yield "JAX", "vmap", several[0], False
            yield "JAX", "map", 1, True
        return
    n = a.pivots if work == "path" else a.points
    yield "Isthmus", "C API", n, False
    yield "PyTorch", "nchw, eager" if precision == "fp32" else "channels_last, eager", n, False
    for mode in ["eager"] if a.quick and graph and work == "evaluate" else compiled:
        yield "PyTorch", with_graph(f"channels_last, {mode}"), n, False
    yield "JAX", "map", n, False
    if not (a.quick and graph):
        yield "JAX", "vmap", n, False


def setting_of(a, net, work, precision, batch, side, text, points, ready):
    steps = 1 if work == "evaluate" else CHECKED if work == "path" or a.quick else 2 * CHECKED
    return Setting(net, work, precision, side, text, batch, points, a.eval_images if work == "evaluate" else a.images, steps, ready,
                   a.device, str(a.library), str(a.scratch / f"{net}-{work}-{batch}.npz"))


def worker(a, setting, number=0):
    cache = a.scratch / "inductor" / ("shared" if a.quick else str(number))
    return Worker(setting, a.limit, python_of(a, setting.side), HERE / "gpu_worker.py", cache)


def answer_once(a, setting):
    process = worker(a, setting)
    try:
        return process.answer()
    finally:
        process.close()


def used_mib(a):
    """Memory of the device that is in use, by whomever."""
    return float(query("memory.used", "nounits")) if a.device == "cuda" else 0.0


def query(what, *form):
    device = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    done = subprocess.run(["nvidia-smi", f"--id={device}", f"--query-gpu={what}",
                           "--format=" + ",".join(("csv", "noheader", *form))], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[0]


def distance(got, wanted):
    """Relative Euclidean distance of the losses of the first steps; infinite where one is not a number."""
    pairs = [(g, w) for got_step, wanted_step in zip(got[:CHECKED], wanted[:CHECKED]) for g, w in zip(got_step, wanted_step)]
    found = math.sqrt(sum((g - w) ** 2 for g, w in pairs)) / math.sqrt(sum(w * w for _, w in pairs))
    return found if math.isfinite(found) else math.inf


def judge_of(a, net, work, batch, points):
    """{ready: losses}, who judged, and what the engine says of the network and the device."""
    make = lambda side, text, ready: setting_of(a, net, work, "exact", batch, side, text, points, ready)
    about = answer_once(a, dataclasses.replace(make("common", "", False), precision="fp32"))
    side, text = ("PyTorch", "nchw, eager") if a.torch else ("JAX", "map") if a.jax else ("Isthmus", "C API")
    kinds = (False, True) if work == "train" and not (a.quick and a.device == "cuda") else (False,)
    return {ready: answer_once(a, make(side, text, ready))["losses"] for ready in kinds}, side, about


def compare(a, net, work, precision, batch, judge):
    """The rows of one network, work, batch and precision."""
    rows = [Row(setting_of(a, net, work, precision, batch, *variant)) for variant in variants(a, net, work, precision)
            if variant[0] == "Isthmus" or getattr(a, {"PyTorch": "torch", "JAX": "jax"}[variant[0]])]
    workers, eager = {}, 0.0
    for i, row in enumerate(rows):
        before = used_mib(a)
        try:
            a.count += 1
            workers[i] = worker(a, row.setting, a.count)
            row.about = workers[i].answer()
            row.about["device_mib"] = used_mib(a) - before
            row.about["distance"] = distance(row.about.pop("losses"), judge[row.setting.ready])
        except Failed as e:
            row.error = str(e)
        log(f"  {row.setting.side}, {row.setting.text()}: " + (f"failed: {row.error}" if row.error else
            f"first call {row.about['first_s']:.1f} s, losses differ by {row.about['distance']:.1e}"))
    for row in rows:
        if row.setting.side == "PyTorch" and row.setting.setting.endswith("eager") and not row.error and row.setting.points == 1:
            eager = row.about["distance"] if math.isfinite(row.about["distance"]) else 0.0
    for row in rows:
        bound = max(FLOOR[precision], ALLOWANCE * eager)
        if not row.error and row.about["distance"] > bound:
            row.error = f"not timed: losses of the first steps are {row.about['distance']:.1e} from the judge's, allowed {bound:.1e}"
            log(f"  {row.setting.side}, {row.setting.text()}: {row.error}")
    for i, row in enumerate(rows):
        if row.error and i in workers:
            workers.pop(i).close()
    for r in range(a.rounds):
        for i, row in enumerate(rows):
            if row.error:
                continue
            try:
                row.rounds[r], row.peak_mib = workers[i].measure(a.seconds, -(-a.samples // a.rounds))
            except (Failed, OSError) as e:
                row.error = str(e)
                log(f"  {row.setting.side}, {row.setting.text()}: failed: {row.error}")
    for process in workers.values():
        process.close()
    for row in rows:
        if row.rounds:
            log(f"  {row.setting.side}, {row.setting.text()}: {row.rate():.0f} images/s")
    return rows


# --- the report ---------------------------------------------------------------------------------------------------


def fastest(rows, sides, ready=False):
    measured = [row for row in rows if row.rounds and row.setting.side in sides and row.setting.ready == ready]
    return max(measured, key=Row.rate, default=None)


def share_of_floor(a, row):
    seconds = row.setting.floor()
    return f"{100 * seconds / statistics.median(row.times()):.0f} %" if seconds and "H200" in a.name else "-"


def described(s):
    return {"train": f"training step, batch {s.batch}", "path": f"path step, {s.points} pivots, batch {s.batch}",
            "evaluate": f"evaluation, {s.points} points, {s.images} images"}[s.work]


def group_lines(a, rows):
    s = rows[0].setting
    lines = ["", f"### {s.net}, {described(s)}, {s.precision}", "",
             "| side | setting | n | ms a step | 10-90 % | images/s | strongest peer / this | % of floor | first call s | device MiB "
             "| allocator's peak MiB | losses differ by |", "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        if not row.rounds:
            lines.append(f"| {row.setting.side} | {row.setting.text()} | {row.error.replace('|', '/') or 'not measured'} "
                         + "| " * 9 + "|")
            continue
        times, peer = row.times(), fastest(rows, PEERS, row.setting.ready)
        low, *_, high = (1e3 * t for t in statistics.quantiles(times if len(times) > 1 else 2 * times, n=10, method="inclusive"))
        ratio = f"{row.rate() / peer.rate():.2f}" if peer else "-"
        memory = f"{row.about['device_mib']:.0f}" if a.device == "cuda" else "-"
        peak = f"{row.peak_mib:.0f}" if row.peak_mib else "-"
        ended = f", then {row.error.replace('|', '/')}" if row.error else ""
        lines.append(f"| {row.setting.side} | {row.setting.text()}{ended} | {len(times)} x {row.setting.steps} "
                     f"| {statistics.median(times) * 1e3:.4g} | {low:.4g} - {high:.4g} | {row.rate():.0f} | {ratio} "
                     f"| {share_of_floor(a, row)} | {row.about['first_s']:.1f} | {memory} | {peak} | {row.about['distance']:.1e} |")
    return lines


def summary_lines(a, groups):
    lines = ["| network | work | precision | Isthmus images/s | its setting | strongest peer images/s | its setting "
             "| ratio (rounds) | % of floor |", "|---|---|---|---|---|---|---|---|---|"]
    for rows in groups:
        s = rows[0].setting
        for ready in sorted({row.setting.ready for row in rows}):
            own, peer = fastest(rows, ("Isthmus",), ready), fastest(rows, PEERS, ready)
            lines.append(f"| {s.net} | {described(s)} | {s.precision} "
                         + (f"| {own.rate():.0f} | {own.setting.text()} " if own else "| - | not measured ")
                         + (f"| {peer.rate():.0f} | {peer.setting.side}: {peer.setting.text()} " if peer else "| - | none ")
                         + (f"| **{ratio_text(own, peer)}** " if own and peer else "| - ")
                         + (f"| {share_of_floor(a, own)} |" if own else "| - |"))
    return lines


def claim(groups):
    ratios = [own.rate() / peer.rate() for rows in groups
              for own, peer in [(fastest(rows, ("Isthmus",)), fastest(rows, PEERS))] if own and peer]
    if not ratios:
        return "No comparison: one of the sides is missing everywhere."
    reached = sum(ratio >= 3 for ratio in ratios)
    return (f"Isthmus does {min(ratios):.2f} to {max(ratios):.2f} times the images a second of the strongest peer setting of the same "
            f"precision; at least 3 times, the target, in {reached} of {len(ratios)} comparisons.")


def report(a, groups, machines, judges, seconds):
    trial = a.device == "cpu"
    lines = [f"# Isthmus against PyTorch and JAX on {'a processor: a trial, no time means anything' if trial else a.name}", ""]
    lines += [] if trial else [f"**{claim(groups)}**", ""]
    lines += [f"* {datetime.date.today()}; {a.name}{'' if trial else f', driver {a.driver}'}; " + "; ".join(machines)
              + f"; Python {platform.python_version()}; {platform.system()} {platform.release()}"]
    lines += [f"* {a.note}"] if a.note else []
    lines += [f"* {sentence}" for sentence in a.absent]
    lines += [f"* Command: `{' '.join(('bench/gpu.sh', *a.command.split()))}`, {seconds / 60:.0f} minutes"
              + ("; a quick run: few samples, no autotuning" if a.quick else ""),
              f"* n samples x steps in a sample, in {a.rounds} interleaved rounds, every setting in a process of its own, warm; the device "
              "is waited for after a sample. Median of samples, 10th to 90th percentile; ratios compare medians, in brackets the least "
              "and greatest of a round",
              "* Batches are drawn (the peers': before), cropped, flipped and normalised on the device within the time; *batch ready*: the "
              "whole data set is the batch, which the peers have normalised in memory and Isthmus reads from bytes",
              "* fp32: Isthmus on a GPU splits factors into two TF32 numbers and keeps float32's accuracy; the peers may use TF32. bf16: autocast "
              "in PyTorch, activations in JAX",
              "* first call: building, compiling, capturing and the first sample; device MiB: rise of the device's used memory by the "
              "process, context and caches included",
              "* % of floor: seconds that an H200 cannot do without, computed from bytes and operations (bf16; fp32 twice that), over "
              "the median; on other devices none is given",
              f"* losses differ by: relative distance of the losses of the first {CHECKED} steps from "
              f"{' and '.join(sorted(judges))} in float32; {ALLOWANCE:.0f} times eager PyTorch's or {FLOOR['fp32']:g} (fp32), "
              f"{FLOOR['bf16']:g} (bf16) are allowed", "", "## Summary", "", *summary_lines(a, groups), "", "## Everything"]
    for rows in groups:
        lines += group_lines(a, rows)
    return "\n".join(lines) + "\n"


# --- the command line ---------------------------------------------------------------------------------------------


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    some_of = lambda choices: lambda text: [word for word in text.split(",") if choices.index(word) >= 0]
    p.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: a trial of this program, eager and tiny")
    p.add_argument("--quick", action="store_true", help="ResNet-20 alone, few settings and samples, no autotuning")
    p.add_argument("--works", type=some_of(list(WORKS)), default=list(WORKS), help="some of train,path,evaluate (all)")
    p.add_argument("--nets", type=some_of(list(NETS)), default=list(NETS), help=f"of train, some of {','.join(NETS)} (all)")
    p.add_argument("--precisions", type=some_of(["bf16", "fp32"]), help="some of bf16,fp32 (both; bf16 in a quick run)")
    p.add_argument("--compile", choices=("default", TUNED, "none"), help="mode of torch.compile (autotuned; default in a quick run)")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--samples", type=int, default=35, help="at least, of all rounds together (%(default)s)")
    p.add_argument("--seconds", type=float, default=0.5, help="at least, per setting and round (%(default)s)")
    p.add_argument("--limit", type=float, default=1200, help="seconds for any answer, compiling included (%(default)s)")
    p.add_argument("--torch", help="Python that has PyTorch")
    p.add_argument("--jax", help="Python that has JAX")
    p.add_argument("--absent", action="append", default=[], help="a sentence about a peer that is not there")
    p.add_argument("--library", type=pathlib.Path, default=BUILD / "native" / "libisthmus_cpu.so", help="libisthmus_cpu.so")
    p.add_argument("--out", help="Markdown file to write; raw samples are appended to the .jsonl beside it")
    p.add_argument("--note", help="a line for the head of the Markdown file")
    p.add_argument("--command", default="", help="what to call this run's arguments in the report")
    a = p.parse_args()
    a.scratch, a.count = BUILD / "gpu-peers" / "run", 0
    a.several, a.images, a.pivots, a.points, a.eval_images, a.chunk = (4, 16), 50000, 10, 10, 60000, 1000
    a.batches = {net: NETS[net] for net in a.nets}
    a.path_net, a.path_batch = "resnet20", 512
    a.tuned = TUNED
    if a.quick:
        a.batches = {"resnet20": (512,)}
        a.several, a.rounds, a.samples, a.seconds, a.tuned = (8,), 3, 6, 0.1, "default"
    if a.device == "cpu":
        a.batches, a.path_net, a.path_batch = {"resnet8": (8,), "densenet10-4": (8,)}, "resnet8", 8
        a.several, a.images, a.pivots, a.points, a.eval_images, a.chunk = (2,), 64, 4, 3, 32, 16
        a.rounds, a.samples, a.seconds, a.tuned = 2, 2, 0, None
    if a.compile:
        a.tuned = None if a.compile == "none" else a.compile
    a.precisions = a.precisions or (["bf16"] if a.quick and a.device == "cuda" else ["bf16", "fp32"])
    if a.device == "cuda":
        a.name, a.driver = query("name"), query("driver_version")
    else:
        a.name, a.driver = platform.processor() or platform.machine(), "-"
    name = re.sub("[^a-z0-9]+", "-", a.name.lower()).strip("-")
    trial = BUILD / "bench-gpu-trial.md"
    a.out = pathlib.Path(a.out or (trial if a.device == "cpu" else HERE.parent / "results" / f"{datetime.date.today()}-{name}.md"))
    return a


def main():
    a = arguments()
    start = time.perf_counter()
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the sides share the device
    shutil.rmtree(a.scratch, ignore_errors=True)
    a.scratch.mkdir(parents=True)
    a.out.parent.mkdir(parents=True, exist_ok=True)
    plan = [(net, "train", batch) for net, batches in a.batches.items() for batch in batches if "train" in a.works]
    plan += [(a.path_net, "path", a.path_batch)] if "path" in a.works else []
    plan += [(a.path_net, "evaluate", a.chunk)] if "evaluate" in a.works else []
    groups, missing, machines, judges = [], [], {}, set()
    for net, work, batch in plan:
        points = {"train": max(1, *a.several), "path": a.pivots, "evaluate": a.points}[work]
        try:
            judge, side, about = judge_of(a, net, work, batch, points)
        except Failed as e:
            log(f"{net}, {work}: failed before anything was timed: {e}")
            missing.append(f"{net} {work}")
            continue
        judges.add(side)
        machines["common"] = about["machine"]
        for precision in a.precisions:
            log(f"{net}, {WORKS[work]}, batch {batch}, {precision} ({time.perf_counter() - start:.0f} s)")
            rows = compare(a, net, work, precision, batch, judge)
            groups.append(rows)
            machines |= {row.setting.side: row.about["machine"] for row in rows if row.about and row.setting.side in PEERS}
            if not fastest(rows, ("Isthmus",)):
                missing.append(f"{net} {work} {precision}")
            with open(a.out.with_suffix(".jsonl"), "a") as file:
                file.writelines(json.dumps(dataclasses.asdict(row)) + "\n" for row in rows)
            a.out.write_text(report(a, groups, machines.values(), judges, time.perf_counter() - start))
    if groups:
        print(a.out.read_text())
    if missing:
        sys.exit(f"Isthmus was not measured in: {', '.join(missing)}; the reasons are above")


if __name__ == "__main__":
    main()
