"""Verdict: the fidelity checker's answer for each sample, each class and the data set."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

PASS, REVIEW, FAIL, INSUFFICIENT = "PASS", "REVIEW", "FAIL", "INSUFFICIENT"

REASONS = {
    "invalid": "not a proper image (constant, saturated or out of range)",
    "dup_exact": "the same pixels as a real image or as an accepted synthetic one",
    "dup_near": "a near copy of a real training image, or all but equal to an accepted synthetic one",
    "label": "the judge, trained on real images, sees another class",
    "atypical": "further from the real images of its class than real ones are from each other",
}
"""Reason codes of the gate, in the order in which they are tried, with their meaning."""


@dataclass(frozen=True)
class Score:
    """One number about one class, with what is needed to read it.

    Attributes:
        name: Name of the metric, such as `"kid"`.
        value: The value, or None where there are too few images for it to mean anything.
        higher_is_better: The direction; None where neither direction is better.
        yardstick: The value that real data reach against real data at the same n, or None if unknown.
        interval: 95 % interval of `value`, or None.
        p_value: p-value of the test that real and synthetic come from one distribution, or None.
        note: What to know about it, in one sentence; may be empty.
    """

    name: str
    value: float | None
    higher_is_better: bool | None
    yardstick: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class SampleVerdicts:
    """The gate's answer for each of n samples, in the order given.

    Attributes:
        accepted: bool, shape (n,).
        reason: Reason code of the first filter that rejected it, `""` where accepted; length n.
        scores: By name, float64 of shape (n,): `near_duplicate` (distance to the nearest training image
            over the median leave-one-out real distance; small = copy), `label` (the judge's probability of
            the wanted label), `typicality` (rank among the real leave-one-out distances, in [0, 1]).
        nearest: Id of the nearest real training image of the same class, length n.
    """

    accepted: np.ndarray
    reason: tuple[str, ...]
    scores: dict[str, np.ndarray]
    nearest: tuple[str, ...]


@dataclass(frozen=True)
class ClassVerdict:
    """The answer for one class.

    Attributes:
        label: Class name.
        status: PASS, REVIEW, FAIL or INSUFFICIENT (too few real images to say).
        n_real: Real training images of the class.
        n_synthetic: Samples checked.
        n_accepted: Samples that passed the gate.
        rejected: Number of rejected samples by reason code.
        scores: Scores of the samples as drawn (not only of the accepted ones, which would flatter).
        why: The reasons for the status, in sentences.
    """

    label: str
    status: str
    n_real: int
    n_synthetic: int
    n_accepted: int
    rejected: dict[str, int]
    scores: tuple[Score, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Verdict:
    """The answer for a data set.

    Attributes:
        status: FAIL if a class failed, else REVIEW if one needs review or is INSUFFICIENT, else PASS.
        samples: Per sample.
        classes: Per class that has synthetic samples, in label order.
        false_reject: By reason code, the share of held-out real images that the filter would reject, or None
            where none were held out: what the gate costs, printed beside what it catches.
        contamination: Number of samples equal to a validation or test image: more than 0 is an alarm.
        thresholds: The thresholds that were applied, by name.
        stamp: Extractor, resize and data: scores with different stamps are never compared.
    """

    status: str
    samples: SampleVerdicts
    classes: tuple[ClassVerdict, ...]
    false_reject: dict[str, float] | None
    contamination: int
    thresholds: dict[str, float]
    stamp: dict[str, str]


def status_of_all(classes: Sequence[ClassVerdict]) -> str:
    """Return FAIL if a class failed, else REVIEW if one needs review or is INSUFFICIENT, else PASS."""
    found = {c.status for c in classes}
    return FAIL if FAIL in found else REVIEW if found & {REVIEW, INSUFFICIENT} else PASS


def unsaid_copies(reasons: Sequence[str], parents: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Return which samples are copies that nobody spoke of, bool, shape (n,).

    A near copy of a parent that the sampler named is dropped, but is no memorisation that went unsaid.
    """
    pairs = zip(reasons, parents, strict=True)
    return np.array([r == "dup_exact" or (r == "dup_near" and not p) for r, p in pairs], dtype=bool)


def save_verdict(verdict: Verdict, path: str | Path) -> None:
    """Write a verdict as JSON: to a temporary file beside `path`, then renamed, so it is whole or absent.

    Raises:
        FileNotFoundError: if the folder of `path` does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(path.parent)!r} does not exist; create it first.")
    text = json.dumps(asdict(verdict), default=_plain, indent=1)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_verdict(path: str | Path) -> Verdict:
    """Read what `save_verdict` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it does not hold a verdict.
    """
    try:
        v = json.loads(Path(path).read_text(encoding="utf-8"))
        s = v.pop("samples")
        samples = SampleVerdicts(
            accepted=np.array(s["accepted"], dtype=bool),
            reason=tuple(s["reason"]),
            scores={name: np.array(values, dtype=np.float64) for name, values in s["scores"].items()},
            nearest=tuple(s["nearest"]),
        )
        classes = tuple(
            ClassVerdict(**{**c, "scores": tuple(_score(x) for x in c["scores"]), "why": tuple(c["why"])})
            for c in v.pop("classes")
        )
        return Verdict(samples=samples, classes=classes, **v)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{str(path)!r} does not hold a verdict ({error!r}); give a file that save_verdict wrote."
        ) from error


def _score(values: dict[str, Any]) -> Score:
    interval = values["interval"]
    return Score(**{**values, "interval": None if interval is None else tuple(interval)})


def _plain(value: object) -> object:
    """What JSON does not know: arrays and numpy numbers become lists and Python numbers."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"cannot write {type(value).__name__} as JSON.")
