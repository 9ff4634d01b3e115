"""Examples: what `LabeledData.x` and `Synthetic.x` are, whatever the kind of data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np


class Examples(ABC):
    """n examples of one kind of data, in memory or on disk.

    Attributes:
        kind: Name of the kind of data, such as `"image"`.
        noun: What one example is called in messages, such as `"row"`.
    """

    kind: ClassVar[str]
    noun: ClassVar[str]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, at: Any) -> Any:
        """Return the examples at `at`, what indexes an array's first axis, in the kind's own form."""

    @abstractmethod
    def take(self, at: np.ndarray) -> Self:
        """Return the examples at the positions `at`, int64, in that order."""

    @abstractmethod
    def join(self, others: Sequence[Self]) -> Self:
        """Return these examples and then those of `others`."""

    @abstractmethod
    def hashes(self) -> tuple[bytes, ...]:
        """Return bytes for each example that stand for its content, all of one length: equal ones are exact copies."""

    def origins(self) -> tuple[bytes, ...]:
        """Return some bytes for each example that stand for what it was before it was brought to a common form.

        The split goes by them, so that settings of reading do not move examples between parts; by default `hashes`.
        """
        return self.hashes()

    @property
    @abstractmethod
    def layout(self) -> Any:
        """What examples must have in common to be used together, such as their shape."""

    @property
    def stamp(self) -> str:
        """All besides their content that results depend on, as text: part of the fingerprint."""
        return repr(self.layout)

    def of(self, other: Self) -> Self:
        """Return these examples as a further part of the data set of `other`, which says what its parts share."""
        return self

    def equal_by_chance(self) -> bool:
        """Return whether there are more examples than could differ, so that equal ones are no copies."""
        return False


@dataclass(frozen=True, eq=False)
class Arrays(Examples):
    """Examples that are the rows of one array in memory; a kind derives a class that has `kind` and `noun`.

    Attributes:
        x: Shape (n, ...).
    """

    x: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, at: Any) -> np.ndarray:
        return self.x[at]

    def take(self, at: np.ndarray) -> Self:
        """As `Examples.take`."""
        return replace(self, x=self.x[at])

    def join(self, others: Sequence[Self]) -> Self:
        """As `Examples.join`."""
        return replace(self, x=np.concatenate([self.x, *(other.x for other in others)]))

    def hashes(self) -> tuple[bytes, ...]:
        """As `Examples.hashes`."""
        return tuple(np.ascontiguousarray(row).tobytes() for row in self.x)

    @property
    def layout(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.x.shape[1:]
