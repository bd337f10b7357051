"""Turns PyTorch's own files (.pt, .pth) into safetensors, which `isthmus import` reads.

    python convert_pt.py model.pt -o model.safetensors            one state dictionary
    python convert_pt.py a.pt b.pt c.pt -o path.safetensors       a path through them, for isthmus connect --from

A .pt file is a pickle and may run code when it is read. This program reads it with weights_only=True, which refuses all
but tensors and plain containers; Isthmus itself never reads one. It takes a state dictionary, or a checkpoint that holds
one under the key state_dict, model_state_dict, model or net; prefixes that all keys share (`module.` of DataParallel,
`_orig_mod.` of torch.compile, `model.`) are removed, and other floating-point types become float32. Needs PyTorch alone.
"""
import argparse
import json
import pathlib
import pickle
import struct
import sys
import warnings

import torch

NESTED = ("state_dict", "model_state_dict", "model", "net")
PREFIXES = ("module.", "_orig_mod.", "model.")
COUNTER = "num_batches_tracked"


class Refused(Exception):
    """A sentence for the user."""


def read(path):
    """The state dictionary of a file: float32 tensors, and int64 batch counters."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise Refused(f"{path}: there is no such file") from None
    except pickle.UnpicklingError:
        raise Refused(
            f"{path} holds more than tensors and plain containers, which weights_only=True refuses to build; in a Python that "
            "has the code it was made with, load it, torch.save the module's state_dict() and convert that"
        ) from None
    except Exception:  # whatever else bytes that are no file of PyTorch lead to
        raise Refused(f"{path} is damaged or no file of torch.save") from None
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise Refused(f"{path} holds a {type(content).__name__}, not a state dictionary; save module.state_dict()")
    tensors = {str(key): value for key, value in content.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise Refused(f"{path} holds no tensors; save module.state_dict()")
    prefix = shared_prefix(tensors)
    return {key.removeprefix(prefix): plain(path, key, value) for key, value in tensors.items()}


def shared_prefix(keys):
    """What wrappers put in front of every key."""
    prefix = ""
    while True:
        further = [p for p in PREFIXES if all(key.startswith(prefix + p) for key in keys)]
        if not further:
            return prefix
        prefix += further[0]


def plain(path, key, value):
    if key.endswith(COUNTER):
        return value.to(torch.int64).contiguous()
    if not value.is_floating_point():
        raise Refused(f"{path} holds {key} as {value.dtype}; networks of Isthmus have floating-point tensors alone")
    return value.detach().to(torch.float32).contiguous()


def stack(paths):
    """The state dictionaries of several files along a new first axis."""
    states = [read(path) for path in paths]
    for path, state in zip(paths[1:], states[1:]):
        for key in states[0].keys() | state.keys():
            shapes = [tuple(s[key].shape) if key in s else "missing" for s in (states[0], state)]
            if shapes[0] != shapes[1]:
                raise Refused(f"{path} does not fit {paths[0]}: {key} is {shapes[1]} instead of {shapes[0]}")
    return {key: torch.stack([state[key] for state in states]) for key in states[0]}


def write(path, tensors, metadata):
    """A safetensors file: length of the header, the header, the values."""
    header, at = {"__metadata__": metadata}, 0
    for key, value in tensors.items():
        size = value.numel() * value.element_size()
        kind = "I64" if value.dtype == torch.int64 else "F32"
        header[key] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "xb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            file.write(value.numpy().astype(value.numpy().dtype.newbyteorder("<")).tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE")
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path, metavar="OUT.safetensors")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of torch.load, about what is refused anyway
    try:
        if len(options.files) == 1:
            tensors, metadata = read(options.files[0]), {"format": "pt"}
        else:
            tensors = stack(options.files)
            metadata = {"format": "pt", "kind": "stacked-path", "pivots": str(len(options.files))}
        write(options.output, tensors, metadata)
    except Refused as refused:
        sys.exit(f"convert_pt.py: {refused}")
    except OSError as e:
        sys.exit(f"convert_pt.py: {options.output} cannot be written: {e.strerror}")
    print(f"{len(tensors)} tensors in {options.output}")


if __name__ == "__main__":
    main()
