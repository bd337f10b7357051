#!/usr/bin/env python3
"""Predicted times of training, path and inference steps on a GPU that is not at hand.

    bench/cuda/predict.py LAUNCHES.csv LIBRARY... --cuda TOOLKIT --out TABLE.md [--remarks FILE] [--note TEXT]

LAUNCHES.csv is what count_launches wrote, LIBRARY is libisthmus_cuda.so, whose registers decide how many blocks a
multiprocessor holds. A launch takes the longest of: DRAM bytes, L2 sectors, passes through L1 and shared memory, matrix
operations, each over a rate of the GPU (GPUS below, with sources), and a fixed cost. --remarks FILE goes into the page as
it is. Needs Python 3.8 and c++filt, nothing else.
"""
import argparse
import collections
import csv
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import static_evidence  # noqa: E402

SMS, CLOCK = 132, 1.755e9  # both cards, SXM
# mma.sync reaches 62 % of the dense rate of wgmma, 4096 operations a clock (Luo et al. 2025, arXiv 2501.12084).
MMA_PER_CLOCK = 0.62 * 4096  # operations of a multiprocessor
LAUNCH = 2.0e-6  # a kernel behind another one in a CUDA graph: assumed, 1.5 to 2.5 us
L2_PORT = 64  # bytes a clock between L2 and a multiprocessor
L1_BYTES = 256 << 10  # with shared memory
CARVE_OUTS = [k << 10 for k in (0, 8, 16, 32, 64, 100, 132, 164, 196, 228)]
CACHES = [k << 10 for k in (16, 32, 64, 128, 224)]
ISSUE = 4  # warp instructions a clock of a multiprocessor
Gpu = collections.namedtuple("Gpu", "name dram l2")
GPUS = [Gpu("H200", 4.3e12, 5.5e12), Gpu("H100", 3.0e12, 5.5e12)]

# performance.md, section 2: MB per image of the fused network, forward and forward + backward; parameters.
FLOORS = {
    "resnet20": (1.15, 3.07, 272474),
    "resnet56": (3.22, 8.57, 855770),
    "densenet40-12": (5.36, 20.2, 1059298),
    "densenet100-12-bc": (11.3, 39.6, 769162),
}
PIVOTS = 10
ACCESS = r"(LDG|STG|LD|ST|LDS|STS|LDGSTS|ATOM|ATOMG|RED)\b"
PER_MATRIX = 1.5  # instructions issued for each HMMA, and for each LDSM: loops around them are unrolled

RESOURCES = ("DRAM", "L2", "L1 + shared", "tensor cores", "launch")


class Launch:
    """A line of the CSV file, with what the compiler made of its kernel."""

    def __init__(self, row, kernels):
        self.name = static_evidence.plain_name(row["kernel"])
        self.grid = [int(n) for n in row["grid"].split("x")]
        for key in ("threads", "shared_bytes", "blocks"):
            setattr(self, key, int(row[key]))
        for key in ("read_bytes", "written_bytes", "all_read_sectors", "written_sectors", "lines", "shared_passes",
                    "requests", "mma", "mma_operations"):
            setattr(self, key, float(row[key]))
        kernel = kernels.get(self.name, {}).get("sm_90")
        self.known = kernel is not None
        warps = -(-self.threads // 32)
        self.resident, self.instructions = 2048 // (32 * warps), 0.0
        if kernel:
            share = static_evidence.occupancy(kernel, "sm_90", self.threads, self.shared_bytes)
            self.resident = max(1, round(share * 64 / warps))
            hmma, ldsm, accesses = (kernel.count(p) for p in (r"HMMA\b", r"LDSM\b", ACCESS))
            loads = self.mma * ldsm / hmma if hmma else 0.0
            rest = sum(kernel.opcodes.values()) - PER_MATRIX * (hmma + ldsm)
            self.instructions = PER_MATRIX * (self.mma + loads) + max(0.0, self.requests - loads) * rest / max(1, accesses)
        shared = self.resident * (self.shared_bytes + 1024 if self.shared_bytes else 0)
        cache = L1_BYTES - next((c for c in CARVE_OUTS if c >= shared), CARVE_OUTS[-1])
        size = max([c for c in CACHES if c <= cache], default=CACHES[0])
        self.read_sectors = float(row[f"read_sectors_{size >> 10}k"])

    def unevenness(self):
        """Time of the busiest multiprocessor over the mean."""
        slots = SMS * self.resident
        if self.blocks > slots:
            return math.ceil(self.blocks / slots) / (self.blocks / slots)
        return math.ceil(self.blocks / SMS) / (self.blocks / SMS)

    def seconds(self, gpu):
        uneven = self.unevenness()
        sectors = 32 * (self.read_sectors + self.written_sectors)
        sms = min(SMS, self.blocks)
        return (
            (self.read_bytes + self.written_bytes) / gpu.dram,
            max(sectors / gpu.l2, sectors / (sms * L2_PORT * CLOCK)),
            (self.lines + self.shared_passes) * uneven / (SMS * CLOCK),
            self.mma_operations * uneven / (SMS * CLOCK * MMA_PER_CLOCK),
            LAUNCH,
        )

    def issue(self):
        return self.instructions * self.unevenness() / (SMS * CLOCK * ISSUE)

    def time(self, gpu):
        *work, launch = self.seconds(gpu)
        return max(work) + launch


def total(launches, gpu):
    return sum(launch.time(gpu) for launch in launches)


def bound_of(seconds):
    """Of sums over a kernel's launches."""
    *work, launch = seconds
    return "launch" if launch > max(work) else RESOURCES[max(range(len(work)), key=lambda i: work[i])]


def kernel_table(launches, points, gpu):
    """Times per point of the `points` that were counted."""
    groups = collections.OrderedDict()
    for launch in launches:
        groups.setdefault(launch.name, []).append(launch)
    rows = []
    for name, members in groups.items():
        sums = [sum(part) for part in zip(*(m.seconds(gpu) for m in members))]
        rows.append((sum(m.time(gpu) for m in members), name, members, sums))
    all_time = sum(row[0] for row in rows)
    yield "| kernel | launches | µs a point | share | DRAM | L2 | L1 + shared | tensor cores | launch | issue (rough) | warps per SM | uneven | bound |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for time, name, members, sums in sorted(rows, key=lambda row: -row[0]):
        if time < 0.002 * all_time:
            continue
        per_point = [1e6 * s / points for s in sums]
        worst = max(m.unevenness() for m in members)
        resident = sorted({min(m.resident, math.ceil(m.blocks / SMS)) * -(-m.threads // 32) for m in members})
        warps = str(resident[0]) if len(resident) == 1 else f"{resident[0]}–{resident[-1]}"
        issue = 1e6 * sum(m.issue() for m in members) / points
        yield (f"| `{name}` | {len(members)} | {1e6 * time / points:.1f} | {100 * time / all_time:.0f} % | "
               + " | ".join(f"{p:.1f}" for p in per_point)
               + f" | {issue:.1f} | {warps if members[0].known else '?'} | {worst:.2f} | {bound_of(sums)} |")


def summary(network, works, gpu):
    """Rows: what, predicted, floor (both seconds)."""
    fwd, both, params = FLOORS.get(network, (None, None, None))
    train, batch, points = works["train"]
    gradient = [l for l in train if not l.name.startswith(("sgd_update", "step_record"))]
    yield "gradient of a point (W1, W2)", total(gradient, gpu) / points, both and both * 1e6 * batch / gpu.dram
    yield ("descent step of a point (W2)", total(train, gpu) / points,
           both and (both * 1e6 * batch + 20 * params) / gpu.dram)
    inner = PIVOTS - 2
    step = total(works["pivots"][0], gpu) + total(works["path"][0], gpu)
    path_bytes = 4 * (params or 0) * (4 * PIVOTS - 4 + PIVOTS + 4 * inner)
    yield (f"path step of {PIVOTS} pivots, {inner} gradients and 2 losses (W1)", step,
           both and ((inner * both + 2 * fwd) * 1e6 * batch + path_bytes) / gpu.dram)
    yield f"the P × D part of it", total(works["path"][0], gpu), params and path_bytes / gpu.dram
    inference, images, n = works["inference"]
    per_image = total(inference, gpu) / (images * n)
    yield "inference of 1000 images of a point (W3)", 1000 * per_image, fwd and 1000 * fwd * 1e6 / gpu.dram


def page(works_of, note, remarks):
    yield "# CUDA: predicted times"
    yield ""
    yield f"**Predicted, not measured: no kernel has run on a card.** {note}"
    yield ""
    yield ("What every launch moves and multiplies was counted by the emulation from a sample of its blocks at full batch, "
           "bf16, with as many points as the executor takes at once. Registers and shared memory give the blocks per "
           "multiprocessor. A launch takes the longest of:")
    yield ""
    yield (f"* *DRAM*: different 32-byte sectors of the launch, all from and to DRAM, at "
           + ", ".join(f"{g.dram / 1e12:.2f} TB/s ({g.name})" for g in GPUS)
           + ": a device copy of an H200 as measured; of an H100 the same share, 90 %, of its nominal 3.35 TB/s. What the "
           "L2 cache keeps from one launch to the next is not counted: here times may be shorter.")
    yield (f"* *L2*: sectors that miss an L1 cache (first in, first out, the size that shared memory leaves, one block "
           f"alone) and all written ones, at {GPUS[0].l2 / 1e12:.1f} TB/s (Chips and Cheese, \"Nvidia's H100: Funny L2, and "
           f"Tons of Bandwidth\", 2023, found 5.5 to 7), and at most {L2_PORT} bytes a clock into a multiprocessor.")
    yield ("* *L1 + shared*: 128-byte lines of global requests and passes over the banks of shared memory, conflicts "
           f"included, one a clock of a multiprocessor; {SMS} of them at {CLOCK / 1e9:.3f} GHz.")
    yield (f"* *tensor cores*: operations of mma.sync at 62 % of the dense rate (arXiv 2501.12084), "
           f"{SMS * CLOCK * MMA_PER_CLOCK / 1e12:.0f} TFLOP/s.")
    yield ("* The last two times *uneven*: the busiest multiprocessor's blocks over the mean (the worst of the launches is "
           "shown).")
    yield ""
    yield (f"and {1e6 * LAUNCH:.1f} µs for itself: start, first loads and drain behind another kernel of a CUDA graph, an "
           "assumption (1.5 to 2.5). Not in the times: latency that too few loads in flight leave bare, and the issue of "
           "instructions. *Issue (rough)* stands beside, 4 instructions a clock: 1.5 for a matrix operation or ldmatrix, "
           "and for each other access as many as the rest of the machine code has per access, loops or not. *Warps per SM*: resident at once; the fewer, the "
           "more latency shows.")
    yield ""
    yield "Floors: bytes of the fused network at the same DRAM rate. Aim: 75 % of it."
    yield ""
    yield "| network | what | " + " | ".join(f"{g.name}: predicted | floor | floor / predicted" for g in GPUS) + " |"
    yield "|---|---|" + "---|---|---|" * len(GPUS)
    for network, works in works_of.items():
        batch, points = works["train"][1], works["train"][2]
        for rows in zip(*(summary(network, works, g) for g in GPUS)):
            cells = []
            for _, predicted, floor in rows:
                cells += [f"{1e3 * predicted:.3f} ms", f"{1e3 * floor:.3f} ms" if floor else "–",
                          f"**{100 * floor / predicted:.0f} %**" if floor else "–"]
            yield f"| {network}, batch {batch}, {points} points | {rows[0][0]} | " + " | ".join(cells) + " |"
    yield ""
    yield from remarks
    for network, works in works_of.items():
        batch, points = works["train"][1], works["train"][2]
        for work, title in (("train", f"a descent step, batch {batch}, {points} points at once"),
                            ("path", f"the P × D part of a path step, {PIVOTS} pivots; µs in all"),
                            ("inference", f"a chunk of {works['inference'][1]} images, {works['inference'][2]} points at once")):
            launches, _, n = works[work]
            yield f"## {network}: {title} (H200, predicted)"
            yield ""
            yield from kernel_table(launches, 1 if work == "path" else n, GPUS[0])
            yield ""
            moved = sum(l.read_bytes + l.written_bytes for l in launches)
            if work != "path":
                images = works[work][1] * n
                yield (f"{len(launches)} launches; {moved / images / 1e6:.2f} MB of DRAM an image, "
                       f"{sum(l.mma_operations for l in launches) / images / 1e6:.0f} MFLOP of mma an image.")
                yield ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("launches", help="what count_launches wrote")
    parser.add_argument("library", nargs="+", help="libisthmus_cuda.so, or cubins for sm_90, what is in several is taken from the last")
    parser.add_argument("--cuda", required=True, metavar="TOOLKIT", help="folder with bin/cuobjdump")
    parser.add_argument("--out", required=True, metavar="TABLE.md")
    parser.add_argument("--remarks", metavar="FILE", help="Markdown for the page, behind the totals")
    parser.add_argument("--note", default="", help="a sentence for its head: compiler, commit")
    arguments = parser.parse_args()
    kernels = {}
    for library in arguments.library:
        for name, architectures in static_evidence.read_kernels(library, arguments.cuda).items():
            kernels.setdefault(name, {}).update(architectures)
    works_of = collections.OrderedDict()
    unknown = set()
    with open(arguments.launches, newline="") as rows:
        for row in csv.DictReader(rows):
            launch = Launch(row, kernels)
            if not launch.known:
                unknown.add(launch.name)
            works = works_of.setdefault(row["network"], {})
            works.setdefault(row["work"], ([], int(row["batch"]), int(row["points"])))[0].append(launch)
    for name in sorted(unknown):
        print(f"{name} is not in the libraries: its registers count as none", file=sys.stderr)
    remarks = []
    if arguments.remarks:
        with open(arguments.remarks, encoding="utf-8") as text:
            remarks = [line.rstrip("\n") for line in text] + [""]
    with open(arguments.out, "w", encoding="utf-8") as out:
        for line in page(works_of, arguments.note, remarks):
            print(line, file=out)


if __name__ == "__main__":
    main()
