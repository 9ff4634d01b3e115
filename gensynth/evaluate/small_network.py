"""Small networks: residual networks of pictures, trained from several seeds at once.

A kind of data whose examples can be seen as pictures, such as images or spectrograms, says which of them are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (16, 16, 32, 64)
"""Feature maps of the stem and of each residual block; a block that has more of them halves the resolution."""
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 1e-2
PREDICT_BATCH = 256
Build = Callable[[int, int], nn.Module]
"""Makes an untrained network from the number of channels and of classes."""
Batch = Callable[[int], tuple[Tensor, Tensor | None]]
"""Takes the number of a step; returns pictures, shape (b, nets, c, h, w), and the share of each that is its own, shape
(nets, b), the rest being of the one before it; None where none is mixed."""


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
    """Residual block (He et al. 2016, "Deep residual learning"); with more feature maps it halves the resolution."""

    def __init__(self, nets: int, inputs: int, outputs: int) -> None:
        super().__init__()
        stride = 1 + (outputs > inputs)
        self.first = Conv(nets, inputs, outputs, 3, stride)
        self.second = Conv(nets, outputs, outputs, 3, 1)
        self.skip = Conv(nets, inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, nets * inputs, h, w) to (b, nets * outputs, h / stride, w / stride)."""
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


@final
class Classifiers(nn.Module):
    """Independent networks of one architecture, computed together as grouped convolutions.

    On two CPU cores this takes about two thirds of the time of one network after the other. Strided
    convolutions first bring the shorter side to at most 16 pixels.

    Args:
        seeds: One seed per network; a network is a function of its seed alone.
        shape: Shape (c, h, w) of the pictures.
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
        self.head = nn.Parameter(torch.empty(self.nets, WIDTHS[-1], n_classes))
        for net, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            for module in self.body.modules():
                if isinstance(module, Conv):
                    weight = module.weight.data.unflatten(0, (self.nets, -1))[net]
                    self._draw(weight, weight[0].numel(), generator)
            self._draw(self.head.data[net], WIDTHS[-1], generator)

    @staticmethod
    def _draw(weight: Tensor, fan_in: int, generator: torch.Generator) -> None:
        """Fill with variance 1 / (3 fan-in), the scale of torch's own layers.

        Steps of Adam are of one size, so that larger weights learn more slowly where normalisation takes their scale
        out, and a head that starts at zero leaves rare classes unlearned: on Fashion-MNIST cut to 4000 ... 40 per
        class, balanced accuracy after 1,000 steps is 79 %; with He's variance 2 / fan-in and such a head it is 71 %.
        """
        weight.normal_(0, (3 * fan_in) ** -0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures, values in [0, 255], shape (b, nets, c, h, w), to logits of shape (nets, b, n_classes)."""
        x = (x.flatten(1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        features = self.body(x).mean((2, 3)).unflatten(1, (self.nets, -1))
        return torch.einsum("bnf,nfk->nbk", features, self.head)


class Own(nn.Module):
    """The user's networks, one per seed, called as `Classifiers` are; they see pictures in [0, 1].

    Args:
        build: Makes an untrained network from (channels, n_classes): pictures (b, c, h, w) to logits (b, n_classes).
        seeds: One seed per network: torch's global random state while it is built, and put back afterwards.
        channels: Channels of the pictures.
        n_classes: Number of classes.

    Raises:
        TypeError: if `build` does not return an nn.Module.
    """

    def __init__(self, build: Build, seeds: Sequence[int], channels: int, n_classes: int) -> None:
        super().__init__()
        self.n_classes, self.networks = n_classes, nn.ModuleList()
        for seed in seeds:
            with torch.random.fork_rng(range(torch.cuda.device_count())):
                torch.manual_seed(seed)
                network = build(channels, n_classes)
            if not isinstance(network, nn.Module):
                raise TypeError(
                    f"classifier must make an nn.Module from (channels, n_classes), it made a "
                    f"{type(network).__name__}; give such a function, or an estimator of scikit-learn."
                )
            self.networks.append(network)

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures, values in [0, 255], shape (b, nets, c, h, w), to logits of shape (nets, b, n_classes)."""
        logits = [network(x[:, i].float() / 255) for i, network in enumerate(self.networks)]
        if logits[0].shape != (len(x), self.n_classes):
            raise ValueError(
                f"the classifier maps {len(x)} examples to shape {tuple(logits[0].shape)}; it must give one logit per "
                f"class, shape {(len(x), self.n_classes)}."
            )
        return torch.stack(logits)


def device_of_training() -> torch.device:
    """Return where networks are trained: on a GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def drawn(chance: np.ndarray, seeds: Sequence[int], steps: int, batch_size: int) -> np.ndarray:
    """Return the positions that are drawn for each step and network, int64, shape (steps, nets, batch_size).

    Args:
        chance: Of each example at every draw (with replacement), shape (n,).
        seeds: One seed per network.
        steps: Gradient steps.
        batch_size: Examples per step.
    """
    chances = np.cumsum(chance)
    uniform = [np.random.default_rng(seed).random((steps, batch_size)) for seed in seeds]
    found: np.ndarray = np.searchsorted(chances / chances[-1], np.stack(uniform, 1), side="right")
    return found


def descend(networks: nn.Module, labels: Tensor, of_class: Tensor, batch: Batch, on_step: Callable[[], object]) -> None:
    """Train networks by AdamW with a one-cycle schedule, one step for each row of labels.

    Args:
        networks: They map pictures, shape (b, nets, c, h, w), to logits of shape (nets, b, k).
        labels: Of what is drawn, int64, shape (steps, nets, b), where the networks are.
        of_class: Weight of each class, float32, shape (k,).
        batch: What is drawn.
        on_step: Called after each step.
    """
    optimizer = torch.optim.AdamW(networks.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=len(labels))
    networks.train()
    for step, wanted in enumerate(labels):
        x, share = batch(step)
        loss = _loss(networks(x), wanted, of_class, share)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        on_step()


def predicted(networks: nn.Module, nets: int, n: int, pictures: Callable[[Tensor], Tensor]) -> np.ndarray:
    """Return what networks say of n pictures: probabilities, float32, shape (nets, n, k)."""
    device = next(networks.parameters()).device
    networks.eval()
    found = []
    with torch.no_grad():
        for at in torch.arange(n).split(PREDICT_BATCH):
            x = pictures(at).to(device)[:, None].expand(-1, nets, -1, -1, -1)
            found.append(networks(x).softmax(-1).cpu())
    return torch.cat(found, 1).numpy()


def _loss(logits: Tensor, labels: Tensor, of_class: Tensor, share: Tensor | None) -> Tensor:
    """Return the loss of a step, shape ().

    Args:
        logits: Shape (nets, b, k).
        labels: Labels of the pictures, shape (nets, b).
        of_class: Weight of each class.
        share: Of mixed pictures, the share of each label that is the picture's own, shape (nets, b), the rest being
            that of the one before it; None of others.
    """
    losses = _losses(logits, labels, of_class)
    if share is not None:
        losses = share * losses + (1 - share) * _losses(logits, labels.roll(1, 1), of_class)
    # The sum over networks, so that every network gets the gradient of its own mean.
    return (losses.sum(1) / of_class[labels].sum(1)).sum()


def _losses(logits: Tensor, labels: Tensor, of_class: Tensor) -> Tensor:
    """Weighted cross-entropy of each picture, shape (nets, b)."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), of_class, reduction="none").view(labels.shape)
