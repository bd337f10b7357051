#!/usr/bin/env python3
"""What the compiled kernels of libisthmus_cuda.so tell without a GPU: registers, spills, occupancy, tensor cores, widths.

    bench/cuda/static_evidence.py LIBRARY --cuda TOOLKIT --out TABLE.md    the table, for bench/results
    bench/cuda/static_evidence.py LIBRARY --cuda TOOLKIT --check           only what must hold; exit 1 and a line for each fault

Must hold, for every kernel and architecture: nothing is kept in local memory (no spills, no stack), a block of the threads it
is compiled for fits a multiprocessor, and convolutions use tensor cores. --allow REGEX:BYTES lets kernels of such names keep so many bytes, so that a spill that is known does not grow.
--launches FILE adds what the emulation counted (tests/native/cuda_emulation): a CSV file with a line for each
kernel; its columns are named in LAUNCHES.

Occupancy is computed, not measured: the share of a multiprocessor's 64 warps that can be resident, from registers, threads
and shared memory of a block. Needs Python 3.8 and c++filt (binutils), nothing else.
"""
import argparse
import collections
import csv
import os
import re
import subprocess
import sys

# Per multiprocessor (CUDA Programming Guide, technical specifications per compute capability).
LIMITS = {
    "sm_80": {"warps": 64, "blocks": 32, "registers": 65536, "shared": 164 * 1024},
    "sm_90": {"warps": 64, "blocks": 32, "registers": 65536, "shared": 228 * 1024},
}
REGISTER_UNIT = 256  # registers are given to a warp in units of so many
SHARED_UNIT, SHARED_OF_SYSTEM = 128, 1024  # bytes per block

# Kernels that are worth nothing without tensor cores.
ON_TENSOR_CORES = re.compile(r"^conv_(forward|backward|backward_data|backward_weights)_kernel\b")
TENSOR_CORE = re.compile(r"^(HMMA|HGMMA|IMMA|DMMA)\b")

LAUNCHES = ("kernel", "threads", "shared_bytes", "read_sectors_per_request", "write_sectors_per_request", "bank_conflicts")


class Kernel:
    """One kernel on one architecture."""

    def __init__(self):
        self.registers = self.stack = self.local = self.static_shared = 0
        self.opcodes = collections.Counter()

    def count(self, pattern):
        return sum(n for opcode, n in self.opcodes.items() if re.match(pattern, opcode))

    def tensor_cores(self):
        return sum(n for opcode, n in self.opcodes.items() if TENSOR_CORE.match(opcode))

    def spills(self):
        return self.stack > 0 or self.local > 0 or self.count(r"(LDL|STL)\b") > 0

    def widths(self, *instructions):
        """For instance '128 x 4, 32 x 2': how many bits an access moves per thread, and how many such there are."""
        found = collections.Counter()
        for opcode, n in self.opcodes.items():
            parts = opcode.split(".")
            if parts[0] in instructions:
                found[width(parts[1:])] += n
        return ", ".join(f"{bits} × {n}" for bits, n in sorted(found.items(), reverse=True)) or "–"


def width(modifiers):
    for modifier in modifiers:
        if modifier in ("128", "64"):
            return int(modifier)
        if re.fullmatch(r"[US]?(8|16)", modifier):
            return int(modifier.lstrip("US"))
    return 32


def lines_of(command, tools):
    environment = dict(os.environ, PATH=tools + os.pathsep + os.environ.get("PATH", ""))
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, universal_newlines=True)
    yield from process.stdout
    if process.wait() != 0:
        sys.exit(f"{command[0]} failed with {process.returncode}")


def read_resources(library, tools, kernels):
    """After read_instructions: for a cubin, which is of one architecture, cuobjdump names it there alone."""
    architecture, name = next(iter(kernels))[1] if kernels else None, None
    for line in lines_of([os.path.join(tools, "cuobjdump"), "-res-usage", library], tools):
        if match := re.match(r"arch = (sm_\d+)", line):
            architecture = match[1]
        elif match := re.match(r"\s*Function (\S+):", line):
            name = match[1]
        elif name and "REG:" in line:
            values = {key: int(value) for key, value in re.findall(r"(\w+)(?:\[\d\])?:(\d+)", line)}
            kernel = kernels[name, architecture]
            kernel.registers, kernel.stack, kernel.local = values["REG"], values["STACK"], values["LOCAL"]
            kernel.static_shared = values["SHARED"]
            name = None


def read_instructions(library, tools, kernels):
    architecture, kernel = None, None
    instruction = re.compile(r"\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)")
    for line in lines_of([os.path.join(tools, "cuobjdump"), "-sass", library], tools):
        if match := instruction.match(line):
            kernel.opcodes[match[1]] += 1
        elif match := re.match(r"\s*code for (sm_\d+)", line):
            architecture = match[1]
        elif match := re.match(r"\s*Function : (\S+)", line):
            kernel = kernels[match[1], architecture]


def read_blocks(library, tools):
    """Threads of a block by kernel, as __launch_bounds__ says."""
    blocks, name = {}, None
    for line in lines_of([os.path.join(tools, "cuobjdump"), "-ptx", library], tools):
        if match := re.search(r"\.entry (\w+)\(", line):
            name = match[1]
        elif match := re.match(r"\s*\.maxntid (\d+)(?:, (\d+))?(?:, (\d+))?", line):
            blocks[name] = int(match[1]) * int(match[2] or 1) * int(match[3] or 1)
    return blocks


def plain_names(names):
    """Mangled names to short ones: no namespaces, no parameters."""
    text = subprocess.run(["c++filt"], input="\n".join(names), stdout=subprocess.PIPE, check=True, universal_newlines=True)
    return dict(zip(names, map(plain_name, text.stdout.splitlines())))


def plain_name(demangled):
    name = re.sub(r"\(anonymous namespace\)::|\bist::cuda::|\bist::", "", demangled)
    depth, end = 0, len(name)
    for i, c in enumerate(name):  # the parameter list opens outside of template arguments
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0:
            end = i
            break
    name = re.sub(r"^void ", "", name[:end])
    name = re.sub(r"\((\w+)\)(\d)", r"\2", name)  # (Sums)0
    return name.replace("__nv_bfloat16", "bf16").replace("__half", "fp16").replace("float", "fp32")


def occupancy(kernel, architecture, threads, dynamic_shared):
    limits = LIMITS[architecture]
    warps = -(-threads // 32)
    registers = -(-max(kernel.registers, 1) * 32 // REGISTER_UNIT) * REGISTER_UNIT * warps
    shared = -(-(kernel.static_shared + dynamic_shared + SHARED_OF_SYSTEM) // SHARED_UNIT) * SHARED_UNIT
    blocks = min(limits["blocks"], limits["warps"] // warps, limits["registers"] // registers, limits["shared"] // shared)
    return blocks * warps / limits["warps"]


def read_kernels(library, toolkit):
    """Kernels by plain name and architecture."""
    tools = os.path.join(os.path.abspath(toolkit), "bin")
    kernels = collections.defaultdict(Kernel)
    read_instructions(library, tools, kernels)
    read_resources(library, tools, kernels)
    if not kernels:
        sys.exit(f"there is no kernel in {library}")
    names = plain_names(sorted({name for name, _ in kernels}))
    by_name = collections.defaultdict(dict)
    for (name, architecture), kernel in kernels.items():
        by_name[names[name]][architecture] = kernel
    return by_name


def read_launches(file):
    launches = {}
    if file:
        with open(file, newline="") as rows:
            for row in csv.DictReader(rows):
                launches[plain_name(row["kernel"])] = row
    return launches


def faults(by_name, blocks, allowed):
    for name, architectures in sorted(by_name.items()):
        limit = max((size for pattern, size in allowed if re.search(pattern, name)), default=-1)
        for architecture, kernel in sorted(architectures.items()):
            if kernel.spills() and max(kernel.stack, kernel.local) > limit:
                yield (f"{name} on {architecture} uses local memory: stack {kernel.stack}, "
                       f"{kernel.count('LDL')} loads, {kernel.count('STL')} stores")
            if name not in blocks:
                yield f"{name} has no __launch_bounds__: how many threads its blocks have is not known"
            elif occupancy(kernel, architecture, blocks[name], 0) == 0:
                yield f"{name} on {architecture} does not start: {kernel.registers} registers of {blocks[name]} threads are too many"
            if ON_TENSOR_CORES.match(name) and kernel.tensor_cores() == 0:
                yield f"{name} on {architecture} has no tensor-core instruction"


def table(by_name, blocks, launches, note):
    architectures = sorted(LIMITS)
    kernels = sum(len(a) for a in by_name.values())
    spilling = sum(kernel.spills() for a in by_name.values() for kernel in a.values())
    yield "# CUDA kernels: what the compiler made of them"
    yield ""
    yield f"**Read from machine code, not measured: no kernel has run on a card.** {note}"
    yield ""
    yield (f"{len(by_name)} kernels, compiled for {' and '.join(architectures)}: {kernels} programs, of which {spilling} keep "
           "something in local memory (spills). Values are " + " / ".join(architectures) + " where they differ. *Occupancy*: "
           "computed share of a multiprocessor's 64 warps that can be resident, from registers, threads (`__launch_bounds__`) "
           "and shared memory of a block; without a known launch the dynamic shared memory counts as none, marked ≤. "
           "*Tensor cores*: HMMA instructions in the code. *Loads*, *stores*: bits per thread × instructions in the code, "
           "global memory; cp.async is asynchronous copies to shared memory. *Sectors*: 32-byte sectors per warp request, "
           "read / write (4 is the least for 4 bytes a lane, 16 for 16), and *conflicts*: passes over the banks of shared memory per access, "
           "1 being none; both as counted by the emulation while small networks train (`kernel_traffic`).")
    yield ""
    yield ("| kernel | registers | stack | threads | shared (B) | occupancy | tensor cores | loads | cp.async | stores | sectors | "
           "conflicts |")
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"

    def both(values):
        values = [str(v) for v in values]
        return values[0] if len(set(values)) == 1 else " / ".join(values)

    for name, found in sorted(by_name.items()):
        programs = [(a, found[a]) for a in architectures if a in found]
        launch = launches.get(name)
        threads = int(launch["threads"]) if launch else blocks.get(name)
        shared = int(launch["shared_bytes"]) if launch else 0
        share = "–"
        if threads:
            share = ("" if launch else "≤ ") + both(f"{100 * occupancy(k, a, threads, shared):.0f} %" for a, k in programs)
        cells = [
            f"`{name}`",
            both(k.registers for _, k in programs),
            both(k.stack for _, k in programs),
            str(threads or "–"),
            str(shared + programs[0][1].static_shared) if launch else "–",
            share,
            both(k.tensor_cores() for _, k in programs),
            both(k.widths("LDG", "LD") for _, k in programs),
            both(k.widths("LDGSTS") for _, k in programs),
            both(k.widths("STG", "ST") for _, k in programs),
            f"{launch['read_sectors_per_request']} / {launch['write_sectors_per_request']}" if launch else "–",
            launch["bank_conflicts"] if launch and float(launch["bank_conflicts"]) > 0 else "–",
        ]
        yield "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", help="libisthmus_cuda.so, or a cubin")
    parser.add_argument("--cuda", required=True, metavar="TOOLKIT", help="folder with bin/cuobjdump (cmake/cuda_toolchain.sh prints it)")
    parser.add_argument("--launches", metavar="FILE", help="what the emulation counted: " + ", ".join(LAUNCHES))
    parser.add_argument("--out", metavar="TABLE.md", help="write the table there")
    parser.add_argument("--note", default="", help="a sentence for its head: compiler, commit")
    parser.add_argument("--check", action="store_true", help="exit 1 where something that must hold does not")
    parser.add_argument("--allow", action="append", default=[], metavar="REGEX:BYTES", help="local memory that --check lets pass")
    arguments = parser.parse_args()

    by_name = read_kernels(arguments.library, arguments.cuda)
    mangled = read_blocks(arguments.library, os.path.join(os.path.abspath(arguments.cuda), "bin"))
    names = plain_names(sorted(mangled))
    blocks = {names[name]: n for name, n in mangled.items()}
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as out:
            for line in table(by_name, blocks, read_launches(arguments.launches), arguments.note):
                print(line, file=out)
    if arguments.check:
        allowed = [(pattern, int(size)) for pattern, _, size in (entry.rpartition(":") for entry in arguments.allow)]
        wrong = list(faults(by_name, blocks, allowed))
        for fault in wrong:
            print(fault, file=sys.stderr)
        print(f"{sum(len(a) for a in by_name.values())} kernels, {len(wrong)} faults")
        sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
