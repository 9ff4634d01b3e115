"""check: any synthetic examples against real ones, as a page shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.leak import may_be_shown, measure_leak
from gensynth.evaluate.results import Leak
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.privacy import Privacy, attack
from gensynth.fidelity.verdict import Verdict
from gensynth.mix.targets import rare_classes
from gensynth.report.contents import Contents
from gensynth.sampler.synthetic import Synthetic

if TYPE_CHECKING:
    from gensynth.kind import Kind


def check(
    kind: Kind, synthetic: str, against: str, holdout: str | None, privacy: bool, data_config: Any, check_config: Any
) -> Contents:
    """Check synthetic examples made by any tool.

    Args:
        kind: Their kind of data.
        synthetic: What they lie in, as `Files.read` takes it.
        against: Real data.
        holdout: Real data that no generator saw; then all of `against` is the reference, else its training part.
        privacy: Whether to attack the samples.
        data_config: A `ReadConfig`: how real data are read and split.
        check_config: A `CheckConfig`.

    Raises:
        ValueError: if something cannot be read or does not fit together.
    """
    parts = kind.against(against, holdout, data_config)
    train, held_out = parts.train, [part for part in (parts.validation, parts.test) if len(part)]
    samples, _ = kind.files().read(Path(synthetic), train)
    # First, since it may refuse.
    found = _attack(kind, train, held_out, samples, holdout) if privacy else None
    space = kind.check_space(train, check_config, data_config)
    verdict = FidelityChecker(train, held_out, space=space).check(samples)
    verdict = replace(verdict, privacy=asdict(found) if found else None)
    leak, advice = _shortcut(train, samples, verdict, held_out) if kind.leak_config() is not None else (None, ())
    added = Counter(samples.classes[label] for label in samples.y[verdict.samples.accepted])
    return Contents(
        title=f"{synthetic} against {against}",
        parts=replace(parts, train=train.noting(samples.notes, synthetic)),
        after={name: n + added[name] for name, n in train.class_counts.items()},
        provenance={},
        synthetic=samples,
        verdict=verdict,
        leak=leak,
        privacy=found,
        notes=advice,
    )


def _attack(
    kind: Kind, train: LabeledData, held_out: Sequence[LabeledData], samples: Synthetic, holdout: str | None
) -> Privacy:
    """Attack the samples as drawn, in a space that was fitted on members and non-members alike."""
    # Without a holdout only parents show that samples were made from this training part and no other.
    made_here = all(p and set(p) <= set(train.ids) for p in samples.parents)
    if not held_out or (holdout is None and not made_here):
        raise ValueError(
            f"--privacy compares with real {train.noun}s that no generator saw, and for these samples it is not known "
            "which those are; give them with --holdout."
        )
    others = [replace(part, y=train.labels_of(part.y, part.classes), classes=train.classes) for part in held_out]
    everyone, n = train.join(others), len(train)
    space, y = kind.blind_space(everyone), everyone.y
    real, drawn = space.see(everyone.x).points, space.see(samples.x).points
    members, non_members = (real[:n], y[:n]), (real[n:], y[n:])
    return attack(members, non_members, (drawn, train.labels_of(samples.y, samples.classes)), train.classes)


def _shortcut(
    train: LabeledData, samples: Synthetic, verdict: Verdict, held_out: Sequence[LabeledData]
) -> tuple[Leak | None, tuple[str, ...]]:
    """Measure the leak if there are examples of rare classes and of others; else say what it would take."""
    rare, noun = rare_classes(train.class_counts), train.noun
    is_rare = np.isin(samples.y, [train.label_of(name) for name in rare])
    filling = samples.subset(is_rare & verdict.samples.accepted)
    changed = samples.subset(~is_rare & may_be_shown(verdict.samples))
    if len(filling) and len(changed):
        found = [name for name in rare if (filling.y == train.label_of(name)).any()]
        return measure_leak(train, filling, changed, found, held_out), ()
    if len(filling) and any(filling.parents):
        return None, (
            f"shortcut: to see whether a classifier would take changed {noun}s of other classes for rare ones, draw "
            "some of them too: 'gensynth sample ... --others 100'.",
        )
    return None, ()
