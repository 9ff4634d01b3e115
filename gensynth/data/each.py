"""One task for each of many, in threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

BLOCK = 1024
THREADS = min(16, os.cpu_count() or 1)
T = TypeVar("T")


def for_each(task: Callable[[int], T], root: Path, paths: Sequence[str], noun: str, title: str = "") -> list[T]:
    """Run `task` on every row with threads; collect all failures into one ValueError.

    Args:
        task: Is given the position of a path.
        root: The folder that the paths are relative to.
        paths: Of the files that the task reads.
        noun: What one of them is called in messages.
        title: Of the progress bar, which is shown on a terminal only; "" for none.
    """
    failed: dict[int, str] = {}

    def attempt(row: int) -> T | None:
        try:
            return task(row)
        except Exception as error:  # decoders raise nearly every type on broken files
            failed[row] = str(error) or type(error).__name__
            return None

    done: list[T | None] = []
    hide = None if title else True  # None: shown on a terminal only
    with ThreadPoolExecutor(THREADS) as pool, tqdm(total=len(paths), desc=title, disable=hide) as bar:
        for start in range(0, len(paths), BLOCK):
            rows = range(start, min(start + BLOCK, len(paths)))
            done += pool.map(attempt, rows)
            bar.update(len(rows))
    if failed:
        shown = ", ".join(f"{paths[row]!r} ({failed[row]})" for row in sorted(failed)[:5])
        more = ", ..." if len(failed) > 5 else ""
        raise ValueError(
            f"{len(failed)} of {len(paths)} {noun}s in {str(root)!r} cannot be read: {shown}{more}; "
            "repair or remove them."
        )
    return done  # type: ignore[return-value]  # None only where the task itself returns it


def in_threads(task: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """Run `task` on each of the arguments, as `map` does, in threads; the first error is raised, and ends it."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(task, *arguments))
