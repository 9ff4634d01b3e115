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
from gensynth.fidelity.metrics.copying import DistanceShare
from gensynth.fidelity.privacy import LEAKAGE, NOTHING_FOUND, ClassPrivacy, MembershipAttack, Privacy
from gensynth.kind import kinds
from gensynth.kinds.table.labels import NO_TARGET
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.tables import from_frame
from gensynth.mix.targets import shares
from gensynth.sampler.synthetic import Synthetic
from gensynth.synthesize.ruler import Drawn, Measured, Ruler, best

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


def drawn(ruler: Ruler, parts: Parts, name: str) -> Drawn:
    return ruler.draw(TABLE.made(name, None).fit(parts.train), parts.train.class_counts, 0)


def as_drawn(x: LabeledData) -> Drawn:
    n = len(x)
    samples = Synthetic(x.x, x.y, x.classes, np.arange(n), "copula", 0, ("row",) * n, ((),) * n, ("",) * n)
    return Drawn(samples, 0.0, 1.0, False)


def equal_rows(one: Synthetic, other: LabeledData) -> int:
    return len({*one.x.hashes()} & {*other.x.hashes()})


def test_repeats_of_training_rows_are_told_and_new_rows_are_not() -> None:
    parts = parts_of(people())
    ruler = Ruler(parts, 0)
    new = drawn(ruler, parts, "copula")
    found = ruler.measured(new, 1.5)
    assert len(new.examples) == len(parts.train) and (found.copies, found.seconds) == (new.copies, 1.5)
    assert found.leaked < 0.6 and found.privacy.status != LEAKAGE and found.sampler == "copula"
    assert found.detection_interval[0] < found.detection < found.detection_interval[1]
    close = ruler.measured(drawn(ruler, parts, "smote"), 0.0)
    assert close.leaked > 0.65 and close.privacy.status == LEAKAGE and best([close, found]) == found


def test_copies_are_drawn_again_around_what_is_given_unless_it_leaves_nothing_else() -> None:
    frame = people()[["age", "town", "pulse", "sick"]]
    parts = parts_of(frame)
    ruler = Ruler(parts, 0)
    sampler = TABLE.made("cart", None).fit(parts.train)
    cells = frame[["age", "sick"]]
    once = sampler.given(cells, 0)
    found = ruler.draw_given(sampler, cells, 0)
    assert found.copies == ruler._copies(ruler.as_one(once))[0].mean() > 0 and not found.natural
    same = ~ruler._copies(ruler.as_one(once))[0]
    assert (found.examples.x.frame == once.x.frame)[same].all(axis=None)
    assert not ruler._copies(ruler.as_one(found.examples))[0].any()
    with pytest.raises(ValueError, match="counted from 0, come out equal to a real one in each of 10 draws"):
        ruler.draw_given(sampler, frame[["age", "sick", "pulse"]], 0)


def test_copies_of_any_real_row_are_left_out_and_a_sampler_of_copies_is_refused() -> None:
    parts = parts_of(people())
    ruler = Ruler(parts, 0)
    with pytest.raises(ValueError, match=r"100% of the rows of 'no' that random draws are copies of real ones"):
        drawn(ruler, parts, "random")
    found = drawn(ruler, parts, "cart")
    assert found.copies > 0 and not found.natural and len(found.examples) == len(parts.train)
    assert not any(equal_rows(ruler.as_one(found.examples), ruler.as_one(part)) for part in parts.by_name.values())
    repeated = Parts(parts.train, parts.validation, parts.train.subset(range(60)))
    everyone = Ruler(repeated, 0)
    twice, once = ({*everyone.as_one(parts.train.subset(at)).x.hashes()} for at in (range(60), range(60, 200)))
    assert not twice & everyone.once and once <= everyone.once, "what real rows repeat gives nobody away"


def test_copies_stay_where_what_is_drawn_repeats_itself() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.integers(0, 9, 300), "b": rng.integers(0, 9, 300), "c": np.tile(["no", "yes"], 150)})
    parts = parts_of(frame, "c")
    ruler = Ruler(parts, 0)
    assert ruler.once, "some cells hold one real row, whose absence among many synthetic ones would tell"
    found = ruler.draw(TABLE.made("copula", None).fit(parts.train), {"no": 2000, "yes": 2000}, 0)
    one = ruler.as_one(found.examples)
    assert found.natural and {*one.x.hashes()} & ruler.once


def test_the_label_is_compared_like_any_column() -> None:
    parts = parts_of(people())
    one = TABLE.as_one(parts.train)
    flat = one(parts.train)
    assert flat.classes == ("all",) and rows_of(flat).schema.target == NO_TARGET
    assert list(rows_of(flat).frame.columns) == [*people().columns]
    ruler = Ruler(parts, 0)
    same = ruler.held_out
    told = [ruler.measured(as_drawn(x), 0.0).detection for x in (same, replace(same, y=1 - same.y))]
    assert told[0] < 0.5 < 0.9 < told[1], "the held-out rows themselves, and the same with the other label"


def test_classes_that_are_drawn_one_after_the_other_are_measured_together() -> None:
    parts = parts_of(people(800))
    ruler = Ruler(parts, 0)
    assert len(parts.train) > 1.5 * len(ruler.held_out)
    fresh = from_frame(people(520, seed=7), "sick")
    one_class_first = replace(fresh, x=fresh.x.of(parts.train.x)).subset(np.argsort(fresh.y, kind="stable"))
    assert abs(ruler.measured(as_drawn(one_class_first), 0.0).detection - 0.5) < 0.1


def test_too_few_rows_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"[0-9] held-out rows are too few to measure by: 10 of each are needed"):
        Ruler(parts_of(people(24)), 0)


def test_a_table_of_ids_alone_is_refused() -> None:
    frame = pd.DataFrame({"key": [f"k{i:05}" for i in range(200)]})
    with pytest.raises(ValueError, match="there is nothing to learn from these rows"):
        Ruler(parts_of(frame, None), 0)


def test_a_table_without_a_label_is_one_class() -> None:
    parts = parts_of(people(), target=None)
    assert parts.train.classes == ("all",) and TABLE.as_one(parts.train)(parts.test) is parts.test
    samples = drawn(Ruler(parts, 0), parts, "mixture").examples
    written = TABLE.files().frame_of(samples, parts.train)
    assert list(written.columns) == [*people().columns] and {*written["sick"]} == {"no", "yes"}


def measured(name: str, detection: float, nearer: float, membership: float) -> Measured:
    attacked = MembershipAttack(membership, (0.0, 1.0), 1.0, 0.0, (0.0, 1.0), 1.0, 0.01)
    distance = DistanceShare(nearer, (0.0, 1.0), 1.0, 99, 99)
    one = ClassPrivacy("all", NOTHING_FOUND, 99, 99, 99, attacked, distance, {}, None, ())
    return Measured(name, detection, (0.0, 1.0), Privacy(NOTHING_FOUND, (one,)), 0.0, 1.0)


def test_the_best_is_hardest_to_tell_of_the_equally_private() -> None:
    plain = measured("plain", 0.9, 0.5, 0.5)
    near = measured("near", 0.45, 0.54, 0.5)
    leaky = measured("leaky", 0.5, 0.5, 0.56)
    assert best([plain, near, leaky]) == near and best([plain, leaky]) == plain
    assert best([leaky, measured("worse", 0.5, 0.9, 0.5)]) == leaky


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 10**6), min_size=1, max_size=8), st.integers(1, 10**6))
def test_shares_add_up_and_are_nearest(real: dict[str, int], n: int) -> None:
    found = shares(real, n)
    assert sum(found.values()) == n and {*found} <= {*real} and min(found.values()) > 0
    assert all(abs(found.get(name, 0) - n * count / sum(real.values())) <= 1 for name, count in real.items())
