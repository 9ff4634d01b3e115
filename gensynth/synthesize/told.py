"""What a whole synthetic data set is worth: its page, and what is printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gensynth.data.words import capital, counted, some_counts
from gensynth.evaluate.intervals import as_points
from gensynth.evaluate.outcome import WORDS
from gensynth.fidelity.privacy import LEAKAGE
from gensynth.kind import kinds
from gensynth.report import frame, sections, shown
from gensynth.report.contents import Contents
from gensynth.report.markup import Html, clean, element, estimate, gain, percent, section, table
from gensynth.synthesize.alone import Alone, strongest
from gensynth.synthesize.ruler import EQUAL, Measured
from gensynth.synthesize.synthesize import Made


def write_whole(made: Made) -> Path:
    """Write the page of a synthetic data set into the folder of its run."""
    contents = Contents(
        title=f"{made.out.name}: a synthetic data set",
        parts=made.one,
        after=dict(made.one.train.class_counts),
        provenance=made.provenance,
        synthetic=made.drawn,
        verdict=made.verdict,
        privacy=made.chosen.privacy,
    )
    own = kinds()[made.parts.train.kind].sections(contents)
    parts = [
        ("samplers", "Samplers", _samplers(made)),
        ("alone", "In place of real data", _alone(made)),
        ("privacy", "Privacy", sections.privacy(contents)),
        ("fidelity", "Likeness", sections.fidelity(contents)),
        ("look", "Look", shown.look(contents)),
        ("nearest", "Nearest real", shown.nearest(contents)),
        *own,
        ("provenance", "Provenance", sections.provenance(contents)),
    ]
    tiles = (_like_tile(made), _private_tile(made), _worth_tile(made))
    header = frame.header(contents, "synthetic data", answers(made), notes(made), tiles)
    return frame.write_page(made.folder / "report.html", frame.page(contents, header, parts))


def answers(made: Made) -> list[str]:
    """Return what was made, what it is worth and what attacks find, in sentences."""
    noun, m, n = made.parts.train.noun, made.chosen, sum(made.counts.values())
    of = f" ({some_counts(made.counts)})" if len(made.counts) > 1 else ""
    if made.bound:
        equal = f"{made.bound}. None was left out for being equal to a real {noun}."
    elif made.written["natural"]:
        equal = f"They repeat each other so often that some equal real {noun}s by chance."
    else:
        equal = f"None of them is equal to any real {noun}, unless real {noun}s repeat it."
    shares = ", in the real shares of the classes" if len(made.parts.train.classes) > 1 else ""
    learned = f" after it learned from the training {noun}s alone" if made.bound else ""
    found = f"What follows was measured on {counted(len(made.drawn), noun)} that {m.sampler} draws{learned}{shares}."
    told = f"Boosted trees tell them from held-out real {noun}s with an AUC of {m.detection:.2f} (0.5: not at all)."
    return [f"{counted(n, noun)}{of} by {m.sampler}. {equal}", f"{found} {told}", *_worth(made), _private(made)]


def _worth(made: Made) -> list[str]:
    if not made.alone:
        return []
    a = strongest(made.alone)
    found = [
        f"Trained on them alone, {a.classifier} reaches {a.synthetic.value:.1%} {WORDS[a.metric]} on held-out real "
        f"{made.parts.train.noun}s; trained on real ones, {a.real.value:.1%}."
    ]
    if a.levels:
        told = (
            f"{level.name} (n = {level.n}) "
            + ("too few to tell" if level.scores is None else as_points(level.scores.difference))
            for level in a.levels
        )
        found.append(f"The difference by level: {', '.join(told)}.")
    return found


def _private(made: Made) -> str:
    noun, near, attack = made.parts.train.noun, made.chosen.nearer, made.chosen.membership
    low, high = (percent(x) for x in near.interval)
    said = f"{percent(near.share)} ({low} to {high}) lie nearer to training than to held-out {noun}s"
    named = f"an attack names training {noun}s with an AUC of {attack.auc:.2f}"
    return f"{capital(made.chosen.privacy.status)}: {said}, and {named}; half and 0.5 are ideal."


def notes(made: Made) -> list[str]:
    """Return what else to know, in sentences."""
    noun, samples = made.parts.train.noun, made.verdict.samples
    found = list(made.notes)
    if made.bound:
        found.append(
            f"What is measured here was looked up in real {noun}s, so the bound does not cover it: where it is "
            f"published with the {noun}s, say so."
        )
    if made.written["where"] is not None:
        share = percent(made.written["matched"])
        found.append(f"{share} of the {noun}s drawn match {made.written['where']!r}; those alone were written.")
    if made.written["given"] is not None:
        found.append(
            f"What was given of the {noun}s stands in them as it was, whatever it tells of real ones; what is measured "
            f"here rests on {noun}s that were drawn without it."
        )
    if not samples.accepted.all():
        near = int(np.isin(samples.reason, ("dup_near", "dup_parent")).sum())
        found.append(
            f"Of {len(samples.accepted)} {noun}s the check of single ones would reject {int((~samples.accepted).sum())}"
            f", {near} of them as near copies; none was left out for it, which would bend the whole."
        )
    return found


def _like_tile(made: Made) -> Html:
    m = made.chosen
    low, high = m.detection_interval
    words = f"Told from real with an AUC of {m.detection:.2f} ({low:.2f} to {high:.2f}); 0.5 is ideal."
    return frame.tile("How like real data?", element("p", words))


def _private_tile(made: Made) -> Html:
    words = made.bound or "Other attacks may find more; only training with differential privacy gives a bound"
    status = element("b", capital(made.chosen.privacy.status))
    return frame.tile("Does it give training data away?", element("p", status), element("p", f"{words}."))


def _worth_tile(made: Made) -> Html:
    words = _worth(made) or ["Not asked: the data have no classes."]
    return frame.tile("In place of real data?", *(element("p", clean(w)) for w in words))


def rows(found: Sequence[Measured], chosen: Measured) -> list[tuple[str, ...]]:
    """Return what was measured of samplers as rows of text."""
    return [
        (
            m.sampler + (" (taken)" if m == chosen else ""),
            f"{m.detection:.2f} ({m.detection_interval[0]:.2f} to {m.detection_interval[1]:.2f})",
            f"{percent(m.nearer.share)} ({percent(m.nearer.interval[0])} to {percent(m.nearer.interval[1])})",
            f"{m.membership.auc:.2f}",
            percent(m.copies),
            f"{m.seconds:.1f}",
        )
        for m in found
    ]


HEAD = ("sampler", "told from real, AUC", "nearer to training", "membership, AUC", "copies drawn", "seconds")


def _samplers(made: Made) -> Html:
    noun = made.parts.train.noun
    words = (
        f"AUC 0.5 and 50 % are ideal. Taken is what is hardest to tell from real {noun}s among the samplers that are "
        f"equally private: on which the better attack finds at most {EQUAL} more than on the most private one. Copies "
        f"of real {noun}s that occur once are left out before all else, unless what is drawn repeats itself by nature."
    )
    body = [tuple(map(clean, row)) for row in rows(made.measured, made.chosen)]
    return section("samplers", "Which sampler?", element("p", words, class_="small"), table(HEAD, body))


def _alone(made: Made) -> Html:
    if not made.alone:
        return Html()
    head = ("classifier", "scored", "trained on real", "on synthetic alone", "difference")
    body = [
        (clean(a.classifier), WORDS[a.metric], estimate(a.real), estimate(a.synthetic), gain(a.difference))
        for a in made.alone
    ]
    recalls = [
        (clean(a.classifier), clean(name), percent(real), percent(synthetic))
        for a in made.alone
        for name, (real, synthetic) in a.recalls.items()
    ]
    noun = made.parts.train.noun
    words = f"As many synthetic {noun}s as real ones, tested on the same held-out real {noun}s."
    return section(
        "alone",
        "What are they worth in place of real data?",
        element("p", words, class_="small"),
        table(head, body, words=(0, 1)),
        table(("classifier", "class", "recall, trained on real", "on synthetic alone"), recalls, words=(0, 1)),
        *(_by_level(a, noun) for a in made.alone if a.levels),
    )


def _by_level(a: Alone, noun: str) -> Html:
    """Return what a classifier scores by level of a column."""
    body = []
    for level in a.levels:
        s = level.scores
        told = ("too few to tell",) * 3 if s is None else (estimate(s.real), estimate(s.synthetic), gain(s.difference))
        body.append((clean(level.name), f"{level.n:,}", *told))
    head = ("level", f"{noun}s", f"{WORDS[a.metric]} of {clean(a.classifier)}, real", "synthetic alone", "difference")
    return table(head, body)


def print_whole(made: Made, page: Path) -> int:
    """Print what was made and what it is worth.

    Returns:
        The exit status: 1 where attacks find training examples.
    """
    body = [HEAD, *rows(made.measured, made.chosen)]
    wide = [max(len(row[at]) for row in body) for at in range(len(HEAD))]
    for name, *values in body:
        print("  ".join([name.ljust(wide[0]), *(v.rjust(w) for v, w in zip(values, wide[1:], strict=True))]))
    print()
    for sentence in (*answers(made), *(f"note: {note}" for note in notes(made))):
        print(sentence)
    print(f"\ndata set: {made.out}\nreport: {page}")
    return 1 if made.chosen.privacy.status == LEAKAGE else 0
