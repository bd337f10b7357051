"""Checks with PyTorch that points mean the same on both sides, in both directions.

    python tests/e2e/check_pytorch.py RUN_FOLDER... [--last] [--data DIR]     from Isthmus: the minima and pivots of a run
    python tests/e2e/check_pytorch.py --import ARCHITECTURE...                into Isthmus: modules trained here, on the digits

From Isthmus: each minimum and each pivot of every path loads into the module of java/exchange/isthmus_networks.py with
strict=True; then the test set is evaluated in PyTorch (float32, inference mode). The images that are wrong must be those of
/test_mistakes, all of them and no other; errors must be equal, and losses within 1e-5 of each other (relative). --data is the
folder of the CIFAR-10 binaries; the digits are in the repository. --last leaves out the cycles before the last.

Into Isthmus: two modules are trained for some steps, saved as safetensors by PyTorch, as HDF5 by h5py, and as a .pt of a
DataParallel checkpoint that convert_pt.py converts; imported, evaluated, and joined from a path of three stacked points.

Prints one line per check and the largest deviations; exits 1 at the first fault. Needs torch, numpy, h5py, safetensors.
"""

import argparse
import csv
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

HOME = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME / "java" / "exchange"))

from isthmus_networks import INPUTS, network, state_dicts  # noqa: E402

TOLERANCE = 1e-5


# --- images -----------------------------------------------------------------------------------------------------------
def digits():
    """Every fifth a test image; 0..16 becomes 0..255."""
    path = HOME / "java/src/main/resources/io/isthmus/data/digits.csv.gz"
    with gzip.open(path, "rt") as lines:
        rows = np.array([[int(value) for value in row] for row in csv.reader(lines)])
    images = np.floor(rows[:, :64] * 255 / 16 + 0.5).astype(np.uint8).reshape(-1, 1, 8, 8)
    test = np.arange(len(rows)) % 5 == 4
    return (images[~test], rows[~test, 64]), (images[test], rows[test, 64])


def cifar10(folder):
    """The binaries: a label and 3 x 32 x 32 pixels each."""

    def read(names):
        records = np.concatenate([np.fromfile(pathlib.Path(folder) / name, np.uint8) for name in names])
        records = records.reshape(-1, 3073)
        return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)

    return read([f"data_batch_{i}.bin" for i in range(1, 6)]), read(["test_batch.bin"])


def tensors_of(name, folder=None, normalise=True, train_limit=0, test_limit=0):
    """Training and test images as the engine sees them, and their labels."""
    train, test = digits() if name == "digits" else cifar10(folder)
    train = [part[: train_limit or None] for part in train]
    test = [part[: test_limit or None] for part in test]
    pixels = train[0].astype(np.float64) / 255
    axes = (0, 2, 3)
    mean = pixels.mean(axes, keepdims=True) if normalise else 0.0
    deviation = pixels.std(axes, keepdims=True) if normalise else 1.0
    return [
        (torch.from_numpy(((images / 255 - mean) / deviation).astype(np.float32)), torch.from_numpy(labels).long())
        for images, labels in (train, test)
    ]


@torch.inference_mode()
def judged(model, images, labels):
    """Loss, and the indices of the images that are wrong."""
    model.eval()
    logits = torch.cat([model(part) for part in images.split(500)]).double()
    return F.cross_entropy(logits, labels).item(), torch.nonzero(logits.argmax(1) != labels).flatten().tolist()


class Deviations:
    """Losses of both sides, compared."""

    def __init__(self):
        self.worst, self.count = 0.0, 0

    def loss(self, what, found, expected):
        deviation = abs(found - expected) / abs(expected)
        assert deviation <= TOLERANCE, f"{what}: loss {found} instead of {expected}, off by {deviation:.1e}"
        self.worst, self.count = max(self.worst, deviation), self.count + 1

    def summary(self):
        return f"{self.count} losses, the largest deviation {self.worst:.1e}"


# --- from Isthmus -----------------------------------------------------------------------------------------------------
def setting(text, key):
    return re.search(rf"^  {key}: (\S+)$", text, re.MULTILINE).group(1)


def check_run(run, folder, last):
    text = (run / "resolved.yaml").read_text()
    if "\nprecision: bf16" in text:
        sys.exit(f"{run} is of bf16, whose rounding PyTorch does not repeat; isthmus import its minima into a run of fp32")
    data = text[text.index("\ndata:") :]
    name = setting(data, "name").strip('"')
    normalise = setting(data, "normalise") == "true"
    limits = int(setting(data, "train_limit")), int(setting(data, "test_limit"))
    _, (images, labels) = tensors_of(name, folder, normalise, *limits)
    deviations, wrong = Deviations(), 0
    minima = sorted(run.glob("minima/*/minimum.h5"))
    for path in minima:
        with h5py.File(path, "r") as f:
            attributes = dict(f.attrs)
            mistakes = f["test_mistakes"][()].tolist() if "test_mistakes" in f else []
        model = network(attributes["architecture"], *INPUTS[name])
        model.load_state_dict(state_dicts(path)[0], strict=True)
        loss, found = judged(model, images, labels)
        assert found == mistakes, f"{path}: other images are wrong, {set(found) ^ set(mistakes)}"
        assert len(found) / len(labels) == float(attributes["test_error"])
        deviations.loss(path, loss, float(attributes["test_loss"]))
        wrong += len(found)
    architecture = attributes["architecture"]
    print(f"{architecture} on {name}: {len(minima)} minima, {wrong} mistakes of {len(minima) * len(labels)} predictions, "
          f"the same images; {deviations.summary()}")
    deviations = Deviations()
    paths = sorted(run.glob("paths/*/cycle-*.h5"))
    if not paths:
        return
    if last:
        paths = list({path.parent: path for path in paths}.values())
    for path in paths:
        with h5py.File(path, "r") as f:
            inside = f["pivot_index"][()] >= 0
            losses = f["loss/test/interpolated"][()][inside]
            errors = f["error/test/interpolated"][()][inside]
        states = state_dicts(path)
        assert len(states) == len(losses)
        for i, state in enumerate(states):
            model.load_state_dict(state, strict=True)
            loss, found = judged(model, images, labels)
            assert len(found) == round(errors[i] * len(labels)), f"{path}, pivot {i}: {len(found)} wrong"
            deviations.loss(f"{path}, pivot {i}", loss, losses[i])
    print(f"{architecture} on {name}: all pivots of {len(paths)} paths, the same errors; {deviations.summary()}")


# --- into Isthmus -----------------------------------------------------------------------------------------------------
CONFIG = """data: digits
model: "{}"
training: {{minima: 3}}
exploration: {{batch: 64, autoneb: [{{steps: 2, learning_rate: 0.01}}]}}
"""


def isthmus(*arguments):
    done = subprocess.run([HOME / "isthmus", *map(str, arguments), "--json"], capture_output=True, text=True)
    assert done.returncode == 0, f"isthmus {' '.join(map(str, arguments))}: {done.stderr}"
    return json.loads(done.stdout)


def trained(architecture, seed, images, labels):
    torch.manual_seed(seed)
    model = network(architecture, *INPUTS["digits"]).train()
    sgd = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    for _ in range(60):
        batch = torch.randint(len(images), (64,))
        sgd.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        sgd.step()
    return model


def check_import(architecture, work):
    train, test = tensors_of("digits")
    models = [trained(architecture, seed, *train) for seed in (1, 2, 3)]
    config, run = work / "config.yaml", work / "run"
    config.write_text(CONFIG.format(architecture))

    files = [work / "torch.safetensors", work / "h5py.h5", work / "converted.safetensors"]
    save_file(models[0].state_dict(), files[0])
    with h5py.File(files[1], "w") as f:
        for key, value in models[1].state_dict().items():
            f["state_dict/" + key.replace(".", "/")] = value.numpy()
    torch.save({"epoch": 3, "state_dict": torch.nn.DataParallel(models[2]).state_dict()}, work / "checkpoint.pt")
    convert([work / "checkpoint.pt"], files[2])

    deviations = Deviations()
    assert isthmus("import", *files, "-o", run, "--config", config)["numbers"] == [1, 2, 3]
    for i, model in enumerate(models, 1):
        path = run / f"minima/000{i}/minimum.h5"
        loss, found = judged(model, *test)
        point = isthmus("eval", path)["points"][0]
        deviations.loss(path, point["test"]["loss"], loss)
        deviations.loss(path, point["train"]["loss"], judged(model, *train)[0])
        with h5py.File(path, "r") as f:
            assert (f["test_mistakes"][()].tolist() if found else []) == found, f"{path}: other images are wrong"
        assert point["test"]["error"] == len(found) / len(test[1])

    middle = network(architecture, *INPUTS["digits"])
    ends = [models[0].state_dict(), models[1].state_dict()]
    middle.load_state_dict({key: torch.lerp(a.float(), ends[1][key].float(), 0.5).to(a.dtype) for key, a in ends[0].items()})
    names = [work / name for name in ("a.pt", "m.pt", "b.pt")]
    for name, model in zip(names, (models[0], middle, models[1])):
        torch.save(model.state_dict(), name)
    convert(names, work / "path.safetensors")
    points = isthmus("eval", work / "path.safetensors", "-s", f"model={architecture}", "-s", "data=digits")["points"]
    for model, point in zip((models[0], middle, models[1]), points, strict=True):
        loss, found = judged(model, *test)
        deviations.loss("path.safetensors", point["test"]["loss"], loss)
        assert point["test"]["error"] == len(found) / len(test[1])
    connected = isthmus("connect", run, 1, 2, "--from", work / "path.safetensors")
    pivots = state_dicts(run / "paths/0001-0002/cycle-01.h5")
    for end, model in ((pivots[0], models[0]), (pivots[-1], models[1])):
        assert all(torch.equal(end[key], value) for key, value in model.state_dict().items() if "num_batches" not in key)
    print(f"{architecture}: safetensors, HDF5 and .pt imported, the same images wrong; a path of 3 points evaluated and gone on "
          f"from ({connected['pivots']} pivots, ends bit for bit); {deviations.summary()}")


def convert(files, output):
    command = [sys.executable, HOME / "java/exchange/convert_pt.py", *files, "-o", output]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arguments", nargs="+", metavar="RUN_FOLDER|ARCHITECTURE")
    parser.add_argument("--import", action="store_true", dest="into", help="check the way into Isthmus")
    parser.add_argument("--data", help="folder of the CIFAR-10 binaries")
    parser.add_argument("--last", action="store_true", help="of each path only the last cycle")
    options = parser.parse_args()
    print(f"PyTorch {torch.__version__}, h5py {h5py.__version__}, losses within {TOLERANCE:.0e}")
    for argument in options.arguments:
        if options.into:
            with tempfile.TemporaryDirectory() as work:
                check_import(argument, pathlib.Path(work))
        else:
            check_run(pathlib.Path(argument), options.data, options.last)


main()
