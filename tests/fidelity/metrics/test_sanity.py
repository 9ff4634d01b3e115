"""The sanity suite at small n: its rules are what they say, and the published table is what the code gives."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gensynth.fidelity import metrics

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("metric_sanity")


@pytest.fixture
def cases(suite: ModuleType) -> ModuleType:
    return importlib.import_module("sanity_cases")


def published(case: str, metric: str) -> str:
    """The cell of a case and a metric in the tables of the page."""
    for table in re.findall(r"^\| case .*?(?=\n\n)", PAGE, re.MULTILINE | re.DOTALL):
        head, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
        for row in body:
            if row[0] == case and f"`{metric}`" in head:
                return row[head.index(f"`{metric}`")]
    raise AssertionError(
        f"docs/metrics.md has no cell for {case} and {metric}; run benchmarks/metric_sanity.py --write."
    )


def test_every_metric_has_a_question_and_a_column(suite: ModuleType, cases: ModuleType) -> None:
    found = metrics.all_metrics()
    asked = suite.questions(found)
    for case in cases.CASES:
        for name in found:
            assert asked[name] not in case.expected or published(case.name, name)
    with pytest.raises(ValueError, match="does not know what \\['new'\\] measure"):
        suite.questions({"new": found["kid"]})


def test_the_list_of_metrics_on_the_page_is_that_of_the_code(suite: ModuleType) -> None:
    assert PAGE.count(suite.metrics_text()) == 1


@pytest.mark.parametrize(
    ("case", "metric"),
    [
        ("mean shift", "kid"),
        ("mean shift", "nn_accuracy"),
        ("mean shift", "diversity"),
        ("modes dropped in turn", "coverage"),
        ("modes dropped in turn", "density"),
        ("copies of real rows", "nearest_real"),
        ("copies of real rows", "kid"),
        ("one disjoint feature", "precision"),
    ],
)
def test_a_published_cell_is_what_fewer_rows_give(suite: ModuleType, cases: ModuleType, case: str, metric: str) -> None:
    by_name = {c.name: c for c in cases.CASES}
    groups = by_name[case].groups[:2]
    one = {metric: metrics.all_metrics()[metric]}
    judged = [suite.judge(by_name[case], group, one, rows=400, repeats=2)[metric] for group in groups]
    passed = all(j.shape is not False and j.values is not False for j in judged)
    assert passed is (published(case, metric) == "pass")


def test_one_real_outlier_inflates_density_and_not_its_clipped_form(suite: ModuleType, cases: ModuleType) -> None:
    found = metrics.all_metrics()
    both = {name: found[name] for name in ("density", "clipped_density")}
    case = next(c for c in cases.CASES if c.name == "mean shift, one outlier")
    judged = suite.judge(case, ("real", 8), both)
    far = {name: j.sweep.values[-1] for name, j in judged.items()}
    assert far["density"] == pytest.approx(1 / 5, abs=1e-3)  # of k = 5 balls each sample lies in one, the outlier's
    assert far["clipped_density"] < cases.CLOSE
    assert published(case.name, "density") != "pass"


def test_the_rules_know_right_from_wrong(cases: ModuleType) -> None:
    def sweep(*values: float, equal: int | None = None, null: tuple[float, float] = (0, 0.1)):
        points = np.arange(len(values), dtype=float)
        return cases.Sweep(points, np.array(values, dtype=float), equal, np.tile(null, (len(values), 1)))

    assert cases.bell(sweep(0, 0.5, 1, 0.5, 0, equal=2))
    assert not cases.bell(sweep(0, 0.5, 1, 1, 1, equal=2))
    assert not cases.bell(sweep(0, 1.2, 1, 0.5, 0, equal=2))
    assert cases.falls(sweep(1, 0.5, 0)) and not cases.falls(sweep(1, 0.95, 0.9)) and cases.rises(sweep(0, 0.5, 1))
    assert cases.flat(sweep(1, 1.04, 1)) and not cases.flat(sweep(1, 1.06, 1))
    assert cases.settles(sweep(0, 0.9, 0.92, 0.9)) and not cases.settles(sweep(0, 0, 0.5, 1))
    assert cases.near(cases.last, 0, 1)(sweep(3, 0.97)) and not cases.near(cases.last, 0, 1)(sweep(3, 0.5))
    assert cases.grows(sweep(2, 1, 0, 1, 3, equal=2)) and not cases.grows(sweep(2, 1, 0, 3, 1, equal=2))
    assert cases.level(sweep(1, 2, 2.1)) and not cases.level(sweep(1, 2, 3))
    apart = cases.beyond_chance(cases.first, cases.last)
    assert (
        apart(sweep(1, 0, 1, equal=1)) and not apart(sweep(1, 0, 0.2, equal=1)) and not apart(sweep(1, 1, 1, equal=1))
    )
    assert cases.no_alarm(sweep(0, 1, -0.2)) and not cases.no_alarm(sweep(0, 1, -0.4))
    assert cases.alarm_at_last(sweep(0, -1, equal=0)) and not cases.alarm_at_last(sweep(-1, -1, equal=0))
