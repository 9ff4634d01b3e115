"""Sections of the page that show examples: a look, the nearest real ones, what was rejected, what is worth a look.

How examples are shown is the kind's business (`Kind.look`, `Kind.pictures`); which ones, and in which order, is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from gensynth.data.labeled import numbers_within
from gensynth.fidelity.verdict import REASONS
from gensynth.kind import kinds
from gensynth.report.contents import Contents
from gensynth.report.markup import NOTHING, Html, clean, element, fold, number, percent, score, section, table, unfold
from gensynth.report.plain import some

MOST_PAIRED, OPEN_CLASSES = 60, 12
"""Classes whose samples are shown beside real examples, those with the fewest real ones first; and those not folded."""
MOST_PAIRS, MOST_SHOWN = 16, 12
"""Pairs of a class, and samples of a reason, that are shown at most; a kind shows fewer where they take much room."""

# The score that a reason rests on, with its name in plain words.
REASON_SCORES = {
    "dup_exact": ("near_duplicate", "ratio"),
    "dup_near": ("near_duplicate", "ratio"),
    "dup_parent": ("parent_distance", "ratio to parent"),
    "label": ("label", "probability"),
    "atypical": ("typicality", "rank"),
}


def look(contents: Contents) -> Html:
    """Return real and accepted synthetic examples beside each other."""
    return section("look", "See for yourself", kinds()[contents.parts.train.kind].look(contents))


def nearest(contents: Contents) -> Html:
    """Return accepted samples beside their nearest real example, the closest first."""
    noun, synthetic = contents.noun, contents.samples
    samples, limits = contents.checked.samples, contents.checked.thresholds
    row = _rows(contents)
    known, ratio = np.array([name in row for name in samples.nearest], dtype=bool), samples.scores["near_duplicate"]
    blocks = []
    for name in contents.drawn[:MOST_PAIRED]:
        at = np.flatnonzero((synthetic.y == synthetic.classes.index(name)) & samples.accepted & known)
        at = at[np.argsort(ratio[at], kind="stable")][:MOST_PAIRS]
        limit = limits.get(f"near_duplicate:{name}", limits.get("near_duplicate"))
        words = "" if limit is None else f"Rejected below {number(limit)}, unless it is a blend of real {noun}s."
        none = element("p", f"No accepted {noun} to compare.")
        shown = _pairs(contents, at, "near_duplicate", "ratio") if len(at) else none
        blocks.append(Html(element("h3", clean(name)) + element("p", words, class_="small") + shown))
    intro = (
        f"Accepted synthetic {noun}s with the real training {noun} that is nearest to each of them, the most copy-like "
        f"first. The ratio is the distance between them over the usual distance between a real {noun} and its nearest "
        f"different one: near 0 is a copy, about 1 is as real {noun}s are."
    )
    return section("nearest", "Is it only copying?", element("p", intro), unfold(blocks, OPEN_CLASSES, "classes"))


def rejected(contents: Contents) -> Html:
    """Return what the gate rejected, by reason, with examples and with what the gate costs."""
    noun, verdict, samples = contents.noun, contents.checked, contents.checked.samples
    reasons = Counter(samples.reason)
    meanings = {code: meaning.format(noun=noun) for code, meaning in REASONS.items()}
    meanings |= dict.fromkeys(sorted(reasons.keys() - meanings.keys() - {""}), NOTHING)
    rows, cost = [], verdict.false_reject
    for code, meaning in meanings.items():
        share = percent(reasons[code] / len(samples.reason))
        false = percent(cost[code]) if cost and code in cost else "not measured"
        rows.append((element("code", clean(code)), meaning, f"{reasons[code]:,}", share, false))
    by_class = [
        (clean(c.label), f"{c.n_synthetic:,}", *(f"{c.rejected.get(code, 0):,}" for code in meanings))
        for c in verdict.classes
    ]
    return section(
        "rejected",
        "What was rejected, and why",
        element(
            "p",
            f"Of {len(samples.reason):,} samples drawn, {int((~samples.accepted).sum()):,} were rejected. "
            "Filters are tried in this order and the first to object is named. The last column is "
            f"the price: the share of held-out real {noun}s that the same filter would have rejected.",
        ),
        table(("reason", "meaning", "rejected", "of drawn", f"real {noun}s it would reject"), rows, words=(0, 1)),
        *_by_code(contents, samples.reason, meanings),
        fold("Rejections by class", table(("class", "drawn", *meanings), by_class)),
    )


def review(contents: Contents) -> Html:
    """Return accepted samples that a person should look at, by reason, or nothing where there are none."""
    noun, codes = contents.noun, contents.checked.samples.review
    doubts = {
        "dup_near": f"near a real {noun}, though not so near that it is a copy",
        "label": f"the judge sees another class, or is less sure than of 97 % of the real {noun}s",
        "atypical": f"further from the real {noun}s than 95 % of those are from each other",
    }
    if not any(codes):
        return Html()
    intro = element("p", "These samples were accepted, and a person should look at them.")
    return section("review", "Worth a look", intro, *_by_code(contents, codes, doubts))


def _by_code(contents: Contents, codes: Sequence[str], meanings: Mapping[str, str]) -> list[Html]:
    """Return examples of each code, below its meaning and their number; copies beside what they copy."""
    found, row, blocks = np.array(codes, dtype=object), _rows(contents), []
    kind = kinds()[contents.parts.train.kind]
    for code, meaning in meanings.items():
        if not len(at := np.flatnonzero(found == code)):
            continue
        title = element("h3", element("code", clean(code)), f" {meaning}: {len(at):,}")
        some_at, of = _varied(contents.samples.y, at), REASON_SCORES.get(code, ("", ""))
        if code.startswith("dup") and all(contents.checked.samples.nearest[i] in row for i in some_at):
            shown = _pairs(contents, some_at, *of)
        else:
            shown = kind.pictures(contents, some_at, _texts(contents, some_at, *of))
        blocks.append(Html(title + shown))
    return blocks


def _varied(y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return some of the positions at random, one of each label before a second one."""
    at = some(at, len(at))
    return at[np.argsort(numbers_within(y[at]), kind="stable")][:MOST_SHOWN]


def _pairs(contents: Contents, at: np.ndarray, name: str, words: str) -> Html:
    """Return samples at positions beside their nearest real examples, with a score."""
    row, kind = _rows(contents), kinds()[contents.parts.train.kind]
    real = np.array([row[contents.checked.samples.nearest[i]] for i in at], dtype=np.int64)
    return kind.pictures(contents, at, _texts(contents, at, name, words), real)


def _texts(contents: Contents, at: np.ndarray, name: str, words: str) -> list[str]:
    values = contents.checked.samples.scores.get(name)
    return [""] * len(at) if values is None else [f"{words} {score(values[i])}" for i in at]


def _rows(contents: Contents) -> dict[str, int]:
    return {name: i for i, name in enumerate(contents.parts.train.ids)}
