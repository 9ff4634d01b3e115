"""The arms of `rare_classes.py`, their order, and the files of the finished ones."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from code_hash import code_hash

from gensynth.data.files import write_bytes
from gensynth.evaluate.ways import ONLY, SYNTHETIC
from gensynth.kinds.image.classifier.task import JITTER, WAYS

COUNTS = (4000, 2000, 1000, 750, 500, 350, 200, 100, 60, 40)
BATCH = 128
MAJORITY, EVERY = "majority", "twice that"
FACTORS = ("2x", "5x", "10x")
GENERATOR_STEPS = {"deformation": 800, "vae": 2000, "dcgan": 3000}
WIDER = 1.6 * JITTER
BAR = ("augmented", "augmented, wider", f"deformation to {EVERY}", f"recipes to {EVERY}")
"""The rows that decide whether a learned sampler beats augmentation and recipes, named before they were measured."""

NETWORK_CODE = (
    "gensynth/kinds/image/classifier/networks.py",
    "gensynth/kinds/image/classifier/network.py",
    "gensynth/kinds/image/classifier/mixing.py",
    "gensynth/kinds/image/classifier/task.py",
    "gensynth/generator/augment.py",
    "benchmarks/rare_measure.py",
)
SAMPLER_CODE = (
    "gensynth/sampler/base.py",
    "gensynth/kinds/image/samplers/base.py",
    "gensynth/fidelity/**/*.py",
    "gensynth/kinds/image/features/*.py",
    "benchmarks/rare_measure.py",
)
GENERATOR_CODE = (
    "gensynth/generator/*.py",
    "gensynth/kinds/image/generator/*.py",
    "gensynth/kinds/image/samplers/neural.py",
)
CODE_OF = {"smote": ("gensynth/kinds/image/samplers/smote.py",)}
CODE_OF["recipes"] = ("gensynth/kinds/image/samplers/recipe*.py", "gensynth/fidelity/label_safety.py")
CODE_OF |= {name: (*GENERATOR_CODE, f"models/{name}.py") for name in GENERATOR_STEPS}


@dataclass(frozen=True)
class Job:
    """One arm on one draw.

    Attributes:
        data: `mnist` or `fashion`.
        draw: Number of the draw, which is also the seed of all.
        way: How the network is trained, one of the arms of `gensynth.evaluate.ways`.
        steps: Its gradient steps.
        sampler: What draws the synthetic images; empty where there are none.
        target: How far the classes are filled: `2x`, ..., `majority`, or all of them, that one too, to `twice that`.
        gated: Whether those that the fidelity gate rejects are left out.
        jitter: How far augmented images are moved.
    """

    data: str
    draw: int
    way: str
    steps: int
    sampler: str = ""
    target: str = ""
    gated: bool = False
    jitter: float = JITTER

    @property
    def arm(self) -> str:
        """Name of the row in the table."""
        if not self.sampler:
            return self.way + ", wider" * (self.jitter > JITTER)
        way = {
            "oversampled + synthetic": "",
            "augmented + synthetic": " + affine",
            SYNTHETIC + ONLY: " instead of real",
        }
        return f"{self.sampler} to {self.target}{way[self.way]}{', gated' if self.gated else ''}"

    @property
    def bank(self) -> str:
        """Name of the file of the sampler's images: results of other code are not used."""
        code = code_hash((*SAMPLER_CODE, *CODE_OF[self.sampler]), COUNTS, GENERATOR_STEPS.get(self.sampler, 0))
        return f"{self.data}/{self.draw}/{self.sampler}_{code}"

    @property
    def file(self) -> str:
        """Name of the file of its result."""
        name = re.sub("[^a-z0-9]+", "_", self.arm)
        settings = (COUNTS, self.way, self.steps, BATCH, self.jitter, self.sampler and self.bank)
        return f"{self.data}/{self.draw}/{name}_{code_hash(NETWORK_CODE, *settings)}"


def jobs(data: Sequence[str], draws: Sequence[int], steps: int, samplers: Sequence[str]) -> Iterator[Job]:
    """Yield all arms of all draws, the ones that matter most first."""
    both = [(name, draw) for draw in draws for name in data]
    for name, draw in both:
        for way in WAYS:
            yield Job(name, draw, way, steps)
        yield Job(name, draw, "augmented", steps, jitter=WIDER)
    plain, augmented = "oversampled + synthetic", "augmented + synthetic"
    for block in (
        [(plain, EVERY, False), (plain, MAJORITY, False)],
        [(augmented, MAJORITY, False), (plain, MAJORITY, True)],
        [(plain, factor, False) for factor in FACTORS],
        [(SYNTHETIC + ONLY, MAJORITY, False)],
    ):
        for sampler in samplers:
            for way, target, gated in block:
                yield from (Job(*at, way, steps, sampler, target, gated) for at in both)


def save(path: Path, **arrays: Any) -> None:
    """Write arrays to an .npz file, whole or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def load_result(path: Path) -> tuple[np.ndarray, float]:
    """Return the probabilities, shape (n, 10), that an arm gives the test images, and the seconds of a core it took."""
    with np.load(path) as file:
        return file["p"].astype(np.float32), float(file["seconds"])
