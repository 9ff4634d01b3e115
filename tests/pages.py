"""What pages show, of two kinds of data, small and with names that are hard to write."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
from two_kinds import CASES, drawn, evaluation

from gensynth.choose.results import Choice, Tried
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.evaluate.results import Evaluation
from gensynth.fidelity.verdict import ClassVerdict, SampleVerdicts, Score, Verdict
from gensynth.report.contents import Contents
from gensynth.sampler.synthetic import Synthetic

SCRIPT = "<script>alert(1)</script>"
WILD = (SCRIPT, "肺炎 & $x_1$", "_ordinary")
REASONS_OF_TEN = ("",) * 6 + ("invalid", "dup_near", "label", "atypical")


class Strict(HTMLParser):
    """Collects tags and text, and checks that tags are balanced."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.images: list[dict[str, str]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in {"img", "meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def part(page: str, anchor: str) -> str:
    """One section of a page."""
    return page.split(f'<section id="{anchor}">')[1].split("</section>")[0]


def evaluation_of(kind: str, word: str = "HELPS", gain: float = 0.03) -> Evaluation:
    if kind == "image":
        return evaluation("image", WILD, ("with synthetic", SCRIPT), ("network",), word, gain)
    arms = ("real", "class weights", "threshold", SCRIPT)
    return evaluation("row", WILD, arms, ("boosting", "logistic"), word, gain)


def choice_of(kind: str) -> Choice:
    """A choice among three ways, of which a sampler is best."""
    arm, ways = "real + synthetic", (("smote", "0.5", 0.02), ("", "", 0.0), (SCRIPT, "0.25", -0.03))
    return Choice(
        *("smote", "0.5", arm, "", "real"),
        adds={SCRIPT: 12},
        threshold=0.03,
        why="It won.",
        metric="average_precision",
        candidates=tuple(Tried(s, to, arm if s else "real", "", 0.5 + g, g, 0.01, 0.1) for s, to, g in ways),
        splits=1 if kind == "image" else 15,
        examples=90,
        noun="image" if kind == "image" else "row",
        notes=(f"Note {SCRIPT}.",),
        schema=3,
    )


def verdict_of(parts: Parts, synthetic: Synthetic) -> Verdict:
    """Of every ten samples six are accepted; the other four are rejected for four reasons."""
    n = len(synthetic)
    reasons = tuple(REASONS_OF_TEN[i % 10] for i in range(n))
    ratio = np.linspace(0.9, 0.1, 10)[np.arange(n) % 10]
    near = tuple(parts.train.ids[np.flatnonzero(parts.train.y == c)[0]] for c in synthetic.y)
    samples = SampleVerdicts(
        np.array([r == "" for r in reasons]),
        reasons,
        {"near_duplicate": ratio, "label": ratio, "typicality": ratio},
        near,
    )
    scores = (
        Score("kid", 0.0123, False, 0.004, (0.006, 0.019), 0.0001, SCRIPT),
        Score("coverage", 0.81, True),
        Score("fid", None, False),
    )
    rejected = dict.fromkeys(REASONS_OF_TEN[6:], 1)
    treated = [synthetic.classes[c] for c in np.unique(synthetic.y)]
    per = tuple(ClassVerdict(c, "REVIEW", 10, 10, 6, rejected, scores, ("Look at it.",)) for c in treated)
    return Verdict("REVIEW", samples, per, {"label": 0.034, "any": 0.05}, 0, {"near_duplicate": 0.35}, {"x": SCRIPT})


def report(parts: Parts, made: LabeledData, **changes: Any) -> Contents:
    """Contents of a run that drew the examples `made`."""
    train, samples = parts.train, drawn(made, sampler="vae")
    y = np.bincount(samples.y, minlength=len(train.classes))
    contents = Contents(
        title=SCRIPT,
        parts=parts,
        after={c: n + int(0.6 * y[i]) for i, (c, n) in enumerate(train.class_counts.items())},
        provenance={"command": f"gensynth run  'two  spaces' {SCRIPT}"},
        synthetic=samples,
        verdict=verdict_of(parts, samples),
        history={f"{SCRIPT}.ckpt": {"step": [0.0, 1.0, 2.0], "train/g_loss": [3.0, float("nan"), 1.0]}},
        notes=(SCRIPT,),
    )
    return replace(contents, **changes)


def small(kind: str, **changes: Any) -> Contents:
    """Contents of three classes, of which two were treated: 10 samples each, 6 of them accepted."""

    def named(n: int, seed: int) -> LabeledData:
        data = CASES[kind].make((n, n, n), seed)
        data = data.subset(np.argsort(data.y, kind="stable"))
        return replace(data, classes=WILD, ids=tuple(f"{SCRIPT}{seed}-{i}.png" for i in range(len(data))))

    made = named(10, 9).subset(np.arange(20))
    return report(Parts(named(10, 0), named(3, 1), named(4, 2)), made, **changes)
