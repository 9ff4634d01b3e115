"""LabeledData: the one form in which real data travel through the toolkit."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gensynth.data.words import did_you_mean, some

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from gensynth.kinds.image.folder import ImageFiles
    from gensynth.kinds.table.schema import Schema


@dataclass(frozen=True, eq=False)
class LabeledData:
    """Real examples with their labels.

    Attributes:
        x: Images, uint8, shape (n, c, h, w), c in {1, 3}. Either a tensor held in memory or an
            `ImageFiles`, which reads on demand; `x[indices]` gives a uint8 tensor in both cases.
            Or a table: a DataFrame without the label column, rows numbered from 0.
        y: Labels, int64, shape (n,), values in [0, len(classes)).
        classes: Class names; the label is the position in this tuple.
        ids: One name per example (a path relative to `root`, or a row number), unique.
        kind: What an example is: `"image"` or `"table"`.
        root: The folder that `ids` are relative to, or None where examples are not files.
        notes: What the reader changed (resizing, skipped files), in sentences for the report.
        sizes: Height and width of each image before it was resized, int64, shape (n, 2), or None if unknown.
        domains: Where each image is from (a scanner, say), length n, or None if not asked for.
        groups: What each image belongs to (a patient, say), length n, or None where each stands for itself.
        schema: What the columns of a table are; None for images.
        label_values: The value of each class in the label column of a table, with that column's name and dtype,
            length len(classes); None for images.
        white: The value that was white in the files of the images, for others that are read beside them (`find_white`);
            None where nothing told.
    """

    x: Tensor | ImageFiles | pd.DataFrame
    y: np.ndarray
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    kind: str = "image"
    root: Path | None = None
    notes: tuple[str, ...] = ()
    sizes: np.ndarray | None = None
    domains: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    schema: Schema | None = None
    label_values: pd.Series | None = None
    white: int | None = None

    def __post_init__(self) -> None:
        if self.kind == "table" and (self.schema is None or self.label_values is None):
            raise TypeError("a table needs a schema and the values of its classes; make it with 'from_frame'.")
        if self.kind == "image":
            _check_images(self.x)
        if self.y.dtype != np.int64 or self.y.ndim != 1:
            raise TypeError(f"y must be int64 of shape (n,), got {self.y.dtype} of shape {self.y.shape}.")
        n = len(self.y)
        if not len(self.x) == n == len(self.ids) or (self.sizes is not None and len(self.sizes) != n):
            raise ValueError(
                f"x, y, ids and sizes need one entry per example, got {len(self.x)}, {n} and {len(self.ids)}"
                + ("." if self.sizes is None else f" and {len(self.sizes)}.")
            )
        if self.kind == "image":
            check_class_names(self.classes)
        if len(self.y) and not (0 <= self.y.min() and self.y.max() < len(self.classes)):
            raise ValueError(f"labels must lie in 0..{len(self.classes) - 1}, got {self.y.min()}..{self.y.max()}.")

    def __len__(self) -> int:
        return len(self.y)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (c, h, w) of one image."""
        c, h, w = self.x.shape[1:]
        return int(c), int(h), int(w)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows of a table; TypeError for images."""
        if self.kind != "table":
            raise TypeError(f"a table is needed, and these data are of kind {self.kind!r}.")
        return self.x

    @property
    def noun(self) -> str:
        """What one example is called in messages: `image` or `row`."""
        return "row" if self.kind == "table" else "image"

    @property
    def class_counts(self) -> dict[str, int]:
        """Number of examples by class name, in label order."""
        counts = np.bincount(self.y, minlength=len(self.classes))
        return {name: int(n) for name, n in zip(self.classes, counts, strict=True)}

    def label_of(self, name: str) -> int:
        """Return the integer label of a class name; ValueError lists the allowed names."""
        return label_of(name, self.classes)

    def noting(self, notes: Sequence[str], name: str) -> LabeledData:
        """Return the same data with the notes of what was read beside them, each after its name."""
        return replace(self, notes=(*self.notes, *(f"{name}: {note}" for note in notes)))

    def labels_of(self, y: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Return labels, positions in `classes`, as positions in this data's classes; ValueError for other names."""
        position = np.zeros(len(classes), dtype=np.int64)
        for c in np.unique(y):
            position[c] = self.label_of(classes[c])
        return position[y]

    def subset(self, indices: Sequence[int] | np.ndarray) -> LabeledData:
        """Return the examples at `indices` (positions or a boolean mask), in that order, same classes."""
        at = np.asarray(indices)
        index = np.arange(len(self))[at] if at.size else np.arange(0)
        return replace(
            self,
            x=take(self.x, index),
            y=self.y[index],
            ids=tuple(self.ids[i] for i in index),
            sizes=None if self.sizes is None else self.sizes[index],
            domains=None if self.domains is None else tuple(self.domains[i] for i in index),
            groups=None if self.groups is None else tuple(self.groups[i] for i in index),
        )

    def content_hashes(self) -> tuple[bytes, ...]:
        """Return `content_hash` of every image or `row_hashes` of a table: equal entries are exact copies."""
        if self.kind == "table":
            from gensynth.kinds.table.tables import row_hashes

            assert self.schema is not None
            return row_hashes(self.x, self.schema)
        return self.x.hashes if hasattr(self.x, "hashes") else tuple(map(content_hash, self.x.numpy()))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over pixels or rows, labels, class names, ids and domains: equal data, equal fingerprint."""
        layout = self.shape if self.kind == "image" else [(name, str(t)) for name, t in self.frame.dtypes.items()]
        digest = hashlib.sha256(repr((layout, self.classes, self.ids)).encode())
        digest.update(self.y.tobytes())
        if self.domains is not None:
            digest.update(repr(self.domains).encode())
        if self.kind == "table":
            digest.update(b"".join(self.content_hashes()))
            return digest.hexdigest()
        for start in range(0, len(self), 4096):
            digest.update(self.x[start : start + 4096].numpy().tobytes())
        return digest.hexdigest()


def take(x: Any, index: np.ndarray) -> Any:
    """Return the examples at `index`, int64: of a tensor, of images on disk, or the rows of a table, numbered anew."""
    if hasattr(x, "iloc"):
        return x.iloc[index].reset_index(drop=True)
    if hasattr(x, "subset"):
        return x.subset(index)
    import torch  # here, since tables do without it

    return x[torch.from_numpy(index)]


def _check_images(x: Any) -> None:
    import torch

    if isinstance(x, torch.Tensor) and (x.dtype != torch.uint8 or x.ndim != 4):
        raise TypeError(f"x must be uint8 of shape (n, c, h, w), got {x.dtype} of shape {tuple(x.shape)}.")


def label_of(name: str, classes: Sequence[str]) -> int:
    """Return the position of `name` in `classes`.

    Raises:
        ValueError: if the class does not exist; the message lists the classes and the nearest name.
    """
    if name in classes:
        return list(classes).index(name)
    raise ValueError(
        f"label {name!r} is not one of the classes {some(map(repr, classes))}.{did_you_mean(name, classes)}"
    )


def content_hash(pixels: np.ndarray) -> bytes:
    """Return 16 bytes that stand for the pixels of one image, uint8 of shape (c, h, w).

    A grey image has the same hash with one channel and with three equal ones.
    """
    grey = bool((pixels[1:] == pixels[:1]).all())
    return hashlib.blake2b((pixels[:1] if grey else pixels).tobytes(), digest_size=16).digest()


def check_class_names(classes: Sequence[str]) -> None:
    """Check that every class can become a folder of its name, on any file system.

    Raises:
        ValueError: if a name is empty, starts with a dot, is longer than 255 bytes, holds a path separator
            or a control character, or equals another one but for upper and lower case.
    """
    seen: dict[str, str] = {}
    for name in classes:
        # Cc: control characters, Cs: bytes that are no valid Unicode, Zl and Zp: line and paragraph breaks.
        bad = any(c in "/\\" or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
        if not name or name.startswith(".") or bad or len(name.encode()) > 255:
            raise ValueError(
                f"class name {name!r} cannot name a folder; use 1 to 255 bytes without '/', '\\' and control "
                "characters that do not start with a dot."
            )
        same = unicodedata.normalize("NFC", name).casefold()
        if same in seen:
            raise ValueError(
                f"classes {seen[same]!r} and {name!r} differ only by case, and some file systems would merge "
                "their folders; rename one of them."
            )
        seen[same] = name


def natural_key(name: str) -> list[str | int]:
    """Sort key that puts `img2` before `img10`; the name itself decides between `1` and `01`."""
    parts: list[str | int] = [int(t) if i % 2 else t for i, t in enumerate(re.split("([0-9]+)", name))]
    return [*parts, -1, name]
