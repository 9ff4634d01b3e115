"""Run: the record of a resumable run, by which a later call recognises its own work."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import gensynth
from gensynth.data.files import RECORD, remove_leftovers, visible, write_text
from gensynth.data.lock import command
from gensynth.data.plain import read_json, typed
from gensynth.data.settings import differences

AUTO = "auto"
"""The sampler that is chosen."""
SCHEMA = "schema.json"
"""Name of what says in a run's folder what the columns of its table are."""
WHERE = (
    *("source", "out", "data.test_data", "data.schema"),
    *("data.download", "data.cache", "data.no_cache", "data.cache_gb"),
)
"""Settings that say where things lie, may be fetched from or are kept, not what is made; the fingerprint says that."""
T = TypeVar("T")


class Record(TypedDict):
    """What run.json holds: what was asked for, by which command and versions, and the seconds of each step."""

    settings: dict[str, Any]
    command: str
    versions: str
    seconds: dict[str, float]


@dataclass(frozen=True)
class Run:
    """The record of a run, `run.json` in its folder."""

    path: Path

    @staticmethod
    def open(out: Path, settings: Mapping[str, Any]) -> Run:
        """Create the folder, or continue a run with the same settings and data, wherever these lie now.

        A run in which nothing was made yet may get other settings.

        Raises:
            ValueError: if the folder holds anything else.
        """
        path = out / RECORD
        plain = json.loads(json.dumps(settings, default=asdict))
        if path.exists() and not _is_bare(out):
            remove_leftovers(path)  # what is done may never write it again
            found = Run.read(out)
            if differ := differences(found["settings"], plain, WHERE):
                raise ValueError(
                    f"{out} holds a run with other settings ({differ}); choose another --out, or delete it."
                )
            if found["settings"] != plain:
                write_text(path, json.dumps(found | {"settings": plain}, indent=1))
            return Run(path)
        if out.exists() and (not out.is_dir() or visible(out)) and not _is_bare(out):
            raise ValueError(f"{out} exists and is not a gensynth run; choose another --out.")
        record: Record = {
            "settings": plain,
            "command": command(),
            "versions": f"gensynth {gensynth.__version__}, torch {version('torch')}, "
            f"Python {platform.python_version()}",
            "seconds": {},
        }
        write_text(path, json.dumps(record, indent=1))
        return Run(path)

    @staticmethod
    def read(out: Path) -> Record:
        """Read the record; ValueError if the folder is not a run, or its record is damaged."""
        path = out / RECORD
        if not path.is_file():
            raise ValueError(f"{out} is not a gensynth run (it has no {RECORD}).")
        return read_json(path, Record, "the record of a gensynth run", "choose another folder, or make the run again")

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Do one step and add its seconds to the record; a run whose first step is refused leaves nothing."""
        start = time.perf_counter()
        try:
            result = work()
        except Exception:
            if _is_bare(self.path.parent):
                for name in visible(self.path.parent):
                    (self.path.parent / name).unlink()
            raise
        record = Run.read(self.path.parent)
        record["seconds"][name] = record["seconds"].get(name, 0.0) + time.perf_counter() - start
        write_text(self.path, json.dumps(record, indent=1))
        return result


def _is_bare(out: Path) -> bool:
    """Whether a folder is a run in which nothing was made yet: it may become another one."""
    found = visible(out)
    return RECORD in found and found <= {RECORD, SCHEMA} and bool(Run.read(out))


def asked(settings: dict[str, Any], kind: type[T], folder: Path) -> T:
    """Return the settings in a run's record as a TypedDict; ValueError if they are something else."""
    try:
        return typed(kind, settings, "settings")
    except ValueError as error:
        raise ValueError(
            f"{folder} is not a run of this version of gensynth ({str(error).rstrip('.')}); make it again."
        ) from error


def absolute(source: str | None) -> str | None:
    """Return a folder's or file's absolute path, so that a run can be continued from anywhere; names as they are."""
    return str(Path(source).resolve()) if source is not None and Path(source).exists() else source


@contextmanager
def hint_of_moves(out: Path) -> Iterator[None]:
    """Where the data of a run are not found any more, let the message say what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} If the data of {out} were moved, say with --data where they are.") from error
