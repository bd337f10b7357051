"""Checks HDF5 files of Isthmus with h5py alone, as a Python user would read them.

    python tests/e2e/check_h5py.py RUN_FOLDER_OR_FILE...        (needs h5py and numpy; safetensors if there are any)

For each file: the seal, the SHA-256 of every dataset, the checksums libhdf5 verifies, types, attributes, and that
names, shapes and values of the parameter vector agree. Prints one line per file; exits 1 at the first fault.
"""

import hashlib
import pathlib
import re
import sys

import h5py
import numpy as np

SEAL = re.compile(rb"isthmus 1 ([a-z-]+)\nbytes (\d+)\nsha256 ([0-9a-f]{64})\n")


def check_seal(path):
    content = path.read_bytes()
    kind, size, digest = SEAL.match(content[:512]).groups()
    assert int(size) == len(content) - 512, "length"
    assert hashlib.sha256(content[512:]).hexdigest() == digest.decode(), "seal"
    return kind.decode()


def check_dataset(name, dataset):
    if not isinstance(dataset, h5py.Dataset):
        return
    values = dataset[()]  # libhdf5 verifies fletcher32 here
    assert dataset.fletcher32 or dataset.shape == (), f"{name}: no fletcher32"
    assert dataset.compression is None, f"{name}: compressed"
    assert dataset.dtype in (np.dtype("<f4"), np.dtype("<f8"), np.dtype("<i8")) or dataset.dtype.kind == "S", name
    digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    assert digest == dataset.attrs["sha256"], f"{name}: sha256"


def check_hdf5(path):
    kind = check_seal(path)
    with h5py.File(path, "r") as f:
        assert f.userblock_size == 512
        assert all(isinstance(value, str) for value in f.attrs.values()), "attributes are UTF-8 texts"
        assert (f.attrs["format"], f.attrs["version"], f.attrs["kind"]) == ("isthmus", "1", kind)
        int(f.attrs["seed"])
        f.visititems(check_dataset)
        names = list(f["param_order"].asstr()[:])
        shapes = [tuple(int(n) for n in text.split(",")) for text in f["param_shapes"].asstr()[:]]
        sizes = [int(np.prod(shape)) for shape in shapes]
        assert int(f.attrs["parameters"]) in np.cumsum([0] + sizes)
        if kind == "minimum":
            state = f["state_dict"]
            assert [state[name].shape for name in names] == shapes
            counters = {name.replace("running_mean", "num_batches_tracked") for name in names if "running_mean" in name}
            assert set(state) == set(names) | counters
            assert all(state[name].shape == () and state[name][()] == int(f.attrs["steps"]) for name in counters)
            what = f"{len(names)} tensors, {sum(sizes)} values"
        elif kind == "training-checkpoint":
            assert f["values"].shape == f["momentum"].shape == (sum(sizes),)
            what = f"step {f.attrs['step']}"
        else:
            pivots = f["pivots"]
            assert pivots.shape == (len(f["spacing"]) + 1, sum(sizes)) and pivots.chunks == (1, sum(sizes))
            assert np.isfinite(pivots[()]).all()
            what = f"{len(pivots)} pivots, cycle {f.attrs['cycle']}"
            if kind == "path":
                for metric in ("loss", "error"):
                    for split in ("train", "test"):
                        for convention in ("recomputed", "interpolated"):
                            assert f[metric][split][convention].shape == f["position"].shape
    return f"{kind}, {what}"


def check_safetensors(path):
    from safetensors.numpy import load_file

    return f"{len(load_file(path))} tensors"


def main():
    files = []
    for argument in map(pathlib.Path, sys.argv[1:]):
        files += sorted(p for p in argument.rglob("*") if p.is_file()) if argument.is_dir() else [argument]
    checked = 0
    for path in files:
        name = path.name.removesuffix(".prev")
        check = {".h5": check_hdf5, ".safetensors": check_safetensors}.get(pathlib.Path(name).suffix)
        if check:
            print(f"{path}: {check(path)}")
            checked += 1
    if not checked:
        sys.exit("no HDF5 or safetensors file given")


main()
