"""The classifier of `evaluate`: a small residual network, or the user's own, trained from several seeds at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import torch
from torch import Tensor

from gensynth.evaluate.small_network import Classifiers, Own, descend, device_of_training, drawn, predicted
from gensynth.generator.augment import small_affine
from gensynth.kinds.image.classifier.task import PLAIN, Task, Training, Way


def train_and_predict(task: Task, way: Way, training: Training, on_step: Callable[[], object]) -> np.ndarray:
    """Train one network per seed by AdamW with a one-cycle schedule and predict the test images.

    Args:
        task: What it learns from, and what it is asked.
        way: How images are drawn, weighted and changed. Mixed images have mixed losses, too (Zhang et al. 2018,
            "mixup: Beyond empirical risk minimization").
        training: Seeds of the weights and batches, steps and batch size; its classifier makes the networks, None for
            those of `Classifiers`.
        on_step: Called after every step.

    Returns:
        Probabilities, float32, shape (seeds, n_test, n_classes).
    """
    seeds, steps, batch_size, build = training.seeds, training.steps, training.batch_size, training.classifier
    n_classes, weight = task.n_classes, task.weight(way)
    device = device_of_training()
    _, c, h, w = task.images(torch.zeros(1, dtype=torch.int64)).shape
    networks = Classifiers(seeds, (c, h, w), n_classes) if build is None else Own(build, seeds, c, n_classes)
    networks = networks.to(device).to(memory_format=torch.channels_last)
    rows = drawn(task.chance(way), seeds, steps, batch_size)
    of_class = torch.ones(n_classes) if weight is None else torch.from_numpy(weight).float()
    # Streams of their own: the batches are the same, whatever is done to their images.
    streams = [np.random.default_rng([seed, 1]) for seed in seeds]
    draw = _moves if way.mixing is None else way.mixing.draw
    noise = torch.from_numpy(np.stack([draw(stream, (steps, batch_size)) for stream in streams], 1)).float().to(device)

    def batch(step: int) -> tuple[Tensor, Tensor | None]:
        at = torch.from_numpy(rows[step])
        x = task.images(at.flatten()).to(device)
        if way.recipe != PLAIN:
            x = small_affine(x.float(), noise[step].flatten(0, 1), training.jitter)
        x, share = x.unflatten(0, at.shape), None
        if way.mixing is not None:
            x, share = way.mixing.mix(x, noise[step])
        return x.transpose(0, 1), share

    with ExitStack() as stack:
        if build is not None:  # dropout in a network of the user's; ours draw nothing
            stack.enter_context(torch.random.fork_rng(range(torch.cuda.device_count())))
            torch.manual_seed(seeds[0])
        descend(networks, torch.from_numpy(task.y[rows]).to(device), of_class.to(device), batch, on_step)
    return predicted(networks, len(seeds), task.n_test, task.test_x)


def _moves(stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw what `small_affine` needs."""
    return stream.uniform(-1, 1, (*shape, 4))
