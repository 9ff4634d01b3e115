"""What is planted and counted in a calibration of a gate, and the tables of images as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from planted_faults import COLLAPSED, EXACT, FAULTS, GARBAGE, MOVED, NEAR, SITUATIONS, WRONG
from table_report import markdown

from gensynth.data.examples import Examples
from gensynth.fidelity.metrics import wilson_interval
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REVIEW, SampleVerdicts
from gensynth.sampler.synthetic import Synthetic

LEVELS = (0.05, 0.01)
"""Levels at which the tests are judged."""
STATUSES = (PASS, REVIEW, FAIL, INSUFFICIENT)
FRESH, BESIDE = "genuine", "genuine, beside faults"


def few(group: str) -> str:
    """Return what faults of a group are called where a batch has only few of them."""
    return f"{group}, few of it in a batch"


@dataclass(frozen=True)
class Draw:
    """One draw of references.

    Attributes:
        source: `digits`, `mnist5k` or a folder of IDX files.
        n: References of the two rare classes.
        number: Number of the draw; it is the seed.
    """

    source: str
    n: int
    number: int


@dataclass
class Tally:
    """What became of samples of one kind: rejected and reviewed ones by reason code."""

    total: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    review: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        """Number of rejected samples."""
        return self.rejected.total()

    @property
    def outcomes(self) -> tuple[int, int, int]:
        """Number of samples that were rejected, sent to review and accepted."""
        return self.lost, self.review.total(), self.total - self.lost - self.review.total()

    def add(self, other: Tally) -> None:
        """Count the samples of another tally in."""
        self.total += other.total
        self.rejected += other.rejected
        self.review += other.review


@dataclass(frozen=True)
class Result:
    """What one rare class of one draw gave.

    Attributes:
        draw: The draw.
        label: The class.
        samples: By fault, what the gate said of it.
        statuses: By situation, the status of the class.
        p_values: By situation and test.
    """

    draw: Draw
    label: str
    samples: dict[str, Tally]
    statuses: dict[str, str]
    p_values: dict[str, dict[str, float]]


def tally(verdicts: SampleVerdicts, at: slice = slice(None)) -> Tally:
    """Count what became of the samples; a sample that is rejected is not reviewed as well."""
    rejected = verdicts.reason[at]
    asked = (r for r, reason in zip(verdicts.review[at], rejected, strict=True) if r and not reason)
    return Tally(len(rejected), Counter(r for r in rejected if r), Counter(asked))


def planted(x: Examples, label: str) -> Synthetic:
    """Return examples of one class as if a sampler had drawn them."""
    n = len(x)
    y, no_names, no_parents = np.zeros(n, np.int64), ("",) * n, ((),) * n
    return Synthetic(x, y, (label,), np.arange(n), "planted", 0, no_names, no_parents, no_names)


def tables(results: Sequence[Result]) -> str:
    """Return all tables of one data set."""
    parts = {
        "Goals": goals_table,
        "Faults among samples: % rejected / sent to review / accepted": samples_table,
        "Genuine images lost, %": genuine_table,
        "Whole classes, %": classes_table,
        "Tests: % of p-values below 5 % / below 1 %": tests_table,
    }
    return "\n\n".join(f"**{title}**\n\n{make(results)}" for title, make in parts.items())


def by_size(results: Sequence[Result]) -> dict[int, list[Result]]:
    """Return the results by number of references."""
    return {n: [r for r in results if r.draw.n == n] for n in sorted({r.draw.n for r in results})}


def total(results: Sequence[Result], *names: str) -> Tally:
    """Return what became of the samples of all these kinds."""
    together = Tally()
    for result in results:
        for name in names:
            together.add(result.samples[name])
    return together


def goals_table(results: Sequence[Result]) -> str:
    """Return the goals, met or not, by number of references."""
    groups = {fault.group: [f.name for f in FAULTS if f.group == fault.group] for fault in FAULTS}
    caught = {f"{name}: at least 95 % caught": ([name], 0.95) for name in groups[WRONG]}
    caught |= {"garbage: at least 95 % caught": (groups[GARBAGE], 0.95)}
    caught |= {f"{few(group)}: at least 95 % caught": ([few(group)], 0.95) for group in (WRONG, GARBAGE)}
    caught |= {f"{group}: 100 % caught": (groups[group], 1.0) for group in (EXACT, NEAR, MOVED, COLLAPSED)}
    caught["genuine: at most 5 % lost"] = ([FRESH], 0.05)
    columns, rows = by_size(results), []
    for title, (names, goal) in caught.items():
        cells = []
        for mine in columns.values():
            t = total(mine, *names)
            met = t.lost <= goal * t.total if FRESH in names else t.lost >= goal * t.total
            asked = f" and {percent(t.review.total(), t.total)} to review" if t.review else ""
            cells.append(said(met, percent(t.lost, t.total)) + asked)
        rows.append([title, *cells])
    for test in test_names(results):
        for level in LEVELS:
            cells = []
            for mine in columns.values():
                p = p_values(mine, FRESH, test)
                below = int((p < level).sum())
                cells.append(said(wilson_interval(below, len(p))[0] <= level, percent(below, len(p))) if len(p) else "")
            rows.append([f"{test}: size {100 * level:g} % kept", *cells])
    return markdown(["goal", *(f"n = {n}" for n in columns)], rows)


def samples_table(results: Sequence[Result]) -> str:
    """Return what the gate said of every kind of sample, and the reasons it gave, over all n."""
    columns, rows = by_size(results), []
    for name in (FRESH, BESIDE, *(f.name for f in FAULTS), few(WRONG), few(GARBAGE)):
        tallies = [total(mine, name) for mine in columns.values()]
        why = [
            ", ".join(f"{code} {percent(k, found.total())}" for code, k in found.most_common())
            for found in (total(results, name).rejected, total(results, name).review)
        ]
        rows.append([name, *(" / ".join(percent(k, t.total) for k in t.outcomes) for t in tallies), *why])
    head = ["samples", *(f"n = {n}" for n in columns), "why rejected, % of them", "why to review, % of them"]
    return markdown(head, rows)


def genuine_table(results: Sequence[Result]) -> str:
    """Return what the gate costs genuine images that it saw without faults, with 95 % intervals."""
    codes = sorted(total(results, FRESH).rejected)
    rows = []
    for n, mine in by_size(results).items():
        t = total(mine, FRESH)
        losses = [r.samples[FRESH].lost / r.samples[FRESH].total for r in mine]
        low, high = np.quantile(losses, [0.1, 0.9])
        shares = [with_interval(k, t.total) for k in (t.lost, *(t.rejected[c] for c in codes), t.review.total())]
        rows.append([str(n), str(t.total), *shares, f"{100 * low:.0f} to {100 * high:.0f}"])
    return markdown(["n", "images", "rejected", *codes, "to review", "rejected in 8 of 10 draws"], rows)


def classes_table(results: Sequence[Result]) -> str:
    """Return the share of classes that got each status, by situation."""
    columns, rows = by_size(results), []
    for situation in SITUATIONS:
        cells = []
        for mine in columns.values():
            found = Counter(r.statuses[situation] for r in mine)
            shares = (f"{status} {percent(found[status], len(mine))}" for status in STATUSES if found[status])
            cells.append(", ".join(shares))
        rows.append([situation, *cells])
    return markdown(["the class", *(f"n = {n}" for n in columns)], rows)


def tests_table(results: Sequence[Result]) -> str:
    """Return how often each test gives a small p-value: its size where all is genuine, its power elsewhere."""
    columns = {f"n = {n}": mine for n, mine in by_size(results).items()} | {"all n": list(results)}
    rows = []
    for test in test_names(results):
        for situation in SITUATIONS:
            show = with_interval if situation == FRESH else percent
            cells = []
            for mine in columns.values():
                p = p_values(mine, situation, test)
                cells.append(" / ".join(show(int((p < level).sum()), len(p)) for level in LEVELS) if len(p) else "")
            rows.append([test, situation, *cells])
    return markdown(["test", "the class", *columns], rows)


def test_names(results: Iterable[Result]) -> list[str]:
    """Return the tests that gave a p-value of a genuine class."""
    return sorted({name for r in results for name in r.p_values[FRESH]})


def p_values(results: Iterable[Result], situation: str, test: str) -> np.ndarray:
    """Return the p-values that a test gave, shape (draws that had one,)."""
    return np.array([r.p_values[situation][test] for r in results if test in r.p_values[situation]])


def said(met: bool, figure: str) -> str:
    """Return a figure behind the word that judges it."""
    return f"{'MET' if met else 'NOT MET'} {figure}"


def percent(k: int, n: int) -> str:
    """Return k of n in percent; 0 and 100 are exact."""
    return f"{100 * k / n:.0f}" if k in (0, n) else f"{min(max(100 * k / n, 0.1), 99.9):.1f}"


def with_interval(k: int, n: int) -> str:
    """Return k of n in percent with its 95 % interval."""
    low, high = wilson_interval(k, n)
    return f"{percent(k, n)} [{100 * low:.1f}, {100 * high:.1f}]"
