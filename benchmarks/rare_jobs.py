"""The arms of `rare_classes.py`, their order, and the files of the finished ones."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.arms import SYNTHETIC_ONLY, WAYS
from gensynth.files import write_bytes

COUNTS = (4000, 2000, 1000, 750, 500, 350, 200, 100, 60, 40)
BATCH = 128
MAJORITY, EVERY = "majority", "twice that"
FACTORS = ("2x", "5x", "10x")
GENERATOR_STEPS = {"deformation": 800, "vae": 2000, "dcgan": 3000}

ROOT = Path(__file__).resolve().parent.parent
CODE = ("gensynth/arms.py", "gensynth/classifier.py", "gensynth/augment.py")
GENERATOR_CODE = ("gensynth/generator.py", "gensynth/source.py", "gensynth/train.py", "gensynth/samplers/neural.py")


@dataclass(frozen=True)
class Job:
    """One arm on one draw.

    Attributes:
        data: `mnist` or `fashion`.
        draw: Number of the draw, which is also the seed of all.
        way: How the network is trained, one of `gensynth.arms.ARMS`.
        steps: Its gradient steps.
        sampler: What draws the synthetic images; empty where there are none.
        target: How far the classes are filled: `2x`, ..., `majority`, or all of them, that one too, to `twice that`.
        gated: Whether those that the fidelity gate rejects are left out.
    """

    data: str
    draw: int
    way: str
    steps: int
    sampler: str = ""
    target: str = ""
    gated: bool = False

    @property
    def arm(self) -> str:
        """Name of the row in the table."""
        if not self.sampler:
            return self.way
        way = {"oversampled + synthetic": "", "augmented + synthetic": " + affine", SYNTHETIC_ONLY: ", no real ones"}
        return f"{self.sampler} to {self.target}{way[self.way]}{', gated' if self.gated else ''}"

    @property
    def bank(self) -> str:
        """Name of the file of the sampler's images: results of other code are not used."""
        return f"{self.data}/{self.draw}/{self.sampler}_{_digest(self.sampler, GENERATOR_STEPS.get(self.sampler, 0))}"

    @property
    def file(self) -> str:
        """Name of the file of its result."""
        name = re.sub("[^a-z0-9]+", "_", self.arm)
        return f"{self.data}/{self.draw}/{name}_{_digest('', self.way, self.steps, BATCH, self.bank)}"


def jobs(data: Sequence[str], draws: int, steps: int, samplers: Sequence[str]) -> list[Job]:
    """Return all arms of all draws, the ones that matter most first."""
    both = [(name, draw) for draw in range(draws) for name in data]
    todo = [Job(name, draw, way, steps) for name, draw in both for way in WAYS]
    for sampler in samplers:
        arms = [("oversampled + synthetic", target, False) for target in (MAJORITY, EVERY)]
        arms += [("augmented + synthetic", MAJORITY, False)]
        arms += [("oversampled + synthetic", factor, False) for factor in FACTORS]
        arms += [("oversampled + synthetic", MAJORITY, True), (SYNTHETIC_ONLY, MAJORITY, False)]
        todo += [Job(*at, way, steps, sampler, target, gated) for way, target, gated in arms for at in both]
    return todo


def save(path: Path, **arrays: Any) -> None:
    """Write arrays to an .npz file, whole or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def load_result(path: Path) -> tuple[np.ndarray, float]:
    """Return the probabilities, shape (n, 10), that an arm gives the test images, and the seconds of a core it took."""
    with np.load(path) as file:
        return file["p"].astype(np.float32), float(file["seconds"])


def _digest(sampler: str, *settings: Any) -> str:
    """Return a hash of settings and of the code that the figures depend on; without a sampler, of the network's."""
    files = CODE
    if sampler in GENERATOR_STEPS:
        files = (*GENERATOR_CODE, f"models/{sampler}.py")
    elif sampler:
        files = tuple(str(p.relative_to(ROOT)) for p in sorted(ROOT.glob(f"gensynth/**/{sampler[:-1]}*.py")))
    digest = hashlib.sha256(repr(settings).encode())
    for name in files:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()[:10]
