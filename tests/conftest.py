"""Small data for the tests: scikit-learn's handwritten digits, a folder of pictures, a checkpoint."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# One thread per process: the suite runs several processes at once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What tests decode is no use to the one who runs them.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()

import numpy as np
import pytest
from command_line import DIGITS, QUICK, picture
from hypothesis import HealthCheck, settings

from gensynth.cli.main import main
from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.read import DataConfig, Parts, read_parts

# No test turns on how fast the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def quick_leak() -> Iterator[None]:
    """The shortcut test of a run takes seconds; tests of it ask for the training that they need."""
    with pytest.MonkeyPatch.context() as patch:
        quick = EvaluateConfig(seeds=3, steps=40, batch_size=32)
        patch.setattr("gensynth.kinds.image.kind.ImageKind.leak_config", lambda self: quick)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_weights() -> Iterator[None]:
    """Pretrained weights are not at hand, whatever is installed; tests of them bring their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gensynth.kinds.image.classifier.weights.packaged", lambda: None)
        patch.setattr("gensynth.kinds.image.classifier.weights.KEPT", ())
        yield


@pytest.fixture(scope="session")
def parts() -> Parts:
    """Digits in three parts; classes 8 and 9 cut to 20 and 40 training images."""
    return read_parts("builtin:digits", DataConfig(keep={"8": 20, "9": 40}))


@pytest.fixture(scope="session")
def tiny() -> LabeledData:
    """24 images each of '1', '7' and '8', 8 x 8, grey."""
    data = read_parts("builtin:digits", DataConfig()).train
    rows = np.concatenate([np.flatnonzero(data.y == label)[:24] for label in (1, 7, 8)])
    cut = data.subset(rows)
    y = np.repeat(np.arange(3), 24)
    return LabeledData(cut.x, y, ("1", "7", "8"), cut.ids)


@pytest.fixture(scope="session")
def few_eights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz file: 60 images each of the digits 1 and 7, and 30 of 8."""
    data = read_parts("builtin:digits", DataConfig()).train
    rows = np.concatenate([np.flatnonzero(data.y == label)[:n] for label, n in ((1, 60), (7, 60), (8, 30))])
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, x=data.x[rows].numpy(), y=np.repeat(["1", "7", "8"], (60, 60, 30)))
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of the digits after four steps."""
    out = tmp_path_factory.mktemp("trained")
    with pytest.raises(SystemExit) as stop:
        main(["train", "vae", "--data", *DIGITS, "--out", str(out), *QUICK])
    assert stop.value.code == 0
    return out / "vae.ckpt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of colour images, 12 'fine' and 6 '-odd näme', 12 x 12."""
    for at in range(12):
        picture(tmp_path / "data" / "fine" / f"{at}.png", 20 + at)
    for at in range(6):
        picture(tmp_path / "data" / "-odd näme" / "nested" / f"{at}.jpg", 150 + at)
    return tmp_path / "data"
