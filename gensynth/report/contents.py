"""Contents: all that a page shows, of any kind of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gensynth.choose.results import Choice
    from gensynth.data.split import Parts
    from gensynth.evaluate.results import Evaluation, Leak
    from gensynth.fidelity.privacy import Privacy
    from gensynth.fidelity.verdict import Verdict
    from gensynth.sampler.synthetic import Synthetic

FRONT = 20


@dataclass(frozen=True, eq=False)
class Contents:
    """All that a page shows: of a run, whatever came of it, or of a check.

    Attributes:
        title: Heading of the page.
        parts: The real data: train, validation and test.
        after: Number of training examples by class after mixing.
        provenance: Command, versions, seeds and times, as rows of a table.
        synthetic: All samples drawn, accepted and rejected; None where nothing was drawn.
        verdict: The fidelity checker's answer; its samples are in the order of `synthetic`. None where nothing was
            drawn.
        evaluation: The answer to whether it helped, or None where that was not tested.
        choice: How the way to treat the rare classes was chosen; None where a sampler was named.
        leak: Does a classifier take changed examples of other classes for rare ones; None where not measured.
        leak_spread: The same with changed examples in every class, where they were spread.
        privacy: What attacks on the samples found; None if not tried.
        history: Losses by checkpoint: `"step"` and one list of the same length per loss name.
        advice: What to do instead, where adding nothing is better.
        notes: Further sentences for the reader.

    Raises:
        ValueError: if verdict and synthetic differ in length, or `after` or `history` is incomplete.
    """

    title: str
    parts: Parts
    after: dict[str, int]
    provenance: dict[str, str]
    synthetic: Synthetic | None = None
    verdict: Verdict | None = None
    evaluation: Evaluation | None = None
    choice: Choice | None = None
    leak: Leak | None = None
    leak_spread: Leak | None = None
    privacy: Privacy | None = None
    history: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    advice: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked = 0 if self.verdict is None else len(self.verdict.samples.accepted)
        drawn = 0 if self.synthetic is None else len(self.synthetic)
        if checked != drawn:
            raise ValueError(
                f"verdict must hold one answer per synthetic sample, got {checked} answers for {drawn} "
                "samples; pass all samples that were checked, the rejected ones too."
            )
        if missing := [name for name in self.parts.train.classes if name not in self.after]:
            raise ValueError(f"after must count every class, got no count for {missing[0]!r}; count all classes.")
        for checkpoint, columns in self.history.items():
            lengths = {name: len(values) for name, values in columns.items()}
            if "step" not in columns or len(set(lengths.values())) > 1:
                raise ValueError(f"history of {checkpoint!r} must hold 'step' and losses of one length, got {lengths}.")

    @property
    def noun(self) -> str:
        """What one example is called: `image` or `row`."""
        return self.parts.train.noun

    @property
    def real(self) -> dict[str, int]:
        """Number of real training examples by class."""
        return self.parts.train.class_counts

    @property
    def added(self) -> dict[str, int]:
        """Number of synthetic examples added by class."""
        return {name: self.after[name] - n for name, n in self.real.items()}

    @property
    def samples(self) -> Synthetic:
        """All samples drawn; asked only where there are some."""
        assert self.synthetic is not None
        return self.synthetic

    @property
    def checked(self) -> Verdict:
        """The fidelity checker's answer for them, likewise."""
        assert self.verdict is not None
        return self.verdict

    @cached_property
    def drawn(self) -> list[str]:
        """Classes for which samples were drawn, those with the fewest real examples first."""
        if self.synthetic is None:
            return []
        counts = np.bincount(self.synthetic.y, minlength=len(self.synthetic.classes))
        names = [name for name, n in zip(self.synthetic.classes, counts, strict=True) if n]
        return sorted(names, key=lambda name: self.real[name])

    @property
    def front(self) -> list[str]:
        """Classes to show first, in label order: all, or of many the rare and drawn ones, FRONT at most."""
        if len(self.real) <= FRONT:
            return list(self.real)
        rare = self.evaluation.rare if self.evaluation else ()
        first = list(dict.fromkeys([*rare, *self.drawn, *sorted(self.real, key=self.real.__getitem__)]))
        return [name for name in self.real if name in set(first[:FRONT])]
