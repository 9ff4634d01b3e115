"""Nothing leaks from one part into another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensynth.data.labeled import LabeledData
from gensynth.data.split import keep_only, split
from gensynth.kinds.image.arrays import from_arrays


def make(**counts: int) -> LabeledData:
    """Data in which the images of a class do not depend on the other classes."""
    x = [np.random.default_rng([*name.encode()]).integers(0, 256, (n, 8, 8), np.uint8) for name, n in counts.items()]
    return from_arrays(np.concatenate(x), np.repeat(list(counts), list(counts.values())))


def contents(data: LabeledData) -> set[bytes]:
    return set(data.x.hashes())


def test_fractions_by_class() -> None:
    parts = split(make(a=100, b=40, c=9, d=2, e=1), 0.25, 0.1, 0)
    assert parts.train.class_counts == {"a": 65, "b": 26, "c": 7, "d": 1, "e": 1}
    assert parts.validation.class_counts == {"a": 10, "b": 4, "c": 0, "d": 0, "e": 0}
    assert parts.test.class_counts == {"a": 25, "b": 10, "c": 2, "d": 1, "e": 0}
    assert parts.train.notes == ()


def test_same_seed_same_split_whatever_the_other_classes() -> None:
    a, b, other = (split(data, 0.25, 0.1, 3) for data in (make(a=30, b=20), make(a=30, b=20), make(a=30, c=5)))
    assert a.test.ids == b.test.ids
    of_a = [contents(p.test.subset(p.test.y == p.test.label_of("a"))) for p in (a, other)]
    assert of_a[0] == of_a[1]
    assert split(make(a=30, b=20), 0.25, 0.1, 4).test.ids != a.test.ids


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=3, max_size=60),
    test=st.floats(0.05, 0.6),
    validation=st.floats(0.05, 0.35),
    seed=st.integers(0, 2**40),
)
def test_nothing_leaks_however_many_copies(
    rows: list[tuple[int, int]], test: float, validation: float, seed: int
) -> None:
    content, label = np.array(rows).T
    images = np.random.default_rng(0).integers(0, 256, (13, 8, 8), np.uint8)
    data = from_arrays(images[content], label, "abc")
    try:
        parts = split(data, test, validation, seed)
    except ValueError as error:
        assert "exact copies" in str(error)
        return
    three = (parts.train, parts.validation, parts.test)
    assert sorted(int(i) for part in three for i in part.ids) == list(range(len(data)))
    assert sum(len(contents(part)) for part in three) == len(contents(data))
    for name, n in data.class_counts.items():
        assert n == 0 or parts.train.class_counts[name] >= 1
        assert n < 2 or parts.test.class_counts[name] >= 1
        assert n >= 10 or parts.validation.class_counts[name] == 0 or len(contents(data)) < len(data)


@settings(max_examples=40, deadline=None)
@given(copies=st.lists(st.integers(1, 9), min_size=2, max_size=8), seed=st.integers(0, 99))
def test_a_class_of_two_different_images_can_always_be_split(copies: list[int], seed: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (len(copies), 8, 8), np.uint8)
    data = from_arrays(np.repeat(images, copies, axis=0), np.zeros(sum(copies), np.int64))
    parts = split(data, 0.1, 0.5, seed)
    assert len(parts.train) and len(parts.test)


def test_copies_are_noted_and_hopeless_classes_refused() -> None:
    data = make(a=20, b=20)
    parts = split(data.subset([*range(40), 0, 0, 25]), 0.25, 0.1, 0)
    assert parts.test.notes == ("3 images are exact copies of others; copies were kept in the same part.",)
    with pytest.raises(ValueError, match="class 'b' would have no"):
        split(data.subset([*range(20), 20, 20, 20]), 0.25, 0.1, 0)


def test_own_test_part() -> None:
    data, test = make(a=20, b=20, c=20), make(c=12, a=3)
    parts = split(data, 0.25, 0.1, 0, test)
    # The images of the test part are the first ones of their class, so they leave the training part.
    assert parts.train.class_counts == {"a": 15, "b": 18, "c": 6}
    assert parts.test.class_counts == {"a": 3, "b": 0, "c": 12} and parts.test.classes == data.classes
    assert not contents(parts.test) & (contents(parts.train) | contents(parts.validation))
    absent, left_out = parts.train.notes
    assert absent == "The test data have no images of 'b'." and "15 images were left out" in left_out
    with pytest.raises(ValueError, match="'d' is not one of the classes"):
        split(data, 0.25, 0.1, 0, make(a=3, d=3))
    with pytest.raises(ValueError, match="no training image"):
        split(data, 0.25, 0.1, 0, data)


def test_keep_cuts_one_class_and_grows_with_n() -> None:
    data = make(a=20, b=20)
    few, more = keep_only(data, {"a": 3}, 0), keep_only(data, {"a": 9}, 0)
    assert few.class_counts == {"a": 3, "b": 20} and set(few.ids) < set(more.ids)
    with pytest.raises(ValueError, match="21 images of class 'a'"):
        keep_only(data, {"a": 21}, 0)
    with pytest.raises(ValueError, match="'A' is not one of"):
        keep_only(data, {"A": 2}, 0)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 40)), min_size=6, max_size=60),
    test=st.floats(0.05, 0.6),
    validation=st.floats(0.05, 0.35),
    seed=st.integers(0, 2**40),
)
def test_a_group_stays_in_one_part(rows: list[tuple[int, int, int]], test: float, validation: float, seed: int) -> None:
    group, label, content = np.array(rows).T
    images = np.random.default_rng(0).integers(0, 256, (41, 8, 8), np.uint8)
    data = from_arrays(images[content], label, "abc")
    try:
        parts = split(data, test, validation, seed, groups=group)
    except ValueError as error:
        assert "group(s), which must not be divided" in str(error)
        return
    places = [{int(group[int(i)]) for i in part.ids} for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, places)) == len(set(group))
    three = (parts.train, parts.validation, parts.test)
    assert sum(len(contents(part)) for part in three) == len(contents(data))
    for name, n in data.class_counts.items():
        assert n == 0 or parts.train.class_counts[name] >= 1
        assert n < 2 or parts.test.class_counts[name] >= 1


def test_groups_of_one_leave_the_split_as_it_is_and_the_rarest_class_gets_its_share() -> None:
    data = make(a=60, b=20)
    alone = split(data, 0.25, 0.1, 3, groups=np.arange(80))
    plain = split(data, 0.25, 0.1, 3)
    assert alone.test.ids == plain.test.ids and alone.train.ids == plain.train.ids
    # Four patients with images of both classes: one of them is the test part of both.
    patients = np.array(["w", "x", "y", "z"])[np.arange(80) % 4]
    parts = split(data, 0.25, 0.1, 3, groups=patients)
    assert parts.test.class_counts == {"a": 15, "b": 5}
    assert "Each of 4 groups of images was kept in one part." in parts.train.notes


def test_images_of_a_group_of_the_test_part_are_left_out() -> None:
    data = make(a=20, b=20)
    other = from_arrays(np.random.default_rng(1).integers(0, 256, (2, 8, 8), np.uint8), np.array(["a", "b"]))
    groups = np.arange(40) // 4  # ten groups of four
    parts = split(data, 0.25, 0.1, 0, other, groups=groups, test_groups=[0, 7])
    kept = {int(groups[int(i)]) for part in (parts.train, parts.validation) for i in part.ids}
    assert kept == set(range(10)) - {0, 7}
    assert "8 images were left out because they are exact copies of test images or of a group with one." in (
        parts.train.notes
    )
    # A copy of a test image takes its whole group with it.
    parts = split(data, 0.25, 0.1, 0, data.subset([5, 30]), groups=groups)
    kept = {int(groups[int(i)]) for part in (parts.train, parts.validation) for i in part.ids}
    assert kept == set(range(10)) - {1, 7}
    with pytest.raises(ValueError, match="groups need one entry per image"):
        split(data, 0.25, 0.1, 0, groups=groups[1:])
    with pytest.raises(ValueError, match=r"class 'a' would have no training image: its 20 images are in 1 group\(s\)"):
        split(data, 0.25, 0.1, 0, groups=np.repeat(["p", "q"], 20))
