"""Sections of the page that are told in images: random grids, nearest real images, rejected samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gensynth.report import sections
from gensynth.report.figures import sheet, thumbnail_shape
from gensynth.report.markup import (
    Html,
    clean,
    element,
    score,
    section,
    shorten,
    unfold,
)

if TYPE_CHECKING:
    from gensynth.data.labeled import LabeledData
    from gensynth.report.page import ReportContents

CHOICE_SEED = 0
OPEN_CLASSES = 12
# Bytes of pixels that each section may carry: keeps the page small enough to send by mail.
GRID_BYTES, PAIR_BYTES, REJECTED_BYTES = 900_000, 350_000, 250_000


def _room(budget: int, contents: ReportContents, groups: int, least: int, most: int) -> int:
    """Return how many images each of `groups` groups may show, between `least` and `most`."""
    shape = contents.parts.train.x.layout
    h, w = thumbnail_shape(shape)
    return min(most, max(least, budget // (max(1, groups) * shape[0] * h * w)))


def _choose(positions: np.ndarray, most: int) -> np.ndarray:
    """Choose at most `most` of the positions at random: always the same ones, and none for its looks."""
    return np.random.default_rng(CHOICE_SEED).permutation(positions)[:most]


def _real(data: LabeledData, positions: np.ndarray | Sequence[int]) -> Tensor:
    return data.x[np.asarray(positions, dtype=np.int64)]


def look(contents: ReportContents) -> Html:
    """Return real and accepted synthetic images side by side, chosen at random."""
    train, synthetic = contents.parts.train, contents.synthetic
    most = _room(GRID_BYTES, contents, 2 * len(contents.drawn), 12, 40)
    blocks = []
    for name in contents.drawn:
        real = np.flatnonzero(train.y == train.label_of(name))
        mine = synthetic.y == synthetic.classes.index(name)
        accepted = np.flatnonzero(mine & contents.verdict.samples.accepted)
        halves = []
        for kind, positions in (("real", real), ("synthetic", accepted)):
            chosen = _choose(positions, most)
            x = _real(train, chosen) if kind == "real" else synthetic.x[torch.from_numpy(chosen)]
            of = f"{len(chosen)} of {len(positions):,} " + ("real" if kind == "real" else "accepted synthetic")
            picture = sheet(x, 8, f"{of} images of {clean(name)}") if len(x) else element("p", "none")
            caption = element("figcaption", element("span", of, class_=f"key {kind}"))
            halves.append(element("figure", caption, picture))
        blocks.append(Html(element("h3", clean(name)) + element("div", *halves, class_="side-by-side")))
    return section(
        "look",
        "See for yourself",
        element(
            "p",
            f"Images were chosen at random with the fixed seed {CHOICE_SEED}, not picked for their "
            "looks. Left: real training images. Right: synthetic images that passed the gate; those that did "
            "not are shown below.",
        ),
        unfold(blocks, OPEN_CLASSES, "classes") if blocks else element("p", "No synthetic images were drawn."),
    )


def nearest(contents: ReportContents) -> Html:
    """Return accepted synthetic images to the right of their nearest real image, the closest first."""
    samples, ratio = contents.verdict.samples, contents.verdict.samples.scores["near_duplicate"]
    row = {name: i for i, name in enumerate(contents.parts.train.ids)}

    def show(at: np.ndarray) -> Html:
        pairs = (_pair(contents, i, row[samples.nearest[i]], f"ratio {score(ratio[i])}") for i in at.tolist())
        return element("div", *pairs, class_="pairs")

    return sections.nearest(contents, _room(PAIR_BYTES, contents, 2 * len(contents.drawn), 4, 16), show)


def _pair(contents: ReportContents, sample: int, real: int, text: str) -> Html:
    """Return a real training image and a sample side by side."""
    synthetic, train = contents.synthetic, contents.parts.train
    x = torch.cat([_real(train, [real]), synthetic.x[sample : sample + 1]])
    label = clean(synthetic.classes[synthetic.y[sample]])
    alt = f"Left: real {clean(train.ids[real])}. Right: synthetic {label}, number {synthetic.index[sample]}."
    ids = element(
        "span",
        shorten(train.ids[real], 18),
        element("br"),
        f"synthetic #{synthetic.index[sample]}",
        class_="ids",
    )
    caption = element("figcaption", text, ids, title=alt)
    return element("figure", sheet(x, 2, alt), caption, class_="pair")


def rejected(contents: ReportContents) -> Html:
    """Return what the gate rejected, by reason, with examples and with what the gate costs."""
    return sections.rejections(contents, _shows(contents, contents.verdict.samples.reason))


def review(contents: ReportContents) -> Html:
    """Return accepted samples that a person should look at, by reason, or nothing where there are none."""
    return sections.review(contents, _shows(contents, contents.verdict.samples.review))


def _shows(contents: ReportContents, codes: Sequence[str]) -> sections.Show:
    most = _room(REJECTED_BYTES, contents, len({*codes} - {""}), 6, 12)
    return lambda code, at: _examples(contents, code, _choose(at, most))


def _examples(contents: ReportContents, code: str, chosen: np.ndarray) -> Html:
    """Return samples with the score that speaks against them; copies beside what they copy."""
    synthetic, samples = contents.synthetic, contents.verdict.samples
    row = {name: i for i, name in enumerate(contents.parts.train.ids)}
    name, words = sections.REASON_SCORES.get(code, ("", ""))
    figures = []
    for i in chosen.tolist():
        text = f"{words} {score(samples.scores[name][i])}" if name in samples.scores else ""
        if code.startswith("dup") and samples.nearest[i] in row:
            figures.append(_pair(contents, i, row[samples.nearest[i]], text))
            continue
        label = clean(synthetic.classes[synthetic.y[i]])
        alt = f"Synthetic {label}, number {synthetic.index[i]}"
        caption = element(
            "figcaption", text, element("span", f"{shorten(label, 16)} #{synthetic.index[i]}", class_="ids")
        )
        figures.append(element("figure", sheet(synthetic.x[i : i + 1], 1, alt), caption, class_="pair"))
    return element("div", *figures, class_="pairs")
