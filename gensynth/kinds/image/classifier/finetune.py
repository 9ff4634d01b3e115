"""Finetuned: the trunk itself is trained for a few epochs, as people do who have a GPU."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.small_network import PREDICT_BATCH
from gensynth.kinds.image.classifier.mixing import MIXUP
from gensynth.kinds.image.classifier.task import PLAIN, WAYS, Seen, Task, Way, join
from gensynth.kinds.image.classifier.trunk import Trunk
from gensynth.kinds.image.classifier.views import changed
from gensynth.kinds.image.features.module_features import ModuleFeatures
from gensynth.kinds.image.finer import Finer
from gensynth.kinds.image.images import Images
from gensynth.sampler.synthetic import Synthetic

EPOCHS, BATCH, FEWEST_STEPS = 4, 32, 50
LEARNING_RATES, WEIGHT_DECAY, SMOOTHING = (1e-4, 1e-3), 1e-2, 0.1
"""Of the trunk and of the new last layer; both fall as a cosine. Labels are smoothed (Szegedy et al. 2016, "Rethinking
the Inception architecture for computer vision")."""


class Tuned(nn.Module):
    """A trunk with a new last layer.

    Args:
        trunk: Its weights are copied.
        width: Number of its features.
        n_classes: Number of classes.
        seed: Of the last layer.
    """

    def __init__(self, trunk: ModuleFeatures, width: int, n_classes: int, seed: int) -> None:
        super().__init__()
        self.body = copy.deepcopy(trunk.module).requires_grad_(True)
        self.last = nn.Linear(width, n_classes)
        weight = torch.empty(n_classes, width).normal_(0, width**-0.5, generator=torch.Generator().manual_seed(seed))
        self.last.load_state_dict({"weight": weight, "bias": torch.zeros(n_classes)})
        self.last.to(trunk.device)

    def forward(self, x: Tensor) -> Tensor:
        """Map what `ModuleFeatures.prepared` returns to logits, shape (n, n_classes)."""
        y = self.body(x)
        logits: Tensor = self.last(y.mean((2, 3)) if y.ndim == 4 else y)
        return logits


@final
@dataclass(frozen=True, eq=False)
class Finetuned(Classifier):
    """Copies of a trunk that are trained on, one for each seed.

    Attributes:
        trunk: Shared with the heads on it, which choose how the way `augmented` changes images.
        seeds: Of the last layers and batches.
        n: Number of real training images, which sets the number of steps, the same for all arms.
        positive: As `Outcome.positive`.
    """

    trunk: Trunk
    seeds: Sequence[int]
    n: int
    positive: int | None = None

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return "finetune"

    @property
    def notes(self) -> tuple[str, ...]:
        """As `Classifier.notes`."""
        return self.trunk.notes

    @property
    def steps(self) -> int:
        """As `Classifier.steps`."""
        return max(FEWEST_STEPS, EPOCHS * self.n // BATCH)

    @property
    def settings(self) -> str:
        """As `Classifier.settings`."""
        rates = (LEARNING_RATES, WEIGHT_DECAY, SMOOTHING, MIXUP)
        return repr((self.seeds, self.steps, BATCH, rates, self.trunk.views.trunk.stamp))

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`."""
        y = train.y if added is None else np.concatenate([train.y, added.y])
        images = join(len(train), self._seen(train.x), None if added is None else self._seen(added.x))
        task, how = Task(images, y, self._seen(test.x), len(test), len(train.classes)), WAYS[way]
        note = ""
        if how.recipe != PLAIN:
            recipe = self.trunk.recipe(train)
            how, note = replace(how, recipe=recipe.name), recipe.note
        width = self.trunk.views.plain(train.x.take(np.array([0])), lambda done: None).shape[1]
        p = []
        with torch.random.fork_rng(range(torch.cuda.device_count())):  # dropout in the trunk
            for seed in self.seeds:
                torch.manual_seed(seed)
                network = Tuned(self.trunk.views.trunk, width, task.n_classes, seed)
                self._train(network, (task, how), seed, on_step)
                p.append(self._predict(network, task))
        return Probabilities(test.y, np.stack(p), len(y), self.positive, note=note)

    def _seen(self, images: Images) -> Seen:
        return Finer(images, self.trunk.views.trunk.size).__getitem__

    def _train(self, network: Tuned, taught: tuple[Task, Way], seed: int, on_step: OnStep) -> None:
        (task, how), prepared = taught, self.trunk.views.trunk.prepared
        groups = [
            {"params": part.parameters(), "lr": rate}
            for part, rate in zip((network.body, network.last), LEARNING_RATES, strict=True)
        ]
        optimizer = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        chance, weight = task.chance(how), task.weight(how)
        of_class = torch.from_numpy(np.ones(task.n_classes) if weight is None else weight).float()
        of_class = of_class.to(self.trunk.views.trunk.device)
        # A stream of its own: the batches are the same, whatever is done to their images.
        rng, stream = np.random.default_rng(seed), np.random.default_rng([seed, 1])
        network.train()
        for step in range(self.steps):
            at = rng.choice(len(task.y), BATCH, p=chance)
            images = task.images(torch.from_numpy(at))
            # Each draw is a view of its own; the step and the place in the batch number it.
            seen = [changed(x, bytes(8), how.recipe, BATCH * step + i) for i, x in enumerate(images)]
            x, labels = prepared(torch.stack(seen)), torch.from_numpy(task.y[at]).to(of_class.device)
            share = torch.ones(BATCH, device=of_class.device)
            if how.mixing is not None:
                drawn = torch.from_numpy(how.mixing.draw(stream, (BATCH,))).float()
                x, share = how.mixing.mix(x, drawn.to(x.device))
            logits = network(x)
            losses = [
                F.cross_entropy(logits, of, of_class, reduction="none", label_smoothing=SMOOTHING)
                for of in (labels, labels.roll(1))
            ]
            loss = (share * losses[0] + (1 - share) * losses[1]).sum() / of_class[labels].sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            on_step(1 / len(self.seeds))

    @torch.inference_mode()
    def _predict(self, network: Tuned, task: Task) -> np.ndarray:
        network.eval()
        prepared = self.trunk.views.trunk.prepared
        parts = [network(prepared(task.test_x(at))) for at in torch.arange(task.n_test).split(PREDICT_BATCH)]
        found: np.ndarray = torch.cat(parts).softmax(-1).cpu().numpy()
        return found
