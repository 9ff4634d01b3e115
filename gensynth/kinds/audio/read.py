"""Real clips in: from a folder of sound files to LabeledData."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gensynth.data.cells import said_of_files
from gensynth.data.each import for_each
from gensynth.data.labeled import LabeledData
from gensynth.data.names import check_class_names
from gensynth.data.words import some
from gensynth.kinds.audio.clips import Clip, Clips, View
from gensynth.kinds.audio.config import SUFFIXES, AudioConfig
from gensynth.kinds.audio.decode import clips_in
from gensynth.kinds.audio.encode import as_written
from gensynth.mix.class_folders import ClassFolder, Found
from gensynth.mix.folder_files import MANIFEST
from gensynth.mix.manifest import is_manifest

LABEL = "label"
"""The column of the labels, where no other is named."""
MOST_RATE, MOST_SECONDS, SHARE = 32_000, 10.0, 0.95
"""What a view has at most by default, and the share of clips that are no longer than it."""


def read_clips(source: str, config: AudioConfig, view: View | None = None) -> LabeledData:
    """Read all clips of a source; they stay in their files.

    Args:
        source: A folder with a sub-folder for each class, or with metadata.csv.
        config: How to read it.
        view: That of the data that these are a further part of; None if they stand for themselves.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it cannot be read, has a single class, or a class has a single clip.
    """
    root = Path(source).resolve()
    found = _found(root, config)
    clips = read_files(root, found.ids, config.window)
    data = _labeled(root, found, clips, config, view)
    if len(data.classes) < 2:
        raise ValueError(f"source {source!r} has the single class {data.classes[0]!r}; at least two are needed.")
    if few := [f"{name!r} ({n})" for name, n in data.class_counts.items() if n < 2]:
        raise ValueError(
            f"classes of {source!r} have too few clips: {some(few, 5)}; every class needs at least 2, one to learn "
            "from and one to test on."
        )
    return data


def read_files(root: Path, ids: Sequence[str], window: float | None = None) -> list[list[Clip]]:
    """Decode files below a folder, each once; return the clips of each.

    Raises:
        ValueError: if some cannot be read; it names them.
    """
    return for_each(lambda i: clips_in(root / ids[i], window), root, ids, Clips.noun, "reading")


def view_of(clips: Sequence[Clip], config: AudioConfig) -> View:
    """Return at which rate and length clips are heard, where settings do not say it."""
    rates = Counter(clip.form.rate for clip in clips)
    usual = max(rates, key=lambda rate: (rates[rate], rate))
    seconds = float(np.quantile([clip.seconds for clip in clips], SHARE, method="higher"))
    return View(
        config.rate or min(usual, MOST_RATE),
        config.seconds or round(min(seconds, MOST_SECONDS), 3),
    )


def _found(root: Path, config: AudioConfig) -> Found:
    """Return the files of a folder with their classes."""
    folder, table = ClassFolder(root, Clips.noun, SUFFIXES, config.follow_links), root / MANIFEST
    loose = any(path.suffix.lower() in SUFFIXES for path in root.iterdir())
    if config.target is None and not (loose and table.is_file() and not is_manifest(table)):
        return folder.classes()
    ids, column = folder.files(), config.target or LABEL
    labels = said_of_files(table, ids, column, "labels", Clips.noun)
    classes, y = np.unique(np.array(labels, dtype=object), return_inverse=True)
    names = tuple(map(str, classes))
    check_class_names(names)
    return Found(tuple(ids), y.astype(np.int64), names, ())


def _labeled(
    root: Path, found: Found, clips: Sequence[Sequence[Clip]], config: AudioConfig, view: View | None
) -> LabeledData:
    """Return clips with their labels, names and groups: as asked for, or the recordings they are cut from."""
    every = tuple(clip for own in clips for clip in own)
    of = np.repeat(np.arange(len(clips)), [len(own) for own in clips])
    groups: tuple[str, ...] | None = None
    if config.group is not None:
        told = said_of_files(root / MANIFEST, found.ids, config.group, "groups", Clips.noun)
        groups = tuple(told[i] for i in of)
    elif config.window is not None:
        groups = tuple(found.ids[i] for i in of)
    ids = tuple(id_of(found.ids[i], clip, config.window is not None) for i, clip in zip(of, every, strict=True))
    x = Clips(every, view or view_of(every, config))
    data = LabeledData(x, found.y[of], found.classes, ids, root=root, groups=groups, notes=found.notes)
    return replace(data, notes=(*found.notes, *_notes(data)))


def id_of(name: str, clip: Clip, cut: bool) -> str:
    """Return the name of a clip: that of its file, and where it begins in it if that was cut."""
    return f"{name}@{clip.start / clip.form.rate:.3f}s" if cut else name


def _notes(data: LabeledData) -> list[str]:
    """Return sentences on what differs between the clips, and what networks hear of them."""
    clips, view = data.x.clips, data.x.view
    rates = Counter(clip.form.rate for clip in clips)
    unwritten = [clip for clip in clips if as_written(clip.form, clip.channels) != clip.form]
    longer = sum(clip.seconds > view.seconds + 1 / view.rate for clip in clips)
    notes = []
    if len(rates) > 1 or view.rate not in rates:
        told = ", ".join(f"{n} of {rate} Hz" for rate, n in rates.most_common(5))
        notes.append(f"Clips have different rates ({told}): networks and checks hear them at {view.rate} Hz.")
    if longer:
        notes.append(f"{longer} of {len(clips)} clips are longer than the {view.seconds:g} s that are heard of each.")
    if unwritten:
        forms = some(sorted({f"{clip.form.format} ({clip.form.subtype})" for clip in unwritten}))
        notes.append(f"{forms} is read but not written here: what is made of such clips is WAV of 16 bits.")
    return notes
