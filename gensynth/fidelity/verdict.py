"""Verdict: the fidelity checker's answer for each sample, each class and the data set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.data.files import write_text
from gensynth.data.plain import read_json

PASS, REVIEW, FAIL, INSUFFICIENT = "PASS", "REVIEW", "FAIL", "INSUFFICIENT"

REASONS = {
    "invalid": "no proper {noun}: constant, saturated, with a value that cannot be, or against a rule",
    "dup_exact": "the same content as a real {noun} or as an accepted synthetic one",
    "held_out_parent": "made from a validation or test {noun}",
    "dup_near": "a near copy of a real {noun} it was not made from, or all but equal to an accepted synthetic one",
    "dup_parent": "a near copy of the real {noun} it was made from",
    "label": "the judge, trained on real {noun}s, sees another class",
    "atypical": "further from the real {noun}s of its class than real ones are from each other",
    "quota": "good, but more than was asked for: others differ more from one another",
}
"""Reason codes of the gate, in the order in which they are tried, with their meaning; `{noun}` is `Kind.noun`."""


@dataclass(frozen=True)
class Score:
    """One number about one class, with what is needed to read it.

    Attributes:
        name: Name of the metric, such as `"kid"`.
        value: The value, or None where there are too few examples for it to mean anything.
        higher_is_better: The direction; None where neither direction is better.
        yardstick: The value that real data reach against real data at the same n, or None if unknown.
        interval: 95 % interval of `value`, or None.
        p_value: p-value of the test that real and synthetic come from one distribution, or None.
        note: What to know about it in this case, in sentences; may be empty.
        usual: 5 and 95 % quantile of the yardstick over random parts of the real data, or None if unknown.
        apart: The value between the class and the nearest other one, or None if unknown.
        meaning: What the score is, in sentences; may be empty.
    """

    name: str
    value: float | None
    higher_is_better: bool | None
    yardstick: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    note: str = ""
    usual: tuple[float, float] | None = None
    apart: float | None = None
    meaning: str = ""


@dataclass(frozen=True, eq=False)
class SampleVerdicts:
    """The gate's answer for each of n samples, in the order given.

    Attributes:
        accepted: bool, shape (n,).
        reason: Reason code of the first filter that rejected it, `""` where accepted; length n.
        scores: By name, float64 of shape (n,). Of every kind `near_duplicate` (distance to the nearest training example
            over the median leave-one-out real distance; small = copy), `parent_distance` (the same to its
            parent, NaN where that is not known), `label` (the judge's probability of the wanted label), `typicality`
            (conformal p-value among the real ones, in [0, 1]). Of images also `flat` (share of values at one end of the
            range), `outside` (conformal p-value of what is off all real images) and `hash_bits`.
        nearest: Id of the nearest real training example of the same class, parents left out; length n.
        review: Reason code for which a person should look at an accepted one, `""` where none; length n, or empty
            where the gate has no such doubts.
    """

    accepted: NDArray[np.bool_]
    reason: tuple[str, ...]
    scores: dict[str, NDArray[np.float64]]
    nearest: tuple[str, ...]
    review: tuple[str, ...] = ()

    def subset(self, mask: NDArray[np.bool_]) -> SampleVerdicts:
        """Return the answers where `mask`, bool of shape (n,), is true."""
        at = np.flatnonzero(mask)
        return SampleVerdicts(
            accepted=self.accepted[at],
            reason=tuple(self.reason[i] for i in at),
            scores={name: values[at] for name, values in self.scores.items()},
            nearest=tuple(self.nearest[i] for i in at),
            review=tuple(self.review[i] for i in at) if self.review else (),
        )


@dataclass(frozen=True)
class ClassVerdict:
    """The answer for one class.

    Attributes:
        label: Class name.
        status: PASS, REVIEW, FAIL or INSUFFICIENT (too few real examples to say).
        n_real: Real training examples of the class.
        n_synthetic: Samples checked.
        n_accepted: Samples that passed the gate.
        rejected: Number of rejected samples by reason code.
        scores: Scores of the samples as drawn (not only of the accepted ones, which would flatter).
        why: The reasons for the status, in sentences.
        n_review: Accepted samples that a person should look at.
        detectable: Smallest shift of all features, in standard deviations, that would be found four times of five; None
            where it was not measured.
    """

    label: str
    status: str
    n_real: int
    n_synthetic: int
    n_accepted: int
    rejected: dict[str, int]
    scores: tuple[Score, ...]
    why: tuple[str, ...]
    n_review: int = 0
    detectable: float | None = None


@dataclass(frozen=True, eq=False)
class Verdict:
    """The answer for a data set.

    Attributes:
        status: FAIL if a class failed or `contamination` is above 0, else REVIEW if one needs review or is
            INSUFFICIENT, else PASS.
        samples: Per sample.
        classes: Per class that has synthetic samples, in label order.
        false_reject: By reason code, the share of held-out real examples that the filter would reject, or None
            where none were held out: what the gate costs, printed beside what it catches.
        contamination: Number of samples equal to a validation or test example, or made from one: more than 0
            is an alarm.
        thresholds: The thresholds that were applied, by name.
        stamp: Extractor, resize and data: scores with different stamps are never compared.
        privacy: What privacy attacks found (`gensynth.fidelity.privacy.Privacy` as plain values); None if not tried.
    """

    status: str
    samples: SampleVerdicts
    classes: tuple[ClassVerdict, ...]
    false_reject: dict[str, float] | None
    contamination: int
    thresholds: dict[str, float]
    stamp: dict[str, str]
    privacy: dict[str, Any] | None = None


def status_of_all(classes: Sequence[ClassVerdict], contamination: int) -> str:
    """Return the status of the whole; see `Verdict` for the arguments and the rule."""
    found = {c.status for c in classes}
    if contamination or FAIL in found:
        return FAIL
    return REVIEW if found & {REVIEW, INSUFFICIENT} else PASS


def save_verdict(verdict: Verdict, path: str | Path) -> None:
    """Write a verdict as JSON, whole or not at all.

    Raises:
        FileNotFoundError: if the folder of `path` does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(path.parent)!r} does not exist; create it first.")
    write_text(path, json.dumps(_plain(asdict(verdict)), indent=1, allow_nan=False))


def load_verdict(path: str | Path) -> Verdict:
    """Read what `save_verdict` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it does not hold a verdict.
    """
    verdict: Verdict = read_json(
        path, Verdict, "a verdict", "give a file that 'gensynth check --json' wrote, or check again"
    )
    s, n = verdict.samples, len(verdict.samples.accepted)
    lengths = {len(s.reason), len(s.nearest), *map(len, s.scores.values()), len(s.review) or n}
    if lengths != {n} or sum(c.n_synthetic for c in verdict.classes) != n:
        raise ValueError(f"{str(path)!r} is not a verdict: it has {n} answers, but not as many reasons; check again.")
    return verdict


def _plain(value: Any) -> Any:
    """What JSON does not know: arrays and numpy numbers become lists and Python numbers, what is not finite null."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value
