"""What the tests of the command line share: how it is run, and pictures to run it on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gensynth.cli.main import main

QUICK = ["--steps", "4", "--batch_size", "8", "--quiet", "--accelerator", "cpu"]
DIGITS = ["builtin:digits", "--keep", "8=20,9=40"]
SHIPPED = Path(__file__).parent.parent / "checkpoints" / "digits_vae.ckpt"


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in argv])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """Run, expect exit code 2 and one sentence on standard error; return it."""
    code, _, err = run(capsys, *argv)
    lines = [line for line in err.splitlines() if line.startswith("gensynth: ")]
    assert code == 2 and len(lines) == 1 and "Traceback" not in err, err
    return lines[0]


def picture(path: Path, shade: int, size: tuple[int, int] = (12, 12)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(shade).integers(0, 60, (*size, 3)) + shade
    Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(path)
