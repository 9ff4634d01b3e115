"""Sections of the page that show samples: beside real examples, rejected, worth a look; how, each kind says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gensynth.fidelity.verdict import REASONS
from gensynth.report.markup import NOTHING, Html, clean, element, fold, nothing, number, percent, section, table, unfold

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

MOST_PAIRED = 60
"""Classes whose samples are shown beside real examples, those with the fewest real ones first."""

Show = Callable[[str, np.ndarray], Html]
"""Shows some of the samples at positions, with the score that a reason code rests on."""

# The score that a reason rests on, with its name in plain words.
REASON_SCORES = {
    "dup_exact": ("near_duplicate", "ratio"),
    "dup_near": ("near_duplicate", "ratio"),
    "dup_parent": ("parent_distance", "ratio to parent"),
    "label": ("label", "probability"),
    "atypical": ("typicality", "rank"),
}


def nearest(contents: Contents, most: int, show: Callable[[np.ndarray], Html]) -> Html:
    """Return accepted samples beside their nearest real example, the closest first.

    Args:
        contents: What the page shows.
        most: How many of a class to show at most.
        show: Shows the samples at positions beside these.
    """
    title, noun, synthetic, verdict = "Is it only copying?", contents.noun, contents.synthetic, contents.verdict
    if synthetic is None or verdict is None:
        return nothing("nearest", title, noun)
    samples, limits, ids = verdict.samples, verdict.thresholds, set(contents.parts.train.ids)
    known, ratio = np.array([name in ids for name in samples.nearest], dtype=bool), samples.scores["near_duplicate"]
    blocks = []
    for name in contents.drawn[:MOST_PAIRED]:
        at = np.flatnonzero((synthetic.y == synthetic.classes.index(name)) & samples.accepted & known)
        at = at[np.argsort(ratio[at], kind="stable")][:most]
        limit = limits.get(f"near_duplicate:{name}", limits.get("near_duplicate"))
        words = "" if limit is None else f"Rejected below {number(limit)}, unless it is a blend of real {noun}s."
        shown = show(at) if len(at) else element("p", f"No accepted {noun} to compare.")
        blocks.append(Html(element("h3", clean(name)) + element("p", words, class_="small") + shown))
    intro = (
        f"Accepted synthetic {noun}s with the real training {noun} that is nearest to each of them, the most copy-like "
        f"first. The ratio is the distance between them over the usual distance between a real {noun} and its nearest "
        f"different one: near 0 is a copy, about 1 is as real {noun}s are."
    )
    return section("nearest", title, element("p", intro), unfold(blocks, 12, "classes"))


def rejections(contents: Contents, show: Show) -> Html:
    """Return what the gate rejected, by reason, and what the gate costs.

    Args:
        contents: What the page shows.
        show: Shows rejected examples.
    """
    title, noun, verdict = "What was rejected, and why", contents.noun, contents.verdict
    if verdict is None:
        return nothing("rejected", title, noun)
    samples, reasons = verdict.samples, Counter(verdict.samples.reason)
    meanings = {code: meaning.format(noun=noun) for code, meaning in REASONS.items()}
    meanings |= dict.fromkeys(sorted(reasons.keys() - meanings.keys() - {""}), NOTHING)
    rows, cost = [], verdict.false_reject
    for code, meaning in meanings.items():
        share = percent(reasons[code] / len(samples.reason)) if len(samples.reason) else NOTHING
        false = percent(cost[code]) if cost and code in cost else "not measured"
        rows.append((element("code", clean(code)), meaning, f"{reasons[code]:,}", share, false))
    by_class = [
        (clean(c.label), f"{c.n_synthetic:,}", *(f"{c.rejected.get(code, 0):,}" for code in meanings))
        for c in verdict.classes
    ]
    return section(
        "rejected",
        title,
        element(
            "p",
            f"Of {len(samples.reason):,} samples drawn, {int((~samples.accepted).sum()):,} were rejected. "
            "Filters are tried in this order and the first to object is named. The last column is "
            f"the price: the share of held-out real {noun}s that the same filter would have rejected.",
        ),
        table(("reason", "meaning", "rejected", "of drawn", f"real {noun}s it would reject"), rows, words=(0, 1)),
        *_shown(samples.reason, meanings, show),
        fold("Rejections by class", table(("class", "drawn", *meanings), by_class)),
    )


def review(contents: Contents, show: Show) -> Html:
    """Return accepted samples that a person should look at, by reason, or nothing; arguments as of `rejections`."""
    noun, verdict = contents.noun, contents.verdict
    doubts = {
        "dup_near": f"near a real {noun}, though not so near that it is a copy",
        "label": f"the judge sees another class, or is less sure than of 97 % of the real {noun}s",
        "atypical": f"further from the real {noun}s than 95 % of those are from each other",
    }
    if verdict is None or not any(verdict.samples.review):
        return Html()
    intro = element("p", "These samples were accepted, and a person should look at them.")
    return section("review", "Worth a look", intro, *_shown(verdict.samples.review, doubts, show))


def _shown(codes: Sequence[str], meanings: Mapping[str, str], show: Show) -> list[Html]:
    """Return examples of each code, below its meaning and their number."""
    found = np.array(codes, dtype=object)
    blocks = []
    for code, meaning in meanings.items():
        if len(at := np.flatnonzero(found == code)):
            title = element("h3", element("code", clean(code)), f" {meaning}: {len(at):,}")
            blocks.append(Html(title + show(code, at)))
    return blocks
