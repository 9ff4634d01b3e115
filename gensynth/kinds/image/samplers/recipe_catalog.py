"""The catalogue of classical image augmentation: every recipe by name, at a strength that suits the image's size.

The transformations are torchvision's (`torchvision.transforms.v2`). They draw from torch's global generator, which the
caller forks and seeds first (`seeded`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from gensynth.data.words import did_you_mean

AUTO = "auto"
LINEAR = v2.InterpolationMode.BILINEAR
COARSE = 64
"""Shorter side in pixels from which AutoAugment takes the policy found on ImageNet instead of CIFAR-10's."""

PLAIN, NEAR = 0.5, 8
"""Share of the border pixels that have the border's colour, to so many levels, from which on it is of one colour."""

Fill = list[float]
_one_at_a_time = threading.Lock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fork torch's global generator and seed it, in one thread at a time: images are changed by several."""
    with _one_at_a_time, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs' as well
        yield


@dataclass(frozen=True)
class Around:
    """What lies around an image, and how finely it is moved.

    Attributes:
        colour: Median of the border pixels by channel.
        plain: Whether most of the border has this colour: it goes on outside. Else what moves in is the mirror image.
        seen: Shorter side in pixels of what networks see.
        mode: Bicubic for a larger image than that, which stays crisp; bilinear for what networks see.
    """

    colour: Fill
    plain: bool
    seen: int
    mode: v2.InterpolationMode

    @staticmethod
    def of(image: Tensor, seen: int | None = None) -> Around:
        """Look at an image (c, h, w), of which networks may see a smaller one."""
        border = torch.cat([image[:, 0], image[:, -1], image[:, 1:-1, 0], image[:, 1:-1, -1]], dim=1)
        colour = border.median(dim=1).values
        like_it = ((border.int() - colour.int()[:, None]).abs() <= NEAR).all(dim=0).float().mean()
        shorter = min(image.shape[1:])
        seen = seen or shorter
        mode = v2.InterpolationMode.BICUBIC if shorter > seen else LINEAR
        return Around([float(value) for value in colour], bool(like_it >= PLAIN), seen, mode)


def uniform(low: float, high: float) -> float:
    """Draw a number from torch's global generator."""
    return float(torch.empty(()).uniform_(low, high))


def pixels_of(image: Tensor) -> Tensor:
    """Return where the pixels of an image lie, float32 (h, w, 2), across then down, its edges at -1 and 1."""
    down, across = ((2 * torch.arange(side) + 1) / side - 1 for side in image.shape[1:])
    return torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)


def moved(image: Tensor, around: Around, there: Tensor) -> Tensor:
    """Take each pixel from elsewhere, with what lies around the image beside it.

    A fixed colour would mark changed images: digits are white on black, scans black on white, photographs neither.
    torchvision's own `fill` weighs pixels at the edge twice when it interpolates, which leaves a dark fringe round
    everything that is not black, a mark by which a classifier could tell changed images: the border's colour becomes
    the zero meanwhile.

    Args:
        image: uint8, shape (c, h, w).
        around: What lies around it.
        there: From where, float32 (h, w, 2), as `pixels_of` has it.
    """
    zero = torch.tensor(around.colour)[:, None, None] if around.plain else torch.zeros(1, 1, 1)
    outside = "zeros" if around.plain else "reflection"
    found = grid_sample(
        (image - zero)[None], there[None], mode=around.mode.value, padding_mode=outside, align_corners=False
    )
    return (found[0] + zero).round().clamp(0, 255).to(torch.uint8)


def turning(transform: v2.RandomAffine | v2.RandomRotation) -> Callable[[Tensor, Around], Tensor]:
    """Make a recipe of a transformation about the middle of an image, which is carried out by `moved`."""

    def recipe(image: Tensor, around: Around) -> Tensor:
        drawn = {"translate": (0.0, 0.0), "scale": 1.0, "shear": (0.0, 0.0)} | transform.make_params([image])
        turn, (x, y) = math.radians(drawn["angle"]), (math.radians(degrees) for degrees in drawn["shear"])
        half = torch.tensor(image.shape[:0:-1]) / 2
        matrix = drawn["scale"] * _turn_and_shear(turn, x, y)
        from_here = pixels_of(image) * half - torch.tensor(drawn["translate"])
        return moved(image, around, from_here @ torch.linalg.inv(matrix).T / half)

    return recipe


def _turn_and_shear(turn: float, x: float, y: float) -> Tensor:
    """Return the matrix, shape (2, 2), that turns and then shears across and down, by angles in radians."""
    a, c = math.cos(turn - y) / math.cos(y), math.sin(turn - y) / math.cos(y)
    return torch.tensor([[a, -a * math.tan(x) - math.sin(turn)], [c, -c * math.tan(x) + math.cos(turn)]])


def perspective(image: Tensor, around: Around) -> Tensor:
    """Move each corner inwards by up to an eighth of either side."""
    corners = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    inwards = corners * (1 - torch.rand(4, 2) / 4)
    # The eight numbers of the projective map that takes them back: Hartley and Zisserman (2004), section 2.2.
    one, none = torch.ones(4, 1), torch.zeros(4, 3)
    here = torch.cat([inwards, one], 1)
    rows = [torch.cat([here, none], 1), torch.cat([none, here], 1)]
    of_both = [torch.cat([part, -corners[:, [k]] * inwards], 1) for k, part in enumerate(rows)]
    eight = torch.linalg.solve(torch.cat(of_both), corners.T.flatten())
    at = torch.cat([pixels_of(image), torch.ones(*image.shape[1:], 1)], -1)
    there = at @ torch.cat([eight, torch.ones(1)]).view(3, 3).T
    return moved(image, around, there[..., :2] / there[..., 2:])


def crop(image: Tensor, around: Around) -> Tensor:
    """Cut out 75 to 100 % of the area in about the image's own proportions, and enlarge it to the whole."""
    corner, sides = _part((0.75, 1.0), (0.9, 1.1))
    return moved(image, around, 2 * (corner + sides * (pixels_of(image) + 1) / 2) - 1)


def erase(image: Tensor, around: Around) -> Tensor:
    """Cover 2 to 15 % of the area with the border's colour. Zhong et al. (2020), "Random Erasing"."""
    colour = torch.tensor(around.colour, dtype=torch.uint8)[:, None, None]
    corner, sides = _part((0.02, 0.15), (0.3, 3.3))
    size = torch.tensor(image.shape[:0:-1])
    (left, top), (width, height) = (corner * size).int().tolist(), (sides * size).round().int().clamp(1).tolist()
    return functional.erase(image, top, left, height, width, colour)


def _part(area: tuple[float, float], ratio: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Draw a part of an image; torchvision draws whole pixels, and the same numbers mean other places at another size.

    Args:
        area: Smallest and largest share of the image's.
        ratio: Smallest and largest width over height, in proportion to the image's.

    Returns:
        Its corner, and its width and height, as shares of the image's; across, then down.
    """
    share, stretch = uniform(*area), math.exp(uniform(*map(math.log, ratio)) / 2)
    sides = (math.sqrt(share) * torch.tensor([stretch, 1 / stretch])).clamp(max=1)
    return torch.rand(2) * (1 - sides), sides


def bend(image: Tensor, around: Around) -> Tensor:
    """Bend the image by smooth random displacements, by 3 % of its side (one standard deviation).

    Simard, Steinkraus and Platt (2003), "Best practices for convolutional neural networks". A coarse grid of
    displacements is enlarged; torchvision blurs a fine one, which takes a hundred times as long at 256 pixels.
    """
    share = 0.03 * 2  # displacements are measured in halves of a side
    grid = interpolate(share * torch.randn(1, 2, 4, 4), image.shape[1:], mode="bicubic", align_corners=True)
    return moved(image, around, pixels_of(image) + grid[0].movedim(0, -1))


def blur(image: Tensor, around: Around) -> Tensor:
    """Blur with a Gaussian of up to 2 % of the shorter side, at least 0.7 pixels."""
    widest = max(0.7, min(image.shape[1:]) / 50)
    return v2.GaussianBlur(2 * math.ceil(2 * widest) + 1, (widest / 3, widest))(image)


def autoaugment(image: Tensor, around: Around) -> Tensor:
    """One of 25 pairs of operations that a search found. Cubuk et al. (2019), "AutoAugment"."""
    policy = v2.AutoAugmentPolicy.IMAGENET if around.seen >= COARSE else v2.AutoAugmentPolicy.CIFAR10
    return v2.AutoAugment(policy, LINEAR, around.colour)(image)


def trivialaugment(image: Tensor, around: Around) -> Tensor:
    """One operation at a random strength. Müller and Hutter (2021), "TrivialAugment", with RandAugment's strengths.

    torchvision's `TrivialAugmentWide` shifts by up to 32 pixels whatever the size, which empties a small image.
    """
    return v2.RandAugment(1, int(torch.randint(31, ())), interpolation=LINEAR, fill=around.colour)(image)


SINGLE: dict[str, Callable[[Tensor, Around], Tensor]] = {
    "hflip": lambda image, around: functional.horizontal_flip(image),
    "vflip": lambda image, around: functional.vertical_flip(image),
    "rotate": turning(v2.RandomRotation(15)),
    "affine": turning(v2.RandomAffine(12, (0.1, 0.1), (0.9, 1.1), 5)),
    "crop": crop,
    "perspective": perspective,
    "elastic": bend,
    "brightness": lambda image, around: v2.ColorJitter(brightness=0.3)(image),
    "contrast": lambda image, around: v2.ColorJitter(contrast=0.3)(image),
    "saturation": lambda image, around: v2.ColorJitter(saturation=0.5)(image),
    "hue": lambda image, around: v2.ColorJitter(hue=0.1)(image),
    "colour": lambda image, around: v2.ColorJitter(0.3, 0.3, 0.5, 0.1)(image),
    "sharpen": lambda image, around: functional.adjust_sharpness(image, uniform(1.5, 3.0)),
    "blur": blur,
    "noise": lambda image, around: v2.GaussianNoise(sigma=uniform(0.02, 0.08))(image),
    "erase": erase,
    "autoaugment": autoaugment,
    "randaugment": lambda image, around: v2.RandAugment(2, 9, 31, LINEAR, around.colour)(image),
    "trivialaugment": trivialaugment,
    "augmix": lambda image, around: v2.AugMix(interpolation=LINEAR, fill=around.colour)(image),
}
"""What is made from one image, uint8 (c, h, w), and what is around it; `colour` on grey is brightness and contrast."""

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


def treat(
    image: Tensor, steps: Sequence[str], partner: Tensor | None = None, seen: int | None = None
) -> tuple[Tensor, float]:
    """Carry out the steps of a recipe, drawing from torch's global generator.

    Args:
        image: uint8, shape (c, h, w).
        steps: As `steps_of` returns them.
        partner: The other image, where a step mixes.
        seen: Shorter side of what networks see, where that is another image than this.

    Returns:
        The new image, uint8, same shape, and the share in [0.5, 1] of the label that is the image's own.
    """
    own = 1.0
    for name in steps:
        if name in SINGLE:
            image = SINGLE[name](image, Around.of(image, seen))
        else:
            assert partner is not None
            both, shares = MIXING[name]()(torch.stack([image, partner]).float(), torch.arange(2))
            larger = int(shares[:, 0].argmax())  # either image is the first once; the label asked for keeps the most
            image, own = both[larger].round().to(torch.uint8), float(shares[larger, 0])
    return image, own
