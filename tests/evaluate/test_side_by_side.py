"""Jobs side by side: the same answer on any number of cores, and no waiting for the others once one has failed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from threading import Event

import numpy as np
import pytest
import torch

from gensynth.evaluate.side_by_side import OnStep, side_by_side
from gensynth.kinds.image.classifier.network import train_and_predict
from gensynth.kinds.image.classifier.task import WAYS, Task, Training


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def learn(on_step: OnStep) -> np.ndarray:
    x = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8)
    task = Task(x.__getitem__, np.arange(40) % 2, x.__getitem__, 40, 2)
    assert torch.get_num_threads() == 1
    return train_and_predict(task, WAYS["real"], Training([1, 2], 5, 16), lambda: on_step(1))


def test_networks_are_the_same_on_any_number_of_cores(cores: int) -> None:
    steps: list[float] = []
    random = torch.get_rng_state()
    found = side_by_side([learn] * 4, steps.append)
    assert steps == [1] * 20 and torch.equal(torch.get_rng_state(), random)
    assert torch.get_num_threads() == cores
    expected = side_by_side([learn], lambda done: None)[0]
    assert all(np.array_equal(p, expected) for p in found)


def test_a_job_that_fails_stops_the_others() -> None:
    before, started = torch.get_num_threads(), Event()
    torch.set_num_threads(2)

    def endless(on_step: OnStep) -> None:
        for _ in count():
            on_step(1)
            started.set()

    def fails(on_step: OnStep) -> None:
        started.wait()
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            side_by_side([fails, endless, endless], lambda done: None)
        started.clear()
        with pytest.raises(KeyboardInterrupt):
            side_by_side([endless, fails], lambda done: None)
    finally:
        torch.set_num_threads(before)
