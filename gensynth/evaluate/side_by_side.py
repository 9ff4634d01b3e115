"""Small networks side by side: each is trained in a thread of its own, which computes with one core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

import torch

Result = TypeVar("Result")
OnStep = Callable[[float], object]
"""Called with the number of steps done since."""


class _Stopped(Exception):
    """Another job failed, or the user pressed Ctrl-C."""


def side_by_side(jobs: Sequence[Callable[[OnStep], Result]], on_step: OnStep, at_once: bool = True) -> list[Result]:
    """Run jobs, as many at a time as torch has cores, and return what they return.

    Cores that share the operations of a small network mostly wait for each other. One core for each training took two
    thirds of that time on two idle cores (two trainings of 20 steps: 0.72 and 1.09 seconds), a seventh on busy ones.
    torch lets go of Python's lock while it computes. What a job computes does not depend on the number of cores, for it
    has one. On a GPU jobs run in turn.

    Args:
        jobs: Each is called with what it has to call after every step. None may draw from the global random state.
        on_step: Called for all of them, by one at a time.
        at_once: Whether they may run side by side (`Classifier.runs_side_by_side`); otherwise they run in turn.
    """
    if torch.cuda.is_available() or not at_once:
        return [job(on_step) for job in jobs]
    cores, lock = torch.get_num_threads(), Lock()
    failures: list[BaseException] = []  # the first one is why the others stopped

    def report(done: float) -> None:
        if failures:
            raise _Stopped
        with lock:
            on_step(done)

    def run(job: Callable[[OnStep], Result]) -> Result:
        try:
            if failures:
                raise _Stopped
            return job(report)
        except BaseException as error:
            failures.append(error)
            raise

    with ThreadPoolExecutor(min(cores, len(jobs)), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            return list(pool.map(run, jobs))
        except BaseException as error:
            failures.append(error)  # Ctrl-C comes here first
            raise failures[0] from failures[0].__cause__
        finally:
            torch.set_num_threads(cores)  # threads that are started later would have one, too
