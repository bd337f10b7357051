"""Makes the files of strangers that ImportTest reads: python tests/e2e/foreign_files.py (needs h5py, numpy, safetensors).

Value i of the model's vector is i / 4 - 3, whatever the order, layout and compression in the file.
"""

import pathlib

import h5py
import numpy as np
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parents[1] / "resources/io/isthmus/store"
TENSORS = {
    "conv1.weight": (2, 3, 3, 3),
    "bn1.weight": (2,),
    "bn1.bias": (2,),
    "linear.weight": (4, 2),
    "linear.bias": (2,),
    "bn1.running_mean": (2,),
    "bn1.running_var": (2,),
}
SIZE = sum(int(np.prod(shape)) for shape in TENSORS.values())
VECTOR = (np.arange(SIZE) / 4 - 3).astype("<f4")


def tensors():
    at = 0
    for name, shape in TENSORS.items():
        n = int(np.prod(shape))
        yield name, VECTOR[at : at + n].reshape(shape)
        at += n


with h5py.File(FOLDER / "nested-compressed.h5", "w") as f:
    for name, values in reversed(list(tensors())):
        f.create_dataset(
            "state_dict/" + name.replace(".", "/"),
            data=values,
            compression="gzip",
            shuffle=True,
            fletcher32=True,
            chunks=values.shape,
        )
    f["state_dict/bn1/num_batches_tracked"] = np.int64(7)
    f["optimizer/lr"] = 0.1

with h5py.File(FOLDER / "flat-latest.h5", "w", libver="latest") as f:
    for name, values in tensors():
        f.create_dataset(name, data=values, dtype=">f4" if name.startswith("linear") else "<f4")

with h5py.File(FOLDER / "double.h5", "w") as f:
    for name, values in tensors():
        f[name] = values.astype("f8") if name == "linear.bias" else values

with h5py.File(FOLDER / "links.h5", "w") as f:
    for name, values in tensors():
        if name != "linear.bias":
            f[name] = values
    f["linear.bias"] = h5py.ExternalLink("flat-latest.h5", "/linear.bias")
    f["loop"] = h5py.SoftLink("/")

with h5py.File(FOLDER / "hard-loop.h5", "w") as f:
    f.create_group("a")["again"] = f["/"]

with h5py.File(FOLDER / "path.h5", "w", userblock_size=512) as f:
    pivots = np.stack([VECTOR, VECTOR * 2, VECTOR + 1])
    f.create_dataset("pivots", data=pivots, chunks=(2, 10), compression="gzip")

# Paths tensor by tensor: the pivots of path.h5 along a new first axis.
stacked = {name: np.stack([values, values * 2, values + 1]) for name, values in tensors()}
tracked = {"bn1.num_batches_tracked": np.zeros(3, dtype="i8")}

with h5py.File(FOLDER / "stacked.h5", "w") as f:
    for name, values in (stacked | tracked).items():
        f.create_dataset("state_dict/" + name.replace(".", "/"), data=values, compression="gzip", chunks=values.shape)

save_file(stacked | tracked, FOLDER / "stacked.safetensors")
save_file({"pivots": pivots}, FOLDER / "rows.safetensors")
save_file(stacked | {"linear.bias": stacked["linear.bias"][:2]}, FOLDER / "uneven.safetensors")
save_file({name: values[:1] for name, values in stacked.items()}, FOLDER / "single.safetensors")
broken = stacked["conv1.weight"].copy()
broken.reshape(3, -1)[1, 5] = np.nan
save_file(stacked | {"conv1.weight": broken}, FOLDER / "nan.safetensors")
