"""How long a training takes, told by a few steps of it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from gensynth.data.labeled import LabeledData
from gensynth.generator.config import TrainConfig
from gensynth.kinds.image.generator.train import train

FEW, MORE = 2, 42
"""Steps of two short trainings: their difference is what steps cost, the rest what comes with any training. One comes
before them, for the first training of a process takes longer: 2.6 seconds instead of 1.2 were seen."""


def seconds_to_train(
    data: LabeledData,
    name: str,
    model_config: Any,
    config: TrainConfig,
    label: str | None = None,
    source: Sequence[str] = (),
    download: bool = False,
) -> float:
    """Return about how many seconds `train` takes with the same arguments.

    Raises:
        ValueError: as `train`.
    """
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for number, steps in enumerate((FEW, FEW, MORE)):
            start = perf_counter()
            short, path = replace(config, steps=steps), Path(folder) / f"{number}.ckpt"
            train(data, name, model_config, short, path, label=label, source=source, download=download, quiet=True)
            seconds.append(perf_counter() - start)
    _, few, more = seconds
    return few + max(0.0, more - few) / (MORE - FEW) * config.steps
