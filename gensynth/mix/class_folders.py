"""Class folders: which files lie below a folder with one sub-folder per class, whatever kind of data they hold."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, final

import numpy as np

from gensynth.data.files import RECORD
from gensynth.data.names import check_class_names, natural_key
from gensynth.mix.folder_files import MANIFEST
from gensynth.mix.manifest import is_manifest

PART_NAMES = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}


class Found(NamedTuple):
    """What lies in a folder: paths relative to it, labels and class names, and notes on what was left out."""

    ids: tuple[str, ...]
    y: np.ndarray
    classes: tuple[str, ...]
    notes: tuple[str, ...]


@final
@dataclass(frozen=True)
class ClassFolder:
    """A folder with one sub-folder per class; files may lie at any depth below. Hidden ones are skipped.

    Attributes:
        root: The folder, resolved.
        noun: What one file is called in messages.
        suffixes: Endings of the files that are read, in small letters, with their point.
        follow_links: Whether symbolic links may lead to folders, and out of `root`.
    """

    root: Path
    noun: str
    suffixes: tuple[str, ...]
    follow_links: bool = False

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise FileNotFoundError(f"folder {str(self.root)!r} does not exist.")

    def files(self) -> list[str]:
        """Return the paths of all files, at any depth, relative to it, in natural order.

        Raises:
            ValueError: if there are none, or a symbolic link leads to a folder or out of it.
        """
        top, seen = list(os.scandir(self.root)), self._seen()
        found = [e for entry in top for e in self._walk(entry, seen) if not self._unread_kind(e)]
        if not found:
            raise ValueError(f"folder {str(self.root)!r} holds no {self._listed_suffixes}.")
        return sorted((self._relative(e) for e in found), key=natural_key)

    def classes(self, part_names: bool = False, flat: str | None = None, ours: bool = False) -> Found:
        """Return all files with the classes that they lie in; other files are counted in the notes.

        Args:
            part_names: Whether classes may be called train, test and the like, which otherwise look like parts.
            flat: Name of the single class of files that lie in a folder without sub-folders; None to refuse these.
            ours: Whether folders that gensynth wrote, such as samples of one class, are classes, too.

        Raises:
            ValueError: if there are no classes, a class has no files, or a symbolic link leads where none may lead.
        """
        root = self.root
        top = [e for e in os.scandir(root) if not e.name.startswith(".") and e.name != "__MACOSX"]
        folders = {e.name: e for e in top if _is_folder(e)}
        written = [name for name in folders if not ours and name.lower() not in PART_NAMES and self._is_output(name)]
        outputs = tuple(sorted(written, key=natural_key))
        classes = tuple(sorted(folders.keys() - set(outputs), key=natural_key))
        loose = [e for e in top if e.name not in folders and e.name != MANIFEST]  # which is read elsewhere
        seen = self._seen()
        if not classes:
            return self._flat(loose, seen, flat, outputs)
        parts = set() if part_names else PART_NAMES.intersection(name.lower() for name in classes)
        if len(parts) > 1 or len(parts) == len(classes):
            raise ValueError(
                f"the sub-folders of {str(root)!r} are parts ({', '.join(classes[:8])}), not classes; pass "
                f"{str(root / 'train')!r} as the source and --test_data {str(root / 'test')!r}."
            )
        check_class_names(classes)
        ids: list[str] = []
        counts = dict[str, int]()
        unread = {"": Counter(self._unread_kind(e) or self.noun for e in loose)}
        for name in classes:
            own, unread[name] = self._below([folders[name]], seen)
            if not own:
                raise ValueError(
                    f"class folder {name!r} in {str(root)!r} holds no {self._listed_suffixes}"
                    f"{f' but {_listed(unread[name])}' if unread[name] else ''}; add some or remove the folder."
                )
            if any(unicodedata.category(c) == "Cs" for path in own for c in path):
                raise ValueError(f"class folder {name!r} holds file names that are not valid UTF-8; rename them.")
            ids += own
            counts[name] = len(own)
        y = np.repeat(np.arange(len(classes)), list(counts.values()))
        return Found(tuple(ids), y, classes, self._notes(unread, counts, outputs))

    def _flat(
        self, loose: Sequence[os.DirEntry[str]], seen: set[str] | None, flat: str | None, outputs: Sequence[str]
    ) -> Found:
        """Return the files that lie in the folder itself as one class."""
        n = sum(not self._unread_kind(e) for e in loose)
        if n and flat is not None:
            own, others = self._below(loose, seen)
            return Found(own, np.zeros(n, dtype=np.int64), (flat,), self._notes({"": others}, {flat: n}, outputs))
        state = f"has {n} {self.noun}s directly inside but no class folders" if n else f"holds no {self.noun}s"
        beside = f" beside what gensynth wrote ({', '.join(map(repr, outputs))})" if outputs else ""
        raise ValueError(
            f"folder {str(self.root)!r} {state}{beside}; make one sub-folder per class, named like the class."
        )

    def _is_output(self, name: str) -> bool:
        """Whether gensynth wrote a folder: a run, checkpoints or samples. One with files directly inside is a class."""
        names = [entry.name for entry in os.scandir(self.root / name)]
        if any(name.lower().endswith(self.suffixes) for name in names):
            return False
        manifest = self.root / name / MANIFEST
        if manifest.is_file():
            return is_manifest(manifest)
        return RECORD in names or any(name.endswith((".ckpt", ".resume")) for name in names)

    def _below(
        self, entries: Sequence[os.DirEntry[str]], seen: set[str] | None
    ) -> tuple[tuple[str, ...], Counter[str]]:
        """Return the files that are read at or below entries, in natural order, and the kinds of others."""
        found = [e for entry in entries for e in self._walk(entry, seen)]
        kinds = [self._unread_kind(e) for e in found]
        own = [self._relative(e) for e, kind in zip(found, kinds, strict=True) if not kind]
        return tuple(sorted(own, key=natural_key)), Counter(kind for kind in kinds if kind)

    def _relative(self, entry: os.DirEntry[str]) -> str:
        return Path(entry.path).relative_to(self.root).as_posix()

    def _seen(self) -> set[str] | None:
        return {str(self.root)} if self.follow_links else None

    @property
    def _listed_suffixes(self) -> str:
        return f"{self.noun}s ({', '.join(self.suffixes)})"

    def _unread_kind(self, entry: os.DirEntry[str]) -> str:
        """Return in a few words what a file is that is not read; "" for one that is."""
        suffix = Path(entry.name).suffix.lower()
        if not (os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file()):  # a pipe would wait for ever
            return "pipe, device or broken link"
        if suffix in self.suffixes:
            return ""
        return suffix if suffix[1:].isalnum() and len(suffix) < 9 else "of no known kind"

    def _notes(
        self, unread: Mapping[str, Counter[str]], counts: Mapping[str, int], outputs: Sequence[str]
    ) -> tuple[str, ...]:
        """Return sentences on files that were not read: how many of which class, out of how many, and of what kind."""
        lost = {name: kinds.total() for name, kinds in unread.items() if kinds}
        most = sorted(lost, key=lambda name: (not name, -lost[name]))
        shown, notes = [], []
        for name in most[:10]:
            where = f"of {lost[name] + counts[name]} files of {name!r}" if name else "outside of classes"
            shown.append(f"{lost[name]} {where} ({_listed(unread[name])})")
        rest = len(most) - 10
        more = f" and {sum(lost[name] for name in most[10:])} of {rest} more classes" if rest > 0 else ""
        if shown:
            read = f"{self.noun.capitalize()}s are read from {', '.join(self.suffixes)} files"
            notes.append(f"Not read: {', '.join(shown)}{more}. {read}; convert others.")
        if outputs:
            notes.append(f"What gensynth wrote is no class and was left out: {', '.join(map(repr, outputs))}.")
        return tuple(notes)

    def _walk(self, entry: os.DirEntry[str], seen: set[str] | None) -> Iterator[os.DirEntry[str]]:
        """Yield the files at or below `entry`, without hidden ones.

        Args:
            entry: A file or folder.
            seen: Where symbolic links may lead anywhere, the real folders that were entered so far; None elsewhere.

        Raises:
            ValueError: if a symbolic link leads where it may not, or nowhere, or to a folder that was entered before.
        """
        if entry.name.startswith("."):
            return
        folder = _is_folder(entry)
        if entry.is_symlink() and (folder or entry.name.lower().endswith(self.suffixes)):
            self._check_link(entry, folder, seen is not None)
        if not folder:
            yield entry
            return
        if seen is not None:
            real = os.path.realpath(entry.path)
            if real in seen:
                raise ValueError(
                    f"{entry.path!r} is a folder that another link leads to, too, or a loop; remove one link."
                )
            seen.add(real)
        for child in list(os.scandir(entry.path)):  # a list, so that the folder is closed if a link raises
            yield from self._walk(child, seen)

    def _check_link(self, entry: os.DirEntry[str], folder: bool, anywhere: bool) -> None:
        if not os.path.exists(entry.path):
            raise ValueError(
                f"symbolic link {entry.path!r} leads nowhere; fetch the file it stands for ('git annex get', 'dvc "
                "pull'), or remove it."
            )
        # A link to a folder may be a loop; one that leaves the root would put strangers' files into ids.
        if not anywhere and (folder or not Path(entry.path).resolve().is_relative_to(self.root)):
            raise ValueError(
                f"symbolic link {entry.path!r} leads to a folder or out of {str(self.root)!r}; "
                "put the files themselves there, or allow links in real data with --follow_links."
            )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one; asked of itself, a link that leads to itself raises."""
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _listed(kinds: Counter[str]) -> str:
    """Return counts of kinds as text, such as `12 .heic, 1 .txt`."""
    most = sorted(kinds.items(), key=lambda found: (-found[1], found[0]))
    return ", ".join(f"{n} {kind}" for kind, n in most[:5]) + (", ..." if len(most) > 5 else "")
