"""Tests of gensynth.fidelity.checker: what holds for examples of every kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checked import digit_parts, drawn, of_class, samples_of
from made_reviews import reviews
from plane import PlaneSpace, Points, plane
from real_tables import claims, parts_of

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REASONS, REVIEW, load_verdict, save_verdict
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.table.rows import Rows
from gensynth.kinds.text.documents import Documents, array_of
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Case:
    """One kind of data.

    Attributes:
        train: Training part.
        held_out: Held-out part.
        fresh: Real examples as good samples.
        label: A class that is large.
        nudged: Changes examples so little that they are near copies.
        fitted: Makes a checker.
        checker: Fitted on these parts.
    """

    train: LabeledData
    held_out: LabeledData
    fresh: LabeledData
    label: str
    nudged: Callable[[LabeledData], LabeledData]
    fitted: Callable[..., FidelityChecker]
    checker: FidelityChecker

    @property
    def samples(self) -> Synthetic:
        return samples_of(self.fresh)


def nudged_images(data: LabeledData) -> LabeledData:
    x = data.x[:].clone()
    x[:, 0, 3, 3] ^= 3
    return replace(data, x=Pixels(x))


def nudged_rows(data: LabeledData) -> LabeledData:
    assert isinstance(data.x, Rows)
    frame = data.x.frame
    return replace(data, x=replace(data.x, frame=frame.assign(income=frame["income"] * 1.0001)))


def nudged_points(data: LabeledData) -> LabeledData:
    return replace(data, x=Points(data.x[:] + 1e-5))


def nudged_documents(data: LabeledData) -> LabeledData:
    return replace(data, x=Documents(array_of([f"Well, {text} So it was." for text in data.x[:]])))


def in_the_plane(train: LabeledData, held_out: Sequence[LabeledData] = ()) -> FidelityChecker:
    return FidelityChecker(train, held_out, space=PlaneSpace(train))


@pytest.fixture(scope="module", params=["image", "table", "text", "plane"])
def case(request: pytest.FixtureRequest) -> Case:
    torch.set_num_threads(1)
    fitted: Callable[..., FidelityChecker] = FidelityChecker
    if request.param == "image":
        parts, label, nudged = digit_parts(80, 80, 60), "d0", nudged_images
    elif request.param == "table":
        parts, label, nudged = parts_of(claims()), "no", nudged_rows
    elif request.param == "text":
        parts, label, nudged = tuple(map(reviews, range(3))), "plain", nudged_documents
    else:
        parts, label, nudged, fitted = tuple(map(plane, range(3))), "low", nudged_points, in_the_plane
    return Case(*parts, label, nudged, fitted, fitted(parts[0], [parts[1]]))


def test_fresh_real_examples_pass(case: Case) -> None:
    verdict = case.checker.check(case.samples)
    assert verdict.status == PASS, [c.why for c in verdict.classes]
    assert verdict.samples.accepted.mean() > 0.85 and verdict.contamination == 0
    for c in verdict.classes:
        assert c.n_accepted + sum(c.rejected.values()) == c.n_synthetic and c.why
        assert {"copying", "label_agreement", "copies"} <= {s.name for s in c.scores}
        assert all(s.interval is None or s.interval[0] <= s.value <= s.interval[1] for s in c.scores)


def test_it_says_what_it_costs_real_examples(case: Case) -> None:
    cost = case.checker.check(case.samples).false_reject
    assert cost is not None and [*cost] == [r for r in REASONS if r not in ("held_out_parent", "quota")] + ["any"]
    assert 0 <= max(cost.values()) == cost["any"] < 0.15
    assert case.fitted(case.train).check(case.samples).false_reject is None


@pytest.mark.parametrize("fault", ["copies", "other class", "collapsed"])
def test_bad_sets_fail(case: Case, fault: str) -> None:
    train, fresh = of_class(case.train, case.label, 50), of_class(case.fresh, case.label, 50)
    other = of_class(case.fresh, next(name for name in case.train.classes if name != case.label), 50)
    bad = {
        "copies": train,
        "other class": replace(other, y=np.full(len(other), case.train.label_of(case.label))),
        "collapsed": fresh.subset(np.zeros(50, dtype=int)),
    }[fault]
    verdict = case.checker.check(samples_of(bad))
    # The other class of the table differs from the first one in few columns.
    assert verdict.status == FAIL or (fault == "other class" and case.train.kind == "table" and verdict.status != PASS)
    assert fault == "other class" or not verdict.samples.accepted[1:].any()


def test_exact_copies_are_named(case: Case) -> None:
    copies = case.train.subset(np.arange(40))
    samples = case.checker.gate(samples_of(copies))
    assert set(samples.reason) == {"dup_exact"} and samples.nearest == copies.ids


def test_near_copies_fail_unless_the_sampler_named_the_parents(case: Case) -> None:
    real = of_class(case.train, case.label, 60)
    near = case.nudged(real)
    silent, named, lied = (
        case.checker.check(drawn(near.x, near.y, near.classes, parents))
        for parents in (None, real.ids, [of_class(case.train, case.label).ids[-1]] * 60)
    )
    for verdict, reason in ((silent, "dup_near"), (lied, "dup_near"), (named, "dup_parent")):
        assert np.mean([r == reason for r in verdict.samples.reason]) > 0.9
    assert "of the samples copy other" in silent.classes[0].why[0] and silent.status == lied.status == FAIL
    assert "copy other" not in " ".join(named.classes[0].why) and named.status != PASS


def test_repeats_among_samples_are_kept_once(case: Case) -> None:
    good = np.flatnonzero(case.checker.gate(case.samples).accepted)[:5]
    some = case.fresh.subset(good)
    repeated = Synthetic.concat([samples_of(data) for data in (some, some, case.nudged(some))])
    samples = case.checker.gate(repeated)
    assert samples.reason == ("",) * 5 + ("dup_exact",) * 5 + ("dup_near",) * 5


def test_held_out_examples_among_good_ones_and_what_is_made_from_them_raise_the_alarm(case: Case) -> None:
    equal = Synthetic.concat([samples_of(case.held_out, np.arange(2)), case.samples])
    leaked = replace(case.samples, parents=((case.held_out.ids[0],), *case.samples.parents[1:]))
    for samples, reason, n in ((equal, "dup_exact", 2), (leaked, "held_out_parent", 1)):
        verdict = case.checker.check(samples)
        assert set(verdict.samples.reason[:n]) == {reason} and verdict.contamination == n
        assert verdict.status == FAIL and {c.status for c in verdict.classes} == {PASS}


def test_of_more_good_samples_than_wanted_those_that_differ_most_are_kept(case: Case) -> None:
    free, bound = case.checker.check(case.samples), case.checker.check(case.samples, {case.label: 20})
    mine = case.fresh.y == case.fresh.label_of(case.label)
    spare = np.array(bound.samples.reason) == "quota"
    assert bound.samples.accepted[mine].sum() == 20 and not bound.samples.accepted[~mine].any()
    assert np.array_equal(bound.samples.accepted | spare, free.samples.accepted)
    assert [c.status for c in bound.classes] == [c.status for c in free.classes], "how many are kept is no fault"
    assert sum(c.rejected.get("quota", 0) for c in bound.classes) == spare.sum()


def test_doubtful_samples_are_accepted_and_flagged(case: Case) -> None:
    verdict = case.checker.check(case.samples)
    flagged = np.array([r != "" for r in verdict.samples.review])
    assert 0 < flagged.sum() < len(flagged) / 4 and verdict.samples.accepted[flagged].all()
    assert sum(c.n_review for c in verdict.classes) == flagged.sum()


def test_classes_are_matched_by_name(case: Case) -> None:
    turned = drawn(case.fresh.x, len(case.fresh.classes) - 1 - case.fresh.y, case.fresh.classes[::-1])
    assert case.checker.gate(turned).reason == case.checker.gate(case.samples).reason
    classes = (*case.fresh.classes[:-1], case.fresh.classes[-1] + "s")
    with pytest.raises(ValueError, match=f"is not one of the classes .* mean '{case.fresh.classes[-1]}'"):
        case.checker.check(replace(case.samples, classes=classes))


def test_of_too_few_real_examples_nothing_is_said(case: Case) -> None:
    few = of_class(case.train, case.label, 6)
    rest = case.train.subset(np.flatnonzero(case.train.y != case.train.label_of(case.label)))
    train = replace(rest, x=rest.x.join([few.x]), y=np.r_[rest.y, few.y], ids=(*rest.ids, *few.ids))
    verdict = case.fitted(train).check(samples_of(of_class(case.fresh, case.label, 50)))
    assert verdict.classes[0].status == INSUFFICIENT and verdict.status == REVIEW
    assert verdict.classes[0].why[0].startswith(f"6 real and 50 synthetic {case.train.noun}s are too few")
    given = {s.name for s in verdict.classes[0].scores if s.value is not None}
    assert given <= {"label_agreement", "copies", "copying"}


def test_wrong_input_is_refused(case: Case) -> None:
    with pytest.raises(ValueError, match="nothing to check"):
        case.checker.check(samples_of(case.fresh, np.arange(0)))
    without = case.train.subset(np.flatnonzero(case.train.y != case.train.label_of(case.label)))
    with pytest.raises(ValueError, match=rf"\['{case.label}'\] have no real training {case.train.noun}"):
        case.fitted(without).check(case.samples)
    x = Pixels(torch.zeros(len(case.fresh), 1, 8, 8, dtype=torch.uint8))
    if case.train.kind == "image":
        x = claims(len(case.fresh)).x
    with pytest.raises(TypeError, match="cannot be compared with training data of kind"):
        case.checker.check(replace(case.samples, x=x))
    with pytest.raises(TypeError, match="give real and synthetic data of one kind"):
        case.fitted(case.train, [replace(case.fresh, x=x)])


def test_the_same_question_has_the_same_answer_and_survives_a_file(case: Case, tmp_path: Path) -> None:
    first, second = case.checker.check(case.samples), case.fitted(case.train, [case.held_out]).check(case.samples)
    assert first.classes == second.classes and first.stamp == second.stamp
    path = tmp_path / "verdict.json"
    save_verdict(first, path)
    read = load_verdict(path)
    assert [p.name for p in tmp_path.iterdir()] == ["verdict.json"]
    assert (read.status, read.classes, read.false_reject) == (first.status, first.classes, first.false_reject)
    assert (read.thresholds, read.stamp, read.contamination) == (first.thresholds, first.stamp, 0)
    assert (read.samples.reason, read.samples.review) == (first.samples.reason, first.samples.review)
    assert read.samples.nearest == first.samples.nearest
    assert np.array_equal(read.samples.accepted, first.samples.accepted)
    assert all(np.array_equal(read.samples.scores[k], v, equal_nan=True) for k, v in first.samples.scores.items())


def test_a_file_that_is_no_verdict_is_refused(tmp_path: Path, case: Case) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ValueError, match="is not a verdict"):
        load_verdict(tmp_path / "x.json")
    with pytest.raises(FileNotFoundError, match="create it first"):
        save_verdict(case.checker.check(samples_of(case.fresh, np.arange(2))), tmp_path / "no" / "x.json")
