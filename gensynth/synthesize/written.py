"""Written: what a synthetic data set is that was written, so that nothing else is taken for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from gensynth.data.files import write_text
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.data.settings import differences
from gensynth.mix.files import Files
from gensynth.synthesize.config import SynthesizeConfig
from gensynth.synthesize.ruler import Drawn


class Written(TypedDict):
    """What written.json says of the data set: its content, what was asked for, and what was left out."""

    sha256: str
    n: int | None
    counts: dict[str, int] | None
    where: str | None
    given: str | None
    matched: float
    natural: bool


@dataclass(frozen=True)
class WrittenFile:
    """The record of a data set that was written.

    Attributes:
        path: Where it is.
        out: Where the data set is.
        what: What is asked for.
        files: How the data set is written.
    """

    path: Path
    out: Path
    what: SynthesizeConfig
    files: Files

    def read(self) -> Written:
        """Read it."""
        found: Written = read_json(self.path, Written, "the record of a synthetic data set", MAKE_AGAIN)
        return found

    def refuse_others(self) -> None:
        """Raise ValueError if something else lies where the data set is to be."""
        if not self.path.exists() or not self.out.exists():
            self.files.refuse_existing(self.out)
            return
        found = self.read()
        asked = self._asked()
        if differ := differences({name: found[name] for name in asked}, asked):  # type: ignore[literal-required]
            raise ValueError(f"{self.out} was asked for otherwise ({differ}); choose another --out, or remove it.")
        if found["sha256"] not in ("", self._hash()):  # "" is that of a run that was killed after it had written
            raise ValueError(f"{self.out} is not what was written there; choose another --out, or remove it.")

    def begin(self, drawn: Drawn) -> None:
        """Write it before the data set, which appears whole or not at all."""
        of = {"sha256": "", **self._asked(), "matched": drawn.matched, "natural": drawn.natural}
        write_text(self.path, json.dumps(of, indent=1))

    def finish(self) -> None:
        """Add the hash of the data set."""
        write_text(self.path, json.dumps(self.read() | {"sha256": self._hash()}, indent=1))

    def _hash(self) -> str:
        """Return the hash of a table, or of what lists the files of a folder."""
        return hash_of(self.files.manifest_of(self.out) if self.out.is_dir() else self.out)

    def _asked(self) -> dict[str, Any]:
        what = self.what
        counts = None if what.counts is None else {str(name): n for name, n in what.counts.items()}
        given = None if what.given is None else hash_of(Path(what.given))
        return {"n": what.n, "counts": counts, "where": what.where, "given": given}


def hash_of(path: Path) -> str:
    """Return the hash of a file, or of all files of a folder."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = (hash_of(each) for each in sorted(path.rglob("*")) if each.is_file())
    return hashlib.sha256("".join(files).encode()).hexdigest()
