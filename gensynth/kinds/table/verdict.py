"""What the scores of a class of rows are, how they are put into words, and the status they give it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gensynth.fidelity.class_verdict import DUPLICATES, FEWEST
from gensynth.fidelity.conformal import SMALL
from gensynth.fidelity.metrics import permutation_p, wilson_interval
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REVIEW, Score
from gensynth.kinds.table import measures as metrics

COMMON = 10
"""Levels with this many rows of the class must occur among its samples."""

BETTER = {
    "marginals": True,
    "worst_column": True,
    "pairs": True,
    "worst_pair": True,
    "detection": True,
    "levels": True,
    "missing": True,
    "valid": True,
    "dtypes": True,
    "label_agreement": True,
    "exact_copies": False,
    "nearer_to_training": False,
}
"""The scores of a class, in this order, and whether more is better."""
SHORT = {
    "marginals": (0.2, "Single columns are not distributed as in real rows", "alike on average"),
    "worst_column": (0.4, "One column is not distributed as in real rows", "alike"),
    "pairs": (0.1, "Columns are not related to each other as in real rows", "alike on average"),
    "worst_pair": (0.4, "Two columns are not related to each other as in real rows", "alike"),
    "levels": (0.5, "Common levels do not occur", "of them do"),
    "missing": (0.2, "Values are not missing as often as in real rows", "alike"),
    "valid": (0.5, "Rows hold forbidden values or break rules", "are valid"),
    "label_agreement": (0.4, "The judge does not see the wanted class in the rows", "pass for it"),
}
"""How far a score may fall short of its yardstick before the class fails (half of it is worth a warning), what is said
then, and what its percentage is of."""
WORST = ("worst_column", "worst_pair")
"""Where half of it asks for a person: what is wrong with a single column hardly shows in a mean over many."""
DETECTED = 0.2
"""A detection score below this (an area under the curve above 0.9) is worth a warning."""
NEARER = 0.6
"""Memorisation is suspected if more than this share is nearer to training than to held-out rows, beyond chance."""

SPLIT = "The yardstick is reached by 95 % of random splits of real and synthetic rows together."
MEANING = {
    "marginals": f"How much of its distribution a column shares with real rows, the mean over all columns. {SPLIT}",
    "worst_column": f"The same of the column that falls furthest short. {SPLIT}",
    "pairs": f"How alike the relation of two columns is to that in real rows, the mean over all pairs. {SPLIT}",
    "worst_pair": f"The same of the pair that falls furthest short. {SPLIT}",
    "detection": "1 - 2 max(AUC - 1/2, 0) of boosted trees that tell samples from real rows; 0 where they always can.",
    "levels": f"Share of the levels of which {COMMON} samples or more are to be expected that do occur.",
    "missing": f"1 - difference between the shares of missing values, of the column that differs most. {SPLIT}",
    "valid": "Share of rows with allowed values that obey the rules.",
    "dtypes": "Share of columns with the dtype of the real rows.",
    "label_agreement": "Share of rows in which the judge sees the wanted class; the yardstick is that of real rows, "
    "judged by one that has not seen them.",
    "exact_copies": "Share of rows equal to a training row; the yardstick is that of training rows among each other.",
    "nearer_to_training": "Share of rows nearer to training than to held-out rows, as if both were equally many; more "
    "means memorised.",
}
"""What each score is; its note says first what there is to say in the case at hand."""


def score_of(
    name: str,
    value: float | None,
    yardstick: float | None = None,
    interval: tuple[float, float] | None = None,
    note: str = "",
    p_value: float | None = None,
) -> Score:
    """Score of `BETTER`; where it has a value, the note goes on with its `MEANING`."""
    if value is not None:
        note = f"{note} {MEANING[name]}".lstrip()
    if value is not None and interval is not None:
        # The ends of an interval around 0 or 1 are computed with rounding.
        interval = min(interval[0], value), max(interval[1], value)
    return Score(name, value, BETTER[name], yardstick, interval, p_value, note)


def similarity(name: str, alike: np.ndarray) -> Score:
    """Score of similarities, shape (columns or pairs, 1 + SPLITS): their mean, as drawn and in splits."""
    if not len(alike):
        return score_of(name, None, note="Not given: there are too few columns.")
    values = alike.mean(axis=0)
    yardstick = float(np.quantile(values[1:], 0.05))
    return score_of(name, float(values[0]), yardstick, p_value=permutation_p(-values))


def worst(name: str, alike: np.ndarray, of: Sequence[str]) -> Score:
    """Score of the similarity that falls furthest short of what it is in random splits (`metrics.worst_shortfall`)."""
    if not len(alike):
        return score_of(name, None, note="Not given: there are too few columns.")
    at, expected, short = metrics.worst_shortfall(alike)
    yardstick, note = float(expected - np.quantile(short[1:], 0.95)), f"The worst is {of[at]}, {alike[at, 0]:.2f}."
    return score_of(name, float(alike[at, 0]), yardstick, note=note, p_value=permutation_p(short))


def listed(word: str, names: Sequence[str]) -> str:
    """Return a sentence that begins with `word` and names the first five; empty where there are none."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{word} {', '.join(names[:5])}{more}." if names else ""


def judge_class(
    scores: tuple[Score, ...], n_real: int, n: int, accepted: int, duplicates: int, natural: float
) -> tuple[str, tuple[str, ...]]:
    """Status of a class and the sentences that explain it; `natural` is `Reference.copies`."""
    given = {s.name: (s.value, s.yardstick or 0.0, s.note) for s in scores if s.value is not None}
    if not given:
        return INSUFFICIENT, (
            f"{n_real} real and {n} synthetic rows are too few to say anything about the class: {FEWEST} of each are "
            f"needed; {accepted} of {n} samples passed the gate.",
        )
    fail: list[str] = []
    review: list[str] = []
    warn: list[str] = []
    # A few of few samples say nothing: the share has to be too high beyond chance.
    if wilson_interval(duplicates, n)[0] > DUPLICATES + natural:
        fail.append(
            f"{duplicates / n:.0%} of the samples copy other rows, where at most {natural:.0%} of the real ones do; "
            f"{DUPLICATES:.0%} more is too many."
        )
    for name, (limit, what, unit) in SHORT.items():
        value, yardstick, note = given.get(name, (1.0, 0.0, ""))
        if yardstick - value > limit / 2:
            said = f"{what}: {value:.0%} {unit}, where {yardstick:.0%} can be expected of real rows."
            sentence = f"{said} {note.removesuffix(MEANING[name])}".rstrip()
            (fail if yardstick - value > limit else review if name in WORST else warn).append(sentence)
    if given["detection"][0] < DETECTED:
        auc = given["detection"][2].removesuffix(MEANING["detection"]).rstrip()
        warn.append(f"A classifier tells nearly all samples from real rows. {auc}")
    if given["dtypes"][0] < 1:
        review.append(f"Columns have another dtype. {given['dtypes'][2].removesuffix(MEANING['dtypes'])}".rstrip())
    interval = next(s.interval for s in scores if s.name == "nearer_to_training")
    if interval is not None and interval[0] > NEARER:
        review.append(
            f"{given['nearer_to_training'][0]:.0%} of the samples are nearer to training rows than to held-out ones; "
            "without memorisation 50% would be."
        )
    if accepted < n / 2:
        review.append(f"{f'Only {accepted}' if accepted else 'None'} of {n} samples passed the gate.")
    if n_real < SMALL:
        review += [f"{w} With {n_real} real rows a person should look." for w in warn]
        warn = []
    status = FAIL if fail else REVIEW if review else PASS
    why = (*fail, *review, *warn)
    return status, why or (f"No score raises an objection; {accepted} of {n} samples passed the gate.",)
