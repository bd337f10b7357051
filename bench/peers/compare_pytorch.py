#!/usr/bin/env python3
"""Isthmus against PyTorch on this machine, in one run: training, inference, path steps and dense evaluation.

    ./isthmus bench --peers [options]      # installs PyTorch and NumPy from PyPI into build/peers, builds the engine

or by hand, when the engine and its native bench are built:

    python3 -m venv build/peers && build/peers/bin/pip install -r bench/peers/requirements.txt
    build/peers/bin/python bench/peers/compare_pytorch.py --out bench/results/NAME.md

Before a network is timed its losses, gradients, path steps and evaluations are compared (agreement.py); a network on which the
two sides differ is not timed. Then, for each network, work and precision, Isthmus and every setting of PyTorch (NCHW or
channels_last, eager or compiled) wait side by side in processes of their own and are timed in turn, in rounds. A setting of
PyTorch that is far from its best after the first round is measured no further: its row has fewer samples. The machine's
ceilings are probed before and after.

    train   one step of stochastic gradient descent. PyTorch: one network, its batch ready in memory. Isthmus: one point per
            thread, each with its own batch, which is drawn, cropped and flipped within the time
    infer   forward passes in inference mode. PyTorch: batches; Isthmus: an evaluation of a data set, with losses and errors
    path    one step of the string method. PyTorch as the authors do it: one pivot after another is loaded into the module,
            a batch drawn, losses and gradients collected, then tangents, projection, update and respacing on tensors
    dense   the points of a path evaluated on one data set. PyTorch: each loaded into the module. A sample is a fifth of them
"""
import argparse
import dataclasses
import datetime
import itertools
import json
import os
import pathlib
import platform
import selectors
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
WORKS = ("train", "infer", "path", "dense")
PRECISIONS = ("fp32", "bf16")
LAYOUTS = ("nchw", "channels_last")
MODES = ("eager", "compiled")
BARE = "no crop or flip"  # Isthmus without what it does beside PyTorch; measured in the first round only


@dataclasses.dataclass(frozen=True)
class Setting:
    """What one process does. `setting` is "layout, mode" of PyTorch, a remark of Isthmus."""

    net: str
    work: str
    precision: str
    side: str
    setting: str
    threads: int
    batch: int  # of train, path and PyTorch's infer
    images: int  # data set of infer and dense
    pivots: int
    points: int

    def amount(self):
        """Images in one sample."""
        if self.work == "train":
            return self.batch * (self.threads if self.side == "Isthmus" else 1)
        if self.work == "infer":
            return self.images if self.side == "Isthmus" else self.batch
        return self.pivots * self.batch if self.work == "path" else self.points // 5 * self.images

    def flops(self, forward, training):
        """In one sample."""
        if self.work == "path":
            return self.batch * ((self.pivots - 2) * training + 2 * forward)
        return self.amount() * (training if self.work == "train" else forward)


class Failed(Exception):
    """A setting cannot be measured; the sentence says why."""


class Worker:
    """The process of one setting; see worker.py. `program` is one that speaks as that does."""

    def __init__(self, setting, limit, python=sys.executable, program=HERE / "worker.py", cache=BUILD / "inductor"):
        self.limit = limit
        self.errors = tempfile.TemporaryFile("w+")
        environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(cache)}
        self.process = subprocess.Popen([str(python), str(program), json.dumps(dataclasses.asdict(setting))],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env=environment)

    def answer(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(self.limit):
                self.close()
                raise Failed(f"no answer within {self.limit:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise Failed((self.errors.read().strip().splitlines() or ["ended without a word"])[-1][:200])
        return json.loads(line)

    def measure(self, seconds, samples):
        self.process.stdin.write(json.dumps({"seconds": seconds, "samples": samples}) + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        return answer["seconds"], answer["peak_mib"]

    def close(self):
        self.process.kill()
        self.process.wait()


@dataclasses.dataclass
class Row:
    """A setting and what came out; `rounds` holds the times of samples, by round."""

    setting: Setting
    rounds: dict = dataclasses.field(default_factory=dict)
    about: dict = dataclasses.field(default_factory=dict)
    peak_mib: float = 0
    error: str = ""

    def times(self):
        return list(itertools.chain(*self.rounds.values()))

    def rate(self):
        return self.setting.amount() / statistics.median(self.times())


# --- measuring ----------------------------------------------------------------------------------------------------


def log(text):
    print(text, file=sys.stderr, flush=True)


def settings_of(a, net, work, precision):
    dense = net.startswith("densenet")
    batch = {"train": a.batch or (64 if dense else 128), "infer": a.infer_batch or (64 if dense else 200),
             "path": a.path_batch, "dense": 0}[work]
    images = {"infer": a.infer_images or (256 if dense else 1000), "dense": a.dense_images}.get(work, 0)
    common = dict(threads=a.threads, batch=batch, images=images, pivots=a.pivots, points=a.points)
    yield Setting(net, work, precision, "Isthmus", "C API, one call a sample", **common)
    if work == "train":
        yield Setting(net, work, precision, "Isthmus", BARE, **common)
    for mode, layout in itertools.product(a.modes, a.layouts):
        if f"{layout}:{mode}" in a.skip:
            continue
        yield Setting(net, work, precision, "PyTorch", f"{layout}, {mode}", **common)


def compare(a, net, work, precision):
    """The rows of one network, work and precision, all settings in turn."""
    rows = [Row(setting) for setting in settings_of(a, net, work, precision)]
    workers = {}
    for i, row in enumerate(rows):
        try:
            workers[i] = Worker(row.setting, a.limit)
            row.about = workers[i].answer()
        except Failed as e:
            row.error = str(e)
        log(f"  {row.setting.side}, {row.setting.setting}: "
            + (f"failed: {row.error}" if row.error else f"first call {row.about['first_s']:.1f} s"))
    samples = -(-a.samples // a.rounds)
    for r in range(a.rounds):
        best = max((row.rate() for row in rows if row.rounds and row.setting.side == "PyTorch"), default=0)
        for i, row in enumerate(rows):
            left_behind = row.setting.side == "PyTorch" and row.rounds and row.rate() * a.keep < best
            if row.error or (r > 0 and (left_behind or row.setting.setting == BARE)):
                continue
            try:
                row.rounds[r], row.peak_mib = workers[i].measure(a.seconds, samples)
            except (Failed, OSError) as e:
                row.error = str(e)
                log(f"  {row.setting.side}, {row.setting.setting}: failed: {row.error}")
    for worker in workers.values():
        worker.close()
    for row in rows:
        if row.rounds:
            log(f"  {row.setting.side}, {row.setting.setting}: {row.rate():.0f} images/s")
    return rows


def agreement(a, net, works):
    """The answer of agreement.py, or a sentence that says why there is none."""
    command = [sys.executable, str(HERE / "agreement.py"), net, ",".join(a.precisions), str(a.threads), str(a.batch or 64), *works]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["the comparison ended without a word"])[-1]
    return json.loads(done.stdout)


def probe(a):
    """{(what, threads): fastest rate}, operations or bytes per second; nothing where the native bench is not built."""
    program = BUILD / "native" / "bench" / "isthmus_bench"
    if not program.exists():
        log(f"no ceilings: {program} is not built; ./isthmus bench builds it")
        return {}
    command = [str(program), "--works", "probe", "--json", "-", "--threads", str(a.threads)]
    done = subprocess.run(command + (["--samples", "3"] if a.quick else []), capture_output=True, text=True)
    lines = map(json.loads, done.stdout.splitlines())
    return {(line["what"], line["threads"]): line["amount"] / min(line["seconds"]) for line in lines if "seconds" in line}


# --- the report ---------------------------------------------------------------------------------------------------


def described(a, setting):
    return {"train": f"training step, batch {setting.batch}",
            "infer": f"inference, batch {setting.batch}; Isthmus: {setting.images} images",
            "path": f"path step, {setting.pivots} pivots, batch {setting.batch}",
            "dense": f"dense evaluation, {setting.points} points, {setting.images} images"}[setting.work]


def best_of(rows, side):
    """The fastest row of a side; of Isthmus the one that does all the work."""
    measured = [row for row in rows if row.rounds and row.setting.side == side and row.setting.setting != BARE]
    return max(measured, key=Row.rate, default=None)


def ratio_text(own, peer):
    """Ratio of the medians, and its least and greatest value in a round that both were in."""
    amounts = own.setting.amount() / peer.setting.amount()
    rounds = [amounts * statistics.median(peer.rounds[r]) / statistics.median(own.rounds[r])
              for r in own.rounds.keys() & peer.rounds.keys()]
    return f"{own.rate() / peer.rate():.2f} ({min(rounds):.2f} - {max(rounds):.2f})"


def group_lines(a, rows, ceilings):
    first = rows[0].setting
    own = best_of(rows, "Isthmus")
    lines = ["", f"### {first.net}, {described(a, first)}, {first.precision}", "",
             "| side | setting | n | ms | 10-90 % | images/s | % of ceiling | Isthmus / this | first call s | peak MiB |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    ceiling = ceilings.get((f"{first.precision} multiply-add", first.threads))
    for row in rows:
        s = row.setting
        if not row.rounds:
            lines.append(f"| {s.side} | {s.setting} | failed: {row.error.replace('|', '/')} | | | | | | | |")
            continue
        times = row.times()
        low, *_, high = (1e3 * decile for decile in statistics.quantiles(times if len(times) > 1 else 2 * times, n=10, method="inclusive"))
        share = "-"
        if own and ceiling:
            flops = s.flops(own.about["forward_flops"], own.about["training_flops"])
            share = f"{100 * flops / statistics.median(times) / ceiling:.0f} %"
        ratio = f"{own.rate() / row.rate():.2f}" if own else "-"
        lines.append(f"| {s.side} | {s.setting} | {len(times)} | {statistics.median(times) * 1e3:.4g} | {low:.4g} - {high:.4g} "
                     f"| {row.rate():.0f} | {share} | {ratio} | {row.about['first_s']:.2f} | {row.peak_mib:.0f} |")
    drawing = [row.about["drawing_s"] for row in rows if "drawing_s" in row.about]
    if drawing:
        lines += ["", f"Not in PyTorch's time: drawing, cropping and flipping its batch in PyTorch, {min(drawing) * 1e3:.3g} ms."]
    return lines


def summary_lines(groups):
    lines = ["| network | work | precision | Isthmus images/s | best PyTorch images/s | its setting | ratio (rounds) |",
             "|---|---|---|---|---|---|---|"]
    for rows in groups:
        s, own, peer = rows[0].setting, best_of(rows, "Isthmus"), best_of(rows, "PyTorch")
        if own and peer:
            lines.append(f"| {s.net} | {s.work} | {s.precision} | {own.rate():.0f} | {peer.rate():.0f} | {peer.setting.setting} "
                         f"| **{ratio_text(own, peer)}** |")
        else:
            lines.append(f"| {s.net} | {s.work} | {s.precision} | - | - | failed | - |")
    by_key = {(rows[0].setting.net, rows[0].setting.work, rows[0].setting.precision): rows for rows in groups}
    for (net, work, precision), rows in by_key.items():
        own, peer = best_of(by_key.get((net, work, "bf16"), []), "Isthmus"), best_of(rows, "PyTorch")
        if precision == "fp32" and own and peer:
            lines.append(f"| {net} | {work} | bf16 / fp32 | {own.rate():.0f} | {peer.rate():.0f} | {peer.setting.setting} "
                         f"| {own.rate() / peer.rate():.2f} |")
    return lines


def agreement_lines(agreements):
    lines = ["| network | precision | what | Isthmus | PyTorch |", "|---|---|---|---|---|"]
    for net, answer in agreements.items():
        if isinstance(answer, str):
            lines.append(f"| {net} | failed: {answer.replace('|', '/')} | | | |")
            continue
        for precision, distances in answer["distances"].items():
            for what, (own, peer) in distances.items():
                lines.append(f"| {net} | {precision} | {what} | {own:.1e} | {peer:.1e} |")
    return lines


def report(a, groups, agreements, ceilings, seconds):
    machines = {row.setting.side: row.about["machine"] for rows in groups for row in rows if row.about}
    lines = [f"# Isthmus against PyTorch, {a.threads} threads", "",
             f"* {datetime.date.today()}; {machines.get('Isthmus', '')}; {machines.get('PyTorch', '')}; Python "
             f"{platform.python_version()}; {platform.system()} {platform.release()}"]
    lines += [f"* {a.note}"] if a.note else []
    lines += [f"* Command: `./isthmus bench --peers{command_text()}`, {seconds / 60:.0f} minutes",
              f"* n samples in up to {a.rounds} interleaved rounds, every setting in a process of its own that was warm; median, and "
              "10th to 90th percentile of samples. Ratios compare medians; in brackets the least and greatest ratio of a round. "
              f"A PyTorch setting more than {100 * (a.keep - 1):.0f} % behind its best after a round was measured no further",
              "* first call: PyTorch compiles (torch.compile) and Isthmus compiles primitives; peak: the process's largest "
              "resident memory (VmHWM), libraries included",
              "* % of ceiling: operations of convolutions and linear layers (2 per multiply-add; training: three forward passes "
              "less the input gradient of the first convolution) over the multiply-add rate of the same precision below",
              "", "## Summary", "", *summary_lines(groups), "", "## Agreement before timing", "",
              "Relative Euclidean distance from PyTorch in float64, the largest of all steps (a gradient at the timed batch: from "
              f"PyTorch in float32). What is checked, and when it is enough: head of `bench/peers/agreement.py`.", "",
              *agreement_lines(agreements), "", "## Ceilings of this machine", "", "| what | threads | fastest |", "|---|---|---|"]
    for (what, threads), rate in sorted(ceilings.items()):
        lines.append(f"| {what} | {threads} | {rate / 1e9:.3g} {'GFLOP/s' if 'multiply' in what else 'GB/s'} |")
    lines += ["", "## Everything"]
    for rows in groups:
        lines += group_lines(a, rows, ceilings)
    return "\n".join(lines) + "\n"


def command_text():
    """The arguments that decide what is measured."""
    words, skip = [], False
    for word in sys.argv[1:]:
        if not skip and word not in ("--out", "--json", "--note"):
            words.append(word)
        skip = not skip and word in ("--out", "--json", "--note")
    return "".join(" " + word for word in words)


def json_lines(groups):
    return "".join(json.dumps(dataclasses.asdict(row)) + "\n" for rows in groups for row in rows)


# --- the command line ---------------------------------------------------------------------------------------------


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def some_of(choices):
        def parse(text):
            chosen = tuple(text.split(","))
            for word in chosen:
                if word not in choices:
                    raise argparse.ArgumentTypeError(f"'{word}' is not one of {', '.join(choices)}")
            return chosen
        return parse

    def positive(text):
        if not text.isdigit() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"must be a whole number above 0, got '{text}'")
        return int(text)

    p.add_argument("nets", nargs="*", default=["resnet20", "resnet56", "densenet40-12", "densenet100-12-bc"],
                   help="networks (%(default)s)")
    p.add_argument("--quick", action="store_true", help="tiny networks, eager only, one short round: does the bench work?")
    p.add_argument("--works", type=some_of(WORKS), default=WORKS, help="some of train,infer,path,dense (all)")
    p.add_argument("--precisions", type=some_of(PRECISIONS), default=PRECISIONS, help="fp32,bf16 (both)")
    p.add_argument("--layouts", type=some_of(LAYOUTS), default=LAYOUTS, help="PyTorch's: nchw,channels_last (both)")
    p.add_argument("--modes", type=some_of(MODES), default=MODES, help="PyTorch's: eager,compiled (both)")
    p.add_argument("--skip", type=some_of([f"{x}:{y}" for x in LAYOUTS for y in MODES]), default=(),
                   help="settings to leave out, such as nchw:compiled, which takes long to compile")
    p.add_argument("--path-net", help="network of path and dense (the first)")
    p.add_argument("--threads", type=positive, default=os.cpu_count(), help="of each side (all)")
    p.add_argument("--rounds", type=positive, default=5)
    p.add_argument("--samples", type=positive, default=20, help="at least, of all rounds together (%(default)s)")
    p.add_argument("--seconds", type=float, default=1.5, help="at least, per setting and round (%(default)s)")
    p.add_argument("--keep", type=float, default=1.15, help="measure on what is within this factor of PyTorch's best (%(default)s)")
    p.add_argument("--limit", type=float, default=600, help="seconds for any answer, compiling included (%(default)s)")
    p.add_argument("--batch", type=positive, help="of training (128, DenseNets 64)")
    p.add_argument("--infer-batch", type=positive, help="of PyTorch's inference (200, DenseNets 64)")
    p.add_argument("--infer-images", type=positive, help="of Isthmus's evaluation (1000, DenseNets 256)")
    p.add_argument("--path-batch", type=positive, default=128)
    p.add_argument("--pivots", type=positive, default=10, help="of the path, its ends included (%(default)s)")
    p.add_argument("--points", type=positive, default=100, help="of the dense evaluation (%(default)s)")
    p.add_argument("--dense-images", type=positive, default=200)
    p.add_argument("--out", help="Markdown file to write")
    p.add_argument("--json", help="raw samples, one JSON object per setting and line")
    p.add_argument("--note", help="a line for the head of the Markdown file")
    a = p.parse_args()
    if a.quick:
        a.nets, a.modes, a.rounds, a.samples, a.seconds = ["resnet8", "densenet10-4"], ("eager",), 2, 2, 0
        a.batch, a.infer_batch, a.infer_images, a.path_batch, a.points, a.dense_images = 8, 8, 16, 8, 10, 8
    if a.points % 5 or a.points < 10 or a.pivots < 3:
        p.error("--points must be a multiple of 5 and at least 10, --pivots at least 3")
    return a


def main():
    a = arguments()
    start = time.perf_counter()
    path_net = a.path_net or a.nets[0]
    works = {net: [w for w in a.works if w in ("train", "infer") or net == path_net] for net in dict.fromkeys(a.nets + [path_net])}
    shutil.rmtree(BUILD / "inductor", ignore_errors=True)  # every setting compiles anew
    ceilings, agreements, groups = probe(a), {}, []
    for net, its_works in works.items():
        agreements[net] = agreement(a, net, its_works)
        if isinstance(agreements[net], str) or not agreements[net]["agrees"]:
            log(f"{net}: not timed, the two sides do not agree: {agreements[net]}")
            continue
        log(f"{net}: losses and gradients agree ({time.perf_counter() - start:.0f} s)")
        for work, precision in itertools.product(its_works, a.precisions):
            log(f"{net}, {work}, {precision} ({time.perf_counter() - start:.0f} s)")
            groups.append(compare(a, net, work, precision))
    for what, rate in probe(a).items():
        ceilings[what] = max(rate, ceilings.get(what, 0))

    text = report(a, groups, agreements, ceilings, time.perf_counter() - start)
    print(text)
    if a.out:
        pathlib.Path(a.out).write_text(text)
    if a.json:
        pathlib.Path(a.json).write_text(json_lines(groups))
    missing = [net for net in works if net not in {rows[0].setting.net for rows in groups}]
    missing += [f"{rows[0].setting.net} {rows[0].setting.work} {rows[0].setting.precision}" for rows in groups
                if not (best_of(rows, "Isthmus") and best_of(rows, "PyTorch"))]
    if missing:
        sys.exit(f"not compared: {', '.join(missing)}; the reasons are above")


if __name__ == "__main__":
    main()
