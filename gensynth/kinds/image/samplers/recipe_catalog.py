"""The catalogue of classical image augmentation: every recipe by name, at a strength that suits the image's size.

The transformations are torchvision's (`torchvision.transforms.v2`). They draw from torch's global generator, so
the caller forks and seeds it first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from gensynth.data.words import did_you_mean

AUTO = "auto"
LINEAR = v2.InterpolationMode.BILINEAR
COARSE = 64
"""Shorter side in pixels from which AutoAugment takes the policy found on ImageNet instead of CIFAR-10's."""

Fill = list[float]


def border_colour(image: Tensor) -> Fill:
    """Return the median of the border pixels of an image (c, h, w) by channel: what moves in from outside.

    A fixed colour would mark changed images: digits are white on black, scans black on white, photographs neither.
    """
    border = torch.cat([image[:, 0], image[:, -1], image[:, 1:-1, 0], image[:, 1:-1, -1]], dim=1)
    return [float(value) for value in border.median(dim=1).values]


def uniform(low: float, high: float) -> float:
    """Draw a number from torch's global generator."""
    return float(torch.empty(()).uniform_(low, high))


def around_border_colour(move: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Fill], Tensor]:
    """Make a recipe of a transformation that fills with zeros: the border's colour becomes the zero meanwhile.

    torchvision's own `fill` weighs pixels at the edge twice when it interpolates, which leaves a dark fringe round
    everything that is not black, a mark by which a classifier could tell changed images.
    """

    def moved(image: Tensor, fill: Fill) -> Tensor:
        colour = torch.tensor(fill)[:, None, None]
        return (move(image - colour) + colour).round().clamp(0, 255).to(torch.uint8)

    return moved


def crop(image: Tensor, fill: Fill) -> Tensor:
    """Cut out 75 to 100 % of the area in about the image's own proportions, and enlarge it to the whole."""
    _, h, w = image.shape
    return v2.RandomResizedCrop((h, w), scale=(0.75, 1.0), ratio=(0.9 * w / h, 1.1 * w / h))(image)


def bend(image: Tensor) -> Tensor:
    """Bend the image by smooth random displacements, by 3 % of its side (one standard deviation).

    Simard, Steinkraus and Platt (2003), "Best practices for convolutional neural networks". A coarse grid of
    displacements is enlarged; torchvision blurs a fine one, which takes a hundred times as long at 256 pixels.
    """
    share = 0.03 * 2  # displacements are measured in halves of a side
    grid = interpolate(share * torch.randn(1, 2, 4, 4), image.shape[1:], mode="bicubic", align_corners=True)
    return functional.elastic(image, grid.movedim(1, -1).contiguous(), LINEAR, None)


def blur(image: Tensor, fill: Fill) -> Tensor:
    """Blur with a Gaussian of up to 2 % of the shorter side, at least 0.7 pixels."""
    widest = max(0.7, min(image.shape[1:]) / 50)
    return v2.GaussianBlur(2 * math.ceil(2 * widest) + 1, (widest / 3, widest))(image)


def autoaugment(image: Tensor, fill: Fill) -> Tensor:
    """One of 25 pairs of operations that a search found. Cubuk et al. (2019), "AutoAugment"."""
    policy = v2.AutoAugmentPolicy.IMAGENET if min(image.shape[1:]) >= COARSE else v2.AutoAugmentPolicy.CIFAR10
    return v2.AutoAugment(policy, fill=fill)(image)


def trivialaugment(image: Tensor, fill: Fill) -> Tensor:
    """One operation at a random strength. Müller and Hutter (2021), "TrivialAugment", with RandAugment's strengths.

    torchvision's `TrivialAugmentWide` shifts by up to 32 pixels whatever the size, which empties a small image.
    """
    return v2.RandAugment(1, int(torch.randint(31, ())), fill=fill)(image)


SINGLE: dict[str, Callable[[Tensor, Fill], Tensor]] = {
    "hflip": lambda image, fill: functional.horizontal_flip(image),
    "vflip": lambda image, fill: functional.vertical_flip(image),
    "rotate": around_border_colour(v2.RandomRotation(15, LINEAR, fill=None)),
    "affine": around_border_colour(v2.RandomAffine(12, (0.1, 0.1), (0.9, 1.1), 5, LINEAR, fill=None)),
    "crop": crop,
    "perspective": around_border_colour(v2.RandomPerspective(0.25, 1.0, LINEAR, fill=None)),
    "elastic": around_border_colour(bend),
    "brightness": lambda image, fill: v2.ColorJitter(brightness=0.3)(image),
    "contrast": lambda image, fill: v2.ColorJitter(contrast=0.3)(image),
    "saturation": lambda image, fill: v2.ColorJitter(saturation=0.5)(image),
    "hue": lambda image, fill: v2.ColorJitter(hue=0.1)(image),
    "colour": lambda image, fill: v2.ColorJitter(0.3, 0.3, 0.5, 0.1)(image),
    "sharpen": lambda image, fill: functional.adjust_sharpness(image, uniform(1.5, 3.0)),
    "blur": blur,
    "noise": lambda image, fill: v2.GaussianNoise(sigma=uniform(0.02, 0.08))(image),
    "erase": lambda image, fill: v2.RandomErasing(1.0, (0.02, 0.15), value=fill)(image),
    "autoaugment": autoaugment,
    "randaugment": lambda image, fill: v2.RandAugment(2, 9, fill=fill)(image),
    "trivialaugment": trivialaugment,
    "augmix": lambda image, fill: v2.AugMix(fill=fill)(image),
}
"""What is made from one image, uint8 (c, h, w), and its border colour; `colour` on grey is brightness and contrast."""

MIXING: dict[str, Callable[[], v2.Transform]] = {
    "mixup": lambda: v2.MixUp(alpha=0.4, num_classes=2),  # Zhang et al. (2018), "mixup"
    "cutmix": lambda: v2.CutMix(alpha=1.0, num_classes=2),  # Yun et al. (2019), "CutMix"
}
"""What is made from two images; the label is shared between theirs."""

NEEDS_COLOUR = ("saturation", "hue")
NEEDS_NO_NEIGHBOURS = ("brightness", "contrast", "saturation", "hue", "colour", "noise", "mixup")
"""What flat rows of pixels can take, too: it moves no pixel."""


def single_recipes(channels: int) -> tuple[str, ...]:
    """Return the names of the recipes that make something of one image with 1 or 3 channels."""
    return tuple(name for name in SINGLE if channels == 3 or name not in NEEDS_COLOUR)


def steps_of(recipe: str, channels: int) -> tuple[str, ...]:
    """Return the steps of a recipe such as `"affine+noise"`.

    Args:
        recipe: Names out of `SINGLE` and `MIXING`, joined by `+`, carried out from left to right.
        channels: 1 or 3.

    Raises:
        ValueError: if a name is unknown, needs colour that the images lack, or more than one step mixes.
    """
    steps = tuple(recipe.split("+"))
    known = [*SINGLE, *MIXING]
    for name in steps:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ValueError(
                f"unknown recipe {name!r}; known: {', '.join(known)}, also joined by '+', and {AUTO!r} alone.{hint}"
            )
        if channels == 1 and name in NEEDS_COLOUR:
            raise ValueError(
                f"recipe {name!r} changes colours, and these images are grey; use one of "
                f"{', '.join([*single_recipes(1), *MIXING])}."
            )
    if sum(name in MIXING for name in steps) > 1:
        raise ValueError(f"recipe {recipe!r} mixes more than once; name one of {', '.join(MIXING)}, once.")
    return steps


def treat(image: Tensor, steps: Sequence[str], partner: Tensor | None = None) -> tuple[Tensor, float]:
    """Carry out the steps of a recipe, drawing from torch's global generator.

    Args:
        image: uint8, shape (c, h, w).
        steps: As `steps_of` returns them.
        partner: The other image, where a step mixes.

    Returns:
        The new image, uint8, same shape, and the share in [0.5, 1] of the label that is the image's own.
    """
    own = 1.0
    for name in steps:
        if name in SINGLE:
            image = SINGLE[name](image, border_colour(image))
        else:
            assert partner is not None
            both, shares = MIXING[name]()(torch.stack([image, partner]).float(), torch.arange(2))
            larger = int(shares[:, 0].argmax())  # either image is the first once; the label asked for keeps the most
            image, own = both[larger].round().to(torch.uint8), float(shares[larger, 0])
    return image, own
