"""Runs every metric through the sanity suite, and writes what is generated in docs/metrics.md.

    OMP_NUM_THREADS=1 python benchmarks/metric_sanity.py --write docs/metrics.md

`sanity_cases.py` says what is drawn and what a metric should say about it. Failures are printed like passes.
"""

from __future__ import annotations

import argparse
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from sanity_cases import CASES, COPYING, DISTANCE, DIVERSITY, FIDELITY, QUESTIONS, Case, Sweep
from table_report import machine, markdown, write_between

from gensynth.fidelity.metrics import Metric, all_metrics

LIBRARIES = ("numpy", "scipy", "torch")
NULLS = 8
"""Real-vs-real values at each point."""
NULL_SIZES, NULL_REPEATS, NULL_DIMENSION = (10, 20, 50, 200), 200, 16
TITLES = {
    FIDELITY: "Fidelity: do samples lie where real rows are?",
    DIVERSITY: "Diversity: are real rows reached?",
    DISTANCE: "Distance: is there any difference?",
    COPYING: "Copying: are samples too near to real rows?",
}


@dataclass(frozen=True)
class Judgement:
    """What one metric did in one group of a case.

    Attributes:
        shape: Whether the shape was right; None where none is asked for.
        values: Whether the values were.
        sweep: What it was judged by.
    """

    shape: bool | None
    values: bool | None
    sweep: Sweep


def questions(found: Mapping[str, Metric]) -> dict[str, str]:
    """Return what each metric is asked.

    Raises:
        ValueError: if `QUESTIONS` lacks a metric.
    """
    if missing := sorted(found.keys() - QUESTIONS.keys()):
        raise ValueError(f"the sanity suite does not know what {missing} measure; add them to sanity_cases.QUESTIONS.")
    return {name: QUESTIONS[name] for name in found}


def judge(
    case: Case, group: Any, metrics: Mapping[str, Metric], rows: int = 1000, repeats: int = 2
) -> dict[str, Judgement]:
    """Run a group of a case.

    Args:
        case: The case.
        group: One of its groups.
        metrics: Metrics by name; those whose question the case does not put are left out.
        rows: Usual number of rows of each kind.
        repeats: Draws at each point, whose mean is judged.
    """
    metrics = {k: m for k, m in metrics.items() if QUESTIONS[k] in case.expected}
    points = case.points(group)
    values: dict[str, list[float]] = {name: [] for name in metrics}
    nulls: dict[str, list[tuple[float, float]]] = {name: [] for name in metrics}
    against_null = {k: m for k, m in metrics.items() if QUESTIONS[k] in (DISTANCE, COPYING)}
    for i, point in enumerate(points):
        n, m = case.sizes(point, rows)
        pairs = [case.draw(stream(case, group, i, r), group, point, (n, m)) for r in range(repeats)]
        for name, function in metrics.items():
            values[name].append(float(np.mean([function(*pair) for pair in pairs])))
        if not i or case.real_varies:
            firsts, seconds = (
                [case.draw(stream(case, group, i, 1000 + 2 * r + k), group, point, s)[0] for r in range(NULLS)]
                for k, s in enumerate([(n, m), (m, n)])
            )
            null = {
                name: [function(*pair) for pair in zip(firsts, seconds, strict=True)]
                for name, function in against_null.items()
            }
        for name in metrics:
            of_name = null.get(name, [math.nan, math.nan])
            nulls[name].append((float(np.mean(of_name)), float(np.std(of_name, ddof=1))))
    at = None if case.equal is None else points.index(case.equal)
    judged = {}
    for name in metrics:
        expected = case.expected[QUESTIONS[name]]
        sweep = Sweep(np.array(points), np.array(values[name]), at, np.array(nulls[name]))
        shape, right = (all(f(sweep) for f in rules) if rules else None for rules in (expected.shape, expected.values))
        judged[name] = Judgement(shape, right, sweep)
    return judged


def stream(case: Case, group: Any, *key: int) -> np.random.Generator:
    """Random numbers of one draw."""
    return np.random.default_rng([zlib.crc32(f"{case.name} {group}".encode()), *key])


def run(rows: int, repeats: int, jobs: int) -> dict[tuple[str, Any], dict[str, Judgement]]:
    """Judge all metrics of features in all cases."""
    todo = [(case, group) for case in CASES for group in case.groups]
    arguments = [(CASES.index(case), group, rows, repeats) for case, group in todo]
    results = {}
    with ProcessPoolExecutor(jobs) as pool:
        for (case, group), judged in zip(todo, pool.map(_judge, arguments), strict=True):
            print(case.name, group, {k: (j.shape, j.values) for k, j in judged.items()}, flush=True)
            results[case.name, group] = judged
    return results


def _judge(arguments: tuple[int, Any, int, int]) -> dict[str, Judgement]:
    index, group, rows, repeats = arguments
    return judge(CASES[index], group, all_metrics(), rows, repeats)


def sanity_tables(results: Mapping[tuple[str, Any], Mapping[str, Judgement]], asked: Mapping[str, str]) -> str:
    """Return a table for each question, metrics in columns."""
    parts = []
    for question, title in TITLES.items():
        names = [name for name, q in asked.items() if q == question]
        cases = [case for case in CASES if question in case.expected]
        body, passed = [], dict.fromkeys(names, 0)
        for case in cases:
            cells = {name: cell({g: results[case.name, g][name] for g in case.groups}) for name in names}
            for name in names:
                passed[name] += cells[name] == "pass"
            body.append([case.name, *cells.values()])
        body.append(["**passed**", *(f"**{k} of {len(cases)}**" for k in passed.values())])
        parts += [f"### {title}", markdown(["case", *(f"`{name}`" for name in names)], body)]
    return "\n\n".join(parts)


def cell(judged: Mapping[Any, Judgement]) -> str:
    """Return `pass`, or in which groups the shape or the values are wrong."""
    found = []
    for what in ("shape", "values"):
        groups = [group for group, of_group in judged.items() if getattr(of_group, what) is False]
        if groups:
            some = len(judged) > 1 and len(groups) < len(judged)
            found.append(what + (f" ({', '.join(map(label, groups))})" if some else ""))
    return "; ".join(found) or "pass"


def label(group: Any) -> str:
    """Return the name of a group in a table: a number is the number of features."""
    return " ".join(map(str, group)) if isinstance(group, tuple) else str(group)


def metrics_text() -> str:
    """Return the list of all metrics, from what they say of themselves."""
    return "\n\n".join(_about(m) for of in ("features", "images") for m in all_metrics(of).values())


def _about(m: Metric) -> str:
    lines = (m.__doc__ or "").split("\n\n    Args:")[0].split("\n\n    Raises:")[0].splitlines()
    text = "\n".join(line.strip() for line in lines).strip()
    better = {True: "Higher is better", False: "Lower is better", None: "Neither direction is better"}
    ideal = "" if m.ideal is None else f", about {m.ideal:g} for data of one distribution"
    sized = "; depends on the numbers of rows, so compare at equal numbers only" if m.sized else ""
    bounds = f"{'(' if math.isinf(m.lowest) else '['}{m.lowest:g}, {m.highest:g}{')' if math.isinf(m.highest) else ']'}"
    return (
        f"### `{m.name}`\n\n{text}\n\n"
        f"*{better[m.higher_is_better]}{ideal}; range {bounds}{sized}. Not shown below {m.smallest_n} rows of either "
        f"kind. Of {m.of}. Source: {m.citation}.*"
    )


def null_values() -> Iterator[list[str]]:
    """Yield a line for each metric of features: 5 % and 95 % quantiles where both sets are of one distribution."""
    for name, m in all_metrics().items():
        cells = []
        for n in NULL_SIZES:
            rng = np.random.default_rng([n, NULL_DIMENSION])
            sets = rng.normal(size=(NULL_REPEATS, 2, n, NULL_DIMENSION))
            low, high = np.quantile([m(*pair) for pair in sets], [0.05, 0.95])
            cells.append(f"{low:.2f} to {high:.2f}" if n >= m.smallest_n else f"({low:.2f} to {high:.2f})")
        yield [f"`{name}`", *cells]


def main(argv: Sequence[str] | None = None) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="rows of each kind, where a case does not say otherwise")
    parser.add_argument("--repeats", type=int, default=2, help="draws at each point of a sweep")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", type=Path, help="page whose generated parts are replaced")
    parser.add_argument("--list", action="store_true", help="only bring the list of metrics up to date: nothing is run")
    given = parser.parse_args(argv)
    if given.list:
        return write_blocks(given.write, list=metrics_text())
    asked = questions(all_metrics())
    tables = sanity_tables(run(given.rows, given.repeats, given.jobs), asked)
    nulls = markdown(["metric", *(f"n = m = {n}" for n in NULL_SIZES)], list(null_values()))
    command = (
        f"python benchmarks/metric_sanity.py --rows {given.rows} --repeats {given.repeats} --write docs/metrics.md"
    )
    about = f"`{command}`  \n{machine(LIBRARIES)}, {date.today()}"
    write_blocks(given.write, list=metrics_text(), null=nulls, sanity=f"{about}\n\n{tables}")


def write_blocks(page: Path | None, **blocks: str) -> None:
    """Print blocks, and put them between their markers on a page if one is given."""
    for block, text in blocks.items():
        print(text, end="\n\n")
        if page:
            write_between(page, block, text)


if __name__ == "__main__":
    main()
