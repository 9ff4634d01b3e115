"""Learned deformation: real images of a rare class, bent and lit in ways that the common classes show.

A conditional VAE sees pairs (a, b) of images of one class. Its encoder q(z | a, b) says what turns a into b, its
decoder makes of z a smooth velocity field and a smooth tone field, and the loss asks that a, moved and toned by them,
be b. As no class enters the decoder, what common classes teach moves images of a rare one: a sample is a real image of
its label, changed by z ~ N(0, I). Pixels are moved and never decoded, so that edges stay crisp.

The fields of pairs follow Krebs et al. 2019, "Learning a Probabilistic Model for Diffeomorphic Registration";
velocities are integrated as in Arsigny et al. 2006, "A Log-Euclidean Framework for Statistics on Diffeomorphisms". That
folds nothing where velocities are smooth; on a grid of pixels rough ones fold, and are weakened until nothing that is
drawn does. Learning deformations to enlarge data is from Hauberg et al. 2016, "Dreaming More
Data", and learning on common classes what rare ones may undergo from Zhou et al. 2022, "Do Deep Networks Transfer
Invariances Across Classes?". The strength is the largest at which a judge still recognises most of what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.generator import losses
from gensynth.generator.base import Batch, Drawn
from gensynth.generator.layers import ImageToGrid
from gensynth.generator.learner import half_cosine, set_lr
from gensynth.kinds.image.generator.source import SourceGenerator
from gensynth.kinds.image.native import Native
from gensynth.kinds.image.warp import NativeDeformation, deform, displacement, folds, unfolded

CONTROL = 7
"""Control points along the shorter side, at least two pixels apart; between them the fields are smooth."""
STRENGTHS = (0.15, 0.25, 0.35, 0.5, 0.6, 0.7, 0.85, 1.0)
JUDGED, REPEATS = 100, 2
"""Most images of a class that `Deformation.remember` finds the strength with, and changes of each."""
KEPT = 0.8
"""Least recall of changed images, as a share of that of real ones. A judge knows real images alone, and doubts some
that still show their class: on other training images of MNIST and Fashion-MNIST, what trains best is 0.5 to 0.8 strong.
"""
UNJUDGED = 0.5
"""Strength until a judge has been asked; it needs two classes."""
MOST_FOLDED = 0.05
"""Share of changes that have to be weakened at which `diagnose` speaks."""


@dataclass(frozen=True)
class DeformationConfig:
    """Settings of the learned deformation."""

    z_dim: int = 32
    """Length of the code of a change."""
    width: int = 16
    """Feature maps of the encoder at half the resolution; each further halving doubles them."""
    beta: float = 2.0
    """Weight of the KL term: more makes changes simpler and weaker."""
    smooth: float = 10.0
    """Weight of the penalty on differences between neighbouring control points."""
    lr: float = 2e-3
    """Adam's learning rate at the start; it falls to 0 along a half cosine."""
    strength: float | None = None
    """Strength of the changes: 1 as between two images of a class, 0 none; by default the largest at which a judge
    that was trained on other real images still recognises most of what comes out."""
    max_sources: int = 2000
    """Most images of each class that the checkpoint keeps to draw from."""

    def __post_init__(self) -> None:
        if min(self.z_dim, self.width, self.lr) <= 0 or min(self.beta, self.smooth, self.max_sources) < 0:
            raise ValueError("z_dim, width and lr must be positive, beta, smooth and max_sources not negative.")
        if self.strength is not None and not 0 < self.strength <= 2:
            raise ValueError(f"strength must lie in (0, 2], got {self.strength}; leave it out to have it found.")


class Encoder(nn.Module):
    """A pair of images to the mean and log-variance of the code of their difference."""

    def __init__(self, config: DeformationConfig, canvas: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = canvas
        self.body = ImageToGrid((2 * channels, height, width), config.width, 8 * config.width)
        self.features = nn.Linear(math.prod(self.body.grid), 256)
        self.to_code = nn.Linear(256, 2 * config.z_dim)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (n, c, h, w) to mu and log_var, each (n, z_dim)."""
        features = F.leaky_relu(self.features(self.body(torch.cat([a, b], 1)).flatten(1)), 0.2)
        mu, log_var = self.to_code(features).float().chunk(2, dim=1)
        return mu, log_var.clamp(-12, 4)  # unbounded, exp() overflows on the first bad batch


class Decoder(nn.Module):
    """A code to fields on the control points: velocity across and down, tone of each channel.

    It starts at fields of zero, the change that changes nothing.
    """

    def __init__(self, config: DeformationConfig, canvas: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = canvas
        short = min(height, width)
        control = min(CONTROL, short // 2)
        self.grid = (2 + channels, round(control * height / short), round(control * width / short))
        self.hidden = nn.Linear(config.z_dim, 256)
        self.to_fields = nn.Linear(256, math.prod(self.grid))
        nn.init.zeros_(self.to_fields.weight)
        nn.init.zeros_(self.to_fields.bias)

    def forward(self, z: Tensor) -> Tensor:
        """Map codes (n, z_dim) to fields (n, 2 + c, rows, columns)."""
        return self.to_fields(F.leaky_relu(self.hidden(z), 0.2)).float().view(-1, *self.grid)


class Deformation(SourceGenerator):
    """Conditional VAE of the smooth changes between images of one class."""

    Config: ClassVar[type] = DeformationConfig
    native: ClassVar[bool] = True
    remembered: ClassVar[tuple[str, ...]] = (*SourceGenerator.remembered, "strength")

    def __init__(self, config: DeformationConfig, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
        super().__init__(config, shape, classes)
        self.automatic_optimization = False
        self.encoder = Encoder(config, self.canvas)
        self.decoder = Decoder(config, self.canvas)
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))
        self.strength = config.strength or UNJUDGED

    @property
    def noise_dim(self) -> int:
        """z, and a number that chooses the source."""
        return self.config.z_dim + 1

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam over encoder, decoder and noise level."""
        return torch.optim.Adam(self.parameters(), lr=self.config.lr, fused=True)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One step on -ELBO + smooth * roughness of the fields."""
        optimizer = self.optimizers()
        set_lr(optimizer, half_cosine(self.config.lr, batch.progress))
        rng = self.step_rng(batch)
        a = self.to_canvas(batch.x)
        b = a[partners(batch.y, batch.ids, rng)]
        mu, log_var = self.encoder(a, b)
        z = mu + torch.randn(mu.shape, generator=rng, device=self.device) * (log_var / 2).exp()
        fields = self.decoder(z)
        made = deform(a, fields)
        recon = losses.gaussian_nll(b, made, self.log_sigma)
        kl = losses.kl_standard_normal(mu, log_var)
        rough = roughness(fields)
        self.update(optimizer, recon + self.config.beta * kl + self.config.smooth * rough)
        self.log_dict({"train/recon": (b - made).square().mean(), "train/kl": kl, "train/rough": rough})

    @torch.no_grad()
    def remember(self, batches: Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]) -> None:
        """Keep images to draw from, and find the strength at which a judge still recognises them."""
        super().remember(batches)
        if self.config.strength is None:
            self.strength = self._recognised()

    def _recognised(self) -> float:
        """Return the largest of `STRENGTHS` at which changed images are recognised `KEPT` as often as real ones.

        By judges that have seen neither the images nor what is made of them, and on average over the classes: the few
        images of a rare one would say nothing alone.
        """
        from gensynth.fidelity.judge import Judge
        from gensynth.kinds.image.features.embedding import (
            Embedding,  # asked at the end of a training, not when drawing
        )

        y = self.source_labels.numpy()
        # Sources lie in the order of their hashes, so that these are a random part of each class.
        rows = np.concatenate([np.flatnonzero(y == label)[:JUDGED] for label in np.unique(y)]) if len(y) else y
        counts = np.bincount(y[rows])
        classes = np.flatnonzero(counts >= 4)
        if len(classes) < 2:
            return self.strength
        rows = rows[np.isin(y[rows], classes)]
        x, y = self.sources[torch.from_numpy(rows)], y[rows]
        embedding = Embedding.fit(x)
        wide, side = embedding.wide(x), np.arange(len(y)) % 2
        rng = torch.Generator().manual_seed(0)
        real = np.zeros(len(y))
        changed = np.zeros((len(STRENGTHS), len(y)))
        for half in (0, 1):
            judge = Judge.fit(wide[side != half], y[side != half], len(counts), 0)
            at = np.flatnonzero(side == half)
            real[at] = judge(wide[at]).argmax(1) == y[at]
            for _ in range(REPEATS):
                z = torch.randn((len(at), self.config.z_dim), generator=rng).to(self.device)
                for row, strength in enumerate(STRENGTHS):
                    made = deform(self.source(rows[at]), self._fields(z, strength), "bicubic")
                    found = judge(embedding.wide(self.to_pixels(made))).argmax(1)
                    changed[row, at] += (found == y[at]) / REPEATS
        share = np.array([[each[y == label].mean() for label in classes] for each in (real, *changed)]).mean(1)
        kept = [
            strength
            for strength, recognised in zip(STRENGTHS, share[1:], strict=True)
            # What a judge still recognises may be torn: photographs of classes that differ in colour, say.
            if recognised >= KEPT * share[0] and self._folded(strength) < MOST_FOLDED
        ]
        return max(kept, default=STRENGTHS[0])

    @torch.no_grad()
    def _folded(self, strength: float) -> float:
        """Return the share of the changes of a strength that would fold an image."""
        z = torch.randn((256, self.config.z_dim), generator=torch.Generator().manual_seed(0)).to(self.device)
        u = displacement(strength * self.decoder(z)[:, :2], *self.canvas[1:])
        return float((folds(u) > 0).float().mean())

    def _sample(self, labels: Tensor, noise: Tensor, draw: str) -> Drawn:
        at = self.pick(self.source_labels == int(labels[0]), torch.special.ndtr(noise[:, -1]))
        fields, files = self._fields(noise[:, :-1], self.strength), self.native_files()
        made, parents = deform(self.source(at), fields, "bicubic"), tuple((self.source_ids[i],) for i in at)
        if files is None:
            return Drawn(made, parents)
        natives = tuple(map(self._native, map(files.__getitem__, at), fields.cpu()))
        return Drawn(torch.stack(list(map(self._framed, made, natives))), parents, natives)

    def _framed(self, x: Tensor, native: Native) -> Tensor:
        """Return an image, shape (c, h, w) of the canvas, with its own mirror image beside it, as real ones have it."""
        at, (_, h, w) = native.place(self.shape[1:]), self.shape
        x[:, :h, :w] = torch.from_numpy(at.filled(x[:, *at.inside].cpu().numpy()))
        return x

    def _native(self, parent: Native, fields: Tensor) -> Native:
        """Return a change as it looks at the parent's own size."""
        return replace(parent, change=NativeDeformation(fields, self.canvas[1:], parent.place(self.shape[1:])))

    def _fields(self, z: Tensor, strength: float) -> Tensor:
        return unfolded(strength * self.decoder(z), *self.canvas[1:])

    @torch.no_grad()
    def diagnose(self, label_agreement: float) -> tuple[str, ...]:
        """Recognise fields so rough that many fold."""
        rough = self._folded(self.strength)
        if rough < MOST_FOLDED:
            return ()
        return (
            f"{rough:.0%} of the changes would fold the image and are weakened: raise --model.smooth, or lower "
            "--model.strength.",
        )


def partners(y: Tensor, ids: Tensor, rng: torch.Generator) -> Tensor:
    """Return for each image the position of another one of its class in the batch; its own where there is none."""
    allowed = (y[:, None] == y) & (ids[:, None] != ids)
    chance = torch.rand(allowed.shape, generator=rng, device=y.device) * allowed
    best, at = chance.max(1)
    return torch.where(best > 0, at, torch.arange(len(y), device=y.device))


def roughness(fields: Tensor) -> Tensor:
    """Mean over the batch of the sum of squared differences between neighbouring control points."""
    down, across = (fields.diff(dim=d).square().sum((1, 2, 3)).mean() for d in (2, 3))
    return down + across
