"""The judge of `fuzz.py`: gives an input to the command line in this process, and finds fault with its answer."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from gensynth.cli import main as cli
from gensynth.cli.main import UNFORESEEN

PYTHONS = ["invalid literal for", "could not convert string", "values to unpack", "codec can't", "has no attribute"]
PYTHONS += ["object is not", "must be str, not", "unsupported operand", "unexpected keyword argument", "NoneType"]
"""Words of Python itself, which do not say what to do."""


@dataclass
class Case:
    """One input: files in a folder of its own, and the command line that reads them.

    Attributes:
        argv: The command line.
        folder: Where it runs; the only place where it may write.
    """

    argv: list[str]
    folder: Path


@dataclass
class Answer:
    """How an input was answered.

    Attributes:
        status: Exit status; None for a traceback, "slow" past the limit.
        said: What it wrote to standard error.
        faults: What is wrong with the answer; empty where it is good.
        where: The traceback of an unforeseen error.
    """

    status: int | None
    said: str
    seconds: float
    megabytes: float
    faults: list[str] = field(default_factory=list)
    where: str = ""


class TooSlow(BaseException):
    """The time for one input is over."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the block after this many seconds."""

    def stop(*_: Any) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def answered(case: Case, seconds: float = 10.0, megabytes: float = 1500.0) -> Answer:
    """Give an input to the command line in this process, and judge the answer.

    Args:
        case: The input.
        seconds: How long it may take.
        megabytes: How much memory it may take.
    """
    out, err, home = io.StringIO(), io.StringIO(), Path.cwd()
    held, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, perf_counter()
    answer = Answer(None, "", 0.0, 0.0)
    complain = cli._complain

    def watched(sentence: str, status: int = 2) -> int:
        error = sys.exc_info()[1]
        if error is not None and (fault := unforeseen(error, sentence)):
            answer.faults.append(fault)
            answer.where = "".join(traceback.format_exception(error))
        return complain(sentence, status)

    cli._complain = watched
    os.chdir(case.folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), time_limit(seconds):
            cli.main(case.argv)
    except SystemExit as stop:
        answer.status = int(stop.code or 0)
    except TooSlow as slow:
        answer.faults.append("slow")
        answer.where = "".join(traceback.format_exception(slow)[-6:])
    except BaseException as error:  # this is what is looked for
        answer.faults.append(f"traceback: {type(error).__name__}")
        answer.where = traceback.format_exc()
    finally:
        cli._complain = complain
        os.chdir(home)
    answer.said, answer.seconds = err.getvalue(), perf_counter() - start
    answer.megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    if answer.status not in (0, 1, 2, None):
        answer.faults.append(f"status {answer.status}")
    if answer.megabytes > megabytes:
        answer.faults.append(f"{answer.megabytes:.0f} MB")
    if "Traceback" in answer.said:
        answer.faults.append("traceback")
    return answer


def unforeseen(error: BaseException, sentence: str) -> str:
    """Return what is wrong with the answer to an error: no sentence was written for it, or a library's is passed on."""
    if UNFORESEEN in sentence:
        return "fallback"
    if isinstance(error, MemoryError):
        return "out of memory"
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    raised = Path(at.tb_frame.f_code.co_filename) if at is not None else Path()
    ours = raised.is_relative_to(Path(cli.__file__).parents[2]) and "site-packages" not in raised.parts
    about_input = type(error).__module__.partition(".")[0] in ("argparse", "jsonargparse") or isinstance(error, OSError)
    unclear = "" if error.__cause__ else next((words for words in PYTHONS if words in sentence), "")
    return unclear or ("" if ours or about_input else f"words of {raised.name}")


def outside(folder: Path) -> dict[str, float]:
    """Return all files beside the folder in which inputs run, with the times of their last change."""
    return {str(p): p.stat().st_mtime for p in folder.rglob("*") if p.is_file() and "arena" not in p.parts}
