"""Style transfer: images of a rare class with the look of other images.

Huang & Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization": an encoder, its
deepest map given the channel means and standard deviations of a style image (AdaIN), a decoder. One training serves
any content and any style. What differs from the paper: content and style are both images of the user, depth follows
the image size, the decoder also learns to give an image back unchanged, and where ImageNet's filters are not at hand
or say little, the encoder learns from the user's own images.

Four ways to draw a label; the content is always a real image of the label:

- `others`: the style of an image of another class, every class equally often;
- `same`: the style of another image of the class;
- `random`: a style drawn from a Gaussian fitted to the styles of the images (Jackson et al. 2019, "Style
  Augmentation: Data Augmentation via Style Randomization");
- `pictures`: the style of a picture in a folder.

Style is a robustness augmentation: a class that is defined by its texture loses its label if `alpha` is large.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.generator.base import Batch, Drawn
from gensynth.generator.learner import half_cosine, set_lr
from gensynth.kinds.image.folder import read_files
from gensynth.kinds.image.generator.source import MOST_AT_ONCE, SourceGenerator
from gensynth.kinds.image.style.encoders import Encoder, convolution, depth_for, find_encoder, load_pretrained
from gensynth.kinds.image.style.style import EPS, adain, channel_stats, content_loss, keep_color, statistics_loss

LEARNS = 0.5
"""Share of the training in which an encoder of one's own learns; then it is what the decoder's losses compare with."""
DEEPEST_OWN = 2
"""Maps of an encoder of one's own: a few hundred images do not teach it deeper ones that a decoder could sharpen."""
GRID = 4
"""Side of the grid on which it tells classes apart; coarser, position would be lost."""
KEPT = 0.25
"""Share of a batch that keeps its own style afterwards, so that the decoder goes on giving images back unchanged."""
DIRECTIONS = 64
"""Directions in which random styles vary: the ones in which real styles vary most."""


@dataclass(frozen=True)
class StyleTransferConfig:
    """Settings of the style transfer."""

    encoder: Literal["auto", "vgg19", "vgg16", "own"] = "auto"
    """What looks at the images: ImageNet's vgg19 or vgg16, or one trained on your own images. `auto` is a vgg whose
    weights are on this machine for images of 64 pixels or more, else `own`."""
    width: int = 16
    """Feature maps of the first layer of an encoder of one's own; each halving of the resolution doubles them."""
    alpha: float = 0.5
    """Share of the style in what is drawn: 0 gives the content back, 1 is all style. More than 0.5 costs labels."""
    preserve_color: bool = False
    """Keep the colours of the content in what is drawn; the style then lends brightness and texture only."""
    style_weight: float = 10.0
    """Weight of the style loss; the content loss has weight 1."""
    identity_weight: float = 10.0
    """Weight of giving an image back unchanged where its own style is asked for: more is sharper."""
    lr: float = 3e-3
    """Adam's learning rate at the start; it falls to 0 along a half cosine."""
    styles: str | None = None
    """A folder of pictures whose looks are lent by the draw `pictures`."""
    max_sources: int = 2000
    """Most images of each class, and most pictures of `styles`, that the checkpoint keeps to draw from."""

    def __post_init__(self) -> None:
        if min(self.width, self.lr) <= 0 or not 0 <= self.alpha <= 1:
            raise ValueError(
                f"width and lr must be positive and alpha in [0, 1], got {self.width}, {self.lr} and {self.alpha}."
            )
        if min(self.style_weight, self.identity_weight, self.max_sources) < 0:
            raise ValueError("style_weight, identity_weight and max_sources must not be negative.")


class Decoder(nn.Module):
    """The encoder mirrored: one convolution before and one after each resize to the resolution above.

    There is no normalisation, which would undo the style.

    Args:
        widths: Channels of the encoder's maps.
        channels: Channels of the images.
    """

    def __init__(self, widths: Sequence[int], channels: int) -> None:
        super().__init__()
        pairs = list(pairwise(reversed(widths)))
        self.before = nn.ModuleList(convolution(deep, shallow) for deep, shallow in pairs)
        self.after = nn.ModuleList(convolution(shallow, shallow) for _, shallow in pairs)
        self.to_image = convolution(widths[0], channels)

    def forward(self, x: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Map features (b, c, h, w) to images in [-1, 1] on the sides of `maps`, the encoder's, shallow first."""
        for before, after, above in zip(self.before, self.after, reversed(maps[:-1]), strict=True):
            x = F.interpolate(F.relu(before(x)), size=above.shape[2:])  # nearest, not doubled: sides may be odd
            x = F.relu(after(x))
        return torch.tanh(self.to_image(x))


class StyleTransfer(SourceGenerator):
    """Arbitrary style transfer by AdaIN (Huang & Belongie 2017), with random styles (Jackson et al. 2019)."""

    Config: ClassVar[type] = StyleTransferConfig
    takes_style: ClassVar[bool] = True
    remembered: ClassVar[tuple[str, ...]] = (
        *SourceGenerator.remembered,
        *("weights", "pictures", "picture_names", "source_styles", "picture_styles", "style_mean", "style_factor"),
    )
    draws: tuple[str, ...] = ("others", "same", "random", "pictures")

    def __init__(self, config: StyleTransferConfig, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
        super().__init__(config, shape, classes)
        self.automatic_optimization = False
        c, h, w = self.canvas
        if config.encoder == "auto":  # the checkpoint names what was found
            found = find_encoder("auto", min(h, w), download=False)
            self.config = dataclasses.replace(config, encoder=found)  # type: ignore[arg-type]  # one of ENCODERS
        depth = depth_for(h, w)
        if self.config.encoder == "own":
            depth = min(depth, DEEPEST_OWN)
        self.encoder = Encoder(self.config.encoder, c, depth, config.width)
        self.decoder = Decoder(self.encoder.widths, c)
        if self.config.encoder == "own":
            self.classifier = nn.Linear(self.encoder.widths[-1] * GRID**2, len(classes))
        # Which pretrained weights; filled by `prepare`, as are the pictures.
        self.weights = ""
        self.pictures = torch.zeros(0, *shape, dtype=torch.uint8)
        self.picture_names: list[str] = []
        # Styles are rows of means and standard deviations of the deepest map; filled by `remember`.
        self.source_styles, self.picture_styles, self.style_factor = (
            torch.zeros(n, 2 * self.encoder.widths[-1]) for n in (0, 0, self.noise_dim - 3)
        )
        self.style_mean = torch.zeros(2 * self.encoder.widths[-1])
        self._set_draws()

    def _set_draws(self) -> None:
        known = len(self.source_labels.unique())
        able = {"others": known > 1, "same": True, "random": known > 0, "pictures": len(self.pictures) > 0}
        self.draws = tuple(draw for draw, possible in able.items() if possible)

    @property
    def stamp(self) -> str:
        """The encoder, and which pretrained weights it has."""
        return f"encoder {self.weights or self.config.encoder}"

    @property
    def noise_dim(self) -> int:
        """Three numbers that choose content and lender, and a random style."""
        return 3 + min(DIRECTIONS, 2 * self.encoder.widths[-1])

    def prepare(self, download: bool) -> None:
        """Load pretrained weights and the pictures of `styles`, unless the checkpoint it starts from has them."""
        if self.config.encoder != "own" and not self.weights:
            self.weights = load_pretrained(self.encoder, download)
        if self.config.styles is not None and not self.picture_names:
            self.picture_names, self.pictures = read_pictures(self.config.styles, self.shape, self.config.max_sources)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam over all that learns."""
        return torch.optim.Adam([p for p in self.parameters() if p.requires_grad], lr=self.config.lr, fused=True)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One step on content + style_weight style + identity_weight identity (+ class loss, encoder of one's own)."""
        optimizer = self.optimizers()
        set_lr(optimizer, half_cosine(self.config.lr, batch.progress))
        own, config = self.config.encoder == "own", self.config
        learns = own and batch.progress < LEARNS
        x = self.to_canvas(batch.x)
        self.encoder.requires_grad_(learns)
        maps = self.encoder(x)
        # The first images keep their own style, all of them while the encoder learns.
        kept = len(x) if learns else math.ceil(len(x) * KEPT)
        order = torch.randperm(len(x), generator=self.step_rng(batch), device=self.device)
        order[:kept] = torch.arange(kept, device=self.device)
        stats = [channel_stats(level) for level in maps]
        mean, std = stats[-1]
        target = adain(maps[-1], mean[order], std[order])
        y = self.decoder(target, maps)
        identity = content_loss(y[:kept], x[:kept]) / (x.var() + EPS)
        loss = config.identity_weight * identity
        logged = {"train/identity_loss": identity}
        if own:
            bare = (maps[-1] - mean) / std
            logits = self.classifier(F.adaptive_avg_pool2d(bare, GRID).flatten(1))
            logged["train/class_loss"] = F.cross_entropy(logits.float(), batch.y)
            loss = loss + logged["train/class_loss"]
        # A learning encoder only measures here: its features would shrink if they were to make style cheap.
        with torch.set_grad_enabled(not learns):
            drawn = self.encoder(y)
            content = content_loss(drawn[-1], target) / (maps[-1].float().var() + EPS)
            style = torch.stack(
                [
                    statistics_loss(level, m[order], s[order]) / (real.float().var() + EPS)
                    for level, real, (m, s) in zip(drawn, maps, stats, strict=True)
                ]
            ).sum()
        loss = loss + content + config.style_weight * style
        logged |= {"train/content_loss": content, "train/style_loss": style}
        self.update(optimizer, loss)
        self.log_dict(logged)

    @torch.no_grad()
    def remember(self, batches: Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]) -> None:
        """Keep images to draw from, the styles of images and pictures, and the Gaussian of random styles."""
        super().remember(batches)
        self.source_styles, self.picture_styles = self._styles(self.sources), self._styles(self.pictures)
        if len(self.sources):
            self.style_mean = self.source_styles.mean(0)
            covariance = torch.cov(self.source_styles.T, correction=0)
            variances, directions = torch.linalg.eigh(covariance)  # ascending
            kept = len(self.style_factor)
            self.style_factor = (directions * variances.clamp(min=0).sqrt())[:, -kept:].T.contiguous()
        self._set_draws()

    def _styles(self, images: Tensor) -> Tensor:
        """Return the styles, (n, 2 c) on the CPU, of uint8 images (n, c, h, w)."""
        styles = torch.zeros(len(images), 2 * self.encoder.widths[-1])
        for at in range(0, len(images), MOST_AT_ONCE):
            part = images[at : at + MOST_AT_ONCE].to(self.device)
            styles[at : at + MOST_AT_ONCE] = self._style(self.to_canvas(part)).cpu()
        return styles

    def _style(self, x: Tensor) -> Tensor:
        return torch.cat(channel_stats(self.encoder(x)[-1]), 1).flatten(1)

    def _restyle(self, x: Tensor, style: Tensor, alpha: float) -> Tensor:
        """Give images (b, c, h, w) in [-1, 1] a share `alpha` of styles (b, 2 c); in [-1, 1] too."""
        maps = self.encoder(x)
        mean, std = style.to(x)[:, :, None, None].chunk(2, 1)
        target = torch.lerp(maps[-1], adain(maps[-1], mean, std.clamp(min=0)), alpha)
        return self.decoder(target, maps)

    def _sample(self, labels: Tensor, noise: Tensor, draw: str) -> Drawn:
        label, chance = int(labels[0]), torch.special.ndtr(noise[:, :3]).cpu()
        mine = self.source_labels == label
        content = self.pick(mine, chance[:, 0])
        parents: list[tuple[str, ...]] = [(self.source_ids[at],) for at in content]
        if draw == "random":
            style = self.style_mean + noise[:, 3:].cpu() @ self.style_factor
        elif draw == "pictures":
            at = np.minimum((chance[:, 2].numpy() * len(self.pictures)).astype(int), len(self.pictures) - 1)
            style = self.picture_styles[torch.from_numpy(at)]
            # Marked, because a picture may have the name of an image.
            parents = [(*own, f"styles: {self.picture_names[i]}") for own, i in zip(parents, at, strict=True)]
        else:
            lender = self._lenders(label, content, chance[:, 1:], draw)
            style = self.source_styles[torch.from_numpy(lender)]
            parents = [(*own, self.source_ids[at]) for own, at in zip(parents, lender, strict=True)]
        x = self.source(content)
        y = self._restyle(x, style, self.config.alpha)
        return Drawn(keep_color(x, y) if self.config.preserve_color else y, tuple(parents))

    def _lenders(self, label: int, content: np.ndarray, chance: Tensor, draw: str) -> np.ndarray:
        """Return positions of sources of another class, every class equally often, or others of the same class."""
        mine = self.source_labels == label
        if draw == "same":
            if len(content) and int(mine.sum()) < 2:
                raise ValueError(f"draw 'same' needs two images of {self.classes[label]!r}; use 'random'.")
            places = torch.arange(len(mine))
            allowed = [mine & (places != int(at)) for at in content]
        else:
            others = [c for c in self.source_labels.unique().tolist() if c != label]
            allowed = [self.source_labels == others[min(int(u * len(others)), len(others) - 1)] for u in chance[:, 0]]
        return np.concatenate([self.pick(a, u[None]) for a, u in zip(allowed, chance[:, 1], strict=True)])

    @torch.inference_mode()
    def stylize(self, content: Tensor, styles: Sequence[Tensor], weights: Sequence[float], alpha: float) -> Tensor:
        """Give one picture a mix of the styles of others.

        Args:
            content: float32, shape (1, c, h, w) with the model's c, in [-1, 1], of any size.
            styles: One or more such pictures, each of any size.
            weights: Share of each style, positive; only their proportions count.
            alpha: Share of the styles, in [0, 1]; 0 gives the content back.

        Returns:
            float32, the shape of `content`, in [-1, 1].

        Raises:
            ValueError: if a picture has other channels or is too small for the encoder.
        """
        least = 2 ** len(self.encoder.widths)
        for picture in (content, *styles):
            if picture.shape[1] != self.shape[0] or min(picture.shape[2:]) < least:
                raise ValueError(
                    f"pictures must have {self.shape[0]} channels and at least {least} x {least} pixels, got "
                    f"shape {tuple(picture.shape[1:])}."
                )
        # The mean of the styles (Huang & Belongie 2017, eq. 15).
        found = torch.cat([self._style(picture.to(self.device)) for picture in styles])
        style = (torch.tensor(weights, device=self.device) / sum(weights)) @ found
        return self._restyle(content.to(self.device), style[None], alpha)


def read_pictures(folder: str, shape: tuple[int, int, int], most: int) -> tuple[list[str], Tensor]:
    """Read the first pictures of a folder, at any depth, stretched to the size of the images.

    Args:
        folder: The folder.
        shape: Shape (c, h, w) of the images.
        most: Most pictures.

    Returns:
        Their names, and uint8, shape (n, *shape).

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it holds no pictures, one cannot be read, or one has colour where the images are grey.
    """
    channels, h, w = shape
    files = read_files(folder, (h, w), 3)
    names, pictures = list(files.paths[:most]), files[:most]
    if channels == 1:
        coloured = (pictures != pictures[:, :1]).any(dim=(1, 2, 3))
        if coloured.any():
            raise ValueError(
                f"styles: {names[int(coloured.int().argmax())]!r} in {folder!r} has colour but the images are grey; "
                "give grey pictures, or read the images with --channels 3."
            )
    return names, pictures[:, :channels].contiguous()
