"""The judge of `evaluate`: a small residual network, trained from several seeds at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (16, 32, 64)
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 1e-2
PREDICT_BATCH = 256


class Conv(nn.Module):
    """A convolution without bias, then batch normalisation, in `nets` networks side by side."""

    def __init__(self, nets: int, inputs: int, outputs: int, side: int, stride: int) -> None:
        super().__init__()
        self.nets, self.stride = nets, stride
        # Filled by `Classifiers`: nn.Conv2d would draw from the global random state.
        self.weight = nn.Parameter(torch.empty(nets * outputs, inputs, side, side))
        self.norm = nn.BatchNorm2d(nets * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, nets * inputs, h, w) to (b, nets * outputs, h / stride, w / stride)."""
        pad = self.weight.shape[-1] // 2
        return self.norm(F.conv2d(x, self.weight, stride=self.stride, padding=pad, groups=self.nets))


class Block(nn.Module):
    """Residual block that halves the resolution (He et al. 2016, "Deep residual learning")."""

    def __init__(self, nets: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Conv(nets, inputs, outputs, 3, 2)
        self.second = Conv(nets, outputs, outputs, 3, 1)
        self.skip = Conv(nets, inputs, outputs, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, nets * inputs, h, w) to (b, nets * outputs, h / 2, w / 2)."""
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


@final
class Classifiers(nn.Module):
    """Independent networks of one architecture, computed together as grouped convolutions.

    On two CPU cores this takes about two thirds of the time of one network after the other. Strided
    convolutions first bring the shorter side to at most 16 pixels.

    Args:
        seeds: One seed per network; a network is a function of its seed alone.
        shape: Shape (c, h, w) of the images.
        n_classes: Number of classes.
    """

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        self.nets, width = len(seeds), WIDTHS[0]
        side = min(shape[1:])
        stem: list[nn.Module] = [Conv(self.nets, shape[0], width, 3, 1 + (side > 16)), nn.ReLU()]
        while (side := (side + 1) // 2) > 16:
            stem += [Conv(self.nets, width, width, 3, 2), nn.ReLU()]
        blocks = [Block(self.nets, a, b) for a, b in zip(WIDTHS[:-1], WIDTHS[1:], strict=True)]
        self.body = nn.Sequential(*stem, *blocks)
        self.head = nn.Parameter(torch.zeros(self.nets, WIDTHS[-1], n_classes))
        for net, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            for module in self.body.modules():
                if isinstance(module, Conv):
                    # Variance 2 / fan-in keeps the scale through ReLU (He et al. 2015).
                    weight = module.weight.data.unflatten(0, (self.nets, -1))[net]
                    weight.normal_(0, (2 / weight[0].numel()) ** 0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map images, uint8 of shape (b, nets, c, h, w), to logits of shape (nets, b, n_classes)."""
        x = (x.flatten(1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        features = self.body(x).mean((2, 3)).unflatten(1, (self.nets, -1))
        return torch.einsum("bnf,nfk->nbk", features, self.head)


def train_and_predict(
    images: Callable[[Tensor], Tensor],
    y: np.ndarray,
    probability: np.ndarray,
    test_x: Callable[[Tensor], Tensor],
    n_test: int,
    n_classes: int,
    seeds: Sequence[int],
    steps: int,
    batch_size: int,
    on_step: Callable[[], object],
) -> np.ndarray:
    """Train one network per seed by AdamW with a one-cycle schedule and predict the test images.

    Args:
        images: Maps positions, int64 of shape (b,), to training images, uint8 of shape (b, c, h, w).
        y: Labels of the training images, int64, shape (n,).
        probability: Chance of each training image at every draw (with replacement), shape (n,), sum 1.
        test_x: As `images`, for the test images.
        n_test: Number of test images.
        n_classes: Number of classes.
        seeds: Seed of the weights and batches of each network.
        steps: Gradient steps.
        batch_size: Images per step and network.
        on_step: Called after every step.

    Returns:
        Predicted labels, int64, shape (len(seeds), n_test).
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape = images(torch.zeros(1, dtype=torch.int64)).shape
    networks = Classifiers(seeds, (shape[1], shape[2], shape[3]), n_classes).to(device)
    networks = networks.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(networks.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    chances = np.cumsum(probability)
    uniform = [np.random.default_rng(seed).random((steps, batch_size)) for seed in seeds]
    drawn = np.searchsorted(chances / chances[-1], np.stack(uniform, 1), side="right")
    labels = torch.from_numpy(y[drawn]).to(device)
    networks.train()
    for step in range(steps):
        at = torch.from_numpy(drawn[step])
        x = images(at.flatten()).unflatten(0, at.shape).transpose(0, 1).to(device)
        # The sum over networks, so that every network gets the gradient of its own mean.
        loss = F.cross_entropy(networks(x).flatten(0, 1), labels[step].flatten()) * len(seeds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        on_step()
    networks.eval()
    predicted = []
    with torch.no_grad():
        for at in torch.arange(n_test).split(PREDICT_BATCH):
            x = test_x(at).to(device)[:, None].expand(-1, len(seeds), -1, -1, -1)
            predicted.append(networks(x).argmax(-1).cpu())
    return torch.cat(predicted, 1).numpy()
