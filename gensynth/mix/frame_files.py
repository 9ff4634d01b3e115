"""FrameFiles: examples as the rows of one table file, and beside it NAME.metadata.csv with a line for each of them.

rows.csv             the columns of the real table, in their order
rows.metadata.csv    where each row is from
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd

from gensynth.data.frames import check_format, read_plain, suffix_of, write_frame
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.data.words import some
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.mix.files import Files
from gensynth.mix.manifest import Row, by_any_tool, described, is_manifest, read_manifest, real_row, write_manifest
from gensynth.sampler.synthetic import Synthetic


class FrameFiles(Files):
    """A table file, whose ending says in which format, and its metadata.

    Of a mixed data set the real rows come first, as they are and in their order, without those of a test part that is
    another file.
    """

    @abstractmethod
    def frame_of(self, data: LabeledData | Synthetic, like: LabeledData | Synthetic) -> pd.DataFrame:
        """Return examples and their labels as rows, as the table that `like` belongs to has them."""

    @abstractmethod
    def samples(self, path: Path, like: LabeledData) -> tuple[Any, np.ndarray]:
        """Read examples and their labels, positions in the classes of `like`; errors as of `Files.read`."""

    def added(self, accepted: Synthetic, real: pd.DataFrame, like: LabeledData) -> pd.DataFrame:  # noqa: ARG002
        """Return samples as rows to be written below the real ones."""
        return self.frame_of(accepted, like)

    def manifest_of(self, out: Path) -> Path:
        """As `Files.manifest_of`: `rows.csv.gz` -> `rows.metadata.csv`."""
        return out.with_name(f"{out.name[: -len(suffix_of(out))]}.metadata.csv")

    def run_folder(self, out: Path) -> Path:
        """As `Files.run_folder`: `balanced.csv` -> `balanced.run`."""
        return out.with_name(f"{out.name[: -len(suffix_of(out))]}.run")

    def data_set(self, folder: Path, out: str) -> Path:
        """As `Files.data_set`: beside the folder, wherever both lie now."""
        ending, here = out[-len(suffix_of(out)) :], folder.resolve()
        return here.with_name(here.name.removesuffix(".run") + ending)

    def refuse_existing(self, out: Path) -> None:
        """As `Files.refuse_existing`; metadata without a table are what a killed run left, and are written again."""
        check_format(out)
        manifest = self.manifest_of(out)
        for path in (out,) if is_manifest(manifest) else (out, manifest):
            if path.exists():
                raise FileExistsError(f"{path} exists; choose another --out, or remove it.")

    def write(self, synthetic: Synthetic, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write`."""
        self._write(self.frame_of(synthetic, synthetic), rows, out)

    def write_mixed(self, parts: Parts, accepted: Synthetic | None, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write_mixed`."""
        real, numbers, places = [], [], []
        by_name = parts.by_name
        for name, part in by_name.items():
            at = [i for i, row in enumerate(part.ids) if row.isdigit()]
            real.append(self.frame_of(part.subset(at), parts.train))
            numbers += [int(part.ids[i]) for i in at]
            places += [(name, i) for i in at]
        order = np.argsort(numbers, kind="stable")
        frame = pd.concat(real, ignore_index=True).iloc[order].reset_index(drop=True)
        known = (real_row(name, by_name[name], i) for name, i in map(places.__getitem__, order.tolist()))
        if accepted is not None:
            frame = pd.concat([frame, self.added(accepted, frame, parts.train)], ignore_index=True)
        self._write(frame, chain(known, rows), out)

    def read(self, path: Path, like: LabeledData) -> tuple[Synthetic, SampleVerdicts | None]:
        """As `Files.read`, from any table with the columns of the real one."""
        x, y = self.samples(path, like)
        if not len(x):
            raise ValueError(f"{path} holds no rows.")
        samples, manifest = by_any_tool(x, y, like.classes), self.manifest_of(path)
        if not manifest.is_file():
            return samples, None
        cells = read_manifest(manifest)
        if len(cells.rows) != len(samples):
            raise ValueError(
                f"{manifest} is not the metadata of the {len(samples)} rows in {path}; restore or remove it."
            )
        return described(samples, cells)

    def _write(self, frame: pd.DataFrame, rows: Iterable[Row], out: Path) -> None:
        # The metadata first: where the table is, a killed run has written both.
        write_manifest(self.manifest_of(out), (row | {"file_name": out.name, "row": i} for i, row in enumerate(rows)))
        write_frame(frame, out)


@final
@dataclass(frozen=True)
class PlainFrames(FrameFiles):
    """Examples that are some columns of a table, and their labels one more.

    Attributes:
        to_frame: Returns examples as columns, one row each.
        from_frame: Returns the examples in a table that has these columns; raises KeyError if it lacks one.
        label: Name of the column of the labels.
    """

    to_frame: Callable[[Any], pd.DataFrame]
    from_frame: Callable[[pd.DataFrame], Any]
    label: str = "label"

    def real(self, path: str, group: str | None = None) -> LabeledData:
        """Read real data; `group` is the column that says what an example belongs to.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no table, or lacks a column.
        """
        frame, x = self._read(path)
        if group is not None and group not in frame.columns:
            raise ValueError(f"group {group!r} is not one of the columns {some(map(repr, frame.columns))}.")
        classes, y = np.unique(frame[self.label].astype(str), return_inverse=True)
        groups = None if group is None else tuple(frame[group].astype(str))
        ids = tuple(map(str, range(len(y))))
        return LabeledData(x, y.astype(np.int64), tuple(map(str, classes)), ids, groups=groups)

    def frame_of(self, data: LabeledData | Synthetic, like: LabeledData | Synthetic) -> pd.DataFrame:  # noqa: ARG002
        """As `FrameFiles.frame_of`."""
        return self.to_frame(data.x).assign(**{self.label: [data.classes[label] for label in data.y]})

    def samples(self, path: Path, like: LabeledData) -> tuple[Any, np.ndarray]:
        """As `FrameFiles.samples`."""
        frame, x = self._read(path)
        return x, np.array([like.label_of(name) for name in frame[self.label].astype(str)], dtype=np.int64)

    def _read(self, path: str | Path) -> tuple[pd.DataFrame, Any]:
        frame = read_plain(path)
        try:
            _ = frame[self.label]
            return frame, self.from_frame(frame)
        except KeyError as error:
            known = some(map(repr, frame.columns))
            raise ValueError(f"{str(path)!r} has no column {error}; it has {known}.") from error
