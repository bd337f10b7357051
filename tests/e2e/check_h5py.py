"""Checks HDF5 files of Isthmus with h5py alone, as a Python user would read them.

    python tests/e2e/check_h5py.py RUN_FOLDER_OR_FILE...        (needs h5py and numpy; safetensors if there are any)

For each file: the seal, the SHA-256 of every dataset, the checksums libhdf5 verifies, types, attributes, and, kind by
kind as java/FORMAT.md describes them, that names, shapes and values agree. Prints one line per file; exits 1 at the first
fault. GraphML is read with networkx, if that is there.
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


def layout(f):
    """Names and shapes of the tensors of a vector."""
    names = list(f["param_order"].asstr()[:])
    shapes = [tuple(int(n) for n in text.split(",")) for text in f["param_shapes"].asstr()[:]]
    sizes = [int(np.prod(shape)) for shape in shapes]
    assert int(f.attrs["parameters"]) in np.cumsum([0] + sizes)
    return names, shapes, sum(sizes)


def counters(names):
    return {name.replace("running_mean", "num_batches_tracked") for name in names if "running_mean" in name}


def check_minimum(f):
    names, shapes, size = layout(f)
    state = f["state_dict"]
    assert [state[name].shape for name in names] == shapes
    assert set(state) == set(names) | counters(names)
    assert all(state[name].shape == () and state[name][()] == int(f.attrs["steps"]) for name in counters(names))
    return f"{len(names)} tensors, {size} values"


def check_training_checkpoint(f):
    _, _, size = layout(f)
    assert f["values"].shape == f["momentum"].shape == (size,)
    return f"step {f.attrs['step']}"


def check_pivots(f):
    _, _, size = layout(f)
    pivots = f["pivots"]
    assert pivots.shape == (len(f["spacing"]) + 1, size) and pivots.chunks == (1, size)
    assert np.isfinite(pivots[()]).all()
    return f"{len(pivots)} pivots, cycle {f.attrs['cycle']}"


def check_profile(f):
    for metric in ("loss", "error"):
        for split in ("train", "test"):
            for convention in ("recomputed", "interpolated"):
                assert f[metric][split][convention].shape == f["position"].shape


def check_path(f):
    check_profile(f)
    return check_pivots(f)


def check_baseline(f):
    _, _, size = layout(f)
    check_profile(f)
    controls = f["controls"]
    assert controls.shape in ((2, size), (3, size)) and np.isfinite(controls[()]).all()
    return f"{f.attrs['method']}, {len(controls)} control points"


def check_stacked_path(f):
    names, shapes, _ = layout(f)
    state, count = f["state_dict"], int(f.attrs["pivots"])
    assert [state[name].shape for name in names] == [(count, *shape) for shape in shapes]
    assert set(state) == set(names) | counters(names)
    assert all(state[name].shape == (count,) for name in counters(names))
    assert all(np.isfinite(state[name][()]).all() for name in names)
    return f"{count} pivots, {len(names)} tensors"


KINDS = {
    "minimum": check_minimum,
    "training-checkpoint": check_training_checkpoint,
    "path": check_path,
    "path-checkpoint": check_pivots,
    "stacked-path": check_stacked_path,
    "baseline": check_baseline,
}


def check_any(f):
    """A kind without rules of its own: the layout, where there is one; every dataset is whole already."""
    if "param_order" in f:
        layout(f)
    found = []
    f.visititems(lambda name, node: found.append(name) if isinstance(node, h5py.Dataset) else None)
    return f"{len(found)} datasets"


def check_hdf5(path):
    kind = check_seal(path)
    with h5py.File(path, "r") as f:
        assert f.userblock_size == 512
        assert all(isinstance(value, str) for value in f.attrs.values()), "attributes are UTF-8 texts"
        assert (f.attrs["format"], f.attrs["version"], f.attrs["kind"]) == ("isthmus", "1", kind)
        int(f.attrs["seed"])
        f.visititems(check_dataset)
        return f"{kind}, {KINDS.get(kind, check_any)(f)}"


def check_safetensors(path):
    from safetensors.numpy import load_file

    return f"{len(load_file(path))} tensors"


def check_graphml(path):
    try:
        import networkx
    except ImportError:
        return "not read, as networkx is missing"
    graph = networkx.read_graphml(path)
    done = [(a, b) for a, b, edge in graph.edges(data=True) if edge["state"] == "done"]
    paths = graph.edge_subgraph(done)
    tree = networkx.minimum_spanning_tree(paths, weight="saddle_train_loss")
    marked = [edge for *_, edge in paths.edges(data=True) if edge["tree"]]
    found = [edge for *_, edge in tree.edges(data=True)]
    assert sorted(e["saddle_train_loss"] for e in found) == sorted(e["saddle_train_loss"] for e in marked), "tree"
    assert all(minimum["number"] == int(name) for name, minimum in graph.nodes(data=True))
    return f"{len(graph)} minima, {len(done)} paths, {len(tree.edges)} in the tree"


CHECKS = {".h5": check_hdf5, ".safetensors": check_safetensors, ".graphml": check_graphml}


def main():
    files = []
    for argument in map(pathlib.Path, sys.argv[1:]):
        files += sorted(p for p in argument.rglob("*") if p.is_file()) if argument.is_dir() else [argument]
    checked = 0
    for path in files:
        check = CHECKS.get(pathlib.Path(path.name.removesuffix(".prev")).suffix)
        if check:
            print(f"{path}: {check(path)}")
            checked += 1
    if not checked:
        sys.exit("no HDF5, safetensors or GraphML file given")


main()
