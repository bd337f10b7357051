"""Writes the HDF5 files beside this script (h5py 3, numpy): the same images in each form that users write.

Pixel [n, c, y, x] is (60 n + 20 c + 4 y + x) mod 256, label n is n mod 3; 7 images to train, 5 to test.
"""
import h5py
import numpy as np


def images(count, channels=3, height=5, width=4):
    n, c, y, x = np.ogrid[:count, :channels, :height, :width]
    return ((60 * n + 20 * c + 4 * y + x) % 256).astype(np.uint8)


def labels(count, dtype):
    return (np.arange(count) % 3).astype(dtype)


with h5py.File("block.h5", "w") as f:
    for part, count in (("train", 7), ("test", 5)):
        f[f"{part}/images"] = images(count)
        f[f"{part}/labels"] = labels(count, "u1")

with h5py.File("chunked.h5", "w", libver="v114") as f:
    f.attrs["classes"] = 10
    for part, count in (("train", 7), ("test", 5)):
        d = f.create_dataset(f"{part}/images", data=images(count).transpose(0, 2, 3, 1), chunks=(2, 5, 3, 2),
                             compression="gzip", shuffle=True, fletcher32=True)
        d.attrs["layout"] = "NHWC"
        f.create_dataset(f"{part}/labels", data=labels(count, "<i8"), chunks=(3,), maxshape=(None,))

with h5py.File("grey.h5", "w") as f:
    for part, count in (("train", 7), ("test", 5)):
        f.create_dataset(f"{part}/images", data=images(count, 1)[:, 0], chunks=(4, 5, 4), compression="gzip")
        f[f"{part}/labels"] = labels(count, ">i2")

with h5py.File("negative.h5", "w") as f:
    for part, count in (("train", 7), ("test", 5)):
        f[f"{part}/images"] = images(count)
        f[f"{part}/labels"] = labels(count, ">i2") - 1

with h5py.File("wide.h5", "w") as f:
    f["train/images"], f["train/labels"] = images(7).astype("f4"), labels(7, "u1")

with h5py.File("mismatch.h5", "w") as f:
    f["train/images"], f["train/labels"] = images(7), labels(7, "u1")
    f["test/images"], f["test/labels"] = images(5, height=6), labels(5, "u1")

with h5py.File("short.h5", "w") as f:
    f["train/images"], f["train/labels"] = images(7), labels(6, "u1")

with h5py.File("link.h5", "w") as f:
    f["hidden"] = images(7)
    f["train/images"] = h5py.ExternalLink("block.h5", "/train/images")
    f["train/labels"] = labels(7, "u1")

with h5py.File("claims.h5", "w") as f:  # a million chunks, none of them written
    f.create_dataset("train/images", shape=(1000, 1, 32, 32), chunks=(1, 1, 1, 1), dtype="u1")
    f["train/labels"] = labels(1000, "u1")
