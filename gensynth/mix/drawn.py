"""What `gensynth sample` has drawn before, as its metadata say: the same command finds its own work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gensynth.data.cells import Cells
from gensynth.data.settings import differences
from gensynth.mix.files import Files
from gensynth.mix.manifest import SOURCE, is_manifest
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True)
class Order:
    """What is to be drawn: samples `start` to `start + n` of a label, with a seed.

    Attributes:
        label: Name of a class.
        n: How many.
        seed: Seed of the samples.
        start: Number of the first one.
        others: How many of each other class that the sampler draws.
    """

    label: str
    n: int
    seed: int
    start: int
    others: int = 0

    def counts(self, sampler: Sampler) -> dict[str, int]:
        """Return how many of each class, the label first.

        Raises:
            ValueError: if others are asked for, and there are none.
        """
        if self.others < 0:
            raise ValueError(f"others must not be negative, got {self.others}.")
        found = {self.label: self.n}
        found |= {name: self.others for name in sampler.labels if self.others and name != self.label}
        if self.others and len(found) == 1:
            raise ValueError(f"it draws {self.label!r} only, so there are no others; leave out --others.")
        return found

    def firsts(self, sampler: Sampler) -> list[Synthetic]:
        """Return the first sample of each class; a label, number or setting that is wrong is refused by this."""
        counts = self.counts(sampler)
        drawn = [sampler.sample(name, min(count, 1), self.seed, self.start) for name, count in counts.items()]
        if len(names := {first.sampler for first in drawn}) > 1:
            raise ValueError(
                f"classes are drawn by different generators ({', '.join(sorted(names))}), and others must be made in "
                "the same way; name one of the files."
            )
        return drawn

    def drawn(self, sampler: Sampler) -> Synthetic:
        """Draw all of them."""
        counts = self.counts(sampler)
        return Synthetic.concat([sampler.sample(name, n, self.seed, self.start) for name, n in counts.items()])


def is_drawn(out: Path, files: Files, firsts: Sequence[Synthetic], order: Order) -> bool:
    """Return whether what is asked for was drawn already.

    Args:
        out: What the samples are written to, whole or not at all.
        files: How they are written.
        firsts: `Order.firsts`.
        order: What is asked for.

    Raises:
        ValueError: if other samples, or something else, are there.
    """
    if not out.exists():
        return False
    metadata = files.manifest_of(out)
    if not is_manifest(metadata):
        raise ValueError(f"{out} exists; choose another --out, or remove it.")
    here = {
        "label": order.label,
        "n": order.n,
        "others": order.others,
        "seed": str(order.seed),
        "start": order.start,
        "draw": _listed(first.how[0] for first in firsts),
        "checkpoint": _listed(first.checkpoint_sha256[0] for first in firsts),
    }
    cells = Cells.read(metadata, SOURCE)
    counts = Counter(cells.texts("label"))
    label = order.label if order.label in counts else next(iter(counts), "")
    start = min(numbers := cells.numbers("index"), default=0)
    # Each sample may be made in its own way: that of the first of each class is known before they are drawn.
    first = [how for how, number in zip(cells.texts("how"), numbers, strict=True) if number == start]
    there = {
        "label": label,
        "n": counts.pop(label, 0),
        "others": max(counts.values(), default=0),
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
