"""What the checker says of rows, beside what holds for every kind (tests/fidelity/test_checker.py)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from checked import of_class, samples_of
from real_tables import cancer, claims, few_levels, parts_of

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.gate import Gate
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REVIEW
from gensynth.kinds.table.space import RowSpace
from gensynth.kinds.table.tables import from_frame
from gensynth.sampler.synthetic import Synthetic


def changed(synthetic: Synthetic, **columns: object) -> Synthetic:
    return replace(synthetic, x=replace(synthetic.x, frame=synthetic.x.frame.assign(**columns)))


@pytest.fixture(scope="module")
def tumours() -> tuple[LabeledData, LabeledData, LabeledData]:
    return parts_of(cancer())


@pytest.fixture(scope="module")
def tumour_checker(tumours) -> FidelityChecker:
    return FidelityChecker(tumours[0], [tumours[1]])


@pytest.fixture(scope="module")
def mixed() -> tuple[LabeledData, LabeledData, LabeledData]:
    return parts_of(claims())


@pytest.fixture(scope="module")
def mixed_checker(mixed) -> FidelityChecker:
    return FidelityChecker(mixed[0], [mixed[1]])


def test_every_score_given_has_a_yardstick_that_fresh_rows_come_close_to():
    train, held_out, fresh = parts_of(claims(1500))  # 20 held-out rows of each class are needed
    for c in FidelityChecker(train, [held_out]).check(samples_of(fresh)).classes:
        for s in c.scores:
            assert s.value is not None and abs(s.value - s.yardstick) < 0.25, s
            assert s.interval is None or s.interval[0] <= s.value <= s.interval[1], s


@pytest.mark.parametrize("kind", ["noise", "shuffled", "turned"])
@pytest.mark.parametrize("table", ["tumours", "mixed"])
def test_bad_sets_fail(kind, table, request):
    checker = request.getfixturevalue("tumour_checker" if table == "tumours" else "mixed_checker")
    fresh = request.getfixturevalue(table)[2]
    label = {"tumours": "benign", "mixed": "no"}[table]
    rng, mine = np.random.default_rng(0), of_class(fresh, label)
    x = mine.x.frame.copy()
    numbers = [c.name for c in mine.x.schema.columns if c.kind in ("numeric", "integer")]
    if kind == "noise":
        for name in numbers:
            low, high = (getattr(mine.x.schema.column(name), side) for side in ("low", "high"))
            x[name] = (
                pd.Series(rng.uniform(low, high, len(x)).round())
                .clip(np.ceil(low), np.floor(high))
                .astype(x[name].dtype)
            )
    if kind == "shuffled":
        x = pd.DataFrame({name: x[name].to_numpy()[rng.permutation(len(x))] for name in x}).astype(x.dtypes)
    if kind == "turned":
        for name in numbers:
            x[name] = (mine.x.schema.column(name).high + mine.x.schema.column(name).low - x[name]).astype(x[name].dtype)
    verdict = checker.check(changed(samples_of(mine), **x))
    scores = {s.name: s for s in verdict.classes[0].scores}
    if (kind, table) == ("shuffled", "mixed"):
        # Few of its columns hang together: in the mean over the pairs that can be chance, in the worst one it cannot.
        assert verdict.status != PASS and scores["worst_pair"].p_value <= 0.05
        assert "insured with plan" in verdict.classes[0].why[0]
    else:
        assert verdict.status == FAIL, verdict.classes[0].why
    if kind == "shuffled":
        assert scores["marginals"].value > scores["marginals"].yardstick - 0.01
        assert scores["worst_pair"].value < scores["worst_pair"].yardstick


def test_neither_a_new_id_nor_another_dtype_makes_a_copy_a_new_row(mixed_checker, mixed):
    copies = mixed[0].subset(np.arange(60))
    other = changed(samples_of(copies), claim_id="new", visits=copies.x.frame["visits"].astype(float))
    assert set(mixed_checker.gate(other).reason) == {"dup_exact"}


def test_near_copies_are_caught_and_blends_are_not(tumour_checker, tumours):
    train, rng = of_class(tumours[0], "malignant"), np.random.default_rng(0)
    noise = rng.normal(size=train.x.frame.shape) * train.x.frame.std().to_numpy() * 0.02
    near = (train.x.frame + noise).clip(train.x.frame.min(), train.x.frame.max(), axis=1)
    almost = changed(samples_of(train), **near)
    verdict = tumour_checker.check(almost)
    assert np.mean([r == "dup_near" for r in verdict.samples.reason]) > 0.95
    assert verdict.samples.nearest == train.ids and verdict.samples.scores["near_duplicate"].max() < 0.36
    assert "copy other rows" in verdict.classes[0].why[0] and verdict.status == FAIL
    # A random order would blend one row with itself on average, which makes a copy.
    blends = train.x.frame * 0.6 + train.x.frame.set_axis(np.roll(train.x.frame.index, 1)).sort_index() * 0.4
    assert "dup_near" not in tumour_checker.gate(changed(samples_of(train), **blends)).reason


def test_a_single_wrong_column_is_not_hidden_by_the_right_ones(tumour_checker, tumours):
    fresh = of_class(tumours[2], "benign")
    wrong = changed(samples_of(fresh), **{"mean texture": tumours[0].x.frame["mean texture"].median()})
    verdict = tumour_checker.check(wrong)
    scores = {s.name: s for s in verdict.classes[0].scores}
    assert scores["marginals"].yardstick - scores["marginals"].value < 0.05
    assert verdict.status == FAIL and "mean texture" in verdict.classes[0].why[0]
    assert scores["worst_column"].p_value == 0.01


@pytest.mark.parametrize("dimensions", [1, 2])
def test_near_copies_cost_small_classes_of_few_columns_little(dimensions):
    cost = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.normal(size=(500, dimensions))).assign(y=np.repeat(["a", "b"], 250))
        data = from_frame(frame, "y")
        train = data.subset(np.r_[:40, 250:290])
        fresh = data.subset(np.r_[40:250, 290:500])
        cost.append(Gate(RowSpace(train), train).measure(fresh.x, fresh.y).flags["dup_near"].mean())
    # 1 % is aimed at, which 40 rows of a class cannot tell exactly: ten such means lie between 1.0 and 2.5 %.
    assert np.mean(cost) < 0.03


def test_a_table_of_few_different_rows_is_not_rejected():
    train, held_out, fresh = (few_levels(400, seed) for seed in range(3))
    checker = FidelityChecker(train, [held_out])
    verdict = checker.check(samples_of(fresh))
    assert verdict.samples.accepted.mean() > 0.85 and verdict.contamination == 0
    assert verdict.status == PASS, [c.why for c in verdict.classes]
    twice = Synthetic.concat([samples_of(fresh), samples_of(fresh)])
    assert checker.gate(twice).accepted[len(fresh) :].mean() > 0.85
    # Rows that one real row alone has are still nobody else's.
    assert verdict.false_reject["dup_exact"] < 0.15
    one = FidelityChecker(train).check(samples_of(fresh, np.zeros(300, dtype=int)))
    assert one.status == FAIL


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("income", -1.0),
        ("income", np.inf),
        ("income", "much"),
        ("income", None),
        ("visits", 2.5),
        ("visits", 1e30),
        ("age", 200),
        ("when", "2031-01-01"),
        ("when", "soon"),
        ("region", "centre"),
        ("region", None),
        ("channel", 3),
        ("insured", "perhaps"),
        ("country", "there"),
        ("paid", 50_000.0),
    ],
)
def test_rows_with_forbidden_values_are_invalid(mixed_checker, mixed, column, value):
    synthetic = samples_of(mixed[2])
    values = synthetic.x.frame[column].astype(object)
    values.iloc[3] = value
    frame = synthetic.x.frame.assign(**{column: values})
    if column == "paid":  # within its own bounds, but against the rule paid <= income
        frame["paid"] = synthetic.x.frame["paid"]
        frame.loc[3, "paid"] = frame["paid"].max()
        frame.loc[3, "income"] = frame["income"].min()
    before, after = (
        mixed_checker.gate(synthetic),
        mixed_checker.gate(replace(synthetic, x=replace(synthetic.x, frame=frame))),
    )
    assert after.reason[3] == "invalid" and before.reason[3] != "invalid"
    assert [r for i, r in enumerate(after.reason) if i != 3] == [r for i, r in enumerate(before.reason) if i != 3]


def test_missing_values_are_allowed_where_real_ones_are_missing(mixed_checker, mixed):
    synthetic = samples_of(mixed[2])
    gate = mixed_checker.gate(changed(synthetic, age=pd.array([pd.NA] * len(synthetic), dtype="Int64")))
    assert "invalid" not in gate.reason
    verdict = mixed_checker.check(changed(synthetic, age=pd.array([pd.NA] * len(synthetic), dtype="Int64")))
    assert verdict.status == FAIL and "age, 0.1" in " ".join(verdict.classes[0].why)


def test_lost_levels_and_spikes_are_named(mixed_checker, mixed):
    fresh = of_class(mixed[2], "no")
    lost = fresh.subset(np.flatnonzero((fresh.x.frame["region"] != "south") & (fresh.x.frame["paid"] > 0)))
    verdict = mixed_checker.check(samples_of(lost))
    score = next(s for s in verdict.classes[0].scores if s.name == "levels")
    assert score.value < 1 and "region = south" in score.note and "paid = 0.0" in score.note
    assert "region = north" not in score.note


def test_changed_dtypes_are_said(mixed_checker, mixed):
    synthetic = samples_of(mixed[2])
    verdict = mixed_checker.check(changed(synthetic, visits=synthetic.x.frame["visits"].astype(float)))
    score = next(s for s in verdict.classes[0].scores if s.name == "dtypes")
    assert score.value == pytest.approx(10 / 11) and "visits" in score.note
    assert verdict.status == REVIEW and "dtype" in verdict.classes[0].why[0]
    assert verdict.samples.reason == mixed_checker.gate(synthetic).reason


def test_a_row_is_judged_alike_whatever_is_drawn_after_it(mixed_checker, mixed):
    synthetic = samples_of(mixed[2])
    whole, part = mixed_checker.gate(synthetic), mixed_checker.gate(synthetic.subset(np.arange(40)))
    assert whole.reason[:40] == part.reason
    assert all(whole.scores[k][:40] == pytest.approx(v, nan_ok=True) for k, v in part.scores.items())


@pytest.mark.parametrize("n", [1, 2, 6, 15])
def test_small_classes(n):
    data = claims(600)
    rare = np.flatnonzero(data.y == data.label_of("yes"))
    train = data.subset(np.concatenate([np.flatnonzero(data.y == data.label_of("no"))[:200], rare[:n]]))
    checker = FidelityChecker(train, [data.subset(rare[40:])])
    verdict = checker.check(samples_of(data, rare[20:40]))
    assert verdict.status == (INSUFFICIENT if n < 10 else verdict.status) or verdict.status == REVIEW
    assert verdict.classes[0].status == INSUFFICIENT if n < 10 else verdict.classes[0].status in (PASS, REVIEW)
    assert set(checker.gate(samples_of(data, rare[:n])).reason) == {"dup_exact"}
    if n < 10:
        assert [s.name for s in verdict.classes[0].scores] == ["copying", "label_agreement", "copies"]
    else:
        noise = samples_of(data, np.flatnonzero(data.y == data.label_of("no"))[200:230])
        other = replace(noise, y=np.full(30, data.label_of("yes")))
        assert checker.check(other).status != PASS


def test_few_positives_do_not_make_the_judge_reject_them():
    data = claims(3000)
    rare = np.flatnonzero(data.y == data.label_of("yes"))
    common = np.flatnonzero(data.y == data.label_of("no"))
    checker = FidelityChecker(data.subset(np.concatenate([common[:1500], rare[:12]])))
    fresh = checker.gate(samples_of(data, rare[12:]))
    assert np.mean([r == "label" for r in fresh.reason]) < 0.15
    others = checker.gate(replace(samples_of(data, common[1500:]), y=np.full(len(common) - 1500, data.label_of("yes"))))
    assert np.mean([r == "label" for r in others.reason]) > 0.3


def test_other_columns_and_no_rows_are_refused(mixed_checker, mixed):
    train, _, fresh = mixed
    with pytest.raises(ValueError, match="differ in the columns income"):
        mixed_checker.gate(replace(samples_of(fresh), x=replace(fresh.x, frame=fresh.x.frame.drop(columns="income"))))
    with pytest.raises(ValueError, match="no training rows"):
        FidelityChecker(train.subset([]))


def test_tables_of_numbers_or_levels_only_and_whole_column_names():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b"], 60)
    for x in (rng.normal(size=(120, 3)), rng.integers(0, 2, (120, 3)).astype(str), rng.normal(size=(120, 1))):
        data = from_frame(pd.DataFrame(x).assign(y=y), "y")
        order = rng.permutation(120)
        verdict = FidelityChecker(data.subset(order[:70])).check(samples_of(data, order[70:]))
        assert verdict.samples.accepted.mean() > 0.7 and verdict.status in (PASS, REVIEW)


def test_hashes_alone_are_those_of_what_is_seen(mixed):
    train, held_out, _ = mixed
    space, x = RowSpace(train), held_out.x
    odd = replace(x, frame=x.frame.astype(object))  # as a file of another format may bring them
    assert space.hashes_of(x) == space.see(x).hashes == space.hashes_of(odd)
