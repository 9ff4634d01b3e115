"""What the page shows of rows: columns, relations, a map and the rows themselves, whatever the table holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pages import SCRIPT, Strict, part, report

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.kinds.table.report.columns import as_real, looks
from gensynth.kinds.table.report.relations import cramers_v
from gensynth.kinds.table.tables import from_frame
from gensynth.report.page import render


def rows(n, seed=0):
    """A table with a column of every kind, and one of missing values, spikes and a long tail."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "amount": np.where(rng.random(n) < 0.2, 0, np.exp(rng.normal(3, 2, n))),
            "score": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            f"{SCRIPT} $x_1$": rng.choice([SCRIPT, "肺炎 & $5_", ""], n),
            "member": rng.random(n) < 0.4,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "key": [f"row {seed} {i}" for i in range(n)],
            "same": "constant",
            7: rng.normal(size=n),
        }
    )


def parts_of(frame):
    data = from_frame(frame.assign(label=np.array([SCRIPT, "ordinary"])[np.arange(len(frame)) % 2]), "label")
    at = np.arange(len(data)) % 5
    return Parts(data.subset(at < 3), data.subset(at == 3), data.subset(at == 4))


def contents_of(frame, drawn):
    """Contents of a run in which these rows of the first class were drawn."""
    parts, n = parts_of(frame), len(drawn)
    x = replace(parts.train.x, frame=drawn[[c.name for c in parts.train.x.schema.columns]].reset_index(drop=True))
    made = LabeledData(x, np.zeros(n, dtype=np.int64), parts.train.classes, tuple(map(str, range(n))))
    return report(parts, made)


def test_columns_that_differ_most_come_first():
    frame = rows(200)
    parts = parts_of(frame)
    real = as_real(parts.train.x.frame, parts.train)
    synthetic = as_real(rows(100, seed=1).assign(age=20, score=np.nan), parts.train)
    found = looks(real, synthetic, parts.train)
    assert {found[0].column.name, found[1].column.name} == {"age", "score"}
    assert len(found) == 7  # neither ids nor constants
    by_name = {look.column.name: look for look in found}
    assert by_name["score"].bars["missing"][1] == 1.0
    assert by_name["amount"].bars["= 0"] == pytest.approx((0.2, 0.2), abs=0.1)
    for name in ("age", "amount", 7, "since"):
        shown = by_name[name]
        total = shown.histogram.real.sum() + sum(real for real, _ in shown.bars.values())
        assert total == pytest.approx(1)  # every row is in the picture


def test_names_and_levels_are_shown_as_text_and_what_is_wrong_or_differs_is_marked():
    page = render(contents_of(rows(150), rows(40, seed=1).assign(age=[-4] * 40)))
    parsed = Strict(page)
    text = " ".join(parsed.texts)
    assert "script" not in parsed.tags and f"{SCRIPT} $x_1$" in text and "肺炎 & $5_" in text
    assert "<mark><span>-4</span></mark>" in part(page, "rejected") and "<mark>" in part(page, "nearest")
    assert "9 columns and the label" in part(page, "schema")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"only": np.arange(40) % 7 / 3}),
        pd.DataFrame({"only": ["a", "b"] * 20}),
        pd.DataFrame({"only": ["a"] * 40, "number": [1.5] * 39 + [np.nan]}),
        pd.DataFrame({"zoned": pd.date_range("2020", periods=40, freq="h", tz="UTC"), "text": ["2020-01-31"] * 40}),
    ],
)
def test_tables_of_few_columns(frame):
    Strict(render(contents_of(frame, frame.iloc[:20])))


def test_rows_in_another_dtype_and_a_class_of_which_nothing_was_accepted():
    drawn = rows(40, seed=1).astype({"age": "float64", "since": "str", "member": object})
    contents = contents_of(rows(150), drawn)
    Strict(render(contents))
    samples = replace(contents.checked.samples, accepted=np.zeros(40, dtype=bool))
    page = render(replace(contents, verdict=replace(contents.verdict, samples=samples)))
    assert "No accepted row to look at" in part(page, "look")


def test_wide_tables_stay_below_two_megabytes():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"column number {i}": rng.normal(size=400) for i in range(24)})
    for i in range(6):
        frame[f"levels {i}"] = rng.choice([f"level {k}" for k in range(60)], 400)
    page = render(contents_of(frame, frame.sample(200, random_state=0)))
    assert len(page.encode()) < 2_000_000
    assert "more columns" in part(page, "look")


def test_association_of_levels_is_none_for_noise_and_one_for_copies():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 8, 40), rng.integers(0, 8, 40)
    assert cramers_v(a, a) == pytest.approx(1)
    assert cramers_v(a, b) < 0.3  # without the correction it is 0.4
    assert cramers_v(a, np.zeros(40, dtype=int)) == 0
