"""Blocks used by two or more models."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def start_grid(height: int, width: int) -> tuple[int, int, int]:
    """Return (h0, w0, levels): what `levels` halvings, odd sides rounded up, leave: 4 to 7 on the shorter side.

    32 x 32 starts at 4 x 4 with 3 levels, 28 x 28 at 7 x 7 with 2, 252 x 252 at 4 x 4 with 6. Were only even sides
    halved, a network for 252 x 252 would start at 63 x 63, and a dense layer on that has 65 million weights.
    """
    levels = 0
    while min(height, width) >= 8:
        height, width, levels = -(-height // 2), -(-width // 2), levels + 1
    return height, width, levels


def widths(base: int, levels: int, cap: int) -> list[int]:
    """Channels from the finest resolution (`base`) to the start grid, doubling up to `cap`; length levels + 1."""
    return [min(base * 2**level, cap) for level in range(levels + 1)]


class Block(nn.Module):
    """Residual block of two 3 x 3 convolutions: x + f(x), with a 1 x 1 skip where the width changes.

    The second convolution starts at zero, so that a deep stack starts as its skip path (Zhang et al. 2019,
    "Fixup initialization"); this is what lets it train without normalisation.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()
        # PyTorch's default would shrink the signal in every layer; He et al. 2015 keep its scale.
        nn.init.kaiming_normal_(self.first.weight, a=0.2)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, inputs, h, w) to (b, outputs, h, w)."""
        y = self.first(F.leaky_relu(x, 0.2))
        return self.skip(x) + self.second(F.leaky_relu(y, 0.2))


class ImageToGrid(nn.Module):
    """From an image to features on the start grid: residual blocks, average pooling between them.

    The first x2 step folds 2 x 2 pixels into channels, so that no convolution runs at full resolution, where
    most of the time would go (Shi et al. 2016, "Real-Time Single Image ... Sub-Pixel Convolutional Network").

    Args:
        canvas: Shape (c, h, w) of the images.
        base: Channels at half resolution; each further halving doubles them.
        cap: Most channels.
    """

    def __init__(self, canvas: tuple[int, int, int], base: int, cap: int) -> None:
        super().__init__()
        channels, height, width = canvas
        h0, w0, levels = start_grid(height, width)
        sizes = widths(base, levels - 1, cap)
        self.grid = (sizes[-1], h0, w0)
        self.from_image = nn.Conv2d(4 * channels, sizes[0], 3, padding=1)
        self.blocks = nn.ModuleList(Block(a, b) for a, b in zip([sizes[0], *sizes], sizes, strict=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (b, c, h, w) to features (b, *grid)."""
        x = self.from_image(F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last))
        for level, block in enumerate(self.blocks):
            x = block(F.avg_pool2d(x, 2, ceil_mode=True) if level else x)  # an odd side is rounded up
        return F.leaky_relu(x, 0.2)


class GridToImage(nn.Module):
    """Mirror of `ImageToGrid`: residual blocks, bilinear x2 between them, the last x2 by unfolding channels."""

    def __init__(self, canvas: tuple[int, int, int], base: int, cap: int) -> None:
        super().__init__()
        channels, height, width = canvas
        h0, w0, levels = start_grid(height, width)
        sizes = widths(base, levels - 1, cap)[::-1]
        self.grid = (sizes[0], h0, w0)
        # Sides at each resolution, the finest last: half those of the image.
        self.sides = [(-(-height // 2**level), -(-width // 2**level)) for level in range(levels, 0, -1)]
        self.blocks = nn.ModuleList(Block(a, b) for a, b in zip([sizes[0], *sizes], sizes, strict=False))
        self.to_image = nn.Conv2d(sizes[-1], 4 * channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (b, *grid) to images (b, c, h, w), about [-1, 1]."""
        x = x.contiguous(memory_format=torch.channels_last)
        for level, (block, sides) in enumerate(zip(self.blocks, self.sides, strict=True)):
            x = block(F.interpolate(x, sides, mode="bilinear") if level else x)
        return F.pixel_shuffle(self.to_image(F.leaky_relu(x, 0.2)), 2)


class Ema(nn.Module):
    """Exponential moving average of a network's weights and statistics, kept as buffers beside it.

    Args:
        network: The network to follow.
        half_life: Steps after which an old value counts half; at most a twentieth of the steps so far, so that the
            start is soon forgotten (Karras et al. 2020, "Training GANs with Limited Data"). 0 keeps the last values.
    """

    def __init__(self, network: nn.Module, half_life: float) -> None:
        super().__init__()
        self.half_life = half_life
        self.count: Tensor
        self.names = [name for name, value in network.state_dict().items() if value.is_floating_point()]
        for at, value in enumerate(self._values(network)):
            self.register_buffer(f"average_{at}", value.clone())
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def _values(self, network: nn.Module) -> list[Tensor]:
        values = network.state_dict()
        return [values[name] for name in self.names]

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the averages towards the network."""
        self.count.add_(1)
        # A tensor, not a number, which would wait for a GPU.
        share = 1 - 0.5 ** (1 / (self.count / 20).clamp(max=self.half_life))
        averages = list(self.weights().values())
        torch._foreach_lerp_(averages, self._values(network), [share] * len(averages))

    def weights(self) -> dict[str, Tensor]:
        """Return the averaged values by name, for `torch.func.functional_call`."""
        return {name: self.get_buffer(f"average_{at}") for at, name in enumerate(self.names)}
