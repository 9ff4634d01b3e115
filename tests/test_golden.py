"""Fixed seeds give what they gave when `tests/golden.json` was written, on any processor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from golden import RARE, compute

EXPECTED = json.loads(Path(__file__).with_name("golden.json").read_text())
NETWORKS = 0.15
"""Networks of 30 steps differ so much between processors of other precision; everything else by less than 0.02."""


def differences(found: Any, expected: Any, at: str) -> list[str]:
    """Return a line for each value that differs."""
    if isinstance(expected, dict) and list(found) == list(expected):
        return [line for key in expected for line in differences(found[key], expected[key], f"{at} / {key}")]
    if isinstance(expected, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [line for i, (f, e) in pairs for line in differences(f, e, f"{at} / {i}")]
    near = NETWORKS if "tried" in at else 0.02
    same = found == (pytest.approx(expected, rel=1e-3, abs=near) if isinstance(expected, float) else expected)
    return [] if same else [f"{at}: {found}, expected {expected}"]


@pytest.mark.parametrize("name", list(RARE))
def test_results_are_those_of_before(name: str, tmp_path: Path) -> None:
    found = json.loads(json.dumps(compute(name, tmp_path)))
    assert differences(found, EXPECTED[name], name) == []
