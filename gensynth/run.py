"""Run: the record of a resumable run, by which a later call recognises its own work."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import torch

import gensynth
from gensynth.files import write_text
from gensynth.plain import read_json, typed

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
    def open(out: Path, settings: dict[str, Any]) -> Run:
        """Create the folder, or continue a run with the same settings; ValueError for anything else."""
        path = out / "run.json"
        plain = json.loads(json.dumps(settings))
        if path.exists():
            found = Run.read(out)["settings"]
            if differ := sorted(key for key in plain | found if plain.get(key) != found.get(key)):
                raise ValueError(
                    f"{out} holds a run with other settings ({', '.join(differ)}); choose another --out, or delete it."
                )
            return Run(path)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"{out} exists and is not a gensynth run; choose another --out.")
        out.mkdir(parents=True, exist_ok=True)
        record: Record = {
            "settings": plain,
            "command": shlex.join(["gensynth", *sys.argv[1:]]),
            "versions": f"gensynth {gensynth.__version__}, torch {torch.__version__}, "
            f"Python {platform.python_version()}",
            "seconds": {},
        }
        write_text(path, json.dumps(record, indent=1))
        return Run(path)

    @staticmethod
    def read(out: Path) -> Record:
        """Read the record; ValueError if the folder is not a run, or its record is damaged."""
        path = out / "run.json"
        if not path.is_file():
            raise ValueError(f"{out} is not a gensynth run (it has no run.json).")
        return read_json(path, Record, "the record of a gensynth run", "choose another folder, or make the run again")

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Do one step and add its seconds to the record."""
        start = time.perf_counter()
        result = work()
        record = Run.read(self.path.parent)
        record["seconds"][name] = record["seconds"].get(name, 0.0) + time.perf_counter() - start
        write_text(self.path, json.dumps(record, indent=1))
        return result


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


def first_process() -> bool:
    """Whether this is the process that does what is done once; launchers tell through the environment."""
    environment = os.environ
    rank = environment.get("RANK", environment.get("SLURM_PROCID"))
    if rank is None:
        rank = environment.get("LOCAL_RANK", "0") if environment.get("NODE_RANK", "0") == "0" else "1"
    return int(rank) == 0
