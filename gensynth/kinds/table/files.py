"""FrameFiles: rows as one table file, and beside it NAME.metadata.csv with a line for each of them.

rows.csv             the columns of the real table, in their order and dtypes
rows.metadata.csv    where each row is from
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import final

import numpy as np
import pandas as pd

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.data.words import some
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.table.codec import first_id
from gensynth.kinds.table.rows import Rows, rows_of
from gensynth.kinds.table.tables import check_format, read_frame, suffix_of, to_frame, write_table
from gensynth.mix.files import Files
from gensynth.mix.manifest import Row, by_any_tool, described, is_manifest, read_manifest, real_row, write_manifest
from gensynth.sampler.synthetic import Synthetic


@final
class FrameFiles(Files):
    """A table file, whose ending says in which format, and its metadata.

    Of a mixed data set the real rows come first, as they are and in their order, without those of a test part that is
    another file; new rows have ids of their own.
    """

    def manifest_of(self, out: Path) -> Path:
        """As `Files.manifest_of`: `rows.csv.gz` -> `rows.metadata.csv`."""
        return out.with_name(f"{out.name[: -len(suffix_of(out))]}.metadata.csv")

    def refuse_existing(self, out: Path) -> None:
        """As `Files.refuse_existing`; metadata without a table are what a killed run left, and are written again."""
        check_format(out)
        manifest = self.manifest_of(out)
        for path in (out,) if is_manifest(manifest) else (out, manifest):
            if path.exists():
                raise FileExistsError(f"{path} exists; choose another --out, or remove it.")

    def write(self, synthetic: Synthetic, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write`."""
        self._write(to_frame(synthetic, synthetic), rows, out)

    def write_mixed(self, parts: Parts, accepted: Synthetic | None, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write_mixed`."""
        real, places = [], []
        by_name = parts.by_name
        for name, part in by_name.items():
            at = np.array([i for i, row in enumerate(part.ids) if row.isdigit()], dtype=np.int64)
            number = np.array([part.ids[i] for i in at], dtype=np.int64)
            real.append(to_frame(part.subset(at), parts.train).set_axis(number, axis=0))
            places += [(int(n), name, int(i)) for n, i in zip(number, at, strict=True)]
        frame = pd.concat(real).sort_index().reset_index(drop=True)
        known = (real_row(name, by_name[name], i) for _, name, i in sorted(places))
        if accepted is not None:
            new = to_frame(replace(accepted, x=with_new_ids(rows_of(accepted), frame)), parts.train)
            # Rows of a file may come in other dtypes, which would change those of the real rows. A column that is
            # ignored is empty, and its dtype may have no room for that.
            ignored = [c.name for c in rows_of(parts.train).schema.columns if c.kind == "ignore"]
            frame = pd.concat([frame, new.astype(frame.dtypes.drop(ignored).to_dict())], ignore_index=True)
        self._write(frame, chain(known, rows), out)

    def read(self, path: Path, like: LabeledData) -> tuple[Synthetic, SampleVerdicts | None]:
        """As `Files.read`, from any table with the columns of the real one."""
        real = rows_of(like)
        target = real.schema.target
        try:
            frame = read_frame(path, real.schema)
        except ValueError:  # a column holds what the real one cannot: the gate will say so of each row
            frame = read_frame(path)
        wanted = [*(c.name for c in real.schema.columns), target]
        if unlike := sorted(map(str, set(frame.columns) ^ set(wanted))):
            raise ValueError(f"{path} and the real table differ in the columns {some(unlike)}; they must agree.")
        if not len(frame):
            raise ValueError(f"{path} holds no rows.")
        x = replace(real, frame=frame[wanted[:-1]].reset_index(drop=True))
        samples = by_any_tool(x, _labels(frame[target], like, path), like.classes)
        manifest = self.manifest_of(path)
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
        write_table(frame, out)


def with_new_ids(x: Rows, real: pd.DataFrame) -> Rows:
    """Return rows with ids that none of the real rows has, though the sampler knew the training rows only."""
    out, at = x.frame.copy(deep=False), np.arange(len(x))
    for c in x.schema.columns:
        if c.kind == "id":
            first = first_id(real[c.name], c)
            new = [f"{first}{i}" for i in at] if isinstance(first, str) else first + at
            out[c.name] = pd.Series(new, index=out.index).astype(x.frame[c.name].dtype)
    return replace(x, frame=out)


def _labels(values: pd.Series, like: LabeledData, path: Path) -> np.ndarray:
    """Return labels as positions in the classes of `like`, int64, shape (n,)."""
    names = _label_names(values, like)
    place = {}
    for name in dict.fromkeys(names):
        try:
            place[name] = like.label_of(name)
        except ValueError as error:
            raise ValueError(f"row {names.index(name)} of {path}, counted from 0: {error}") from error
    return np.array([place[name] for name in names], dtype=np.int64)


def _label_names(labels: pd.Series, like: LabeledData) -> list[str]:
    """Return labels as class names; a number may have become 1.0 where the real label is 1."""
    if labels.isna().any():
        raise ValueError(f"{int(labels.isna().sum())} synthetic rows have no {labels.name!r}; remove them.")
    real = list(zip(rows_of(like).label_values.astype(object), like.classes, strict=True))
    codes, distinct = pd.factorize(labels.astype(object))
    names = [next((name for value, name in real if value == label), str(label)) for label in distinct]
    return [names[code] for code in codes]
