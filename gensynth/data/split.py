"""Split first: training, validation and test part, by class, with exact copies and groups kept together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from gensynth.data.labeled import LabeledData, label_of
from gensynth.data.words import counted

TRAIN, VALIDATION, TEST, FREE = 0, 1, 2, 3
FEWEST_FOR_VALIDATION = 10
SPLIT_SETTINGS = ("keep", "test_data", "test", "validation", "split_seed", "group")
"""Settings that change which examples are in the training part, and nothing else."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The three parts of a data set; no image or row is in two of them, and all have the same classes.

    Attributes:
        train: What generators, judges and thresholds are fitted on.
        validation: What they are tuned on; holds no example of a class with fewer than 10.
        test: What the final answer is measured on; real examples only.
    """

    train: LabeledData
    validation: LabeledData
    test: LabeledData

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the fingerprints of all parts: equal data, equal fingerprint."""
        digest = hashlib.sha256()
        for part in self.by_name.values():
            digest.update(part.fingerprint.encode())
        return digest.hexdigest()

    @property
    def by_name(self) -> dict[str, LabeledData]:
        """The parts by their names."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True)
class SplitConfig:
    """How real data are split; a kind of data adds how they are read."""

    noun: ClassVar[str] = "example"
    """What one example is called in messages."""
    paths: ClassVar[tuple[str, ...]] = ("test_data",)
    """Settings that may be paths."""

    keep: dict[str | int, int] | None = None
    """Cuts the training part of a class to this many examples, to imitate a rare class: {NAME: N}."""
    test_data: str | None = None
    """A second source whose examples are the test part. By default a part of the first one."""
    test: float = 0.25
    """Share of each class that is held out for the test, between 0 and 1."""
    validation: float = 0.1
    """Share of each class that is held out for tuning, and to measure what the checks cost real examples, between 0
    and 1."""
    split_seed: int = 0
    """Seed of the split: the same seed gives the same parts."""
    group: str | None = None
    """Column, or array, that says what an example belongs to (a patient, a device): a group stays in one part and one
    fold, and is resampled as a whole. No row learns from it, and new ones have no value there."""

    def __post_init__(self) -> None:
        if not (0 < self.test < 1 and 0 < self.validation < 1 and self.test + self.validation < 1):
            raise ValueError(
                "test and validation must lie between 0 and 1 and add up to less than 1, got "
                f"{self.test} and {self.validation}."
            )
        for name, n in (self.keep or {}).items():
            if not isinstance(n, int) or n < 1:
                raise ValueError(f"keep must be at least 1 {self.noun} per class, got {n!r} for {name!r}.")
        if self.split_seed < 0:
            raise ValueError(f"split_seed must not be negative, got {self.split_seed}.")


def split_as(config: SplitConfig, data: LabeledData, test_part: LabeledData | None = None) -> Parts:
    """Split as settings say, and cut the training part; their groups are those of the data.

    Raises:
        ValueError: as `split` and `keep_only`.
    """
    theirs = None if test_part is None else test_part.groups
    parts = split(data, config.test, config.validation, config.split_seed, test_part, data.groups, theirs)
    keep = {str(name): n for name, n in (config.keep or {}).items()}
    return replace(parts, train=keep_only(parts.train, keep, config.split_seed))


def split(
    data: LabeledData,
    test: float,
    validation: float,
    seed: int,
    test_part: LabeledData | None = None,
    groups: Sequence[str] | np.ndarray | None = None,
    test_groups: Sequence[str] | np.ndarray | None = None,
) -> Parts:
    """Split by class, at random.

    Each class is shuffled by a stream of its own (seed and class name), in the order of its contents
    (`Examples.origins`), so that other classes, file names and the size that networks see change nothing. Exact copies,
    also those with another label, go to the same part; with many copies the fractions are approximate. Rows of a table
    that has more rows than its columns could tell apart are no copies.

    Args:
        data: All images, or rows of a table.
        test: Share of each class for the test part, in (0, 1): at least 1 image of a class of 2 or more.
        validation: Share for the validation part, in (0, 1); none of a class with fewer than 10 images.
        seed: Non-negative int.
        test_part: Images or rows to test on instead. Their classes are matched by name, `test` is not used, and
            those of `data` with the same pixels or values as one of them are left out.
        groups: What each example belongs to, such as a patient or a device, shape (n,): a group stays in one part,
            which makes the shares approximate. The rarest class is then split first; other classes change the rest.
        test_groups: The same of `test_part`; examples of `data` of one of these groups are left out.

    Raises:
        ValueError: if a class would have no training or test image, `test_part` has an unknown class, or groups are
            not one per example.
    """
    hashes, units, notes = _kept_together(data, groups)
    contents, unit = np.unique(np.array(units), return_inverse=True)
    taken = np.full(len(contents), FREE)
    if test_part is not None:
        test_part = _same_classes(test_part, data)
        taken[unit[_in_test(hashes, test_part, groups, test_groups)]] = TEST
        notes += _test_notes(test_part, int((taken[unit] == TEST).sum()), groups is not None)
    # By name, not by label: where copies have two labels, the first name decides.
    order = sorted(range(len(data.classes)), key=lambda label: data.classes[label])
    if groups is not None:
        order.sort(key=lambda label: len(np.unique(unit[data.y == label])))
    for label in order:
        own = np.bincount(unit[data.y == label], minlength=len(contents))
        n = int(own.sum())
        n_test = 0 if test_part is not None or n < 2 else min(max(1, round(n * test)), n - 1)
        n_validation = 0 if n < FEWEST_FOR_VALIDATION else min(max(1, round(n * validation)), n - n_test - 1)
        _assign(own, taken, n_test, n_validation, _stream(seed, data.classes[label]))
        _check(data.classes[label], data.noun, own, taken, n_test > 0, groups is not None)
    part = taken[unit]
    data = replace(data, notes=tuple(notes))
    return Parts(
        train=data.subset(np.flatnonzero(part == TRAIN)),
        validation=data.subset(np.flatnonzero(part == VALIDATION)),
        test=data.subset(np.flatnonzero(part == TEST)) if test_part is None else test_part,
    )


def _kept_together(
    data: LabeledData, groups: Sequence[str] | np.ndarray | None
) -> tuple[tuple[bytes, ...], tuple[bytes, ...], list[str]]:
    """Return the content of each example, what it has to stay together with, and all notes on the data."""
    hashes, notes, noun = data.x.origins(), list(data.notes), data.noun
    if data.x.equal_by_chance():
        hashes = tuple(content + at.to_bytes(8) for at, content in enumerate(hashes))
    if copies := len(hashes) - len(set(hashes)):
        equal = counted(copies, f"{noun} is an exact copy", f"{noun}s are exact copies")
        notes.append(f"{equal} of others; copies were kept in the same part.")
    if groups is None:
        return hashes, hashes, notes
    if len(groups) != len(data):
        raise ValueError(f"groups need one entry per {noun} ({len(data)}), got {len(groups)}.")
    notes.append(f"Each of {len(set(groups))} groups of {noun}s was kept in one part.")
    return hashes, units_of(hashes, groups), notes


def _in_test(
    hashes: Sequence[bytes],
    test_part: LabeledData,
    groups: Sequence[str] | np.ndarray | None,
    test_groups: Sequence[str] | np.ndarray | None,
) -> list[bool]:
    """Return which examples are copies of test examples, or of a group with one."""
    known, theirs = set(test_part.x.origins()), set(() if test_groups is None else test_groups)
    same = [h in known for h in hashes]
    if groups is None:
        return same
    return [copy or group in theirs for copy, group in zip(same, groups, strict=True)]


def _test_notes(test_part: LabeledData, left_out: int, grouped: bool) -> list[str]:
    """Return sentences on classes that the test part lacks, and on examples that are left out because of it."""
    noun, notes = test_part.noun, []
    if absent := [name for name, n in test_part.class_counts.items() if not n]:
        notes.append(f"The test data have no {noun}s of {', '.join(map(repr, absent))}.")
    if left_out:
        why = f"are exact copies of test {noun}s" + (" or of a group with one" if grouped else "")
        notes.append(f"{left_out} {noun}s were left out because they {why}.")
    return notes


def keep_only(train: LabeledData, keep: dict[str, int], seed: int) -> LabeledData:
    """Cut classes to a number of images, drawn at random; a smaller number keeps a subset of a larger one's.

    Raises:
        ValueError: if a class does not exist or has fewer images than that.
    """
    chosen = np.ones(len(train), dtype=bool)
    notes = []
    for name, n in keep.items():
        rows = np.flatnonzero(train.y == label_of(name, train.classes))
        if n > len(rows):
            raise ValueError(
                f"keep asks for {counted(n, train.noun)} of class {name!r}, its training part has {len(rows)}."
            )
        chosen[_stream(seed, name).permutation(rows)[n:]] = False
        notes.append(
            f"The training part of class {name!r} was cut from {len(rows)} to {counted(n, train.noun)} on request."
        )
    return replace(train.subset(chosen), notes=train.notes + tuple(notes))


def units_of(hashes: Sequence[bytes], groups: Sequence[str] | np.ndarray) -> tuple[bytes, ...]:
    """Name what has to stay together, by groups and by copies across groups, after the first of its contents."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    content = np.unique(np.array(hashes), return_inverse=True)[1]
    group = np.unique(np.array(groups), return_inverse=True)[1] + content.max() + 1
    size = int(group.max()) + 1
    unit = connected_components(coo_array((np.ones(len(group)), (content, group)), (size, size)))[1][content]
    first: dict[int, bytes] = {}
    for u, h in zip(unit.tolist(), hashes, strict=True):
        first[u] = min(h, first.get(u, h))
    return tuple(first[u] for u in unit.tolist())


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *hashlib.sha256(name.encode()).digest()])


def _assign(own: np.ndarray, taken: np.ndarray, n_test: int, n_validation: int, rng: np.random.Generator) -> None:
    """Give the contents of one class that have no part yet one.

    Args:
        own: How many examples of the class have each content, int64, shape (k,).
        taken: The part of each content, or `FREE`, int64, shape (k,); written into.
        n_test: Examples for the test part.
        n_validation: Examples for the validation part.
        rng: Says in which order contents are taken.
    """
    room = {TEST: n_test, VALIDATION: n_validation}
    spare = int(own.sum()) - 1  # one image stays for training
    for part in room:
        before = int(own[taken == part].sum())
        room[part] -= before
        spare -= before
    free = np.flatnonzero((own > 0) & (taken == FREE))
    free = free[rng.permutation(len(free))]
    taken[free] = TRAIN
    if room[TEST] == n_test > 0 and len(free) and own[free].min() > n_test:
        # Copies fill more than the test part's share: the smallest group is nearest to it.
        smallest = free[own[free].argmin()]
        taken[smallest] = TEST
        spare -= int(own[smallest])
        free = free[free != smallest]
    for content, n in zip(free.tolist(), own[free].tolist(), strict=True):
        part = TEST if n <= room[TEST] else VALIDATION
        if n <= room[part] and n <= spare:
            taken[content] = part
            room[part] -= n
            spare -= n
            if not spare or not any(room.values()):
                break  # all others, of a million most, are left for training


def _check(name: str, noun: str, own: np.ndarray, taken: np.ndarray, needs_test: bool, grouped: bool) -> None:
    parts = set(taken[own > 0].tolist())
    if TRAIN not in parts or (needs_test and TEST not in parts):
        lacking = "training" if TRAIN not in parts else "test"
        why = (
            f"exact copies of each other, of other classes' or test {noun}s, which must share a part; remove copies or"
        )
        if grouped:
            why = f"in {(own > 0).sum()} group(s), which must not be divided and may hold other {noun}s, too;"
        raise ValueError(
            f"class {name!r} would have no {lacking} {noun}: its {own.sum()} {noun}s are {why} add {noun}s"
            + (" of other groups." if grouped else ".")
        )


def _same_classes(data: LabeledData, like: LabeledData) -> LabeledData:
    """Return `data` with its labels as positions in the classes of `like`, matched by name."""
    try:
        label = np.array([label_of(name, like.classes) for name in data.classes], dtype=np.int64)
    except ValueError as error:
        raise ValueError(f"the test data do not match the training data: {error}") from error
    return replace(data, x=data.x.of(like.x), y=label[data.y], classes=like.classes)
