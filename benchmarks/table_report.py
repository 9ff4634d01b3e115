"""The tables that `tables.py` prints, as Markdown, from the lines of its results."""

from __future__ import annotations

import math
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from common_tables import source_of

from gensynth.data.files import write_text
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS

TIE = 0.002
"""Differences up to this are neither a win nor a loss."""
AIM = -0.005
"""How far `auto` may be below `real` in mean average precision."""

Lines = Sequence[Mapping[str, Any]]
Cells = Mapping[tuple[str, int], float]
"""A value by table and split."""


def real_tables(lines: Lines, models: Sequence[str]) -> str:
    """Return one table for each classifier, what `auto` did, and what failed."""
    lines = [line for line in lines if line["part"] == "real"]
    parts = [_real_table(lines, model) for model in models]
    return "\n\n".join([*parts, *_about_auto(lines, models), *_failures(lines)])


def _real_table(lines: Lines, model: str) -> str:
    precision, tuned = (_values(lines, model, name) for name in ("average_precision", "balanced_accuracy_tuned"))
    half, brier = (_values(lines, model, name) for name in ("balanced_accuracy", "brier"))
    raw, seconds = _values(lines, model, "brier_raw"), _values(lines, model, "seconds")
    for values in (precision, tuned, brier, raw, seconds):
        values[THRESHOLD] = values.get(REAL, {})
    # The arm that moves the threshold uses the tuned one.
    half[THRESHOLD] = tuned[THRESHOLD]
    arms = [REAL, WEIGHTS, THRESHOLD, *(arm for arm in precision if arm not in (REAL, WEIGHTS, THRESHOLD))]
    rows = [
        [
            arm,
            str(len(_by_table(precision[arm]))),
            _mean(precision[arm]),
            _against(precision, arm, REAL),
            _against(precision, arm, WEIGHTS),
            _mean(tuned[arm]),
            _against(tuned, arm, THRESHOLD),
            _against(tuned, arm, WEIGHTS),
            _mean(half[arm]),
            f"{_mean(brier[arm])} ({_mean(raw[arm])})",
            f"{np.mean(list(seconds[arm].values())):.2f}",
        ]
        for arm in arms
        if precision.get(arm)
    ]
    head = ["arm", "tables", "AP", "AP - real", "AP - class weights", "tuned BA", "tuned BA - threshold"]
    head += ["tuned BA - class weights", "BA at 0.5", "Brier (raw)", "CPU s"]
    return f"**{model}**\n\n{markdown(head, rows)}"


def mixed_tables(lines: Lines, models: Sequence[str]) -> str:
    """Return one table for the mixed table with 100 rare rows: its rows are the arms, its "tables" the seeds."""
    lines = [line for line in lines if line["part"] == "mixed"]
    values = {model: _values(lines, model, "average_precision") for model in models}
    seconds = _values(lines, models[0], "seconds")
    rows = []
    for arm in values[models[0]]:
        cells = [cell for m in models for cell in (_mean(values[m][arm]), _against(values[m], arm, REAL))]
        rows.append([arm, *cells, f"{np.mean(list(seconds[arm].values())):.2f}"])
    head = ("arm", *(cell for m in models for cell in (f"AP, {m}", f"{m} - real")), "CPU s")
    return "\n\n".join([markdown(head, rows), *_failures(lines)])


def checklist_table(lines: Lines) -> str:
    """Return the checklist: levels, zeros, dtypes, seconds."""
    lines = [line for line in lines if line["part"] == "checklist"]
    rows = [
        [
            line["arm"],
            f"{line['results']['survive']} of {line['results']['levels']}",
            f"{100 * line['results']['zeros']:.1f}",
            "identical" if line["results"]["dtypes"] else "changed",
            f"{line['fit_seconds']:.2f}",
            f"{line['seconds']:.2f}",
        ]
        for line in lines
        if "failed" not in line
    ]
    head = ("sampler", "levels with 20 or more rows that survive", "share of zeros off by at most (points)", "dtypes")
    return "\n\n".join([markdown((*head, "fit, CPU s", "draw, CPU s"), rows), *_failures(lines)])


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def clustered_error(differences: Mapping[str, float]) -> float:
    """Return the standard error of a mean over tables, where tables of one source count as one draw; NaN for one.

        se^2 = G / (G - 1) * sum_g (sum_{t in g} (d_t - mean))^2 / n^2      for G sources, n tables

    (Liang and Zeger 1986). With one table per source it is the ordinary standard error.

    Args:
        differences: By table.
    """
    mean = np.mean(list(differences.values()))
    sums: dict[str, float] = {}
    for table, d in differences.items():
        sums[source_of(table)] = sums.get(source_of(table), 0.0) + d - float(mean)
    g = len(sums)
    if g < 2:
        return math.nan
    return math.sqrt(g / (g - 1) * sum(s**2 for s in sums.values())) / len(differences)


def machine(libraries: Sequence[str]) -> str:
    """Return what ran it."""
    name = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    found = ", ".join(f"{library} {version(library)}" for library in libraries)
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, {found}"


def check_markers(path: Path, block: str) -> tuple[str, str]:
    """Return the markers that `write_between` needs.

    Raises:
        ValueError: if the file lacks one of them.
    """
    begin, end = f"<!-- {block}:begin -->", f"<!-- {block}:end -->"
    content = path.read_text(encoding="utf-8")
    if begin not in content or end not in content.split(begin, 1)[1]:
        raise ValueError(f"{path} has no lines {begin} and {end} in this order; add them where the tables shall go.")
    return begin, end


def write_between(path: Path, block: str, text: str) -> None:
    """Replace what stands between `<!-- BLOCK:begin -->` and `<!-- BLOCK:end -->`; the rest stays.

    Raises:
        ValueError: as `check_markers`.
    """
    begin, end = check_markers(path, block)
    before, rest = path.read_text(encoding="utf-8").split(begin, 1)
    write_text(path, f"{before}{begin}\n\n{text}\n\n{end}{rest.split(end, 1)[1]}")


def _values(lines: Lines, model: str, name: str) -> dict[str, dict[tuple[str, int], float]]:
    """Return a score (or `seconds`) of each arm; the tables of the mixed part are its seeds."""
    found: dict[str, dict[tuple[str, int], float]] = {}
    for line in lines:
        if "failed" not in line:
            # Letters, as what differs in a number only is of one source.
            table = line["table"] or f"seed{'abcdefgh'[line['split']]}"
            value = line["seconds"] if name == "seconds" else line["results"][model][name]
            found.setdefault(line["arm"], {})[table, line["split"]] = value
    return found


def _by_table(cells: Cells) -> dict[str, float]:
    """Return the mean over the splits of each table."""
    tables = {table for table, _ in cells}
    return {t: float(np.mean([v for (table, _), v in cells.items() if table == t])) for t in sorted(tables)}


def _mean(cells: Cells) -> str:
    return f"{np.mean(list(_by_table(cells).values())):.3f}"


def _gaps(values: Mapping[str, Cells], arm: str, base: str) -> dict[str, float]:
    """Return the difference by table, of the splits that both arms have."""
    other = values.get(base, {})
    return _by_table({at: value - other[at] for at, value in values.get(arm, {}).items() if at in other})


def _against(values: Mapping[str, Cells], arm: str, base: str) -> str:
    gaps = _gaps(values, arm, base)
    if arm == base or not gaps:
        return ""
    wins, losses = sum(g > TIE for g in gaps.values()), sum(g < -TIE for g in gaps.values())
    error = clustered_error(gaps)
    spread = "" if math.isnan(error) else f" ± {error:.3f}"
    return f"{np.mean(list(gaps.values())):+.3f}{spread} ({wins}/{losses})"


def _about_auto(lines: Lines, models: Sequence[str]) -> list[str]:
    mine = [line for line in lines if "chose" in line]
    if not mine:
        return []
    words = [line["chose"] if line["ratio"] is None else f"{line['chose']} to {line['ratio']:.2g}" for line in mine]
    chose = ", ".join(f"{name} {n}" for name, n in Counter(word.split(" to ")[0] for word in words).most_common())
    out = [f"`auto` chose: {chose}."]
    for model in models:
        gaps = _gaps(_values(lines, model, "average_precision"), "auto", REAL)
        if gaps:
            mean, worst = float(np.mean(list(gaps.values()))), min(gaps, key=lambda t: gaps[t])
            held = "held" if mean >= AIM else "MISSED"
            out.append(
                f"`auto` with {model}: {mean:+.4f} mean average precision against real (aim: not below {AIM}; {held}); "
                f"worst table {worst} ({gaps[worst]:+.3f})."
            )
    if len(mine) <= 20:
        out.append("Choices: " + "; ".join(f"{m['table']}: {word}" for m, word in zip(mine, words, strict=True)) + ".")
    slow = Counter(note for line in mine for note in line["notes"])
    out += [f"{n} x: {note}" for note, n in slow.most_common(12)]
    return out


def _failures(lines: Lines) -> list[str]:
    failed = Counter((line["arm"], line["failed"]) for line in lines if "failed" in line)
    return [f"Failed {n} x: {arm}: {why}" for (arm, why), n in failed.most_common()]
