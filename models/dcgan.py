"""DCGAN: adversarial image generation with convolutions, conditional on the class.

`arch: classic` is the paper's network and recipe: Radford, Metz & Chintala 2016, "Unsupervised
Representation Learning with Deep Convolutional GANs". What differs: z is N(0, 1), theirs uniform; depth and
width follow the image size; with several classes the label is an input of both networks. `arch: modern` keeps
the idea and mends what collapses on small data: relativistic pairing with R1 and R2 (Huang et al. 2024, "The GAN
is dead; long live the GAN!"), a projection discriminator (Miyato & Koyama 2018), differentiable augmentation,
generator EMA.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.generator import losses
from gensynth.generator.augment import AUGMENTATIONS, differentiable_augmentation
from gensynth.generator.base import Batch, Drawn, Generator
from gensynth.generator.layers import Ema, GridToImage, ImageToGrid, start_grid, widths


@dataclass(frozen=True)
class DCGANConfig:
    """Settings of the DCGAN; those left out are by `arch`, and a checkpoint names what was used."""

    arch: Literal["modern", "classic"] = "modern"
    """`modern`, or the paper's `classic` (transposed convolutions, batch norm, N(0, 0.02) weights, no augmentation)."""
    loss: Literal["auto", "rpgan_r1r2", "hinge", "lsgan", "bce"] = "auto"
    """Adversarial loss; `auto` is `rpgan_r1r2` for modern and `bce` for classic."""
    z_dim: int | None = None
    """Length of the noise vector; by default 64 for modern, the paper's 100 for classic."""
    width: int | None = None
    """Feature maps at half the resolution; each further halving doubles them. By default 32 for modern; for classic the
    paper's 128 from 64 pixels on, and below the 64 of the authors' code for MNIST."""
    max_width: int | None = None
    """Most feature maps of any layer; by default 256 for modern, the paper's 1024 for classic."""
    gamma: float = 1.0
    """Weight of R1 and R2 (`rpgan_r1r2` only). Raise it if training oscillates, lower it if images stay soft."""
    lr: float | None = None
    """Adam's learning rate for both networks; by default 1e-3 for modern, the paper's 2e-4 for classic."""
    ema_half_life: float | None = None
    """Steps after which an old generator weight counts half in the average that samples are drawn from; 0 draws from
    the last weights. By default 500 for modern, the paper's 0 for classic."""
    augment: tuple[str, ...] | None = None
    """Differentiable augmentations of what the discriminator sees, in this order; leave one out where it would change
    the label. By default color, translation and cutout for modern, the paper's none for classic."""

    def __post_init__(self) -> None:
        unknown = set(self.augment or ()) - set(AUGMENTATIONS)
        if unknown:
            raise ValueError(f"augment: unknown {sorted(unknown)}; allowed: {', '.join(AUGMENTATIONS)}.")
        positive, not_negative = (self.z_dim, self.width, self.max_width, self.lr), (self.ema_half_life, self.gamma)
        if any(v is not None and v <= 0 for v in positive) or any(v is not None and v < 0 for v in not_negative):
            raise ValueError("z_dim, width, max_width and lr must be positive, ema_half_life and gamma not negative.")


def with_defaults(config: DCGANConfig, canvas: tuple[int, int, int]) -> Any:  # a DCGANConfig in which nothing is None
    """Return the settings with those left out as `arch` has them."""
    if config.arch == "modern":
        defaults: dict[str, Any] = {"loss": "rpgan_r1r2", "z_dim": 64, "width": 32, "max_width": 256, "lr": 1e-3}
        defaults |= {"ema_half_life": 500.0, "augment": AUGMENTATIONS}
    else:
        width = 128 if min(canvas[1:]) >= 64 else 64
        defaults = {"loss": "bce", "z_dim": 100, "width": width, "max_width": 1024, "lr": 2e-4}
        defaults |= {"ema_half_life": 0.0, "augment": ()}
    return replace(config, **{name: v for name, v in defaults.items() if getattr(config, name) in (None, "auto")})


class ModernGenerator(nn.Module):
    """Learned start grid plus projected noise and class, then x2 resampling and residual 3 x 3 convolutions."""

    def __init__(self, config: Any, canvas: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        self.body = GridToImage(canvas, config.width, config.max_width)
        self.start = nn.Parameter(torch.zeros(self.body.grid))
        self.project = nn.Linear(config.z_dim, self.start.numel())
        nn.init.normal_(self.project.weight, std=config.z_dim**-0.5)
        # The class enters as zero and grows: strong from the start, it leads to one picture per class when images
        # are few (Shahbazi et al. 2022, "Collapse by Conditioning").
        self.embed = nn.Embedding(n_classes, self.start.numel())
        nn.init.zeros_(self.embed.weight)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Map noise (b, z_dim) and labels (b,) to images (b, c, h, w), about [-1, 1]."""
        code = self.project(F.normalize(z, dim=1) * z.shape[1] ** 0.5) + self.embed(labels)
        return self.body(self.start + code.view(-1, *self.start.shape))


class ModernDiscriminator(nn.Module):
    """Mirror of the generator; logit = w . f(x) + e(y) . f(x) / sqrt(d) for d features f.

    Miyato & Koyama 2018, eq. 3, but for the root, which keeps the class from outweighing the image early on.
    """

    def __init__(self, config: Any, canvas: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        self.body = ImageToGrid(canvas, config.width, config.max_width)
        channels, h0, w0 = self.body.grid
        self.features = nn.Linear(channels * h0 * w0, 2 * channels)
        self.logit = nn.Linear(2 * channels, 1)
        self.embed = nn.Embedding(n_classes, 2 * channels)
        self.bounded = config.loss == "hinge"
        nn.init.kaiming_normal_(self.features.weight, a=0.2)
        nn.init.zeros_(self.embed.weight)

    def forward(self, x: Tensor, labels: Tensor, parts: int = 1) -> Tensor:
        """Map images (b, c, h, w) and labels (b,) to logits (b,); `parts` matters to batch norm only."""
        f = F.leaky_relu(self.features(self.body(x).flatten(1)), 0.2)
        e = self.embed(labels)
        if self.bounded:  # |e| is the spectral norm of f -> e . f, which the hinge bounds as it does every layer's
            e = e / e.norm(dim=1, keepdim=True).clamp(min=1)
        return (self.logit(f) + (e * f).sum(1, keepdim=True) / f.shape[1] ** 0.5).squeeze(1)


def classic_init(module: nn.Module) -> None:
    """Weights N(0, 0.02), batch-norm scales N(1, 0.02) (Radford et al. 2016, section 4)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class ClassicGenerator(nn.Module):
    """The paper's generator; with several classes, an embedding of the label is appended to z."""

    def __init__(self, config: Any, canvas: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, *self.sides = canvas
        h0, w0, levels = start_grid(*self.sides)
        sizes = widths(config.width, levels - 1, config.max_width)[::-1]
        self.embed = nn.Embedding(n_classes, config.z_dim) if n_classes > 1 else None
        inputs = config.z_dim * (2 if n_classes > 1 else 1)
        layers: list[nn.Module] = [nn.ConvTranspose2d(inputs, sizes[0], (h0, w0), bias=False)]
        for a, b in zip(sizes, [*sizes[1:], channels], strict=True):
            layers += [nn.BatchNorm2d(a), nn.ReLU(True), nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False)]
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.apply(classic_init)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Map noise (b, z_dim) and labels (b,) to images (b, c, h, w) in [-1, 1]."""
        x = z if self.embed is None else torch.cat([z, self.embed(labels)], 1)
        height, width = self.sides
        return self.layers(x[:, :, None, None])[..., :height, :width]  # what a side was rounded up by is cut off


class ClassicDiscriminator(nn.Module):
    """The paper's discriminator; with several classes, the label enters as a further input plane."""

    def __init__(self, config: Any, canvas: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, height, width = canvas
        h0, w0, levels = start_grid(height, width)
        self.margin = (0, w0 * 2**levels - width, 0, h0 * 2**levels - height)
        sizes = widths(config.width, levels - 1, config.max_width)
        self.plane = nn.Embedding(n_classes, height * width) if n_classes > 1 else None
        inputs = channels + (1 if n_classes > 1 else 0)
        layers: list[nn.Module] = [nn.Conv2d(inputs, sizes[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
        for a, b in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2, True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(sizes[-1], 1, (h0, w0), bias=False))
        self.apply(classic_init)

    def forward(self, x: Tensor, labels: Tensor, parts: int = 1) -> Tensor:
        """Map images (b, c, h, w) and labels (b,) to logits (b,).

        Batch norm takes its statistics from each of `parts` equal parts apart: real and generated images
        that share statistics would tell the discriminator about each other.
        """
        if self.plane is not None:
            x = torch.cat([x, self.plane(labels).view(-1, 1, *x.shape[2:])], 1)
        x = F.pad(x, self.margin, mode="replicate") if any(self.margin) else x
        for layer in self.layers:
            x = torch.cat([layer(p) for p in x.chunk(parts)]) if isinstance(layer, nn.BatchNorm2d) else layer(x)
        return x.flatten()


class DCGAN(Generator):
    """Deep convolutional GAN (Radford et al. 2016), classic or modern."""

    Config: ClassVar[type] = DCGANConfig
    min_images_alone: ClassVar[int] = 20

    def __init__(self, config: DCGANConfig, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
        super().__init__(config, shape, classes)
        self.automatic_optimization = False
        self.config = config = with_defaults(config, self.canvas)
        modern, n = config.arch == "modern", len(classes)
        self.generator = (ModernGenerator if modern else ClassicGenerator)(config, self.canvas, n)
        self.discriminator = (ModernDiscriminator if modern else ClassicDiscriminator)(config, self.canvas, n)
        if config.loss == "hinge":  # the hinge needs a Lipschitz bound (Miyato et al. 2018)
            for module in self.discriminator.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    if not module.weight.any():  # zero at the start has no spectral norm to divide by
                        nn.init.kaiming_normal_(module.weight, a=0.2)
                    nn.utils.parametrizations.spectral_norm(module)
        self.ema = Ema(self.generator, self.config.ema_half_life)

    @property
    def noise_dim(self) -> int:
        """Length of z."""
        return self.config.z_dim

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for each network: betas (0, 0.99) for modern, the paper's (0.5, 0.999) for classic."""
        betas = (0.0, 0.99) if self.config.arch == "modern" else (0.5, 0.999)
        return [
            torch.optim.Adam(network.parameters(), lr=self.config.lr, betas=betas, fused=True)
            for network in (self.discriminator, self.generator)
        ]

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One update of the discriminator, then one of the generator, on the same images."""
        d_optimizer, g_optimizer = self.optimizers()
        config, rng = self.config, self.step_rng(batch)
        d_loss_of, g_loss_of = losses.PAIRS[config.loss]
        labels = torch.cat([batch.y, batch.y])
        real = self.to_canvas(batch.x)
        z = torch.randn(len(real), config.z_dim, generator=rng, device=self.device)
        fake = self.generator(z, batch.y)

        # One pass over real and generated images, each paired with a generated one of its own class.
        penalized = config.loss == "rpgan_r1r2" and config.gamma > 0
        images = torch.cat([real, fake.detach().float()]).requires_grad_(penalized)
        seen = differentiable_augmentation(images, config.augment, rng)
        logits = self.discriminator(seen, labels, parts=2).float()
        d_loss = d_loss_of(*logits.chunk(2))
        # gamma/2 (R1 + R2): the mean over both halves is (R1 + R2) / 2. With respect to the images before their
        # augmentation, as in the code of Huang et al. 2024.
        penalty = config.gamma * losses.gradient_penalty(logits, images) if penalized else logits.new_zeros(())
        self.update(d_optimizer, d_loss + penalty)

        # The frozen discriminator needs no gradient for its weights, and none at all for real images, which only
        # the relativistic loss looks at.
        self.discriminator.requires_grad_(False)
        real_logits = logits[: len(real)].detach()
        if config.loss == "rpgan_r1r2":
            with torch.no_grad():
                real_logits = self.discriminator(seen[: len(real)], batch.y).float()
        seen = differentiable_augmentation(fake.float(), config.augment, rng)
        g_loss = g_loss_of(real_logits, self.discriminator(seen, batch.y).float())
        self.update(g_optimizer, g_loss)
        self.discriminator.requires_grad_(True)
        self.ema.update(self.generator)
        self.log_dict({"train/d_loss": d_loss, "train/g_loss": g_loss, "train/gradient_penalty": penalty})

    def _sample(self, labels: Tensor, noise: Tensor, draw: str) -> Drawn:
        x = torch.func.functional_call(self.generator, self.ema.weights(), (noise, labels))
        return Drawn(x, ((),) * len(labels))
