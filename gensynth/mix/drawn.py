"""What `gensynth sample` has drawn before, as its metadata say: the same command finds its own work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gensynth.data.cells import Cells
from gensynth.data.settings import differences
from gensynth.mix.files import Files
from gensynth.mix.manifest import SOURCE, is_manifest
from gensynth.mix.targets import check_counts, shares
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

USUAL = 100
"""How many are drawn where nobody says."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be drawn: samples number `start` and following of one class or of all, with a seed.

    Attributes:
        label: Name of a class; None for all that the sampler draws.
        n: How many of it; of all classes together where none is named; None for `USUAL`.
        each: How many of each class instead.
        seed: Seed of the samples.
        start: Number of the first one of each class.
        others: How many of each class beside the one that is named.
    """

    label: str | None = None
    n: int | None = None
    each: Mapping[str | int, int] | None = None
    seed: int = 0
    start: int = 0
    others: int = 0

    def __post_init__(self) -> None:
        if self.label is None:
            check_counts(self.n, self.each)
        if self.label is not None and self.each is not None:
            raise ValueError("--label and --counts both name classes; give one of the two.")
        if self.label is None and self.others:
            raise ValueError("--others says how many of each class beside that of --label; name it, or give --counts.")
        if self.others < 0:
            raise ValueError(f"others must not be negative, got {self.others}.")

    def counts(self, sampler: Sampler) -> dict[str, int]:
        """Return how many of each class, the label first.

        Raises:
            ValueError: if others are asked for, and there are none; or the shares of the classes, and it knows none.
        """
        n = USUAL if self.n is None else self.n
        if self.each is not None:
            return {str(name): count for name, count in self.each.items()}
        if self.label is None:
            known = {name: sampler.class_counts.get(name, 0) for name in sampler.labels}
            if not all(known.values()):
                raise ValueError("it does not know the shares of its classes; give --counts NAME=N,NAME=N, or --label.")
            return shares(known, n)
        found = {self.label: n}
        found |= {name: self.others for name in sampler.labels if self.others and name != self.label}
        if self.others and len(found) == 1:
            raise ValueError(f"it draws {self.label!r} only, so there are no others; leave out --others.")
        return found

    def told(self, counts: Mapping[str, int]) -> dict[str, Any]:
        """Return how many there are of each class as the options say it."""
        if self.label is None:
            return {"counts": dict(counts)}
        label = self.label if self.label in counts else next(iter(counts), "")
        others = [n for name, n in counts.items() if name != label]
        return {"label": label, "n": counts.get(label, 0), "others": max(others, default=0)}

    def firsts(self, sampler: Sampler) -> list[Synthetic]:
        """Return the first sample of each class; a label, number or setting that is wrong is refused by this."""
        counts = self.counts(sampler)
        drawn = [sampler.sample(name, min(count, 1), self.seed, self.start) for name, count in counts.items()]
        if len(names := {first.sampler for first in drawn}) > 1:
            raise ValueError(
                f"classes are drawn by different generators ({', '.join(sorted(names))}), and all must be made in the "
                "same way; name one of the files."
            )
        return drawn

    def drawn(self, sampler: Sampler) -> Synthetic:
        """Draw all of them."""
        counts = self.counts(sampler)
        return Synthetic.concat([sampler.sample(name, n, self.seed, self.start) for name, n in counts.items()])


def is_drawn(out: Path, files: Files, order: Order, sampler: Sampler) -> bool:
    """Return whether what is asked for was drawn already.

    Args:
        out: What the samples are written to, whole or not at all.
        files: How they are written.
        order: What is asked for.
        sampler: What draws it.

    Raises:
        ValueError: if it cannot be drawn, or other samples, or something else, are there.
    """
    firsts = order.firsts(sampler)
    if not out.exists():
        return False
    metadata = files.manifest_of(out)
    if not is_manifest(metadata):
        raise ValueError(f"{out} exists; choose another --out, or remove it.")
    here = {
        **order.told(order.counts(sampler)),
        "seed": str(order.seed),
        "start": order.start,
        "draw": _listed(first.how[0] for first in firsts),
        "checkpoint": _listed(first.checkpoint_sha256[0] for first in firsts),
    }
    cells = Cells.read(metadata, SOURCE)
    start = min(numbers := cells.numbers("index"), default=0)
    # Each sample may be made in its own way: that of the first of each class is known before they are drawn.
    first = [how for how, number in zip(cells.texts("how"), numbers, strict=True) if number == start]
    there = {
        **order.told(Counter(cells.texts("label"))),
        "seed": _listed(cells.texts("seed")),
        "start": start,
        "draw": _listed(first),
        "checkpoint": _listed(cells.texts("checkpoint_sha256")),
    }
    if differ := differences(there, here):
        raise ValueError(f"{out} holds other samples ({differ}); choose another --out, or remove it.")
    return True


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))
