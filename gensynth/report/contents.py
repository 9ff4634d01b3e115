"""What the pages about images and about tables have in common: real data, samples, verdict, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gensynth.data.split import Parts
    from gensynth.evaluate.results import Evaluation
    from gensynth.fidelity.verdict import Verdict
    from gensynth.sampler.synthetic import Synthetic

FRONT = 20


class Contents:
    """Base of `ReportContents` and `TableReportContents`, which are frozen dataclasses and describe the attributes.

    `synthetic` and `verdict` are None where nothing was drawn.
    """

    title: str
    parts: Parts
    synthetic: Synthetic | None
    verdict: Verdict | None
    evaluation: Evaluation | None
    after: dict[str, int]
    history: dict[str, dict[str, list[float]]]
    provenance: dict[str, str]
    notes: tuple[str, ...]

    def check(self) -> None:
        """Raise ValueError if verdict and synthetic differ in length, or `after` or `history` is incomplete."""
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
