"""The networks of Isthmus as plain PyTorch modules, and the way from its files into them.

A file to copy: it needs PyTorch, and h5py or safetensors for the files it reads.

    from isthmus_networks import INPUTS, network, state_dicts

    model = network("resnet20:shortcut=B", *INPUTS["cifar10"])
    model.load_state_dict(state_dicts("minima/0001/minimum.h5")[0], strict=True)
    for state in state_dicts("paths/0001-0002/cycle-03.h5"):  # the pivots, from end to end
        ...

The architecture is the attribute `architecture` of every file. Keys, shapes and axes are PyTorch's on both sides, so
nothing is converted. Images come in as (pixel / 255 - mean) / deviation, both per channel and taken over the training
images Isthmus used (`data.train_limit`); they are 0 and 1 where `data.normalise` is false.
"""
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

# channels, height, width, classes
INPUTS = {
    "digits": (1, 8, 8, 10),
    "cifar10": (3, 32, 32, 10),
    "cifar100": (3, 32, 32, 100),
    "mnist": (1, 28, 28, 10),
    "fashion-mnist": (1, 28, 28, 10),
    "xor": (2, 1, 1, 2),
}


# --- networks ---------------------------------------------------------------------------------------------------------
class PadShortcut(nn.Module):
    """He et al. 2015, option A: every second pixel, zero channels half before and half after."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.before, self.after, self.stride = (outputs - inputs) // 2, (outputs - inputs + 1) // 2, stride

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


class Block(nn.Module):
    """conv - batch norm - ReLU - conv - batch norm - (+ shortcut) - ReLU."""

    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride == 1 and inputs == outputs:
            self.downsample = nn.Identity()
        elif shortcut == "A":
            self.downsample = PadShortcut(inputs, outputs, stride)
        else:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(h)) + self.downsample(x))


class ResNet(nn.Module):
    """CIFAR ResNet of depth 6n + 2 (He et al. 2015, section 4.2)."""

    def __init__(self, depth, channels, classes, shortcut="A", width=16):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for stage in range(3):
            outputs = width << stage
            blocks = []
            for block in range((depth - 2) // 6):
                blocks.append(Block(inputs, outputs, 2 if stage > 0 and block == 0 else 1, shortcut))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear_out = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear_out(x.mean((2, 3)))


class DenseLayer(nn.Module):
    """Batch norm - ReLU - [1 x 1 conv - batch norm - ReLU -] 3 x 3 conv, concatenated to its input."""

    def __init__(self, inputs, growth, bottleneck):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        if bottleneck:
            self.conv1 = nn.Conv2d(inputs, 4 * growth, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(4 * growth)
            self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)
        self.bottleneck = bottleneck

    def forward(self, x):
        z = self.conv1(F.relu(self.bn1(x)))
        if self.bottleneck:
            z = self.conv2(F.relu(self.bn2(z)))
        return torch.cat((x, z), 1)


class Transition(nn.Module):
    """Batch norm - ReLU - 1 x 1 conv - 2 x 2 mean."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv1(F.relu(self.bn1(x))), 2)


class DenseNet(nn.Module):
    """DenseNet for CIFAR (Huang et al. 2016) with three blocks and 2 * growth stem channels."""

    def __init__(self, depth, growth, channels, classes, bottleneck=False, compression=1.0):
        super().__init__()
        layers = (depth - 4) // (6 if bottleneck else 3)
        width = 2 * growth
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        for block in (1, 2, 3):
            stack = []
            for _ in range(layers):
                stack.append(DenseLayer(width, growth, bottleneck))
                width += growth
            setattr(self, f"dense{block}", nn.Sequential(*stack))
            if block < 3:
                reduced = int(width * compression)
                setattr(self, f"trans{block}", Transition(width, reduced))
                width = reduced
        self.bn1 = nn.BatchNorm2d(width)
        self.linear_out = nn.Linear(width, classes)

    def forward(self, x):
        x = self.trans1(self.dense1(self.conv1(x)))
        x = self.dense3(self.trans2(self.dense2(x)))
        return self.linear_out(F.relu(self.bn1(x)).mean((2, 3)))


class MLP(nn.Module):
    """Linear - [batch norm -] activation, any number of times, then the classes."""

    def __init__(self, inputs, widths, classes, activation=nn.ReLU, batch_norm=False):
        super().__init__()
        self.body = nn.Sequential()
        for i, width in enumerate(widths):
            layer = OrderedDict(linear=nn.Linear(inputs, width))
            if batch_norm:
                layer["batch_norm"] = nn.BatchNorm1d(width)
            layer["activation"] = activation()
            self.body.add_module(f"layer_{i}", nn.Sequential(layer))
            inputs = width
        self.final = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.final(self.body(x.flatten(1)))


class CNN(nn.Module):
    """Convolution, 2 x 2 maximum, [batch norm,] ReLU, any number of times; at most one hidden layer."""

    def __init__(self, channels, height, width, filters, classes, batch_norm=False, kernel=3, dense=0):
        super().__init__()
        self.conv = nn.Sequential()
        for i, outputs in enumerate(filters):
            layer = OrderedDict(conv=nn.Conv2d(channels, outputs, kernel, padding=kernel // 2), maxpool=nn.MaxPool2d(2))
            if batch_norm:
                layer["batchnorm"] = nn.BatchNorm2d(outputs)
            layer["activation"] = nn.ReLU()
            self.conv.add_module(f"conv_{i}", nn.Sequential(layer))
            channels, height, width = outputs, height // 2, width // 2
        inputs = channels * height * width
        self.fc = nn.Sequential()
        if dense:
            layer = OrderedDict(linear=nn.Linear(inputs, dense))
            if batch_norm:
                layer["batch_norm"] = nn.BatchNorm1d(dense)
            layer["activation"] = nn.ReLU()
            self.fc.add_module("fc_0", nn.Sequential(layer))
            inputs = dense
        self.final = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.final(self.fc(self.conv(x).flatten(1)))


def network(architecture, channels, height, width, classes):
    """The module of an architecture as Isthmus writes it, such as resnet20:shortcut=B, densenet40-12, mlp-64-32."""
    name, _, rest = architecture.partition(":")
    options = dict(option.split("=") for option in rest.split(",") if option)
    family = name.split("-")[0].rstrip("0123456789")
    numbers = [int(part) for part in name[len(family):].strip("-").split("-") if part.isdigit()]
    normalise = options.get("batchnorm") == "1"
    if family == "resnet":
        return ResNet(numbers[0], channels, classes, options.get("shortcut", "A"), int(options.get("width", 16)))
    if family == "densenet":
        bc = name.endswith("-bc")
        bottleneck = options.get("bottleneck", str(int(bc))) == "1"
        compression = float(options.get("compression", 0.5 if bc else 1))
        return DenseNet(numbers[0], numbers[1], channels, classes, bottleneck, compression)
    if family == "mlp":
        activation = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[options.get("activation", "relu")]
        return MLP(channels * height * width, numbers, classes, activation, normalise)
    if family == "cnn":
        kernel, dense = int(options.get("kernel", 3)), int(options.get("dense", 0))
        return CNN(channels, height, width, numbers, classes, normalise, kernel, dense)
    raise ValueError(f"'{architecture}' is no network of Isthmus")


# --- files ------------------------------------------------------------------------------------------------------------
def state_dicts(path):
    """The points of a file of Isthmus, each ready for load_state_dict(..., strict=True): one of a minimum, all pivots of
    a path from end to end. HDF5 of a run (minimum.h5, cycle-NN.h5) or anything `isthmus export` writes."""
    path = str(path)
    if path.endswith(".safetensors"):
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}
            stacked = (file.metadata() or {}).get("kind") == "stacked-path"
    else:
        import h5py

        with h5py.File(path, "r") as file:
            if "pivots" in file:
                return [_split(torch.as_tensor(row), file) for row in file["pivots"]]
            tensors = {key: torch.as_tensor(value[()]) for key, value in file["state_dict"].items()}
            stacked = file.attrs.get("kind") == "stacked-path"
    if not stacked:
        return [tensors]
    count = len(next(iter(tensors.values())))
    return [{key: value[i] for key, value in tensors.items()} for i in range(count)]


def _split(vector, file):
    """The tensors of a vector, in the order and the shapes that its file gives; PyTorch's batch counters beside them."""
    state, at = {}, 0
    for name, shape in zip(file["param_order"].asstr()[:], file["param_shapes"].asstr()[:]):
        shape = [int(n) for n in shape.split(",")]
        state[name] = vector[at : at + torch.Size(shape).numel()].reshape(shape)
        at += state[name].numel()
        if name.endswith("running_mean"):
            state[name.replace("running_mean", "num_batches_tracked")] = torch.tensor(0)
    return state
