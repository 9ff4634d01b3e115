"""ClassFolders: examples as files, in a folder for each class, with metadata.csv beside the folders.

    samples/CLASS/NAME_TAG.jpg, samples/metadata.csv

NAME is that of the real file, or of the parent's, and TAG tells files of one name apart.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gensynth.data.files import check_count, refuse_existing, whole_folder
from gensynth.data.labeled import LabeledData
from gensynth.data.names import check_class_names, folder_name, safe_name
from gensynth.data.split import Parts
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.mix.files import Files
from gensynth.mix.manifest import Row, described, read_manifest, real_row, write_manifest
from gensynth.sampler.synthetic import Synthetic

MANIFEST = "metadata.csv"


class ClassFolders(Files):
    """A folder for each class."""

    rejected: ClassVar[str] = "rejected"

    @abstractmethod
    def put(self, x: Any, rows: Sequence[Row], folder: Path) -> list[Row]:
        """Write examples that are no real files below a folder; return their rows with their files, `file_name`."""

    @abstractmethod
    def samples(self, path: Path, like: LabeledData) -> tuple[Synthetic, Sequence[str]]:
        """Read the examples in a folder by any tool, and their files, relative to it; errors as of `Files.read`."""

    def manifest_of(self, out: Path) -> Path:
        """As `Files.manifest_of`."""
        return out / MANIFEST

    def refuse_existing(self, out: Path) -> None:
        """As `Files.refuse_existing`; an empty folder may be there."""
        refuse_existing(out)

    def write(self, synthetic: Synthetic, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write`.

        Raises:
            ValueError: if two samples share label and index, or a class name cannot be a folder.
            FileExistsError: if `out` exists and is not empty.
        """
        check_class_names(synthetic.classes)
        with whole_folder(out) as folder:
            list_files(folder, self.put(synthetic.x, numbered(rows), folder))

    def read(self, path: Path, like: LabeledData) -> tuple[Synthetic, SampleVerdicts | None]:
        """As `Files.read`, from any folder with one sub-folder per class."""
        samples, ids = self.samples(path, like)
        manifest = path / MANIFEST
        if not manifest.is_file():
            return samples, None
        cells = read_manifest(manifest, "file_name")
        names = cells.texts("file_name")
        at = {name: i for i, name in enumerate(ids)}
        differ = sorted(at.keys() ^ set(names))
        if differ or len(names) != len(ids):
            raise ValueError(
                f"{str(manifest)!r} lists {len(names)} {like.noun}s and the folder holds {len(ids)}; they differ in "
                f"{', '.join(map(repr, differ[:5])) or 'repeated rows'}. "
                "Restore the folder, or remove metadata.csv."
            )
        return described(samples.subset([at[name] for name in names]), cells)


class PartFolders(ClassFolders):
    """A mixed data set is a folder for each part that has examples, with a folder for each class in it."""

    def put_real(self, x: Any, rows: Sequence[Row], folder: Path) -> list[Row]:
        """Write real examples as they came below a folder; return as `put`, which it is by default."""
        return self.put(x, rows, folder)

    def write_mixed(self, parts: Parts, accepted: Synthetic | None, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write_mixed`; errors as of `write`."""
        check_class_names(parts.train.classes)
        with whole_folder(out) as folder:
            for name, part in parts.by_name.items():
                if len(part):
                    real = [real_row(name, part, i) for i in range(len(part))]
                    written = self.put_real(part.x, real, folder / name)
                    if name == "train" and accepted is not None:
                        written += self.put(accepted.x, numbered(rows), folder / name)
                    list_files(folder / name, written)


def numbered(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of samples; ValueError if two share label and index."""
    listed = list(rows)
    (key, n), *_ = Counter((str(row["label"]), row["index"]) for row in listed).most_common(1) or [(("", 0), 0)]
    if n > 1:
        raise ValueError(f"two samples of class {key[0]!r} have the index {key[1]}; indices must be unique.")
    return listed


def name_of(row: Row) -> str:
    """Return the name of a file without its ending: of the real one or the parent, and a tag that tells them apart."""
    parents = json.loads(str(row["parents"]))
    name = Path(parents[0]).stem if parents else str(row["label"])
    key = [row[column] for column in ("part", "label", "sampler", "seed", "checkpoint_sha256", "index")]
    return f"{safe_name(name)}_{hashlib.blake2b(json.dumps(key).encode(), digest_size=5).hexdigest()}"


def list_files(folder: Path, rows: list[Row]) -> None:
    """Write the manifest of a folder; OSError if it does not hold as many files as there are rows."""
    check_count(folder, len(rows))
    write_manifest(folder / MANIFEST, rows)


def labels_of(folders: Sequence[str], like: LabeledData, path: Path) -> np.ndarray:
    """Return the labels, positions in the classes of `like`, that folders below `path` stand for, int64.

    Raises:
        ValueError: if one stands for none.
    """
    class_of = {folder_name(name): name for name in like.classes} | {name: name for name in like.classes}
    if foreign := [name for name in folders if name not in class_of]:
        raise ValueError(
            f"folder {str(path)!r} has the classes {', '.join(map(repr, foreign[:5]))}, which the real data lack: "
            f"they have {', '.join(map(repr, like.classes[:10]))}. Name its sub-folders as they are, or take those "
            "out."
        )
    return np.array([like.label_of(class_of[name]) for name in folders], dtype=np.int64)
