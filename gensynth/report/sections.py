"""Sections of the page that are told in numbers: counts, choice, utility, fidelity, losses, provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gensynth.evaluate.intervals import Estimate
from gensynth.evaluate.outcome import WORDS
from gensynth.fidelity.verdict import REASONS
from gensynth.report import figures
from gensynth.report.markup import (
    NOTHING,
    Html,
    badge,
    clean,
    element,
    fold,
    number,
    percent,
    points,
    section,
    table,
    unfold,
)

if TYPE_CHECKING:
    from gensynth.choose.results import Choice, Tried
    from gensynth.fidelity.verdict import ClassVerdict, Score, Verdict
    from gensynth.report.contents import Contents
    from gensynth.report.page import ReportContents

LEGEND = element(
    "p",
    element("span", "real", class_="key real"),
    element("span", "synthetic", class_="key synthetic"),
    class_="legend",
)


MOST_CANDIDATES = 20
"""Ways that were tried and are shown at once; the others are folded away."""

# The score that a reason rests on, with its name in plain words.
REASON_SCORES = {
    "dup_exact": ("near_duplicate", "ratio"),
    "dup_near": ("near_duplicate", "ratio"),
    "dup_parent": ("parent_distance", "ratio to parent"),
    "label": ("label", "probability"),
    "atypical": ("typicality", "rank"),
}


def counts(contents: Contents) -> Html:
    """Return the numbers of examples per class before and after."""
    real, added = contents.real, contents.added
    validation, test = contents.parts.validation.class_counts, contents.parts.test.class_counts
    rows = {
        name: (clean(name), f"{real[name]:,}", f"{added[name]:+,}" if added[name] else NOTHING)
        + (f"{contents.after[name]:,}", f"{validation[name]:,}", f"{test[name]:,}")
        for name in real
    }
    head = ("class", "real", "synthetic", "after", "validation", "test")
    front = contents.front
    rest = [rows[name] for name in rows if name not in set(front)]
    # What is drawn as real shrinks where a class was cut instead of filled.
    bars = {name: (min(real[name], contents.after[name]), max(0, added[name])) for name in front}
    chart = figures.count_bars(f"Training {contents.noun}s per class, real and synthetic", bars)
    return section(
        "counts",
        f"Training {contents.noun}s before and after",
        LEGEND,
        element("div", chart, table(head, [rows[name] for name in front]), class_="pair-of-blocks"),
        fold(f"The other {len(rest)} classes", table(head, rest)) if rest else Html(),
        element("p", f"Validation and test {contents.noun}s are real only and are never added to.", class_="small"),
    )


def choice(c: Choice | None) -> Html:
    """Return how all ways to train did, and which was chosen; None where a sampler was named."""
    title = "How the choice was made"
    if c is None:
        return section("choice", title, element("p", "Nothing was compared: the sampler was named."))
    notes = [element("li", clean(note)) for note in c.notes]
    told = Html(element("h3", "Notes") + element("ul", *notes)) if notes else Html()
    if not c.candidates:
        return section("choice", title, element("p", clean(c.why)), told)
    head = ("sampler", "filled to", "trained as", "", WORDS[c.metric], "gain, points", "standard error", "seconds")
    gains = {
        f"{t.sampler} to {t.to}, {t.arm}" if t.sampler else t.arm: Estimate(
            t.gain, t.gain - t.standard_error, t.gain + t.standard_error
        )
        for t in c.candidates[:MOST_CANDIDATES]
        if t.arm != c.baseline
    }
    caption = f"Gain in {WORDS[c.metric]} over '{c.baseline}', points, \u00b1 one standard error"
    rows = [_way(t, c) for t in c.candidates]
    adds = ", ".join(f"{n:,} {c.noun}s of {clean(name)}" for name, n in c.adds.items())
    where = (
        f"in {c.splits} splits of {c.examples:,} training {c.noun}s by cross-validation; samplers were fitted on the "
        "training side of each split alone"
        if c.splits > 1
        else f"with {c.examples:,} real validation {c.noun}s"
    )
    return section(
        "choice",
        title,
        element("p", clean(c.why)),
        element("p", f"It adds {adds}.") if adds else Html(),
        element(
            "p",
            f"Each way to train was tried {where}. Test {c.noun}s played no part: whether it helps is for them to say. "
            "The best of many looks better than it is. The simplest way is chosen unless another one is far enough "
            f"ahead. Gains are over '{c.baseline}', the choice among the ways without synthetic {c.noun}s.",
            class_="small",
        ),
        element("figure", element("figcaption", caption), figures.forest(caption, gains)) if gains else Html(),
        table(head, rows[:MOST_CANDIDATES], words=(0, 1, 2, 3)),
        fold("The other ways", table(head, rows[MOST_CANDIDATES:], words=(0, 1, 2, 3)))
        if len(rows) > MOST_CANDIDATES
        else Html(),
        told,
    )


def _way(t: Tried, c: Choice) -> tuple[str, ...]:
    is_base = t.arm == c.baseline
    mark = badge("CHOSEN") if c.is_chosen(t) else ""
    if mark and t.arm != c.arm:
        mark = Html(mark + element("span", " with a tuned threshold", class_="small"))
    return (
        clean(t.sampler) or NOTHING,
        clean(t.to) or NOTHING,
        t.arm,
        mark or ("best without" if is_base else ""),
        percent(t.score),
        NOTHING if is_base else points(t.gain),
        NOTHING if is_base else f"\u00b1 {100 * t.standard_error:.1f}",
        f"{t.seconds:.2f}",
    )


def shortcut(contents: ReportContents) -> Html:
    """Return whether a classifier learns 'changed = rare class', or nothing where that was not measured."""
    leak, spread = contents.leak, contents.leak_spread
    if leak is None:
        return Html()
    found = [("As filled: ", leak), ("With changed images in every class, as mixed: ", spread)]
    lines = (element("p", badge(of.verdict), " ", element("b", when), of.why) for when, of in found if of)
    advice = (
        "Give every class a share of such images (--spread all; where every class has that, fill the rare ones less), "
        "or a classifier learns 'changed = rare class'."
    )
    return section(
        "shortcut",
        "Does it teach a shortcut?",
        element(
            "p",
            "Where only rare classes receive changed (decoded, translated, stylised) images, a classifier may learn "
            "the change in place of the class. It was shown changed images of other classes, and the originals.",
        ),
        *lines,
        element("p", advice, class_="alarm") if leak.leaks and spread is None else Html(),
    )


def fidelity(contents: Contents) -> Html:
    """Return the checker's answer per class with every score beside its yardstick."""
    title, noun, verdict = "Fidelity, class by class", contents.noun, contents.verdict
    if verdict is None:
        return section("fidelity", title, element("p", f"No synthetic {noun}s were drawn."))
    ordered = sorted(verdict.classes, key=lambda c: contents.real.get(c.label, 0))
    rows = [
        (clean(c.label), badge(c.status), f"{c.n_real:,}", f"{c.n_synthetic:,}", f"{c.n_accepted:,}")
        + (" ".join(c.why),)
        for c in ordered
    ]
    caught = verdict.contamination
    contamination = (
        element("strong", f"{caught:,} synthetic {noun}(s) equal a validation or test {noun}, or were made from one.")
        if caught
        else f"No synthetic {noun} equals a validation or test {noun}, or was made from one."
    )
    stamp = ", ".join(f"{clean(k)} {clean(v)}" for k, v in verdict.stamp.items())
    return section(
        "fidelity",
        title,
        element(
            "p",
            "Scores describe the samples as drawn, before the gate. The yardstick, real vs real, is what "
            f"real {noun}s of the class reach against other real {noun}s: read a score against it, not against zero. "
            "p-values are those of single tests; the verdict corrects them for the number of classes and tests.",
        ),
        element("p", contamination, class_="alarm" if caught else "small"),
        table(("class", "status", f"real {noun}s", "drawn", "accepted", "why"), rows, words=(0, 1, 5)),
        unfold([_class_scores(c, noun, opened=i < 3) for i, c in enumerate(ordered)], 12, "classes"),
        element("p", f"Measured with: {stamp}. Scores with different stamps cannot be compared.", class_="small"),
    )


def _class_scores(c: ClassVerdict, noun: str, opened: bool) -> Html:
    summary = element("summary", element("b", clean(c.label)), " ", badge(c.status))
    head = ("score", "value", "95 % interval", "p", "better", "real vs real", "nine of ten times", "what to know")
    scores = table(head, [_score(s) for s in c.scores if s.value is not None], words=(0, 7))
    missing = [element("li", element("b", clean(s.name)), ": ", clean(s.note)) for s in c.scores if s.value is None]
    unsaid = fold(f"{len(missing)} scores that say nothing at these numbers of {noun}s", element("ul", *missing))
    state = {"open": ""} if opened else {}
    return element("details", summary, scores, unsaid if missing else Html(), **state)


def _score(s: Score) -> tuple[str, ...]:
    value = number(s.value)
    arrow = {True: "\u2191 higher", False: "\u2193 lower", None: NOTHING}[s.higher_is_better]
    interval, usual = (f"{number(r[0])} to {number(r[1])}" if r else NOTHING for r in (s.interval, s.usual))
    p = "< 0.001" if s.p_value is not None and s.p_value < 0.001 else number(s.p_value)
    return (
        clean(s.name),
        value,
        interval,
        p,
        arrow,
        number(s.yardstick),
        usual,
        clean(f"{s.note} {s.meaning}".strip()),
    )


def reason_codes(verdict: Verdict) -> list[str]:
    """Return the reason codes in the order in which they are tried, then those without a meaning."""
    return [*REASONS, *sorted(set(verdict.samples.reason) - set(REASONS) - {""})]


def meaning(code: str, noun: str) -> str:
    """Return what a reason code means; "" of one that is not known."""
    return REASONS.get(code, "").format(noun=noun)


def rejections(contents: Contents, verdict: Verdict, examples: Sequence[Html]) -> Html:
    """Return what the gate rejected, by reason, and what the gate costs.

    Args:
        contents: What the page shows.
        verdict: Its verdict.
        examples: Rejected examples, one block per reason that occurs.
    """
    samples, noun, reasons = verdict.samples, contents.noun, Counter(verdict.samples.reason)
    codes, cost = reason_codes(verdict), verdict.false_reject
    rows = []
    for code in codes:
        n = reasons[code]
        share = percent(n / len(samples.reason)) if len(samples.reason) else NOTHING
        false = percent(cost[code]) if cost and code in cost else "not measured"
        rows.append((element("code", clean(code)), meaning(code, noun) or NOTHING, f"{n:,}", share, false))
    by_class = [
        (clean(c.label), f"{c.n_synthetic:,}", *(f"{c.rejected.get(code, 0):,}" for code in codes))
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
        *examples,
        fold("Rejections by class", table(("class", "drawn", *codes), by_class)),
    )


def losses(contents: Contents) -> Html:
    """Return one chart per checkpoint with a line per loss."""
    charts = []
    for checkpoint, columns in contents.history.items():
        lines = {name: values for name, values in columns.items() if name != "step"}
        chart = figures.loss_lines(f"Losses of {clean(checkpoint)}", columns["step"], lines)
        keys = (
            element("span", clean(name), class_=f"key {figures.LINES[i % len(figures.LINES)]}")
            for i, name in enumerate(lines)
        )
        caption = element("figcaption", clean(checkpoint))
        charts.append(element("figure", caption, element("p", *keys, class_="legend"), chart))
    none = element("p", "Nothing was trained for this run: the sampler learns no weights, or they were given.")
    return section(
        "losses",
        "How training went",
        element("div", unfold(charts, 8, "checkpoints"), class_="charts") if charts else none,
    )


def provenance(contents: Contents) -> Html:
    """Return what is needed to make this page again."""
    synthetic, verdict = contents.synthetic, contents.verdict
    rows = dict(contents.provenance)
    if synthetic is not None:
        rows |= {"sampler": synthetic.sampler, "sampler seed": str(synthetic.seed)}
        if hashes := sorted(set(synthetic.checkpoint_sha256) - {""}):
            rows["checkpoint SHA-256"] = ", ".join(hashes)
    if verdict is not None:
        rows |= {f"fidelity {name}": value for name, value in verdict.stamp.items()}
        rows |= {f"threshold {name}": number(value) for name, value in verdict.thresholds.items()}
    lines = [(clean(name), element("code", value)) for name, value in rows.items()]
    notes = [element("li", clean(note)) for note in (*contents.notes, *contents.parts.train.notes)]
    return section(
        "provenance",
        "How to make this again",
        table(("what", "value"), lines, words=(0, 1)),
        Html(element("h3", "Notes") + element("ul", *notes)) if notes else Html(),
    )
