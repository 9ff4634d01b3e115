"""ClipFolders: clips, one file for each in a folder for each class, with metadata.csv beside the folders.

    samples/CLASS/NAME_TAG.wav, samples/metadata.csv
    mixed/train/CLASS/NAME_TAG.wav, mixed/train/metadata.csv, and so for validation/ and test/

NAME is that of the real file, or of the parent's, and TAG tells files of one name apart, so that no name gives away
what is synthetic: metadata.csv says it.

A mixed folder loads as it stands with Hugging Face `load_dataset("audiofolder", data_dir=out)`.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import final

from gensynth.data.each import in_threads
from gensynth.data.labeled import LabeledData
from gensynth.data.names import folder_name, renamed_notes
from gensynth.kinds.audio.clips import Clip, Clips
from gensynth.kinds.audio.config import SUFFIXES
from gensynth.kinds.audio.encode import as_written, encoded, ending
from gensynth.kinds.audio.read import read_files
from gensynth.mix.class_folders import ClassFolder
from gensynth.mix.folder_files import PartFolders, labels_of, name_of
from gensynth.mix.manifest import Row, by_any_tool
from gensynth.sampler.synthetic import Synthetic


@final
class ClipFolders(PartFolders):
    """A folder for each class.

    A clip that is a whole file keeps it byte for byte. One that was cut from a file or made becomes a file of the same
    rate, container, encoding and number of channels as that, or as its parent's.
    """

    def put(self, x: Clips, rows: Sequence[Row], folder: Path) -> list[Row]:
        """As `ClassFolders.put`; real files are copied."""
        return in_threads(partial(_written, folder=folder), x.clips, rows)

    def samples(self, path: Path, like: LabeledData) -> tuple[Synthetic, Sequence[str]]:
        """As `ClassFolders.samples`."""
        root = path.resolve()
        found = ClassFolder(root, Clips.noun, SUFFIXES).classes(part_names=True, ours=True)
        x = Clips(tuple(clip for (clip,) in read_files(root, found.ids)), like.x.view)
        y = labels_of(found.classes, like, path)[found.y]
        return by_any_tool(x, y, like.classes, found.notes), found.ids

    def notes(self, out: Path) -> Sequence[str]:
        """As `Files.notes`: classes in folders of other names."""
        return renamed_notes(out / "train" if (out / "train").is_dir() else out)


def _written(clip: Clip, row: Row, folder: Path) -> Row:
    """Write a clip below a folder; return its row with its file."""
    form, source = as_written(clip.form, clip.channels), clip.path if clip.whole else None
    path = folder / folder_name(str(row["label"])) / (name_of(row) + (source.suffix if source else ending(form)))
    path.parent.mkdir(parents=True, exist_ok=True)
    if source is not None:
        shutil.copyfile(source, path)
    else:
        path.write_bytes(clip.coded or encoded(clip.wave(), form))
    about: Row = {"seconds": f"{clip.seconds:.4f}", "rate": clip.form.rate, "channels": clip.channels}
    return row | about | {"file_name": path.relative_to(folder).as_posix()}
