"""Hostile and broken inputs, a few of every kind that `benchmarks/fuzz.py` makes: each is answered by a sentence."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
KINDS = ("option", "recipe", "schema", "run", "sampler", "checkpoint", "npz", "manifest")
KINDS += ("table", "text", "jsonl", "image")


@pytest.fixture(scope="module")
def fuzz() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("fuzz")
        sys.modules.pop("fuzz", None)


@pytest.fixture(scope="module")
def sound(fuzz: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fuzz.Sound(tmp_path_factory.mktemp("fuzz"), runs=False)


def test_every_kind_is_tried(fuzz: ModuleType) -> None:
    assert tuple(fuzz.KINDS) == KINDS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")  # libraries warn of broken files in many ways
def test_broken_inputs_are_answered_by_a_sentence(fuzz: ModuleType, sound: Any, kind: str) -> None:
    @settings(max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 10**6))
    def check(number: int) -> None:
        case, answer = fuzz.one(sound, kind, number, seed=0, seconds=60, megabytes=1500)
        assert not answer.faults, (case.argv, answer.said, answer.where)
        assert answer.status in (0, 1, 2)

    check()


def test_a_fault_is_found(fuzz: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge of the answers is no rubber stamp."""
    from gensynth.cli import runs

    def broken(error: BaseException) -> Any:
        def report(kind: Any, run: Path) -> int:
            raise error

        return report

    for error, fault in (
        (KeyError("x"), "fallback"),
        (MemoryError(), "out of memory"),
        (ValueError("not enough values to unpack"), "values to unpack"),
        (RuntimeWarning("x"), "fallback"),
    ):
        monkeypatch.setattr(runs, "report", broken(error))
        answer = fuzz.answered(fuzz.Case(["report", "x"], tmp_path))
        assert fault in answer.faults and answer.status == 2
    monkeypatch.setattr(runs, "report", broken(SystemExit(7)))
    assert "status 7" in fuzz.answered(fuzz.Case(["report", "x"], tmp_path)).faults
