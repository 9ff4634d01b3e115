"""Figures of the page: charts as inline SVG that follow the page's colours."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gensynth.report.markup import Html, element, number, points, shorten

if TYPE_CHECKING:
    from gensynth.evaluate.intervals import Estimate

WIDTH = 520
NAME = 25

# Colours as drawn, each replaced by the page's own colour, so that charts follow light and dark.
COLOURS = {
    "ink": "#1e293b",
    "muted": "#64748b",
    "grid": "#e2e8f1",
    "real": "#475568",
    "synthetic": "#d97707",
    "line-0": "#0072b1",
    "line-1": "#d55e01",
    "line-2": "#009e74",
    "line-3": "#cc79a6",
    "line-4": "#56b4e8",
    "line-5": "#8c6d32",
}
LINES = [name for name in COLOURS if name.startswith("line-")]
STYLE = {
    "svg.fonttype": "none",  # the browser draws the text, in the page's font and in any script
    "text.parse_math": False,  # a class may be named "$5"
    "font.size": 12,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["grid"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 1,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.labelsize": 11,
    "ytick.labelsize": 12,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.6,
}


def svg(title: str, width: int, height: int, plot: Callable[[Figure], None]) -> Html:
    """Draw on an empty figure of `width` by `height` px; `title` says in words what it shows."""
    text = io.StringIO()
    # The salt makes the ids inside the SVG repeatable, and different from those of the other charts.
    with style.context(["default", {**STYLE, "svg.hashsalt": title}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # see svg.fonttype
        figure = Figure(figsize=(width / 72, height / 72))
        plot(figure)
        unnamed = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=unnamed)
    body = re.sub(r".*?<svg[^>]*>", "", text.getvalue(), count=1, flags=re.DOTALL).rpartition("</svg>")[0]
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    for name, colour in COLOURS.items():
        body = body.replace(colour, f"var(--{name})")
    box = f"0 0 {width} {height}"
    return element("svg", Html(body), viewBox=box, class_="chart", role="img", aria_label=title)


def _draw(title: str, height: int, left: int, right: int, plot: Callable[[Axes], None]) -> Html:
    """Draw one chart, WIDTH by `height` px with these margins; `title` says in words what it shows."""

    def plot_axes(figure: Figure) -> None:
        axes = figure.add_axes((left / WIDTH, 26 / height, (WIDTH - left - right) / WIDTH, (height - 34) / height))
        axes.xaxis.set_major_formatter(lambda v, _: number(v))
        axes.yaxis.set_major_formatter(lambda v, _: number(v))
        plot(axes)

    return svg(title, WIDTH, height, plot_axes)


def _left(names: Iterable[str]) -> int:
    """Return the margin, in px, that the longest of the names needs."""
    return 16 + 7 * max((len(shorten(name, NAME)) for name in names), default=0)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a chart from top to bottom."""
    axes.set_yticks(range(len(names)), [shorten(name, NAME) for name in names], color=COLOURS["ink"])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(5))


def count_bars(title: str, counts: Mapping[str, tuple[int, int]]) -> Html:
    """Draw one stacked bar per class from its numbers of (real, synthetic) examples."""

    def plot(axes: Axes) -> None:
        real = np.array([r for r, _ in counts.values()])
        added = np.array([a for _, a in counts.values()])
        at = np.arange(len(counts))
        axes.barh(at, real, height=0.62, color=COLOURS["real"])
        axes.barh(at, added, left=real, height=0.62, color=COLOURS["synthetic"])
        longest = max(1, int((real + added).max(initial=0)))
        axes.set_xlim(0, longest * 1.02)
        for i, (r, a) in enumerate(counts.values()):
            text = f"{r:,} + {a:,}" if a else f"{r:,}"
            axes.text(r + a + longest * 0.015, i, text, va="center", fontsize=11, color=COLOURS["muted"])
        _rows(axes, list(counts))

    return _draw(title, 40 + 28 * len(counts), _left(counts), 84, plot)


def forest(title: str, gains: Mapping[str, Estimate]) -> Html:
    """Draw one dot with its 95 % interval per row, in percentage points, beside the line at no difference.

    Estimates that are not finite leave their row empty.
    """

    def plot(axes: Axes) -> None:
        axes.axvline(0, color=COLOURS["muted"], linewidth=1.2, linestyle=(0, (3, 3)))
        for i, e in enumerate(gains.values()):
            if math.isfinite(e.value + e.low + e.high):
                colour = COLOURS["synthetic"]
                axes.plot([e.low, e.high], [i, i], color=colour, linewidth=2.4, solid_capstyle="round")
                axes.plot(e.value, i, "o", color=colour, markersize=8)
                axes.text(1.02, i, points(e.value), va="center", transform=axes.get_yaxis_transform())
        axes.margins(x=0.08)
        _rows(axes, list(gains))
        axes.xaxis.set_major_formatter(lambda v, _: points(v))

    return _draw(title, 40 + 30 * len(gains), _left(gains), 60, plot)


def loss_lines(title: str, step: Sequence[float], losses: Mapping[str, Sequence[float]]) -> Html:
    """Draw one line per loss against the step, thinned to means over at most 200 pieces of the run."""

    def plot(axes: Axes) -> None:
        shown: list[float] = []
        for i, values in enumerate(losses.values()):
            pair = np.array([step, values], dtype=float)
            pair = pair[:, np.isfinite(pair).all(axis=0)]
            pieces = np.array_split(pair, min(200, max(1, pair.shape[1])), axis=1)
            means = np.array([p.mean(axis=1) for p in pieces if p.size]).reshape(-1, 2)
            dashes = "-" if i < len(LINES) else "--"
            mark = "o" if len(means) == 1 else ""  # a line through one point would not be seen
            axes.plot(*means.T, color=COLOURS[LINES[i % len(LINES)]], linestyle=dashes, marker=mark)
            shown += means[:, 1].tolist()
        if shown and min(shown) > 0 and max(shown) > 30 * min(shown):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda v, _: number(v))
            axes.yaxis.set_minor_formatter(lambda v, _: "")
        else:
            axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.text(1, 0.02, "step", ha="right", va="bottom", transform=axes.transAxes, color=COLOURS["muted"])

    return _draw(title, 220, 52, 24, plot)
