"""A trunk of random weights, which knows nothing of photographs but sees that images differ."""

from __future__ import annotations

import torch
from torch import nn

from gensynth.kinds.image.features.module_features import ModuleFeatures


def tiny_trunk() -> ModuleFeatures:
    """Return it, for images of one channel or three."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(144, 24)
        )
    return ModuleFeatures(network, "tiny", 12)
