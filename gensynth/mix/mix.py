"""Real + accepted synthetic examples -> one data set with its manifest, which says of each where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gensynth.data.split import Parts
from gensynth.data.words import counted
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.mix.files import Files
from gensynth.mix.manifest import NOT_EVALUATED, synthetic_rows
from gensynth.mix.targets import filled_rare
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True)
class Mixed:
    """What `mix` wrote.

    Attributes:
        before: Real training examples by class.
        after: Training examples by class, synthetic ones included.
        n_real: Real training examples.
        n_synthetic: Synthetic examples among the training examples.
        path: The folder or file.
    """

    before: dict[str, int]
    after: dict[str, int]
    n_real: int
    n_synthetic: int
    path: Path


def write_synthetic(synthetic: Synthetic, samples: SampleVerdicts | None, out: str | Path, files: Files) -> None:
    """Write all samples, accepted and rejected, and where each is from.

    Args:
        synthetic: The samples.
        samples: The gate's answer for each of them; None if it was not asked.
        out: What to write, as `files` has it.
        files: How this kind of data is written.

    Raises:
        ValueError: if `samples` has another length, or a sample cannot be written under its name.
        FileExistsError: if `out` is a folder that is not empty.
    """
    if samples is not None:
        check_samples(synthetic, samples)
    files.write(synthetic, synthetic_rows(synthetic, samples), Path(out))


def mix(
    parts: Parts,
    synthetic: Synthetic,
    samples: SampleVerdicts,
    out: str | Path,
    files: Files,
    utility: str = NOT_EVALUATED,
) -> Mixed:
    """Write the real parts as they are and the accepted synthetic examples, which join the training part only.

    Args:
        parts: Real data.
        synthetic: Synthetic examples, accepted and rejected.
        samples: The gate's answer for each of them.
        out: What to write, as `files` has it.
        files: How this kind of data is written.
        utility: What `evaluate` said of the synthetic examples, for the manifest.

    Raises:
        ValueError: if layouts, classes or lengths differ, a parent of an accepted example is in the validation or test
            part, or `files` refuses the samples beside the real examples.
        FileExistsError: if `out` is a folder that is not empty.
    """
    train = parts.train
    if synthetic.classes != train.classes or synthetic.x.layout != train.x.layout:
        raise ValueError(
            f"synthetic {train.noun}s have the layout {synthetic.x.layout} and the classes {synthetic.classes}, real "
            f"ones {train.x.layout} and {train.classes}; they must agree."
        )
    check_samples(synthetic, samples)
    accepted = synthetic.subset(samples.accepted)
    refuse_held_out_parents(parts, accepted)
    files.refuse_unlike(train, accepted)
    files.write_mixed(parts, accepted, synthetic_rows(accepted, samples.subset(samples.accepted), utility), Path(out))
    added = np.bincount(accepted.y, minlength=len(train.classes))
    before = train.class_counts
    after = {name: n + int(more) for (name, n), more in zip(before.items(), added, strict=True)}
    return Mixed(before, after, len(train), len(accepted), Path(out))


def check_samples(synthetic: Synthetic, samples: SampleVerdicts) -> None:
    """Raise ValueError unless there is one verdict per synthetic example."""
    if len(samples.accepted) != len(synthetic):
        raise ValueError(
            f"samples must hold one verdict per synthetic {synthetic.x.noun}, got {len(samples.accepted)} for "
            f"{len(synthetic)}."
        )


def refuse_held_out_parents(parts: Parts, synthetic: Synthetic) -> None:
    """Raise ValueError if a synthetic example was made from a validation or test example of `parts`."""
    held_out = {*parts.validation.ids, *parts.test.ids}
    leaked = {i for parents in synthetic.parents for i in parents if i in held_out}
    if leaked:
        raise ValueError(
            f"{counted(len(leaked), 'parent')} of synthetic examples belong to the validation or test part, such as "
            f"{min(leaked)!r}; draw from the training part only, or give the --split_seed of the training."
        )


def refuse_rare_alone(parts: Parts, wanted: Mapping[str, int], accepted: Synthetic) -> None:
    """Raise ValueError if examples shall be spread over all classes and none is of a class that is not rare."""
    others = {*parts.train.classes} - {*filled_rare(parts.train.class_counts, wanted)}
    if others and not {accepted.classes[c] for c in accepted.y} & others:
        raise ValueError(
            f"there is no accepted {parts.train.noun} of a class that is not rare, so nothing can be spread over all "
            "classes; draw some with 'gensynth sample ... --others N', or leave out --spread."
        )
