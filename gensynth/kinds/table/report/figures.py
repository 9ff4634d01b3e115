"""Charts of rows: a column among real and synthetic rows, relations of columns, and a map of rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from gensynth.report.figures import COLOURS, svg
from gensynth.report.markup import Html, clean, shorten

COLUMN_WIDTH, HISTOGRAM_HEIGHT, BAR_HEIGHT = 300, 108, 24
HEAT_WIDTH, HEAT_NAMES, MAP_WIDTH, MAP_HEIGHT = 1040, 190, 520, 360
STRENGTHS = 10
"""Shades of a heat map."""
MARKS = {"other": ("grid", 3.5), "real": ("real", 4.0), "accepted": ("synthetic", 4.0), "rejected": ("line-0", 1.2)}
"""Colour and size of the marks of a map, in the order in which they are drawn."""


@dataclass(frozen=True, eq=False)
class Histogram:
    """Shares of rows by bin.

    Attributes:
        edges: Edges of the bins, ascending, shape (k + 1,).
        real: Share of real rows in each bin, shape (k,).
        synthetic: Share of synthetic rows, shape (k,).
        place: Where a value lies on the axis: the identity, or what draws tails together.
        text: A value for people.
    """

    edges: np.ndarray
    real: np.ndarray
    synthetic: np.ndarray
    place: Callable[[np.ndarray], np.ndarray]
    text: Callable[[float], str]


def column_chart(title: str, histogram: Histogram | None, bars: Mapping[str, tuple[float, float]]) -> Html:
    """Draw one column among real and synthetic rows.

    Args:
        title: What it shows, in words.
        histogram: Its numbers; None where it has levels only.
        bars: Share of (real, synthetic) rows by level.
    """
    height = HISTOGRAM_HEIGHT * (histogram is not None) + BAR_HEIGHT * len(bars) + 4

    def plot(figure: Figure) -> None:
        if histogram is not None:
            bottom = (BAR_HEIGHT * len(bars) + 24) / height
            _plot_histogram(figure.add_axes((0.02, bottom, 0.96, (HISTOGRAM_HEIGHT - 26) / height)), histogram)
        if bars:
            axes = figure.add_axes((0.02, 2 / height, 0.96, BAR_HEIGHT * len(bars) / height))
            _plot_bars(axes, bars)

    return _slim(svg(title, COLUMN_WIDTH, height, plot))


def _plot_histogram(axes: Axes, histogram: Histogram) -> None:
    edges = histogram.place(histogram.edges)
    for shares, colour in ((histogram.real, "real"), (histogram.synthetic, "synthetic")):
        axes.stairs(shares, edges, fill=True, color=COLOURS[colour], alpha=0.28, linewidth=0)
        axes.stairs(shares, edges, color=COLOURS[colour], linewidth=1.3)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.05 * max(histogram.real.max(), histogram.synthetic.max(), 1e-9))
    axes.set_yticks([])
    ticks = _ticks(histogram)
    axes.set_xticks(histogram.place(np.array(ticks)), [histogram.text(tick) for tick in ticks])
    for label, at in zip(axes.get_xticklabels(), histogram.place(np.array(ticks)), strict=True):
        share = (at - edges[0]) / (edges[-1] - edges[0])
        label.set_horizontalalignment("left" if share < 0.08 else "right" if share > 0.92 else "center")


def _ticks(histogram: Histogram) -> list[float]:
    """Return few round values that lie apart on the axis."""
    low, high = float(histogram.edges[0]), float(histogram.edges[-1])
    ends = histogram.place(np.array([low, high]))
    even = [float(v) for v in MaxNLocator(4).tick_values(low, high)]
    if np.allclose(histogram.place(np.array(even)), even):
        return [v for v in even if low <= v <= high]
    powers = [sign * 10.0**k for k in range(15, -9, -1) for sign in (1, -1)]
    chosen: list[float] = []
    for value in [0.0, *powers, *(5 * p for p in powers), *(2 * p for p in powers)]:
        places = (histogram.place(np.array([value, *chosen])) - ends[0]) / (ends[1] - ends[0])
        if low <= value <= high and (np.abs(places[1:] - places[0]) > 0.22).all():
            chosen.append(value)
    return sorted(chosen) or [low, high]


def _plot_bars(axes: Axes, bars: Mapping[str, tuple[float, float]]) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    left, room = 0.38, 0.36
    longest = max(1e-9, *(max(pair) for pair in bars.values()))
    for i, (name, pair) in enumerate(bars.items()):
        axes.text(left - 0.02, i, shorten(name, 16), ha="right", va="center", fontsize=11)
        for share, colour, y in zip(pair, ("real", "synthetic"), (i - 0.18, i + 0.18), strict=True):
            axes.barh(y, room * share / longest, left=left, height=0.32, color=COLOURS[colour])
        figures = " \u00b7 ".join(_percent(share) for share in pair)
        axes.text(1, i, figures, ha="right", va="center", fontsize=10, color=COLOURS["muted"])


def _percent(share: float) -> str:
    return "<1\u202f%" if 0 < share < 0.005 else f"{100 * share:.0f}\u202f%"


def heat_maps(title: str, names: Sequence[str], maps: Mapping[str, tuple[np.ndarray, float]]) -> Html:
    """Draw what is known of every two of k columns, side by side.

    Args:
        title: What it shows, in words.
        names: Names of the columns, k of them.
        maps: By caption, a matrix of shape (k, k), of which the part below the diagonal is shown, and the value that
            is a full cell.
    """
    k, each = len(names), (HEAT_WIDTH - HEAT_NAMES) / len(maps) - 16
    cell = min(24.0, each / k)
    height = round(cell * k + 46)

    def plot(figure: Figure) -> None:
        for j, (caption, (values, full)) in enumerate(maps.items()):
            left = HEAT_NAMES + j * (each + 16)
            axes = figure.add_axes((left / HEAT_WIDTH, 20 / height, cell * k / HEAT_WIDTH, cell * k / height))
            axes.set_xlim(0, k)
            axes.set_ylim(k, 0)
            axes.grid(visible=False)
            axes.spines["bottom"].set_visible(False)
            axes.text(0, -0.3 * 24 / cell, caption, fontsize=12, va="bottom", fontweight="bold")
            below = [(column, row) for row in range(k) for column in range(row)]
            strength = [round(STRENGTHS * min(1.0, float(values[row, column]) / full)) for column, row in below]
            colour = "synthetic" if j == len(maps) - 1 else "real"
            for s in range(1, STRENGTHS + 1):
                if cells := [at for at, mine in zip(below, strength, strict=True) if mine == s]:
                    shade = PathPatch(_squares(cells), facecolor=COLOURS[colour], alpha=s / STRENGTHS, linewidth=0)
                    axes.add_patch(shade)
            lines = [((0, y), (min(y, k - 1), y)) for y in range(1, k + 1)]
            lines += [((x, max(1, x)), (x, k)) for x in range(k)]
            axes.add_patch(PathPatch(_strokes(np.array(lines)), fill=False, edgecolor=COLOURS["grid"], linewidth=0.5))
            size = min(10.0, 0.75 * cell)
            axes.set_xticks(np.arange(k) + 0.5, [str(i + 1) for i in range(k)], fontsize=size)
            shown = [f"{shorten(name, 22)}  {i + 1}" for i, name in enumerate(names)] if j == 0 else []
            axes.set_yticks(np.arange(len(shown)) + 0.5, shown, fontsize=min(11.0, 0.95 * cell), color=COLOURS["ink"])

    return _slim(svg(title, HEAT_WIDTH, height, plot))


def _squares(cells: Sequence[tuple[int, int]]) -> Path:
    return Path.make_compound_path(
        *(Path([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)], closed=True) for x, y in cells)
    )


def row_map(title: str, points: Mapping[str, np.ndarray]) -> Html:
    """Draw rows as points.

    Args:
        title: What it shows, in words.
        points: Points by what they are, keys of `MARKS`, each of shape (n, 2).
    """
    shown = np.concatenate([p for p in points.values() if len(p)])
    low, high = shown.min(axis=0), shown.max(axis=0)
    room = np.maximum(high - low, 1e-9) * 0.04
    low, high = low - room, high + room
    pixel = (high - low) / (MAP_WIDTH, MAP_HEIGHT)

    def plot(figure: Figure) -> None:
        axes = figure.add_axes((0.005, 0.005, 0.99, 0.99))
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(True)
        for name, (colour, width) in MARKS.items():
            if len(points.get(name, ())):
                # All but points, which round caps make dots; one path is a third of the size of as many markers.
                arms = ((3, 3), (3, -3)) if name == "rejected" else ((0.06, 0),)
                ends = [np.stack([points[name] - arm * pixel, points[name] + arm * pixel], axis=1) for arm in arms]
                strokes = _strokes(np.concatenate(ends))
                look = {"edgecolor": COLOURS[colour], "linewidth": width, "capstyle": "round", "alpha": 0.75}
                axes.add_patch(PathPatch(strokes, fill=False, **look))

    return _slim(svg(title, MAP_WIDTH, MAP_HEIGHT, plot))


def _strokes(ends: np.ndarray) -> Path:
    """Return strokes from one end to the other, shape (n, 2 ends, 2)."""
    path = Path(ends.reshape(-1, 2), [Path.MOVETO, Path.LINETO] * len(ends))
    path.should_simplify = False
    return path


def _slim(chart: Html) -> Html:
    """Return a chart in about half the size: places to a tenth of a pixel, and no font, which is that of the page."""
    text = re.sub(r" font-family: [^;\"]*;", "", chart)
    return Html(re.sub(r'(?<= d=")[^"]*', lambda d: re.sub(r"\s+", " ", re.sub(r"(\.\d)\d+", r"\1", d[0])), text))


def short(value: float) -> str:
    """Write a value of a column for an axis."""
    size = abs(value)
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            return f"{value / (1e3 if letter == 'k' else limit):.3g}{letter}"
    return clean(f"{value:.4g}" if math.isfinite(value) else "")
