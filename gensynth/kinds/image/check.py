"""check: any folder of synthetic images against real ones, with a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.evaluate.leak import Leak, may_be_shown, measure_leak
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.privacy import Privacy, attack
from gensynth.fidelity.verdict import Verdict
from gensynth.kinds.image.features.catalog import get_extractor
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.read import DataConfig, read, read_parts
from gensynth.kinds.image.space import ImageSpace
from gensynth.mix.targets import rare_classes
from gensynth.report.check_page import write_check
from gensynth.report.page import ReportContents
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Checked:
    """What was checked, and the answer.

    Attributes:
        title: What was compared with what.
        parts: The real data; the training part is the reference, the rest is held out.
        synthetic: The samples.
        verdict: The fidelity checker's answer.
        privacy: What attacks on the samples found; None if not tried.
        leak: Does a classifier take samples of other classes for rare ones; None where there is nothing to tell.
        advice: What more could be found out, in sentences.
    """

    title: str
    parts: Parts
    synthetic: Synthetic
    verdict: Verdict
    privacy: Privacy | None
    leak: Leak | None
    advice: tuple[str, ...]


def check(
    synthetic: str,
    against: str,
    holdout: str | None,
    extractor: str,
    weights: Path | None,
    privacy: bool,
    config: DataConfig,
) -> Checked:
    """Check a folder of synthetic images.

    Args:
        synthetic: The folder.
        against: Real data, as `gensynth.kinds.image.read.read_parts` takes it, or a folder without sub-folders.
        holdout: Real data that no generator saw; then all of `against` is the reference, else its training part.
        extractor: Name of the feature extractor.
        weights: File of its weights, or None.
        privacy: Whether to attack the samples.
        config: How real data are read and split.

    Raises:
        ValueError: if something cannot be read or does not fit together.
    """
    if holdout is None:
        parts = read_parts(against, config, flat=True)
    else:
        reference = read(against, config, flat=True)
        channels, h, w = reference.x.layout
        like = replace(config, size=(h, w), channels=1 if channels == 1 else 3, white=reference.x.white)
        fresh = read(holdout, like, flat=True)
        parts = Parts(reference.noting(fresh.notes, holdout), fresh, fresh.subset([]))
        both = len(set(reference.x.hashes()) & set(fresh.x.hashes()))
        if both:
            raise ValueError(
                f"{both} images are in {holdout} and in {against}, so a generator may have seen them; leave them out "
                "of one of the two."
            )
    train = parts.train
    samples, _ = FolderFiles().read(Path(synthetic), train)
    parts = replace(parts, train=train.noting(samples.notes, synthetic))
    held_out = [part for part in (parts.validation, parts.test) if len(part)]
    # First, since it may refuse.
    attacks = _attack(train, held_out, samples, holdout) if privacy else None
    found = get_extractor(extractor, train, weights=weights, download=config.download)
    verdict = FidelityChecker(train, held_out, space=ImageSpace(train, extractor=found)).check(samples)
    verdict = replace(verdict, privacy=asdict(attacks) if attacks else None)
    leak, advice = _shortcut(train, samples, verdict, held_out)
    return Checked(f"{synthetic} against {against}", parts, samples, verdict, attacks, leak, advice)


def _attack(train: LabeledData, held_out: Sequence[LabeledData], samples: Synthetic, holdout: str | None) -> Privacy:
    """Attack the samples as drawn, in features that were fitted on members and non-members alike."""
    # Without a holdout only parents show that samples were made from this training part and no other.
    made_here = all(p and set(p) <= set(train.ids) for p in samples.parents)
    if not held_out or (holdout is None and not made_here):
        raise ValueError(
            "--privacy compares with real images that no generator saw, and for these samples it is not known which "
            "those are; give them with --holdout."
        )
    x = [part.x[torch.arange(len(part))] for part in (train, *held_out)]
    embedding = Embedding.fit(torch.cat(x))
    fresh = np.concatenate([train.labels_of(part.y, part.classes) for part in held_out])
    return attack(
        (embedding(x[0]), train.y),
        (embedding(torch.cat(x[1:])), fresh),
        (embedding(samples.x), train.labels_of(samples.y, samples.classes)),
        train.classes,
    )


def _shortcut(
    train: LabeledData, samples: Synthetic, verdict: Verdict, held_out: Sequence[LabeledData]
) -> tuple[Leak | None, tuple[str, ...]]:
    """Measure the leak if there are images of rare classes and of others; else say what it would take."""
    rare = rare_classes(train.class_counts)
    is_rare = np.isin(samples.y, [train.label_of(name) for name in rare])
    filling = samples.subset(is_rare & verdict.samples.accepted)
    changed = samples.subset(~is_rare & may_be_shown(verdict.samples))
    if len(filling) and len(changed):
        found = [name for name in rare if (filling.y == train.label_of(name)).any()]
        return measure_leak(train, filling, changed, found, held_out), ()
    if len(filling) and any(filling.parents):
        return None, (
            "shortcut: to see whether a classifier would take changed images of other classes for rare ones, draw "
            "some of them too: 'gensynth sample ... --others 100'.",
        )
    return None, ()


def write_page(checked: Checked, path: Path) -> None:
    """Write the page; FileNotFoundError if its folder does not exist."""
    accepted = checked.synthetic.y[checked.verdict.samples.accepted]
    added = np.bincount(accepted, minlength=len(checked.synthetic.classes))
    before = checked.parts.train.class_counts
    contents = ReportContents(
        title=checked.title,
        parts=checked.parts,
        synthetic=checked.synthetic,
        verdict=checked.verdict,
        evaluation=None,
        after={name: n + int(added[i]) for i, (name, n) in enumerate(before.items())},
        history={},
        provenance={},
        notes=checked.advice,
        leak=checked.leak,
    )
    write_check(path, contents, checked.privacy)
