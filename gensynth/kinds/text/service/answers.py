"""Answers: what a service said, kept in a folder, so that nothing is asked, or paid, twice.

One file for each answer, named by a hash of the question and of the sample's number, so that the same question may be
asked for two samples. Files appear whole. A killed run that is started again finds them, asks for the others, and makes
the same documents; the lock of `gensynth.data.lock` keeps a second run from asking the same meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import final

from gensynth.data.files import write_text
from gensynth.data.plain import read_json
from gensynth.kinds.text.service.service import Answer


@final
class Answers:
    """The answers of one folder, and those that are asked for.

    Args:
        folder: Where they are kept; nobody else writes there.
        ask: Asks a question; may be called from several threads.
        most: How many answers the folder may hold before none is asked for. A question that is sent again after an
            error counts once.

    Attributes:
        asked: How many were asked for by this one.
    """

    def __init__(self, folder: Path, ask: Callable[[str], Answer], most: int) -> None:
        self.folder, self._ask, self._most = folder, ask, most
        self._before, self.asked = len(self._files()), 0
        self._counting = threading.Lock()

    def __call__(self, prompt: str, number: int) -> Answer:
        """Return the answer to a question for the sample of that number.

        Raises:
            ValueError: if `most` are there and it is not among them, or its file was damaged.
        """
        name = hashlib.sha256(json.dumps([number, prompt]).encode()).hexdigest()
        path = self.folder / f"{name}.json"
        if path.exists():
            return _read(path)
        with self._counting:
            if self._before + self.asked >= self._most:
                raise ValueError(
                    f"max_calls={self._most} answers were asked for with these documents and settings, and more are "
                    f"needed; give a larger max_calls and another --out: the answers in {self.folder} are kept, and "
                    "not asked for again."
                )
            self.asked += 1
        answer = self._ask(prompt)
        write_text(path, json.dumps(asdict(answer)))
        return answer

    def all(self) -> list[Answer]:
        """Return all that the folder holds, those of earlier runs, too."""
        return [_read(path) for path in self._files()]

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))


def _read(path: Path) -> Answer:
    answer: Answer = read_json(path, Answer, "an answer of a language model", "delete it, and it is asked for again")
    return answer
