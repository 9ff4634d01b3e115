"""The classifier of `evaluate`: a small residual network, or the user's own, trained from several seeds at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.generator.augment import small_affine
from gensynth.kinds.image.classifier.task import PLAIN, Build, Task, Training, Way

WIDTHS = (16, 16, 32, 64)
"""Feature maps of the stem and of each residual block; a block that has more of them halves the resolution."""
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
        """Map images, values in [0, 255], shape (b, nets, c, h, w), to logits of shape (nets, b, n_classes)."""
        x = (x.flatten(1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        features = self.body(x).mean((2, 3)).unflatten(1, (self.nets, -1))
        return torch.einsum("bnf,nfk->nbk", features, self.head)


class Own(nn.Module):
    """The user's networks, one per seed, called as `Classifiers` are; they see pixels in [0, 1].

    Args:
        build: Makes an untrained network from (channels, n_classes): images (b, c, h, w) to logits (b, n_classes).
        seeds: One seed per network: torch's global random state while it is built, and put back afterwards.
        channels: Channels of the images.
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
        """Map images, values in [0, 255], shape (b, nets, c, h, w), to logits of shape (nets, b, n_classes)."""
        logits = [network(x[:, i].float() / 255) for i, network in enumerate(self.networks)]
        if logits[0].shape != (len(x), self.n_classes):
            raise ValueError(
                f"the classifier maps {len(x)} images to shape {tuple(logits[0].shape)}; it must give one logit per "
                f"class, shape {(len(x), self.n_classes)}."
            )
        return torch.stack(logits)


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
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _, c, h, w = task.images(torch.zeros(1, dtype=torch.int64)).shape
    networks = Classifiers(seeds, (c, h, w), n_classes) if build is None else Own(build, seeds, c, n_classes)
    networks = networks.to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(networks.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    chances = np.cumsum(task.chance(way))
    uniform = [np.random.default_rng(seed).random((steps, batch_size)) for seed in seeds]
    drawn = np.searchsorted(chances / chances[-1], np.stack(uniform, 1), side="right")
    labels = torch.from_numpy(task.y[drawn]).to(device)
    of_class = torch.ones(n_classes) if weight is None else torch.from_numpy(weight).float()
    of_class = of_class.to(device)
    # Streams of their own: the batches are the same, whatever is done to their images.
    streams = [np.random.default_rng([seed, 1]) for seed in seeds]
    draw = _moves if way.mixing is None else way.mixing.draw
    noise = torch.from_numpy(np.stack([draw(stream, (steps, batch_size)) for stream in streams], 1)).float().to(device)
    networks.train()
    with ExitStack() as stack:
        if build is not None:  # dropout in a network of the user's; ours draw nothing
            stack.enter_context(torch.random.fork_rng(range(torch.cuda.device_count())))
            torch.manual_seed(seeds[0])
        for step in range(steps):
            at = torch.from_numpy(drawn[step])
            x = task.images(at.flatten()).to(device)
            if way.recipe != PLAIN:
                x = small_affine(x.float(), noise[step].flatten(0, 1), training.jitter)
            x, share = x.unflatten(0, at.shape), None
            if way.mixing is not None:
                x, share = way.mixing.mix(x, noise[step])
            loss = _loss(networks(x.transpose(0, 1)), labels[step], of_class, share)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            on_step()
    networks.eval()
    predicted = []
    with torch.no_grad():
        for at in torch.arange(task.n_test).split(PREDICT_BATCH):
            x = task.test_x(at).to(device)[:, None].expand(-1, len(seeds), -1, -1, -1)
            predicted.append(networks(x).softmax(-1).cpu())
    return torch.cat(predicted, 1).numpy()


def _moves(stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw what `small_affine` needs."""
    return stream.uniform(-1, 1, (*shape, 4))


def _loss(logits: Tensor, labels: Tensor, of_class: Tensor, share: Tensor | None) -> Tensor:
    """Return the loss of a step, shape ().

    Args:
        logits: Shape (nets, b, k).
        labels: Labels of the images, shape (nets, b).
        of_class: Weight of each class.
        share: Of mixed images, the share of each label that is the image's own, shape (nets, b), the rest being that of
            the one before it; None of others.
    """
    losses = _losses(logits, labels, of_class)
    if share is not None:
        losses = share * losses + (1 - share) * _losses(logits, labels.roll(1, 1), of_class)
    # The sum over networks, so that every network gets the gradient of its own mean.
    return (losses.sum(1) / of_class[labels].sum(1)).sum()


def _losses(logits: Tensor, labels: Tensor, of_class: Tensor) -> Tensor:
    """Weighted cross-entropy of each image, shape (nets, b)."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), of_class, reduction="none").view(labels.shape)
