"""What whole synthetic data sets are measured by, and which sampler is taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts, split
from gensynth.fidelity.privacy import LEAKAGE
from gensynth.kind import kinds
from gensynth.kinds.table.labels import NO_TARGET
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.tables import from_frame
from gensynth.sampler.synthetic import Synthetic
from gensynth.synthesize.ruler import Measured, Ruler, best
from gensynth.synthesize.synthesize import shares

TABLE = kinds()["table"]


def people(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Numbers, a level that depends on the first, and a label that depends on both."""
    rng = np.random.default_rng(seed)
    age = rng.gamma(8, 5, n).round(2)
    town = np.where(rng.random(n) < 1 / (1 + np.exp((40 - age) / 8)), "old", "new")
    sick = (age + 12 * (town == "old") + 8 * rng.normal(size=n) > 58).astype(int)
    more = {name: rng.normal(age, 10).round(2) for name in ("weight", "pulse", "steps")}
    return pd.DataFrame({"age": age, "town": town, **more, "sick": np.array(["no", "yes"])[sick]})


def parts_of(frame: pd.DataFrame, target: str | None = "sick") -> Parts:
    return TABLE.fitted(split(from_frame(frame, target), 0.25, 0.1, 0), TABLE.config("WholeConfig")())


def drawn(ruler: Ruler, parts: Parts, name: str) -> tuple[Synthetic, float]:
    return ruler.draw(TABLE.made(name, None).fit(parts.train), parts.train.class_counts, 0)


def as_drawn(x: LabeledData) -> Synthetic:
    n = len(x)
    return Synthetic(x.x, x.y, x.classes, np.arange(n), "copula", 0, ("row",) * n, ((),) * n, ("",) * n)


def test_repeats_of_training_rows_are_told_and_new_rows_are_not() -> None:
    parts = parts_of(people())
    ruler = Ruler(parts, 0)
    new, copies = drawn(ruler, parts, "copula")
    found, privacy = ruler.measured(new, copies, 1.5)
    assert (len(new), found.copies, found.seconds, found.sampler) == (len(parts.train), copies, 1.5, "copula")
    assert found.leaked < 0.6 and privacy.status == found.privacy != LEAKAGE
    assert found.detection_interval[0] < found.detection < found.detection_interval[1]
    near, _ = drawn(ruler, parts, "smote")
    close, _ = ruler.measured(near, 0.0, 0.0)
    assert close.leaked > 0.65 and close.privacy == LEAKAGE and best([close, found]) == found


def test_copies_are_taken_out_and_a_sampler_of_copies_is_refused() -> None:
    parts = parts_of(people())
    ruler = Ruler(parts, 0)
    with pytest.raises(ValueError, match=r"100% of the rows of 'no' that random draws are copies"):
        drawn(ruler, parts, "random")
    samples, copies = drawn(ruler, parts, "cart")
    assert copies > 0 and not ruler.copies(samples).any() and len(samples) == len(parts.train)


def test_copies_stay_where_real_rows_equal_each_other() -> None:
    frame = people()[["town", "sick"]]
    parts = parts_of(pd.concat([frame.assign(step=at % 5) for at in range(3)]).reset_index(drop=True))
    ruler = Ruler(parts, 0)
    assert ruler.natural > 0.9
    samples, copies = drawn(ruler, parts, "random")
    assert copies == 1 and len(samples) == len(parts.train)


def test_the_label_is_compared_like_any_column() -> None:
    parts = parts_of(people())
    one = TABLE.as_one(parts.train)
    flat = one(parts.train)
    assert flat.classes == ("all",) and rows_of(flat).schema.target == NO_TARGET
    assert list(rows_of(flat).frame.columns) == [*people().columns]
    ruler = Ruler(parts, 0)
    turned = ruler.held_out.subset(np.arange(len(ruler.held_out)))
    wrong = replace(turned, y=1 - turned.y)
    told = [
        ruler.measured(
            Synthetic(
                x.x, x.y, x.classes, np.arange(len(x)), "copula", 0, ("row",) * len(x), ((),) * len(x), ("",) * len(x)
            ),
            0.0,
            0.0,
        )[0].detection
        for x in (turned, wrong)
    ]
    assert told[0] < 0.5 < 0.9 < told[1], "the held-out rows themselves, and the same with the other label"


def test_a_table_without_a_label_is_one_class() -> None:
    parts = parts_of(people(), target=None)
    assert parts.train.classes == ("all",) and TABLE.as_one(parts.train)(parts.test) is parts.test
    samples, _ = drawn(Ruler(parts, 0), parts, "mixture")
    written = TABLE.files().frame_of(samples, parts.train)
    assert list(written.columns) == [*people().columns] and {*written["sick"]} == {"no", "yes"}


def test_the_best_is_hardest_to_tell_of_the_equally_private() -> None:
    one = Measured("one", 0.9, (0.8, 1.0), 0.5, (0.4, 0.6), 0.5, "", 0.0, 1.0)
    near = replace(one, sampler="near", detection=0.45, nearer=0.54)
    leaky = replace(one, sampler="leaky", detection=0.5, membership=0.56)
    assert best([one, near, leaky]) == near and best([one, leaky]) == one
    assert best([leaky, replace(leaky, sampler="worse", nearer=0.9)]) == leaky


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 10**6), min_size=1, max_size=8), st.integers(1, 10**6))
def test_shares_add_up_and_are_nearest(real: dict[str, int], n: int) -> None:
    found = shares(real, n)
    assert sum(found.values()) == n and {*found} <= {*real} and min(found.values()) > 0
    assert all(abs(found.get(name, 0) - n * count / sum(real.values())) <= 1 for name, count in real.items())
