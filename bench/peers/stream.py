"""The engine's draws in NumPy: which images a batch takes, and how each is cropped and flipped. The rule: native/src/random.h."""
import numpy as np

WORD = np.uint64(0xFFFFFFFF)
CROP_FLIP, PERMUTATION_LOW, PERMUTATION_HIGH = 0, 1, 2


def philox(counter, seed):
    """Philox4x32-10 of four arrays of words (uint64 below 2^32)."""
    a, b, c, d = counter
    key0, key1 = np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * a, np.uint64(0xCD9E8D57) * c
        a, b, c, d = (p1 >> np.uint64(32)) ^ b ^ key0, p1 & WORD, (p0 >> np.uint64(32)) ^ d ^ key1, p0 & WORD
        key0, key1 = (key0 + np.uint64(0x9E3779B9)) & WORD, (key1 + np.uint64(0xBB67AE85)) & WORD
    return a, b, c, d


def drawn(seed, stream, positions, purpose):
    positions = np.asarray(positions, np.uint64)
    ones = np.ones_like(positions)
    return philox((ones * np.uint64(stream & 0xFFFFFFFF), ones * np.uint64(stream >> 32), positions & WORD,
                   positions >> np.uint64(32) | np.uint64(purpose << 28)), seed)


def mixed(x):
    x = x ^ x >> np.uint64(17)
    x = x * np.uint64(0xED5AD4BB) & WORD
    x = x ^ x >> np.uint64(11)
    x = x * np.uint64(0xAC4C1B51) & WORD
    x = x ^ x >> np.uint64(15)
    x = x * np.uint64(0x31848BAB) & WORD
    return x ^ x >> np.uint64(14)


def permuted(seed, stream, epochs, n, places):
    """Where the permutation of 0 .. n - 1 of each epoch sends each place."""
    half = 1
    while half < 31 and 1 << (2 * half) < n:
        half += 1
    shift, mask = np.uint64(half), np.uint64((1 << half) - 1)
    keys = [*drawn(seed, stream, epochs, PERMUTATION_LOW), *drawn(seed, stream, epochs, PERMUTATION_HIGH)]
    x, walking = np.asarray(places, np.uint64), np.ones(len(places), bool)
    while walking.any():
        left, right = x >> shift, x & mask
        for key in keys:
            left, right = right, left ^ (mixed(right ^ key) & mask)
        x = np.where(walking, left << shift | right, x)
        walking = x >= n
    return x


def draws_of(seed, stream, step, batch, n_images, crop=4):
    """[4][batch] int32: image, dy, dx, flip of every slot. Pixel (y, x) of the input is pixel (y + dy, x' + dx) of the image, 0
    outside it, with x' mirrored where it is flipped. crop 0: neither cropped nor flipped."""
    positions = np.uint64(step * batch) + np.arange(batch, dtype=np.uint64)
    images = permuted(seed, stream, positions // np.uint64(n_images), n_images, positions % np.uint64(n_images))
    words = drawn(seed, stream, positions, CROP_FLIP)
    dy, dx = ((words[i] * np.uint64(2 * crop + 1) >> np.uint64(32)).astype(np.int32) - crop for i in (0, 1))
    flip = words[2] >> np.uint64(31) if crop else np.zeros_like(images)
    return np.stack([images.astype(np.int32), dy, dx, flip.astype(np.int32)])
