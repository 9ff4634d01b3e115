"""Sections of the page that are told in numbers: counts, shortcut, fidelity, privacy, losses, provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gensynth.report import figures
from gensynth.report.markup import (
    NOTHING,
    Html,
    badge,
    clean,
    element,
    fold,
    listed,
    number,
    percent,
    section,
    table,
    unfold,
)

if TYPE_CHECKING:
    from gensynth.fidelity.verdict import ClassVerdict, Score
    from gensynth.report.contents import Contents

LEGEND = element(
    "p",
    element("span", "real", class_="key real"),
    element("span", "synthetic", class_="key synthetic"),
    class_="legend",
)


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


def shortcut(contents: Contents) -> Html:
    """Return whether a classifier learns 'changed = rare class', or nothing where that was not measured."""
    leak, spread, noun = contents.leak, contents.leak_spread, contents.noun
    if leak is None:
        return Html()
    found = [("As filled: ", leak), (f"With changed {noun}s in every class, as mixed: ", spread)]
    lines = (element("p", badge(of.verdict), " ", element("b", when), of.why) for when, of in found if of)
    advice = (
        f"Give every class a share of such {noun}s (--spread all; where every class has that, fill the rare ones "
        "less), or a classifier learns 'changed = rare class'."
    )
    return section(
        "shortcut",
        "Does it teach a shortcut?",
        element(
            "p",
            f"Where only rare classes receive changed (decoded, translated, stylised) {noun}s, a classifier may learn "
            f"the change in place of the class. It was shown changed {noun}s of other classes, and the originals.",
        ),
        *lines,
        element("p", advice, class_="alarm") if leak.leaks and spread is None else Html(),
    )


def fidelity(contents: Contents) -> Html:
    """Return the checker's answer per class with every score beside its yardstick."""
    noun, verdict = contents.noun, contents.checked
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
        "Fidelity, class by class",
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


def privacy(contents: Contents) -> Html:
    """Return what the attacks found; nothing where none was tried."""
    found, noun = contents.privacy, contents.noun
    if found is None:
        return Html()
    rows = []
    for c in found.classes:
        m, d = c.membership, c.distance
        numbers = ("", "", "", "")
        if m is not None and d is not None:
            auc = f"{m.auc:.2f} ({m.interval[0]:.2f} to {m.interval[1]:.2f})"
            tpr = f"{percent(m.tpr)} ({percent(m.tpr_interval[0])} to {percent(m.tpr_interval[1])}) at {percent(m.fpr)}"
            share = f"{percent(d.share)} ({percent(d.interval[0])} to {percent(d.interval[1])})"
            numbers = (auc, tpr, share, number(c.findable))
        counts = (f"{c.n_members:,}", f"{c.n_non_members:,}", f"{c.n_synthetic:,}")
        rows.append((clean(c.label), clean(c.status), *counts, *numbers, " ".join(c.why)))
    head = (
        *("class", "answer", "members", "non-members", "samples", "AUC of the membership attack"),
        *("members found, at this share of false alarms", "nearer to members", "AUC that would be found", "in words"),
    )
    return section(
        "privacy",
        "Do the samples tell who was in the training data?",
        element("p", element("b", f"{found.status}.")),
        element(
            "p",
            f"Members are the real training {noun}s, non-members real {noun}s that no generator saw. Without a leak "
            "the AUC is about 0.5 and half of the samples lie nearer to members; intervals are 95 %. That these "
            "attacks find nothing proves nothing about others: only training with differential privacy gives a bound.",
            class_="small",
        ),
        table(head, rows, words=(0, 1, 9)),
    )


def losses(contents: Contents) -> Html:
    """Return one chart per checkpoint with a line per loss; nothing where none was trained."""
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
    shown = element("div", unfold(charts, 8, "checkpoints"), class_="charts")
    return section("losses", "How training went", shown) if charts else Html()


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
    return section(
        "provenance",
        "How to make this again",
        table(("what", "value"), lines, words=(0, 1)),
        listed("Notes", (*contents.notes, *contents.parts.train.notes)),
    )
