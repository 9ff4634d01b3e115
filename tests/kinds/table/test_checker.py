"""Tests of gensynth.kinds.table.checker and gensynth.kinds.table.gate."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from real_tables import cancer, claims, few_levels, parts_of

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REASONS, REVIEW, load_verdict, save_verdict
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.table.checker import TableChecker
from gensynth.kinds.table.gate import ROW_REASONS, TableGate
from gensynth.kinds.table.tables import from_frame
from gensynth.kinds.table.verdict import BETTER
from gensynth.sampler.synthetic import Synthetic

LIKE = from_frame(pd.DataFrame({"x": [0.5, 1.5], "y": ["a", "b"]}), "y").x
"""Rows whose schema nobody asks for."""


def drawn(x: pd.DataFrame, y: np.ndarray, classes: tuple[str, ...], parent: str = "") -> Synthetic:
    n = len(y)
    parents = ((parent,) if parent else (),) * n
    return Synthetic(
        replace(LIKE, frame=x), np.asarray(y), classes, np.arange(n), "test", 0, ("row",) * n, parents, ("",) * n
    )


def rows_of(data: LabeledData, at: np.ndarray | None = None) -> Synthetic:
    some = data if at is None else data.subset(at)
    return drawn(some.x.frame, some.y, some.classes)


def of_class(data: LabeledData, label: str, n: int | None = None) -> LabeledData:
    return data.subset(np.flatnonzero(data.y == data.label_of(label))[:n])


def changed(synthetic: Synthetic, **columns: object) -> Synthetic:
    return replace(synthetic, x=replace(synthetic.x, frame=synthetic.x.frame.assign(**columns)))


@pytest.fixture(scope="module")
def tumours() -> tuple[LabeledData, LabeledData, LabeledData]:
    return parts_of(cancer())


@pytest.fixture(scope="module")
def tumour_checker(tumours) -> TableChecker:
    return TableChecker(tumours[0], [tumours[1]])


@pytest.fixture(scope="module")
def mixed() -> tuple[LabeledData, LabeledData, LabeledData]:
    return parts_of(claims())


@pytest.fixture(scope="module")
def mixed_checker(mixed) -> TableChecker:
    return TableChecker(mixed[0], [mixed[1]])


def test_fresh_real_rows_pass(tumour_checker, tumours, mixed_checker, mixed):
    for checker, fresh in ((tumour_checker, tumours[2]), (mixed_checker, mixed[2])):
        verdict = checker.check(rows_of(fresh))
        assert verdict.status == PASS, [c.why for c in verdict.classes]
        assert verdict.samples.accepted.mean() > 0.85 and verdict.contamination == 0
        assert 0 <= checker.false_reject["any"] < 0.15
        for c in verdict.classes:
            assert c.n_accepted + sum(c.rejected.values()) == c.n_synthetic and c.why
            assert [s.name for s in c.scores] == list(BETTER)
            assert all(s.higher_is_better is BETTER[s.name] for s in c.scores)


def test_every_score_given_has_a_yardstick_that_fresh_rows_come_close_to():
    train, held_out, fresh = parts_of(claims(1500))  # 20 held-out rows of each class are needed
    for c in TableChecker(train, [held_out]).check(rows_of(fresh)).classes:
        for s in c.scores:
            assert s.value is not None and abs(s.value - s.yardstick) < 0.25, s
            assert s.interval is None or s.interval[0] <= s.value <= s.interval[1], s


@pytest.mark.parametrize("kind", ["copies", "noise", "other class", "constant", "shuffled", "turned"])
@pytest.mark.parametrize("table", ["tumours", "mixed"])
def test_bad_sets_fail(kind, table, request):
    train, _, _ = request.getfixturevalue(table)
    checker = request.getfixturevalue("tumour_checker" if table == "tumours" else "mixed_checker")
    fresh = request.getfixturevalue(table)[2]
    label = {"tumours": "benign", "mixed": "no"}[table]
    other = {"tumours": "malignant", "mixed": "yes"}[table]
    rng, mine = np.random.default_rng(0), of_class(fresh, label)
    if kind == "copies":
        mine = of_class(train, label)
    if kind == "other class":
        mine = replace(of_class(fresh, other), y=np.full(len(of_class(fresh, other)), fresh.label_of(label)))
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
    if kind == "constant":
        x = x.iloc[np.zeros(len(x), dtype=int)].reset_index(drop=True)
    if kind == "shuffled":
        x = pd.DataFrame({name: x[name].to_numpy()[rng.permutation(len(x))] for name in x}).astype(x.dtypes)
    if kind == "turned":
        for name in numbers:
            x[name] = (mine.x.schema.column(name).high + mine.x.schema.column(name).low - x[name]).astype(x[name].dtype)
    verdict = checker.check(drawn(x, mine.y, mine.classes))
    scores = {s.name: s for s in verdict.classes[0].scores}
    if (kind, table) == ("shuffled", "mixed"):
        # Few of its columns hang together: in the mean over the pairs that can be chance, in the worst one it cannot.
        assert verdict.status != PASS and scores["worst_pair"].p_value <= 0.05
        assert "insured with plan" in verdict.classes[0].why[0]
    elif (kind, table) == ("other class", "mixed"):
        assert verdict.status != PASS and verdict.classes[0].rejected["label"] > 0
    else:
        assert verdict.status == FAIL, verdict.classes[0].why
    if kind == "shuffled":
        assert scores["marginals"].value > scores["marginals"].yardstick - 0.01
        assert scores["worst_pair"].value < scores["worst_pair"].yardstick


def test_copies_are_caught_and_named(mixed_checker, mixed):
    copies = mixed[0].subset(np.arange(60))
    verdicts = mixed_checker.gate(rows_of(copies))
    assert set(verdicts.reason) == {"dup_exact"} and verdicts.nearest == copies.ids
    # Neither a new id nor another dtype makes a copy a new row.
    other = changed(rows_of(copies), claim_id="new", visits=copies.x.frame["visits"].astype(float))
    assert set(mixed_checker.gate(other).reason) == {"dup_exact"}


def test_near_copies_are_caught_and_blends_are_not(tumour_checker, tumours):
    train, rng = of_class(tumours[0], "malignant"), np.random.default_rng(0)
    noise = rng.normal(size=train.x.frame.shape) * train.x.frame.std().to_numpy() * 0.02
    almost = drawn(
        (train.x.frame + noise).clip(train.x.frame.min(), train.x.frame.max(), axis=1), train.y, train.classes
    )
    verdict = tumour_checker.check(almost)
    assert np.mean([r == "dup_near" for r in verdict.samples.reason]) > 0.95
    assert verdict.samples.nearest == train.ids and verdict.samples.scores["near_duplicate"].max() < 0.36
    assert "copy other rows" in verdict.classes[0].why[0] and verdict.status == FAIL
    # Where the sampler named the parents, they are dropped, but nobody was deceived.
    named = tumour_checker.check(replace(almost, parents=(("1",),) * len(train)))
    assert "copy other rows" not in " ".join(named.classes[0].why) and named.status != PASS
    # A random order would blend one row with itself on average, which makes a copy.
    blends = train.x.frame * 0.6 + train.x.frame.set_axis(np.roll(train.x.frame.index, 1)).sort_index() * 0.4
    assert "dup_near" not in tumour_checker.gate(drawn(blends, train.y, train.classes)).reason


def test_a_single_wrong_column_is_not_hidden_by_the_right_ones(tumour_checker, tumours):
    fresh = of_class(tumours[2], "benign")
    wrong = changed(rows_of(fresh), **{"mean texture": tumours[0].x.frame["mean texture"].median()})
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
        gate = TableGate(data.subset(np.r_[:40, 250:290]))
        fresh = data.subset(np.r_[40:250, 290:500])
        cost.append(gate.measure(fresh.x.frame, fresh.y).flags["dup_near"].mean())
    # 1 % is aimed at, which 40 rows of a class cannot tell exactly: ten such means lie between 1.0 and 2.5 %.
    assert np.mean(cost) < 0.03


def test_reasons_in_words_of_rows_are_those_of_the_gate():
    assert list(ROW_REASONS) == [r for r in REASONS if r in ROW_REASONS]
    assert not any(word in meaning for meaning in ROW_REASONS.values() for word in ("pixel", "image"))


def test_equality_with_held_out_rows_raises_the_alarm(mixed_checker, mixed):
    verdict = mixed_checker.check(rows_of(mixed[1], np.arange(7)))
    assert verdict.contamination == 7 and set(verdict.samples.reason) == {"dup_exact"}


def test_a_few_rows_of_the_test_part_fail_a_set_of_good_ones(mixed_checker, mixed):
    good, leaked = rows_of(mixed[2]), rows_of(mixed[1], np.arange(4))
    assert mixed_checker.check(good).status == PASS
    verdict = mixed_checker.check(Synthetic.concat([good, leaked]))
    assert verdict.status == FAIL and verdict.contamination == 4
    assert {c.status for c in verdict.classes} == {PASS}


def test_a_table_of_few_different_rows_is_not_rejected():
    train, held_out, fresh = (few_levels(400, seed) for seed in range(3))
    checker = TableChecker(train, [held_out])
    verdict = checker.check(rows_of(fresh))
    assert verdict.samples.accepted.mean() > 0.85 and verdict.contamination == 0
    assert verdict.status == PASS, [c.why for c in verdict.classes]
    again = checker.gate(rows_of(fresh), rows_of(fresh).subset(verdict.samples.accepted))
    assert again.accepted.mean() > 0.85
    # Rows that one real row alone has are still nobody else's.
    assert checker.false_reject["dup_exact"] < 0.15
    one = TableChecker(train).check(rows_of(fresh, np.zeros(300, dtype=int)))
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
    synthetic = rows_of(mixed[2])
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
    synthetic = rows_of(mixed[2])
    gate = mixed_checker.gate(changed(synthetic, age=pd.array([pd.NA] * len(synthetic), dtype="Int64")))
    assert "invalid" not in gate.reason
    verdict = mixed_checker.check(changed(synthetic, age=pd.array([pd.NA] * len(synthetic), dtype="Int64")))
    assert verdict.status == FAIL and "age, 0.1" in " ".join(verdict.classes[0].why)


def test_lost_levels_and_spikes_are_named(mixed_checker, mixed):
    fresh = of_class(mixed[2], "no")
    lost = fresh.subset(np.flatnonzero((fresh.x.frame["region"] != "south") & (fresh.x.frame["paid"] > 0)))
    verdict = mixed_checker.check(rows_of(lost))
    score = next(s for s in verdict.classes[0].scores if s.name == "levels")
    assert score.value < 1 and "region = south" in score.note and "paid = 0.0" in score.note
    assert "region = north" not in score.note


def test_changed_dtypes_are_said(mixed_checker, mixed):
    synthetic = rows_of(mixed[2])
    verdict = mixed_checker.check(changed(synthetic, visits=synthetic.x.frame["visits"].astype(float)))
    score = next(s for s in verdict.classes[0].scores if s.name == "dtypes")
    assert score.value == pytest.approx(10 / 11) and "visits" in score.note
    assert verdict.status == REVIEW and "dtype" in verdict.classes[0].why[0]
    assert verdict.samples.reason == mixed_checker.gate(synthetic).reason


def test_distances_tell_rows_that_follow_the_training_rows(tumours):
    train, held_out, fresh = tumours
    checker = TableChecker(train, [held_out])

    def share(data: LabeledData) -> float:
        scores = checker.check(rows_of(of_class(data, "benign"))).classes[0].scores
        return next(s.value for s in scores if s.name == "nearer_to_training")

    assert 0.3 < share(fresh) < 0.7 and share(train) == 1 and share(held_out) == 0


def test_classes_are_matched_by_name(mixed_checker, mixed):
    fresh = mixed[2]
    turned = drawn(fresh.x.frame, 1 - fresh.y, fresh.classes[::-1])
    assert mixed_checker.gate(turned).reason == mixed_checker.gate(rows_of(fresh)).reason
    with pytest.raises(ValueError, match="'yess' is not one of the classes .* mean 'yes'"):
        mixed_checker.check(replace(rows_of(fresh), classes=("no", "yess")))


def test_rounds_are_screened_against_what_was_accepted_before(mixed_checker, mixed):
    first = rows_of(mixed[2])
    kept = first.subset(mixed_checker.gate(first).accepted)
    assert mixed_checker.gate(kept).accepted.all()
    assert set(mixed_checker.gate(kept, kept).reason) == {"dup_exact"}
    twice = Synthetic.concat([kept, kept])
    assert mixed_checker.gate(twice).accepted.tolist() == [True] * len(kept) + [False] * len(kept)


def test_a_row_is_judged_alike_whatever_is_drawn_after_it(mixed_checker, mixed):
    synthetic = rows_of(mixed[2])
    whole, part = mixed_checker.gate(synthetic), mixed_checker.gate(synthetic.subset(np.arange(40)))
    assert whole.reason[:40] == part.reason
    assert all(whole.scores[k][:40] == pytest.approx(v) for k, v in part.scores.items())


@pytest.mark.parametrize("n", [1, 2, 6, 15])
def test_small_classes(n):
    data = claims(600)
    rare = np.flatnonzero(data.y == data.label_of("yes"))
    train = data.subset(np.concatenate([np.flatnonzero(data.y == data.label_of("no"))[:200], rare[:n]]))
    checker = TableChecker(train, [data.subset(rare[40:])])
    verdict = checker.check(rows_of(data, rare[20:40]))
    assert verdict.status == (INSUFFICIENT if n < 10 else verdict.status) or verdict.status == REVIEW
    assert verdict.classes[0].status == INSUFFICIENT if n < 10 else verdict.classes[0].status in (PASS, REVIEW)
    assert set(checker.gate(rows_of(data, rare[:n])).reason) == {"dup_exact"}
    if n < 10:
        assert all(s.value is None and str(n) in s.note for s in verdict.classes[0].scores)
    else:
        noise = rows_of(data, np.flatnonzero(data.y == data.label_of("no"))[200:230])
        other = replace(noise, y=np.full(30, data.label_of("yes")))
        assert checker.check(other).status != PASS


def test_few_positives_do_not_make_the_judge_reject_them():
    data = claims(3000)
    rare = np.flatnonzero(data.y == data.label_of("yes"))
    common = np.flatnonzero(data.y == data.label_of("no"))
    checker = TableChecker(data.subset(np.concatenate([common[:1500], rare[:12]])))
    fresh = checker.gate(rows_of(data, rare[12:]))
    assert np.mean([r == "label" for r in fresh.reason]) < 0.15
    others = checker.gate(replace(rows_of(data, common[1500:]), y=np.full(len(common) - 1500, data.label_of("yes"))))
    assert np.mean([r == "label" for r in others.reason]) > 0.3


def test_wrong_input_is_refused(mixed_checker, mixed):
    train, _, fresh = mixed
    with pytest.raises(ValueError, match="differ in the columns income"):
        mixed_checker.gate(replace(rows_of(fresh), x=replace(fresh.x, frame=fresh.x.frame.drop(columns="income"))))
    with pytest.raises(TypeError, match="rows of a table are wanted"):
        mixed_checker.gate(replace(rows_of(fresh), x=Pixels(torch.zeros(len(fresh), 1, 8, 8, dtype=torch.uint8))))
    with pytest.raises(ValueError, match="nothing to check"):
        mixed_checker.check(rows_of(fresh, np.arange(0)))
    with pytest.raises(ValueError, match=r"\['yes'\] have no real training row"):
        TableChecker(of_class(train, "no")).check(rows_of(fresh))
    with pytest.raises(ValueError, match="no training rows"):
        TableChecker(train.subset([]))
    assert TableChecker(train).false_reject is None


def test_the_same_question_has_the_same_answer_and_survives_a_file(mixed_checker, mixed, tmp_path):
    synthetic = rows_of(mixed[2])
    first, second = mixed_checker.check(synthetic), TableChecker(mixed[0], [mixed[1]]).check(synthetic)
    assert first.classes == second.classes and first.stamp == second.stamp
    save_verdict(first, tmp_path / "verdict.json")
    read = load_verdict(tmp_path / "verdict.json")
    assert (read.status, read.classes, read.thresholds) == (first.status, first.classes, first.thresholds)


def test_tables_of_numbers_or_levels_only_and_whole_column_names():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b"], 60)
    for x in (rng.normal(size=(120, 3)), rng.integers(0, 2, (120, 3)).astype(str), rng.normal(size=(120, 1))):
        data = from_frame(pd.DataFrame(x).assign(y=y), "y")
        order = rng.permutation(120)
        verdict = TableChecker(data.subset(order[:70])).check(rows_of(data, order[70:]))
        assert verdict.samples.accepted.mean() > 0.7 and verdict.status in (PASS, REVIEW)


def test_rows_made_from_held_out_ones_fail_a_set(mixed_checker, mixed):
    train, held_out, fresh = mixed
    synthetic = rows_of(fresh)
    leaked = replace(synthetic, parents=((held_out.ids[0],), *synthetic.parents[1:]))
    verdict = mixed_checker.check(leaked)
    assert verdict.samples.reason[0] == "held_out_parent" and verdict.contamination == 1 and verdict.status == FAIL


def test_of_more_good_rows_than_wanted_those_that_differ_most_are_kept(mixed_checker, mixed):
    fresh = rows_of(mixed[2])
    free, bound = mixed_checker.check(fresh), mixed_checker.check(fresh, {"no": 20, "yes": 1000})
    label = np.array(fresh.classes)[fresh.y]
    spare = np.array(bound.samples.reason) == "quota"
    assert bound.samples.accepted[label == "no"].sum() == 20 and not spare[label == "yes"].any()
    assert np.array_equal(bound.samples.accepted | spare, free.samples.accepted)
    assert [c.status for c in bound.classes] == [c.status for c in free.classes], "how many are kept is no fault"


def test_accepted_rows_in_which_the_judge_sees_another_class_are_worth_a_look(mixed_checker, mixed):
    fresh = rows_of(mixed[2])
    verdict = mixed_checker.check(fresh)
    asked = np.array(verdict.samples.review) == "label"
    assert 0 < asked.sum() < len(fresh) / 4 and verdict.samples.accepted[asked].all()
    assert sum(c.n_review for c in verdict.classes) == asked.sum()
