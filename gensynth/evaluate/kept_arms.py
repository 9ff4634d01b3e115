"""Arms without synthetic images, kept in a folder: they are the same for every sampler, so they are trained once.

A file is named by all that such an arm depends on, so that it is found where this is the same, and only there. What an
arm computes does not depend on the number of cores (`gensynth.evaluate.side_by_side`); another machine may round the
last digits otherwise.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import numpy as np
import torch

import gensynth
from gensynth.data.files import write_bytes
from gensynth.data.labeled import LabeledData
from gensynth.data.npz import open_npz
from gensynth.evaluate.arms import train_arm
from gensynth.evaluate.task import Training
from gensynth.sampler.synthetic import Synthetic

_writing = Lock()


def kept_arm(
    folder: Path,
    arm: str,
    train: LabeledData,
    synthetic: Synthetic,
    test: LabeledData,
    filled: np.ndarray,
    training: Training,
    on_step: Callable[[float], object],
) -> tuple[np.ndarray, int]:
    """Load what an arm without synthetic images predicted before; or train it as `train_arm` does, and keep the answer.

    Args:
        folder: Where the arms are kept; made if it is missing. No two processes may write there at once.
        arm: One of `WAYS`.
        train: As `train_arm`.
        synthetic: Not used by such an arm.
        test: As `train_arm`.
        filled: Not used by such an arm.
        training: As `train_arm`, with our own networks: nothing tells whether a classifier of the user's is the same.
        on_step: As `train_arm`; the steps of a kept arm are done at once.

    Returns:
        Probabilities, float32, shape (seeds, len(test), classes), and the number of training images.

    Raises:
        OSError: if the file cannot be written.
    """
    path = folder / f"{_fingerprint(arm, train, test, training)}.npz"
    p = _load(path, (len(training.seeds), len(test), len(train.classes)))
    if p is None:
        p, _ = train_arm(arm, train, synthetic, test, filled, training, on_step)
        file = io.BytesIO()
        np.savez(file, p=p)
        with _writing:  # splits with the same real images have the same arms
            write_bytes(path, file.getvalue())
    else:
        on_step(training.steps)
    return p, len(train)


def _fingerprint(arm: str, train: LabeledData, test: LabeledData, training: Training) -> str:
    versions = (gensynth.__version__, str(torch.__version__))
    return hashlib.sha256(repr((train.fingerprint, test.fingerprint, arm, training, versions)).encode()).hexdigest()


def _load(path: Path, shape: tuple[int, int, int]) -> np.ndarray | None:
    """Return probabilities of this shape, or None where the file is missing, damaged or something else."""
    try:
        with open_npz(path) as arrays:
            p = arrays["p"]
    except (OSError, ValueError):
        return None
    return p if p.dtype == np.float32 and p.shape == shape and np.allclose(p.sum(-1), 1, atol=1e-3) else None
