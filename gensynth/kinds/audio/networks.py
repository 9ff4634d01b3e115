"""Networks: small residual networks on the log-mel, or the user's, trained from several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
import torch
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities, rarer
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.small_network import Build, Classifiers, Own, descend, device_of_training, drawn, predicted
from gensynth.evaluate.ways import AUGMENTED, OVERSAMPLED, THRESHOLD, WEIGHTS
from gensynth.kinds.audio.augment import augmented, pictures
from gensynth.kinds.audio.clips import Clips
from gensynth.kinds.audio.evaluate_config import SMALL
from gensynth.kinds.audio.look import looks
from gensynth.sampler.synthetic import Synthetic


@final
@dataclass(frozen=True, eq=False)
class Networks(Classifier):
    """Networks that see log-mels.

    Attributes:
        seeds: One for each network.
        gradient_steps: Of each training.
        batch_size: Clips per step.
        build: Makes a network of the user's; None for ours.
    """

    seeds: Sequence[int]
    gradient_steps: int
    batch_size: int
    build: Build | None = None

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return SMALL if self.build is None else getattr(self.build, "__name__", type(self.build).__name__)

    @property
    def steps(self) -> int:
        """As `Classifier.steps`."""
        return self.gradient_steps

    @property
    def lacks(self) -> Mapping[str, str]:
        """As `Classifier.lacks`."""
        return {THRESHOLD: "to tune it, networks would have to be trained once more for each fold"}

    @property
    def settings(self) -> str | None:
        """As `Classifier.settings`: nothing tells whether a network of the user's is the one of before."""
        return repr((list(self.seeds), self.steps, self.batch_size)) if self.build is None else None

    @property
    def runs_side_by_side(self) -> bool:
        """As `Classifier.runs_side_by_side`: networks of the user's may draw from the global random state."""
        return self.build is None

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`."""
        k, y = len(train.classes), train.y if added is None else np.concatenate([train.y, added.y])
        x = _seen(train.x)
        if added is not None:
            x = torch.cat([x, _seen(added.x)])
        counts = np.bincount(y, minlength=k)
        chance = 1 / counts[y] if way in (OVERSAMPLED, AUGMENTED) else np.ones(len(y))
        weight = len(y) / (k * np.maximum(counts, 1)) if way == WEIGHTS else np.ones(k)
        device = device_of_training()
        # The user's may draw as they train, and what they draw is put back.
        with torch.random.fork_rng(range(torch.cuda.device_count()), enabled=self.build is not None):
            if self.build is not None:
                torch.manual_seed(self.seeds[0])
            networks = self._networks((1, *x.shape[2:]), k).to(device).to(memory_format=torch.channels_last)
            rows = drawn(chance / chance.sum(), self.seeds, self.steps, self.batch_size)
            pick = augmented(x.__getitem__, self.seeds[0]) if way == AUGMENTED else x.__getitem__

            def batch(step: int) -> tuple[Tensor, None]:
                at = torch.from_numpy(rows[step])
                return pick(at.flatten()).to(device).unflatten(0, at.shape).transpose(0, 1), None

            labels, of_class = torch.from_numpy(y[rows]).to(device), torch.from_numpy(weight).float().to(device)
            descend(networks, labels, of_class, batch, partial(on_step, 1))
        p = predicted(networks, len(self.seeds), len(test), _seen(test.x).__getitem__)
        return Probabilities(test.y, p, len(y), rarer(train.y, k))

    def _networks(self, shape: tuple[int, int, int], k: int) -> Classifiers | Own:
        return Classifiers(self.seeds, shape, k) if self.build is None else Own(self.build, self.seeds, shape[0], k)


def _seen(x: Clips) -> Tensor:
    return pictures(looks(x.clips, x.view))
