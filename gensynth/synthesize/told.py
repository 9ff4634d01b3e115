"""What a whole synthetic data set is worth: its page, and what is printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gensynth.data.words import capital, counted, some_counts
from gensynth.evaluate.outcome import WORDS
from gensynth.fidelity.privacy import LEAKAGE
from gensynth.kind import kinds
from gensynth.report import frame, sections, shown
from gensynth.report.contents import Contents
from gensynth.report.markup import Html, badge, clean, element, estimate, gain, percent, section, table
from gensynth.synthesize.alone import strongest
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
        privacy=made.privacy,
        notes=made.notes,
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
    header = frame.header(contents, "synthetic data", answers(made), made.notes, tiles)
    return frame.write_page(made.folder / "report.html", frame.page(contents, header, parts))


def answers(made: Made) -> list[str]:
    """Return what was made, what it is worth and what attacks find, in sentences."""
    noun, m = made.parts.train.noun, made.chosen
    n = sum(made.counts.values())
    of = f" ({some_counts(made.counts)})" if len(made.counts) > 1 else ""
    equal = (
        f"Real {noun}s repeat each other so often that some synthetic ones equal them by chance."
        if made.natural
        else f"None equals a {noun} that it was learned from."
    )
    first = f"{counted(n, noun)}{of} by {m.sampler}. {equal}"
    told = f"Boosted trees tell them from held-out real {noun}s with an AUC of {m.detection:.2f} (0.5: not at all)."
    return [first, told, *_worth(made), _private(made)]


def _worth(made: Made) -> list[str]:
    if not made.alone:
        return []
    a = strongest(made.alone)
    return [
        f"Trained on them alone, {a.classifier} reaches {a.synthetic.value:.1%} {WORDS[a.metric]} on held-out real "
        f"{made.parts.train.noun}s, trained on real ones {a.real.value:.1%} ({gain(a.difference)})."
    ]


def _private(made: Made) -> str:
    m = made.chosen
    low, high = (percent(x) for x in m.nearer_interval)
    noun = made.parts.train.noun
    said = f"{percent(m.nearer)} ({low} to {high}) lie nearer to training than to held-out {noun}s"
    attack = f"an attack names training {noun}s with an AUC of {m.membership:.2f}"
    return f"{capital(made.privacy.status)}: {said}, and {attack}; half and 0.5 are ideal."


def _like_tile(made: Made) -> Html:
    m = made.chosen
    low, high = m.detection_interval
    words = f"Told from real with an AUC of {m.detection:.2f} ({low:.2f} to {high:.2f}); 0.5 is ideal."
    return frame.tile("How like real data?", badge(made.verdict.status), element("p", words))


def _private_tile(made: Made) -> Html:
    words = "That attacks find nothing proves nothing; only differential privacy gives a bound."
    return frame.tile("Who is in it?", element("p", element("b", capital(made.privacy.status))), element("p", words))


def _worth_tile(made: Made) -> Html:
    words = _worth(made) or ["Not asked: the data have no classes."]
    return frame.tile("In place of real data?", *(element("p", clean(w)) for w in words))


def rows(found: Sequence[Measured], chosen: Measured) -> list[tuple[str, ...]]:
    """Return what was measured of samplers as rows of text."""
    return [
        (
            m.sampler + (" (taken)" if m == chosen else ""),
            f"{m.detection:.2f} ({m.detection_interval[0]:.2f} to {m.detection_interval[1]:.2f})",
            f"{percent(m.nearer)} ({percent(m.nearer_interval[0])} to {percent(m.nearer_interval[1])})",
            f"{m.membership:.2f}",
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
        f"of training {noun}s are taken out before all else, unless real {noun}s repeat each other as often."
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
    words = f"Tested on the same held-out real {noun}s; as many synthetic {noun}s as real ones, no other sampler seen."
    return section(
        "alone",
        "What are they worth in place of real data?",
        element("p", words, class_="small"),
        table(head, body, words=(0, 1)),
        table(("classifier", "class", "recall, trained on real", "on synthetic alone"), recalls, words=(0, 1)),
    )


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
    for sentence in (*answers(made), *(f"note: {note}" for note in made.notes)):
        print(sentence)
    print(f"\ndata set: {made.out}\nreport: {page}")
    return 1 if made.privacy.status == LEAKAGE else 0
