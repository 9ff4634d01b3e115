"""Record: what a search knows so far, so that a killed one goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Literal, TypedDict

from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.evaluate.kept_arms import load_outcome, save_outcome
from gensynth.evaluate.outcome import Outcome

Key = tuple[str, ...]
"""What time was spent on, as words: number of the split, sampler, target, arm, classifier, as far as they matter."""


class Found(TypedDict):
    """What the file of a `Record` holds, beside the outcomes."""

    outcomes: list[Key]
    seconds: list[tuple[Key, float]]
    estimates: dict[str, float]
    left_out: list[Key]
    notes: list[str]
    schema: Literal[4]


@dataclass
class Record:
    """What is known so far, in `search.json` and `search/`, which are written after every step.

    Attributes:
        folder: Where they are; None to keep nothing.
        outcomes: What was said of the test side, by (split, sampler, target, arm, classifier).
        seconds: Time spent on training, by (split, sampler, target, arm, classifier), and on the rest: (split, sampler,
            "estimate" or "fit"), (split, sampler, target, "draw"); what was interrupted counts, unless the process was
            killed outright.
        estimates: Seconds that a whole fit is thought to take, by sampler; 0 once one is done.
        left_out: What is not tried any further: samplers, or with a target, that cannot; or with a target and a
            classifier, for which there is no time.
        notes: Sentences for the reader.
    """

    folder: Path | None
    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    seconds: dict[Key, float] = field(default_factory=dict)
    estimates: dict[str, float] = field(default_factory=dict)
    left_out: list[Key] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @staticmethod
    def open(folder: Path | None, split: Callable[[int], tuple[LabeledData, LabeledData]]) -> Record:
        """Read what there is; an outcome whose file is gone is not known.

        Args:
            folder: As `Record`.
            split: Returns training and test side of a split.
        """
        record = Record(folder)
        if folder is None or not (folder / "search.json").exists():
            return record
        what = "the record of a search by this version of gensynth"
        found: Found = read_json(folder / "search.json", Found, what, MAKE_AGAIN)
        for key in found["outcomes"]:
            outcome = load_outcome(record.file(key), split(int(key[0]))[1])
            if outcome is not None:
                record.outcomes[key] = outcome
        record.seconds, record.estimates = dict(found["seconds"]), found["estimates"]
        record.left_out, record.notes = found["left_out"], found["notes"]
        return record

    def file(self, key: Key) -> Path:
        """Return where an outcome is kept."""
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        return (self.folder or Path()) / "search" / f"{name}.npz"

    def keep(self, key: Key, outcome: Outcome) -> None:
        """Keep an outcome; `save` then says that it is there."""
        if self.folder is not None:
            save_outcome(outcome, self.file(key))
        self.outcomes[key] = outcome

    def save(self) -> None:
        """Write the file."""
        if self.folder is None:
            return
        fields: Found = {
            "outcomes": list(self.outcomes),
            "seconds": list(self.seconds.items()),
            "estimates": self.estimates,
            "left_out": self.left_out,
            "notes": self.notes,
            "schema": 4,
        }
        write_text(self.folder / "search.json", json.dumps(fields) + "\n")

    @contextmanager
    def counting(self, *keys: Key) -> Iterator[None]:
        """Add the seconds that something takes, however it ends, to each key an equal share, and write the file."""
        start = perf_counter()
        try:
            yield
        finally:
            spent = (perf_counter() - start) / len(keys)
            self.seconds |= {key: self.seconds.get(key, 0.0) + spent for key in keys}
            self.save()

    def note(self, sentence: str) -> None:
        """Keep a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            self.save()

    def leave_out(self, *what: Key, why: str = "") -> None:
        """Keep that something is not tried any further, see `left_out`."""
        self.left_out += what
        self.notes += [why] * bool(why)
        self.save()
