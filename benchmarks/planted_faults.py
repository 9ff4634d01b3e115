"""Faults that are planted among genuine images to see which of them the fidelity gate catches.

Every fault is made from images that the gate has never seen, but for the copies, which are made from those it was
fitted on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, rotate
from scipy.spatial.distance import cdist

WRONG, DEGRADED, EXACT, NEAR, MOVED, COLLAPSED, GARBAGE = (
    "wrong class",
    "degraded",
    "exact copies",
    "near copies",
    "moved copies",
    "one collapsed mode",
    "garbage",
)
MILD, STRONG = 1 / 16, 1 / 8
"""Standard deviation of the blur, in sides of the image."""
COLLAPSED_NOISE = 0.02
"""Length of the noise on a repeated image, in typical distances (d) between a real image and its nearest one."""
SPECKS = 0.3
"""Share of pixels that salt and pepper replace."""


@dataclass(frozen=True, eq=False)
class Source:
    """What faults in one class are made of; images are uint8, shape (m, c, h, w).

    Attributes:
        own: Fresh images of the class.
        other: As many fresh images of any other class.
        hardest: As many fresh images of the class that looks most alike.
        real: Real images the gate was fitted on.
        held_out: Real images that were held out from it and that it knows of.
        accepted: Fresh images of the class that stand before the faults in the batch.
        typical: Median distance of a real image of the class to its nearest other one, in grey values.
    """

    own: np.ndarray
    other: np.ndarray
    hardest: np.ndarray
    real: np.ndarray
    held_out: np.ndarray
    accepted: np.ndarray
    typical: float


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: What it is called in the tables.
        group: The goal it counts for.
        make: Makes faulty images, at most as many as `own` has.
    """

    name: str
    group: str
    make: Callable[[Source, np.random.Generator], np.ndarray]


def to_uint8(x: np.ndarray) -> np.ndarray:
    """Round to grey values 0..255."""
    return x.round().clip(0, 255).astype(np.uint8)


def add_noise(x: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    """Add normal noise of this standard deviation in grey values to every pixel."""
    return to_uint8(x + rng.normal(0, deviation, x.shape))


def near_copies(x: np.ndarray, rng: np.random.Generator, share: float, typical: float) -> np.ndarray:
    """Move each image by about `share` of the distance `typical`, in a random direction."""
    return add_noise(x, rng, share * typical / np.sqrt(x[0].size))


def blur(x: np.ndarray, share: float) -> np.ndarray:
    """Blur with a Gaussian of `share` of the image's side."""
    deviation = share * x.shape[-1]
    return to_uint8(gaussian_filter(x.astype(np.float64), (0, 0, deviation, deviation), mode="nearest"))


def blend(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the mean of the pixels of two images each."""
    return to_uint8((x.astype(np.float64) + y) / 2)


def shift(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move each image by one pixel in one of four directions; the edge is repeated."""
    h, w = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    corners = np.array([(0, 1), (2, 1), (1, 0), (1, 2)])[rng.integers(0, 4, len(x))]
    return np.stack([p[:, i : i + h, j : j + w] for p, (i, j) in zip(padded, corners, strict=True)])


def turn(x: np.ndarray, degrees: float) -> np.ndarray:
    """Rotate by an angle, with linear interpolation; the edge is repeated."""
    turned = rotate(x.astype(np.float64), degrees, axes=(2, 3), reshape=False, order=1, mode="nearest")
    return to_uint8(turned)


def shuffle_pixels(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put the pixels of each image in a random order."""
    return rng.permuted(x.reshape(len(x), -1), axis=1).reshape(x.shape)


def specks(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn a share of the pixels black or white at random."""
    noise = rng.choice(np.array([0, 255], dtype=np.uint8), x.shape)
    return np.where(rng.random(x.shape) < SPECKS, noise, x)


def typical_distance(x: np.ndarray) -> float:
    """Median Euclidean distance in grey values of each image to its nearest other one."""
    distances = cdist(*2 * [x.reshape(len(x), -1).astype(np.float64)])
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))


def collapse(x: np.ndarray, m: int, rng: np.random.Generator, typical: float) -> np.ndarray:
    """Repeat the first image `m` times with noise that hardly shows."""
    return near_copies(np.repeat(x[:1], m, axis=0), rng, COLLAPSED_NOISE, typical)


def _some(x: np.ndarray, like: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return x[rng.permutation(len(x))[: len(like)]]


def _constant(s: Source, rng: np.random.Generator) -> np.ndarray:
    return np.broadcast_to(rng.integers(0, 256, (len(s.own), 1, 1, 1)), s.own.shape).astype(np.uint8)


FAULTS = (
    Fault("another class", WRONG, lambda s, rng: s.other),
    Fault("the hardest class", WRONG, lambda s, rng: s.hardest),
    Fault("blur, mild", DEGRADED, lambda s, rng: blur(s.own, MILD)),
    Fault("blur, strong", DEGRADED, lambda s, rng: blur(s.own, STRONG)),
    Fault("noise 0.1", DEGRADED, lambda s, rng: add_noise(s.own, rng, 0.1 * 255)),
    Fault("noise 0.2", DEGRADED, lambda s, rng: add_noise(s.own, rng, 0.2 * 255)),
    Fault("noise 0.4", DEGRADED, lambda s, rng: add_noise(s.own, rng, 0.4 * 255)),
    Fault("blend with another class", DEGRADED, lambda s, rng: blend(s.own, s.other)),
    Fault("blend within the class", DEGRADED, lambda s, rng: blend(s.own, np.roll(s.own, 1, axis=0))),
    Fault("copy", EXACT, lambda s, rng: _some(s.real, s.own, rng)),
    Fault("copy of a held-out image", EXACT, lambda s, rng: _some(s.held_out, s.own, rng)),
    Fault("copy, noise 0.1 d", NEAR, lambda s, rng: near_copies(_some(s.real, s.own, rng), rng, 0.1, s.typical)),
    Fault("copy, noise 0.25 d", NEAR, lambda s, rng: near_copies(_some(s.real, s.own, rng), rng, 0.25, s.typical)),
    Fault("copy, 5 % brighter", NEAR, lambda s, rng: to_uint8(1.05 * _some(s.real, s.own, rng))),
    Fault("copy, 1 pixel aside", MOVED, lambda s, rng: shift(_some(s.real, s.own, rng), rng)),
    Fault("copy, turned by 3 degrees", MOVED, lambda s, rng: turn(_some(s.real, s.own, rng), 3)),
    Fault("one image again and again", COLLAPSED, lambda s, rng: collapse(s.accepted[:1], len(s.own), rng, s.typical)),
    Fault("uniform noise", GARBAGE, lambda s, rng: rng.integers(0, 256, s.own.shape).astype(np.uint8)),
    Fault("one grey value", GARBAGE, _constant),
    Fault("salt and pepper", GARBAGE, lambda s, rng: specks(s.own, rng)),
    Fault("inverted", GARBAGE, lambda s, rng: 255 - s.own),
    Fault("another class, inverted", GARBAGE, lambda s, rng: 255 - s.other),
    Fault("shuffled pixels", GARBAGE, lambda s, rng: shuffle_pixels(s.own, rng)),
)
"""What is planted among genuine images, one kind at a time."""


def _partly(share: float, faulty: np.ndarray, genuine: np.ndarray) -> np.ndarray:
    n = round(share * len(genuine))
    return np.concatenate([faulty[:n], genuine[n:]])


def _copied(s: Source, rng: np.random.Generator, share: float, noise: float) -> np.ndarray:
    copied = s.real[rng.integers(0, len(s.real), len(s.own))]
    return _partly(share, near_copies(copied, rng, noise, s.typical), s.own)


SITUATIONS: dict[str, Callable[[Source, np.random.Generator], np.ndarray]] = {
    "genuine": lambda s, rng: s.own,
    "25 % another class": lambda s, rng: _partly(0.25, s.other, s.own),
    "50 % another class": lambda s, rng: _partly(0.5, s.other, s.own),
    "100 % another class": lambda s, rng: s.other,
    "all blurred, mild": lambda s, rng: blur(s.own, MILD),
    "all blurred, strong": lambda s, rng: blur(s.own, STRONG),
    "all blends within the class": lambda s, rng: blend(s.own, np.roll(s.own, 1, axis=0)),
    "one image again and again": lambda s, rng: collapse(s.own, len(s.own), rng, s.typical),
    "10 % copies, noise 0.1 d": lambda s, rng: _copied(s, rng, 0.1, 0.1),
    "50 % copies, noise 0.1 d": lambda s, rng: _copied(s, rng, 0.5, 0.1),
    "50 % copies, noise 0.5 d": lambda s, rng: _copied(s, rng, 0.5, 0.5),
    "100 % copies, noise 0.5 d": lambda s, rng: _copied(s, rng, 1.0, 0.5),
}
"""What a whole class is made of."""
