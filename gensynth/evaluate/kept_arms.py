"""Arms without synthetic examples, kept in a folder: they are the same for every sampler, so they are trained once.

A file is named by all that such an arm depends on, so that it is found where this is the same, and only there. What an
arm computes does not depend on the number of cores (`gensynth.evaluate.side_by_side`); another machine may round the
last digits otherwise.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from threading import Lock

import numpy as np
import torch

import gensynth
from gensynth.data.files import write_bytes
from gensynth.data.labeled import LabeledData
from gensynth.data.npz import open_npz
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.numbers import Numbers
from gensynth.evaluate.outcome import Outcome, Probabilities
from gensynth.evaluate.side_by_side import OnStep

_writing = Lock()


def kept_arm(
    folder: Path, classifier: Classifier, way: str, train: LabeledData, test: LabeledData, on_step: OnStep
) -> Outcome:
    """Load what an arm without synthetic examples said before; or train it, and keep the answer.

    Args:
        folder: Where the arms are kept; made if it is missing. No two processes may write there at once.
        classifier: What is trained; it has `settings`.
        way: As `Classifier.try_way`.
        train: As `Classifier.try_way`.
        test: As `Classifier.try_way`.
        on_step: As `Classifier.try_way`; the steps of a kept arm are done at once.

    Raises:
        OSError: if the file cannot be written.
    """
    versions = (gensynth.__version__, str(torch.__version__))
    depends_on = (train.fingerprint, test.fingerprint, way, classifier.name, classifier.settings, versions)
    path = folder / f"{hashlib.sha256(repr(depends_on).encode()).hexdigest()}.npz"
    outcome = load_outcome(path, test)
    if outcome is not None:
        on_step(max(1, classifier.steps))
        return outcome
    found = classifier.try_way(way, train, None, test, on_step)
    save_outcome(found, path)
    return found


def save_outcome(outcome: Outcome, path: Path) -> None:
    """Write what a classifier said of the test examples, whole or not at all, if it is an outcome that is kept."""
    if arrays := outcome.arrays():
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        with _writing:  # splits with the same real examples have the same arms
            write_bytes(path, file.getvalue())


def load_outcome(path: Path, test: LabeledData) -> Outcome | None:
    """Return what was said of test examples, or None where the file is missing, damaged or something else."""
    try:
        with open_npz(path) as arrays:
            kept = Numbers if "true" in arrays else Probabilities
            return kept.of_arrays(test.y, len(test.classes), {name: arrays[name] for name in arrays})
    except (OSError, ValueError):
        return None
