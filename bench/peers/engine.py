"""The engine's C API through ctypes: just what the benches and checks in Python need. See native/include/isthmus/isthmus.h."""
import ctypes as c
import pathlib

import numpy as np

LIBRARY = pathlib.Path(__file__).resolve().parents[2] / "build" / "native" / "libisthmus_cpu.so"
PRECISION = {"fp32": 0, "bf16": 1}
BACKEND = {"cpu": 0, "cuda": 1}


class Sampling(c.Structure):
    _fields_ = [("seed", c.c_uint64), ("batch_size", c.c_int32), ("crop_padding", c.c_int32), ("flip", c.c_int32)]


class Sgd(c.Structure):
    _fields_ = [("learning_rate", c.c_float), ("momentum", c.c_float), ("weight_decay", c.c_float), ("nesterov", c.c_int32)]


class Neb(c.Structure):
    _fields_ = [("sgd", Sgd), ("tangent", c.c_int), ("geometry", c.c_int), ("spring", c.c_float), ("climbing", c.c_int32)]


class Metrics(c.Structure):
    _fields_ = [("loss", c.c_double), ("error", c.c_double)]


class Tensor(c.Structure):
    _fields_ = [("name", c.c_char_p), ("kind", c.c_int), ("offset", c.c_int64), ("rank", c.c_int32), ("shape", c.c_int64 * 4)]


class Isthmus:
    """One model with a data set and n points."""

    def __init__(self, spec, images, labels, classes, precision, points, threads, mean=0.5, std=0.25, library=LIBRARY,
                 backend="cpu"):
        self.lib = c.CDLL(str(library))
        self.lib.ist_last_error.restype = c.c_char_p
        self.lib.ist_engine_description.restype = c.c_char_p
        for f in ("ist_model_n_params", "ist_model_n_statistics", "ist_model_flops"):
            getattr(self.lib, f).restype = c.c_int64
        engine, model = c.c_void_p(), c.c_void_p()
        self.call("ist_engine_create", BACKEND[backend], 0, threads, c.byref(engine))
        self.engine, self.classes, self.mean, self.std = engine, classes, mean, std
        self.use(images, labels)
        self.call("ist_model_create", engine, spec.encode(), *images.shape[1:], classes, PRECISION[precision], c.byref(model))
        self.model, self.n = model, points
        self.points = self.more_points(points)
        self.description = self.lib.ist_engine_description(engine).decode()
        self.n_params = self.lib.ist_model_n_params(model)
        self.size = self.n_params + self.lib.ist_model_n_statistics(model)
        self.flops = self.lib.ist_model_flops(model)
        self.streams = (c.c_uint64 * points)(*range(points))
        for i in range(points):
            self.call("ist_points_initialise", self.points, i, c.c_uint64(i + 1))

    def call(self, name, *args):
        if getattr(self.lib, name)(*args) != 0:
            raise RuntimeError(self.lib.ist_last_error().decode())

    def use(self, images, labels):
        """Goes on with another data set of the same shape."""
        dataset = c.c_void_p()
        n, channels, height, width = images.shape
        images, labels = np.ascontiguousarray(images, np.uint8), np.ascontiguousarray(labels, np.int32)
        means, stds = np.full(channels, self.mean, np.float32), np.full(channels, self.std, np.float32)
        self.call("ist_dataset_create", self.engine, _ptr(images), _ptr(labels), c.c_int64(n), channels, height, width,
                  self.classes, _ptr(means), _ptr(stds), c.byref(dataset))
        self.dataset = dataset

    def more_points(self, n):
        """Another n points of the model, zeros; whoever sets `points` to them works on them."""
        points = c.c_void_p()
        self.call("ist_points_create", self.model, n, c.byref(points))
        return points

    def tensors(self):
        for i in range(self.lib.ist_model_n_tensors(self.model)):
            t = Tensor()
            self.call("ist_model_tensor", self.model, i, c.byref(t))
            yield t.name.decode(), t.kind, t.offset, tuple(t.shape[: t.rank])

    def read(self, index):
        out = np.empty(self.size, np.float32)
        self.call("ist_points_read", self.points, index, _ptr(out))
        return out

    def write(self, index, values):
        self.call("ist_points_write", self.points, index, _ptr(np.ascontiguousarray(values, np.float32)))

    def gradient(self, batch, step=0):
        losses = np.empty(self.n, np.float32)
        sampling = Sampling(1, batch, 0, 0)
        self.call("ist_points_gradient", self.points, self.dataset, c.byref(sampling), self.streams, c.c_int64(step), _ptr(losses))
        return losses

    def read_gradient(self, index):
        out = np.empty(self.n_params, np.float32)
        self.call("ist_points_read_gradient", self.points, index, _ptr(out))
        return out

    def descend(self, batch, steps, learning_rate=0.1, crop=4, first_step=0):
        losses = np.empty((steps, self.n), np.float32)
        sampling, sgd = Sampling(1, batch, crop, int(crop > 0)), Sgd(learning_rate, 0.9, 1e-4, 0)
        self.call("ist_points_descend", self.points, self.dataset, c.byref(sampling), self.streams, c.byref(sgd),
                  c.c_int64(first_step), steps, _ptr(losses))
        return losses

    def relax(self, batch, steps, learning_rate=0.01, crop=4, first_step=0):
        losses, spacing = np.empty((steps, self.n), np.float32), np.ones(self.n - 1, np.float32)
        sampling = Sampling(1, batch, crop, int(crop > 0))
        neb = Neb(Sgd(learning_rate, 0.9, 1e-4, 0), 1, 0, float("inf"), 0)
        self.call("ist_points_relax", self.points, self.dataset, c.byref(sampling), self.streams, c.byref(neb), _ptr(spacing),
                  c.c_int64(first_step), steps, _ptr(losses))
        return losses

    def recompute_statistics(self, batch, n_batches):
        sampling = Sampling(1, batch, 0, 0)
        self.call("ist_points_recompute_statistics", self.points, self.dataset, c.byref(sampling), self.streams, n_batches)

    def evaluate(self):
        out = (Metrics * self.n)()
        self.call("ist_points_evaluate", self.points, self.dataset, out)
        return [(m.loss, m.error) for m in out]


def _ptr(array):
    return array.ctypes.data_as(c.c_void_p)
