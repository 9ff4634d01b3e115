"""Tests of gensynth.fidelity.class_verdict."""

from dataclasses import replace

import pytest

from gensynth.fidelity.class_verdict import Evidence, judge_class
from gensynth.fidelity.set_scores import LIMITS
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REVIEW, Score

GOOD = {
    "kid": Score("kid", 0.5, False, apart=25.0),
    "density": Score("density", 1.0, True, 1.0, (0.9, 1.1)),
    "coverage": Score("coverage", 1.0, True),
    "diversity": Score("diversity", 1.0, None),
    "vendi_ratio": Score("vendi_ratio", 1.0, None),
    "label_agreement": Score("label_agreement", 0.95, True, 0.97, (0.9, 0.98)),
    "copying": Score("copying", 0.8, False, 0.5),
    "copies": Score("copies", 0.0, False, 0.01, (0.0, 0.04)),
}
P_VALUES = {"kid": 0.2, "nn_accuracy": 1e-4, "copying": 0.4}
EVIDENCE = Evidence("image", 300, 100, 98, 2, GOOD, LIMITS, P_VALUES, None)


def judged(**changes):
    return judge_class(replace(EVIDENCE, **changes))


def with_score(name: str, value: float, **more):
    return {"scores": GOOD | {name: replace(GOOD[name], value=value, **more)}}


COPIES = with_score("copies", 1.0, interval=(0.96, 1.0))


def test_no_objection_passes_and_a_test_that_only_tells_apart_is_none():
    status, why = judged()
    assert status == PASS and why == ("No score raises an objection; 98 of 100 samples passed the gate.",)


def test_under_ten_of_either_nothing_is_said():
    assert judged(n_real=9)[0] == judged(n=9)[0] == INSUFFICIENT
    assert "9 real and 100 synthetic images are too few" in judged(n_real=9, **COPIES)[1][0]


@pytest.mark.parametrize(
    "changes",
    [
        with_score("copies", 0.1, interval=(0.055, 0.17)),
        with_score("label_agreement", 0.49, interval=(0.4, 0.6)),
        with_score("coverage", 0.49),
        with_score("diversity", 0.3),
        with_score("vendi_ratio", 0.4),
        with_score("density", 0.3, interval=(0.1, 0.49)),
    ],
    ids=["copies", "label", "coverage", "diversity", "vendi", "density"],
)
def test_what_fails_a_class(changes):
    status, why = judged(**changes)
    assert status == FAIL and len(why) == 1


def test_a_significant_difference_counts_only_if_it_is_large():
    assert judged(p_values={"kid": 1e-4})[0] == PASS
    status, why = judged(p_values={"kid": 1e-4}, **with_score("kid", 0.5, apart=0.5 / 0.3))
    assert status == REVIEW and "30% of that to the nearest other class (p = 0.0001" in why[0]
    assert judged(p_values={"kid": 1e-4}, **with_score("kid", 0.5, apart=None))[0] == REVIEW
    assert judged(p_values={"kid": 0.02}, **with_score("kid", 0.5, apart=0.6))[0] == PASS


def test_copying_that_no_single_image_shows_is_to_be_reviewed():
    status, why = judged(p_values={"copying": 1e-3})
    assert status == REVIEW and "in 80% of all pairs" in why[0]
    assert judged(p_values={"copying": 1e-3}, **with_score("copying", 0.55))[0] == PASS, "that is little"


def test_copies_count_beyond_those_that_genuine_examples_have_and_a_few_of_few_are_to_be_reviewed():
    assert judged(**with_score("copies", 0.06, interval=(0.02, 0.12)))[0] == REVIEW
    assert judged(**with_score("copies", 0.2, interval=(0.14, 0.3), yardstick=0.18))[0] == PASS
    assert judged(**with_score("copies", 0.2, interval=(0.14, 0.3), yardstick=0.05))[0] == FAIL


def test_many_samples_of_another_class_are_to_be_reviewed_though_the_gate_caught_them():
    status, why = judged(faulty=25, passed=75)
    assert status == REVIEW and why == ("25 of 100 samples do not look like the class and were rejected.",)
    assert judged(faulty=15, passed=85)[0] == judged(n=20, passed=15, faulty=5)[0] == PASS


def test_half_rejected_is_to_be_reviewed():
    assert judged(passed=49)[0] == REVIEW


def test_weak_signs_are_a_note_with_many_images_and_a_review_with_few():
    weak = with_score("coverage", 0.7, usual=(0.9, 1.1))
    assert judged(**with_score("coverage", 0.7, usual=(0.6, 1.3)))[1] == judged()[1]
    assert judged(**weak)[0] == PASS and "70%" in judged(**weak)[1][0]
    status, why = judged(n_real=20, **weak)
    assert status == REVIEW and "With 20 real images a person should look." in why[0]


def test_with_few_images_it_says_what_would_have_been_missed():
    status, why = judged(n_real=20, detectable=0.43)
    assert status == PASS and "a shift of all features by 0.43 standard deviations" in why[-1]
    assert "not even a large difference" in judged(n_real=20, detectable=float("inf"))[1][-1]
    assert judged(n_real=20, detectable=0.43, **COPIES)[1][-1].startswith("100% of the samples copy")


def test_samples_that_the_judge_doubts_more_than_real_ones_are_to_be_reviewed():
    status, why = judged(**with_score("label_agreement", 0.75, interval=(0.66, 0.82)))
    assert status == REVIEW
    assert why == ("The judge sees the wanted class in 75% of the samples, and in 97% of real images.",)


def test_where_real_images_are_hard_to_tell_apart_samples_may_be_too():
    hard = with_score("label_agreement", 0.4, yardstick=0.45, interval=(0.31, 0.5))
    assert judged(n_real=20, **hard)[0] == PASS
