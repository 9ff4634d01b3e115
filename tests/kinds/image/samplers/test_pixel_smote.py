"""SMOTE on pixels: the samples of imbalanced-learn, with the images they lie between."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from imblearn.over_sampling import SMOTE

from gensynth.kinds.image.read import Parts
from gensynth.kinds.image.samplers.smote import BLOCK, SmoteSampler


@pytest.mark.parametrize(("label", "near"), [("8", 5), ("9", 3), ("8", 50)])
def test_it_draws_what_imbalanced_learn_draws(parts: Parts, label: str, near: int) -> None:
    mine = parts.train.subset(np.flatnonzero(parts.train.y == parts.train.label_of(label)))
    rows = mine.x[torch.arange(len(mine))].flatten(1).numpy().astype(float)
    seed = int(np.random.SeedSequence([7, parts.train.label_of(label), 1]).generate_state(1)[0])  # of the second block
    smote = SMOTE(k_neighbors=min(near, len(rows) - 1), random_state=seed)
    other = np.zeros((len(rows) + BLOCK, rows.shape[1]))  # says how many to draw
    y = np.repeat([1, 0], [len(rows), len(other)])
    expected = smote.fit_resample(np.concatenate([rows, other]), y)[0][-BLOCK:]
    drawn = SmoteSampler(k_neighbors=near).fit(parts.train).sample(label, 2 * BLOCK, 7).x[BLOCK:]
    assert np.abs(drawn.flatten(1).numpy() - expected).max() <= 0.501


def test_a_sample_lies_between_its_parents(parts: Parts) -> None:
    drawn = SmoteSampler().fit(parts.train).sample("9", 40, 0)
    at = {name: i for i, name in enumerate(parts.train.ids)}
    a, b = (parts.train.x[torch.tensor([at[pair[end]] for pair in drawn.parents])].float() for end in (0, 1))
    length = (b - a).flatten(1).norm(dim=1)
    ways = (drawn.x[:] - a).flatten(1).norm(dim=1) + (b - drawn.x[:]).flatten(1).norm(dim=1)
    assert (length > 0).all() and (ways - length).abs().max() < 1  # rounding
    assert all(parts.train.classes[parts.train.y[at[i]]] == "9" for pair in drawn.parents for i in pair)
