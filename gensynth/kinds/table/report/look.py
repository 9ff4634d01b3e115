"""What the page shows of rows: columns, relations of columns, a map, and the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from gensynth.kinds.table import measures as metrics
from gensynth.kinds.table.codec import Encoded, TableCodec
from gensynth.kinds.table.report.columns import ColumnLook, as_real, looks
from gensynth.kinds.table.report.figures import column_chart, heat_maps, row_map
from gensynth.kinds.table.report.relations import associations
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.schema import MOST_LEVELS, NOT_JUDGED, Column, plain_level
from gensynth.report.markup import Html, clean, element, fold, number, percent, shorten, table
from gensynth.report.plain import SEED, some
from gensynth.report.sections import LEGEND

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

LOOK_ROWS = 5_000
"""At most this many rows of a class, drawn at random, are looked at."""
OPEN_CHARTS, MOST_CHARTS, MOST_LISTED = 24, 72, 100
"""Charts of columns that are open and that there are, over all classes; columns listed by class."""
OPEN_CLASSES, MOST_CLASSES, RELATED_CLASSES = 2, 12, 4
"""Classes that are open, that are looked at, and of which relations of columns are shown."""
MOST_RELATED, FEWEST_RELATED, RELATION_ROWS, SPLITS = 25, 20, 1_000, 19
"""Columns and rows of relations; random splits that tell what chance makes of them."""
FULL = 0.3
"""Difference that fills a cell."""
MAP_POINTS, FIT_ROWS = 1_500, 500
"""Points over all maps; rows of each class that the directions of a map are fitted on."""
PAIRS, MOST_PAIRS, EXAMPLES, MOST_CELLS = 5, 60, 4, 30
"""Pairs by class and over all classes, examples by reason, and columns of a table of rows."""


def _some(positions: np.ndarray, most: int) -> np.ndarray:
    """Choose at most `most` of the positions at random, always the same ones, and keep their order."""
    return np.sort(some(positions, most))


def look(contents: Contents) -> Html:
    """Return columns, relations of columns and maps, class by class."""
    synthetic, samples = contents.samples, contents.checked.samples
    train, names = contents.parts.train, contents.drawn[:MOST_CLASSES]
    readable = np.array([reason != "invalid" for reason in samples.reason], dtype=bool)
    space = _Space(contents)
    blocks = []
    for k, name in enumerate(names):
        mine = synthetic.y == synthetic.classes.index(name)
        real_at = _some(np.flatnonzero(train.y == train.label_of(name)), LOOK_ROWS)
        accepted_at = _some(np.flatnonzero(mine & samples.accepted & readable), LOOK_ROWS)
        rejected_at = _some(np.flatnonzero(mine & ~samples.accepted & readable), LOOK_ROWS)
        heading = f"{clean(name)}: {len(real_at):,} real rows, {len(accepted_at):,} accepted synthetic ones"
        if not len(accepted_at) or not len(real_at):
            blocks.append(_block(heading, element("p", "No accepted row to look at."), opened=True))
            continue
        real, drawn, failed = (
            as_real(rows_of(of).frame.iloc[at], train)
            for of, at in ((train, real_at), (synthetic, accepted_at), (synthetic, rejected_at))
        )
        parts = [_columns(name, looks(real, drawn, train), len(names))]
        if k < RELATED_CLASSES:
            parts.append(_relations(name, space, real, drawn))
        parts.append(_map(name, space, real, drawn, failed, len(names)))
        blocks.append(_block(heading, *parts, opened=k < OPEN_CLASSES))
    left = len(contents.drawn) - len(names)
    intro = element(
        "p",
        "Real training rows of a class beside the synthetic ones that passed the gate, as shares of all rows. The "
        "columns in which they differ most come first; the figure at a name is the share of its distribution that "
        "both have in common. Long tails are drawn together.",
    )
    rest = element("p", f"{left} more classes are not drawn.", class_="small") if left else ""
    return Html("".join((intro, LEGEND, *blocks, rest)))


def _block(heading: str, *children: str, opened: bool) -> Html:
    state = {"open": ""} if opened else {}
    return element("details", element("summary", element("b", heading)), *children, **state)


def _columns(name: str, found: list[ColumnLook], classes: int) -> Html:
    opened = max(6, OPEN_CHARTS // classes)
    drawn = found[: max(opened, MOST_CHARTS // classes)]
    charts = []
    for of in drawn:
        column = clean(str(of.column.name))
        caption = element("figcaption", shorten(column, 32), element("span", f" {of.shared:.2f}", class_="interval"))
        chart = column_chart(f"{column} of {clean(name)}, real and synthetic", of.histogram, of.bars)
        charts.append(element("figure", caption, chart, title=column))
    first = element("div", *charts[:opened], class_="multiples")
    rest = charts[opened:]
    rows = [
        (clean(str(of.column.name)), of.column.kind, f"{of.shared:.2f}", *(percent(m) for m in of.missing))
        for of in found[:MOST_LISTED]
    ]
    head = ("column", "kind", "in common", "missing, real", "missing, synthetic")
    return Html(
        element("h3", "Columns")
        + first
        + (fold(f"{len(rest)} more columns", element("div", *rest, class_="multiples")) if rest else "")
        + fold("Columns in figures", table(head, rows, words=(0, 1)))
    )


class _Space:
    """Rows as the gate's coordinates, and the plane in which the real ones of all classes differ most."""

    def __init__(self, contents: Contents) -> None:
        train = contents.parts.train
        self.codec = TableCodec(rows_of(train).frame, train.x.schema)
        some = [_some(np.flatnonzero(train.y == label), FIT_ROWS) for label in range(len(train.classes))]
        encoded = self.codec.encode(rows_of(train).frame.iloc[np.concatenate(some)])
        self.coordinates = metrics.Coordinates.fit(encoded, self.codec.cards)
        points = self.coordinates(encoded)
        with np.errstate(invalid="ignore"):  # where all rows are equal
            self.plane = PCA(min(2, *points.shape), svd_solver="full").fit(points)
        self.explained = float(np.nan_to_num(self.plane.explained_variance_ratio_).sum())
        self.points = self.place(encoded)

    def place(self, rows: Encoded) -> np.ndarray:
        """Return where rows are on the map, shape (n, 2)."""
        flat = self.plane.transform(self.coordinates(rows))
        return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))


def _relations(name: str, space: _Space, real: pd.DataFrame, drawn: pd.DataFrame) -> Html:
    """Return how strongly every two columns go together."""
    heading, codec = element("h3", "Relations of columns"), space.codec
    columns = [*codec.number_columns, *codec.code_columns]
    if len(columns) < 2:
        return Html()
    if min(len(real), len(drawn)) < FEWEST_RELATED:
        return Html(heading + element("p", f"{FEWEST_RELATED} real and accepted rows are needed to tell."))
    few = [codec.encode(f).take(_some(np.arange(len(f)), RELATION_ROWS)) for f in (real, drawn)]
    both = metrics.stacked(few)
    splits = metrics.random_splits(len(few[0]), len(few[1]), SEED, SPLITS)
    places, alike = metrics.pair_similarities(both, codec.cards, splits)
    # Columns of many levels differ in their joint shares by chance alone.
    beyond = np.maximum(0, (1 - alike[:, 0]) - (1 - alike[:, 1:]).mean(axis=1))
    difference = np.zeros((len(columns), len(columns)))
    for (a, b), value in zip(places, beyond, strict=True):
        difference[a, b] = difference[b, a] = value
    kept = np.sort(np.argsort(-difference.max(axis=1), kind="stable")[:MOST_RELATED])
    names = [_column_name(columns[at]) for at in kept]
    grid = np.ix_(kept, kept)
    strength = [associations(both, rows, kept) for rows in (splits[:, 0], ~splits[:, 0])]
    maps = {"Real": (strength[0], 1.0), "Synthetic": (strength[1], 1.0), "Difference": (difference[grid], FULL)}
    a, b = places[int(beyond.argmax())]
    left = len(columns) - len(kept)
    return Html(
        heading
        + element(
            "p",
            "How strongly two columns go together: the correlation of ranks without its sign for two numbers, "
            "Cram\u00e9r's V with numbers in fifths for others. 0 is empty, 1 full. Difference: how far real and "
            "synthetic rows are apart in the correlation with its sign (half of it), or in the joint shares, beyond "
            f"what chance makes of shuffled rows; {FULL} and more is full. The largest one is between "
            f"{_column_name(columns[a])} and {_column_name(columns[b])}: {number(float(beyond.max()))}."
            + (f" {left} columns that differ less are left out." if left else "")
            + (f" Only {metrics.MOST_PAIRED} columns were compared." if len(columns) > metrics.MOST_PAIRED else ""),
            class_="small",
        )
        + element("div", heat_maps(f"Relations of columns of {clean(name)}", names, maps), class_="scroll wide")
    )


def _column_name(column: Column) -> str:
    names = column.name if isinstance(column.name, tuple) else (column.name,)
    return clean(" + ".join(map(str, names)))


def _map(
    name: str, space: _Space, real: pd.DataFrame, accepted: pd.DataFrame, rejected: pd.DataFrame, classes: int
) -> Html:
    """Return real and synthetic rows as points on a plane."""
    codec, most = space.codec, max(300, MAP_POINTS // classes)
    found = {"real": real, "accepted": accepted, "rejected": rejected}
    places = {
        what: space.place(codec.encode(frame)) if len(frame) else np.zeros((0, 2)) for what, frame in found.items()
    }
    places["other"] = space.points
    share = {"other": 0.25, "real": 0.3, "accepted": 0.3, "rejected": 0.15}
    shown = {what: p[_some(np.arange(len(p)), int(most * share[what]))] for what, p in places.items()}
    keys = (
        ("real", "real"),
        ("synthetic", "accepted synthetic"),
        ("line-0", "rejected (\u00d7)"),
        ("grid", "real, all classes"),
    )
    words = element(
        "p",
        "Every point is a row, in the two directions in which the real rows of all classes differ most (principal "
        f"components of the gate's coordinates, which hold {percent(space.explained)} of the variance). Synthetic rows "
        "should lie where the real ones of their class do, as widely spread, and not on top of them. Of many rows some "
        "are shown, drawn at random.",
        class_="small",
    )
    legend = element("p", *(element("span", text, class_=f"key {colour}") for colour, text in keys), class_="legend")
    chart = row_map(f"Map of real and synthetic rows of {clean(name)}", shown)
    block = element("div", chart, element("div", legend, words), class_="pair-of-blocks")
    return Html(element("h3", "Map of rows") + block)


def pictures(contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None) -> Html:
    """As `gensynth.kind.Kind.pictures`: rows of one table, each below the real row it is shown beside."""
    train, samples = contents.parts.train, contents.samples
    columns = [c for c in rows_of(train).schema.columns if c.kind not in (*NOT_JUDGED, "constant")][:MOST_CELLS]
    most = EXAMPLES if real is None else min(PAIRS, max(1, MOST_PAIRS // max(1, len(contents.drawn))))
    real_rows, drawn_rows, rows = rows_of(train).frame, rows_of(samples).frame, []
    for k, i in enumerate(at[:most].tolist()):
        label = clean(samples.classes[samples.y[i]])
        row = (f"#{samples.index[i]}", label, texts[k])
        if real is None:
            rows.append((*row, *(_marked(drawn_rows[c.name].iloc[i], c) for c in columns)))
            continue
        was = [_cell(real_rows[c.name].iloc[int(real[k])]) for c in columns]
        cells = (_cell(drawn_rows[c.name].iloc[i]) for c in columns)
        marked = (cell if cell == of else element("mark", cell) for cell, of in zip(cells, was, strict=True))
        rows += [(shorten(train.ids[real[k]], 18), "real", "", *was), (*row, *marked)]
    head = ("row", "class", "", *(shorten(str(c.name), 24) for c in columns))
    words = [0, 1, 2, *(3 + j for j, c in enumerate(columns) if c.kind not in ("numeric", "integer"))]
    return element("div", table(head, rows, words=words), class_="rows" if real is None else "rows row-pairs")


def _cell(value: Any) -> Html:
    """Write one value of a row."""
    if pd.isna(value):
        return element("span", "missing", class_="small")
    if isinstance(value, pd.Timestamp):
        return element("span", str(value).removesuffix(" 00:00:00"))
    if isinstance(value, float | np.floating):
        return element("span", f"{value:.6g}")
    return element("span", shorten(str(value), 28))


def _marked(value: Any, c: Column) -> Html:
    """Write one value of a row; a number out of bounds and an unknown level are marked."""
    cell = _cell(value)
    if pd.isna(value) or value in c.marks:
        return cell
    if c.kind in ("numeric", "integer") and isinstance(value, int | float | np.number):
        bounds = [b for b in (c.low, c.high) if isinstance(b, int | float)]
        wrong = len(bounds) == 2 and not bounds[0] <= value <= bounds[1]
    else:
        wrong = c.kind in ("categorical", "boolean") and 0 < len(c.levels) < MOST_LEVELS
        wrong = wrong and plain_level(value) not in c.levels
    return element("mark", cell) if wrong else cell
