"""KeptSampler: draws from the real examples that it was fitted to, and keeps them."""

from __future__ import annotations

import hashlib
import io
import json
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self, TypedDict

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from gensynth.data.examples import Examples
from gensynth.data.files import write_bytes
from gensynth.data.labeled import LabeledData
from gensynth.data.npz import open_npz
from gensynth.data.plain import typed
from gensynth.sampler.base import Sampler
from gensynth.sampler.saved import KIND
from gensynth.sampler.synthetic import Synthetic


class Saved(TypedDict):
    """What the file of a sampler says beside the examples."""

    sampler: str
    settings: dict[str, Any]
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    learned: dict[str, Any]


class KeptSampler(Sampler, BaseEstimator):
    """Draws from real examples, which stand in its file, too: whoever has the file has the examples.

    A concrete one writes `name`, `packed`, `unpacked` and `_sample`; `learned` or `arrays` and `_learn` if it learns
    more, and `_prepare` if that takes work before it draws.

    Attributes:
        data_: The examples.
        sha256_: Hash of the file it was loaded from; "" of one that was fitted here.
    """

    kind: ClassVar[str]
    """Name of the kind of data, which its file says."""
    learned: ClassVar[dict[str, Any]] = {}
    """Types of what it has learned beside the examples: dataclasses of plain values, or None, by name."""
    arrays: ClassVar[tuple[str, ...]] = ()
    """Further attributes that it has learned: dictionaries of arrays."""
    data_: LabeledData
    sha256_: str

    @staticmethod
    @abstractmethod
    def packed(x: Any) -> np.ndarray:
        """Return examples as an array, one each."""

    @staticmethod
    @abstractmethod
    def unpacked(array: np.ndarray) -> Examples:
        """Return what `packed` was given; ValueError for another array."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that have examples."""
        return tuple(name for name, n in self.class_counts.items() if n)

    @property
    def class_counts(self) -> dict[str, int]:
        """As `Sampler.class_counts`."""
        check_is_fitted(self, "data_")
        return self.data_.class_counts

    def _check(self) -> None:  # noqa: B027
        """Raise ValueError if the settings do not suit the examples; by default they always do."""

    def _learn(self) -> None:  # noqa: B027
        """Learn what `learned` and `arrays` name."""

    def _prepare(self) -> None:  # noqa: B027
        """Make what draws of what was learned; ValueError if that, perhaps from a file, does not fit together."""

    def _fit(self, data: LabeledData) -> None:
        self.data_, self.sha256_ = data, ""
        self._check()
        self._learn()
        self._prepare()

    def made(
        self,
        x: Examples,
        label: str,
        index: np.ndarray,
        seed: int,
        how: Sequence[str],
        parents: Sequence[Sequence[int]],
    ) -> Synthetic:
        """Return samples of a label: n examples, their numbers, and positions of the real ones they were made from."""
        y = np.full(len(index), self.data_.label_of(label), dtype=np.int64)
        ids = tuple(tuple(self.data_.ids[at] for at in own) for own in parents)
        hashes = (self.sha256_,) * len(index)
        return Synthetic(x, y, self.data_.classes, index, self.name, seed, tuple(how), ids, hashes)

    def save(self, path: str | Path) -> None:
        """Write settings, examples and what was learned into one file.

        Raises:
            TypeError: if a setting is no plain value, such as a function as `sampling_strategy`.
        """
        learned = {name: getattr(self, name) for name in self.learned}
        saved: Saved = {
            "sampler": self.name,
            "settings": self.get_params(deep=False),
            "classes": self.data_.classes,
            "ids": self.data_.ids,
            "learned": {name: None if value is None else asdict(value) for name, value in learned.items()},
        }
        file = io.BytesIO()
        arrays = {"x": self.packed(self.data_.x), "y": self.data_.y, "json": np.array(json.dumps(saved))}
        arrays |= {f"{name}/{key}": array for name in self.arrays for key, array in getattr(self, name).items()}
        np.savez_compressed(file, allow_pickle=False, **arrays, **{KIND: np.array(self.kind)})
        write_bytes(path, file.getvalue())

    @classmethod
    def load(cls, path: str | Path, get: Callable[[str], type[Self]]) -> Self:
        """Read what `save` wrote.

        Args:
            path: The file.
            get: Returns the class of a sampler by its name, such as `Catalog.get`.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is something else.
        """
        with open_npz(path, what="a saved sampler") as file:
            x, y, text = file["x"], file["y"], str(file["json"])
            arrays = {name: file[name] for name in file if "/" in name}
        try:
            saved: Saved = typed(Saved, json.loads(text))
            sampler = get(saved["sampler"])(**saved["settings"])
            if {*saved["learned"]} != {*sampler.learned}:
                raise ValueError("it does not hold what this sampler learns")
            sampler.data_ = LabeledData(sampler.unpacked(x), y, saved["classes"], saved["ids"])
            for name, hint in sampler.learned.items():
                setattr(sampler, name, typed(hint, saved["learned"][name]))
            for name in sampler.arrays:
                own = (key for key in arrays if key.startswith(f"{name}/"))
                setattr(sampler, name, {key.partition("/")[2]: arrays[key] for key in own})
            sampler._check()
            sampler._prepare()
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise ValueError(
                f"{str(path)!r} does not fit this version of gensynth: {error}; train it again."
            ) from error
        sampler.sha256_ = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        return sampler
