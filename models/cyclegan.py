"""CycleGAN: turns images of common classes into images of a rare one, without pairs.

Zhu, Park, Isola & Efros 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks". A is
the source (one class or several, or another domain), B the target, the class that needs images: their variety comes
from A, their label from B. What differs from the paper, because B is small: both discriminators see augmented images
(Zhao et al. 2020, "Differentiable Augmentation"), sources are shifted and turned a little in place of random crops,
and depth and patch follow the image size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.generator import losses
from gensynth.generator.augment import AUGMENTATIONS, differentiable_augmentation, small_affine
from gensynth.generator.base import Batch, Drawn
from gensynth.generator.layers import start_grid, widths
from gensynth.generator.learner import set_lr
from gensynth.kinds.image.generator.source import SourceGenerator


@dataclass(frozen=True)
class CycleGANConfig:
    """Settings of the CycleGAN."""

    arch: Literal["resnet", "unet"] = "resnet"
    """Generator networks: residual blocks, or a U-Net, which keeps the outlines of its input."""
    loss: Literal["lsgan", "bce", "hinge"] = "lsgan"
    """Adversarial loss; the paper's is `lsgan`."""
    width: int = 32
    """Feature maps of the first layer (the paper: 64); each halving of the resolution doubles them."""
    blocks: int | None = None
    """Residual blocks; by default 3 under 96 pixels, the paper's 6 up to 160 and 9 above."""
    patch: Literal[16, 34, 70] | None = None
    """Side in pixels of what one output of a discriminator sees; by default 16 under 24 pixels, 34 under 96, and the
    paper's 70 above."""
    cycle_weight: float | None = None
    """Weight of the cycle loss, in both directions; by default the paper's 10 from 96 pixels on, and 2 below, where a
    class is a shape that has to change. Raise it if outputs are all alike, lower it if they stay what they were."""
    identity_weight: float | None = None
    """Weight of the identity loss, as a share of `cycle_weight`; by default the paper's 0.5 from 96 pixels on, and 0.1
    below. Raise it if colours come out inverted, lower it if outputs stay what they were."""
    pool: int = 50
    """Earlier outputs that each discriminator goes on seeing (Shrivastava et al. 2017); 0 for none."""
    lr: float | None = None
    """Adam's learning rate, constant for the first half of the training, then falling to 0 on a line; by default the
    paper's 2e-4 from 96 pixels on, and 1e-3 below."""
    jitter: float = 0.05
    """Largest shift (share of the side), scaling and turn (share of a quarter turn) of an image before translation, so
    that one source gives several images."""
    augment: tuple[str, ...] = ("translation", "cutout")
    """Differentiable augmentations of what the discriminators see: a small class is soon learnt by heart."""
    max_sources: int = 2000
    """Most images of each class that the checkpoint keeps to draw from; with 0 only `gensynth translate` works."""

    def __post_init__(self) -> None:
        unknown = set(self.augment) - set(AUGMENTATIONS)
        if unknown:
            raise ValueError(f"augment: unknown {sorted(unknown)}; allowed: {', '.join(AUGMENTATIONS)}.")
        if any(value is not None and value <= 0 for value in (self.width, self.lr, self.blocks)):
            raise ValueError("width, lr and blocks must be positive.")
        if self.pool > 1000:
            raise ValueError(f"pool must be at most 1000, got {self.pool}: it holds that many images in memory.")
        weights = (self.cycle_weight, self.identity_weight, self.pool, self.max_sources)
        if any(value is not None and value < 0 for value in weights) or not 0 <= self.jitter <= 0.5:
            raise ValueError(
                "cycle_weight, identity_weight, pool and max_sources must not be negative, jitter lies in [0, 0.5]."
            )


SMALL = 96
"""Images with a shorter side get smaller networks and weaker ties to their source."""


def conv(inputs: int, outputs: int, side: int = 3, stride: int = 1) -> nn.Sequential:
    """Reflection padding, convolution, instance norm, ReLU."""
    return nn.Sequential(
        nn.ReflectionPad2d(side // 2),
        nn.Conv2d(inputs, outputs, side, stride, bias=False),
        nn.InstanceNorm2d(outputs),
        nn.ReLU(True),
    )


def up(inputs: int, outputs: int) -> nn.Sequential:
    """Resize, then convolve: a transposed convolution would leave checkerboards (Odena et al. 2016)."""
    return nn.Sequential(nn.Upsample(scale_factor=2), *conv(inputs, outputs))


class Residual(nn.Module):
    """x + two 3 x 3 convolutions with instance norm (the paper's appendix 7.2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*conv(width, width), *list(conv(width, width))[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, width, h, w) to the same shape."""
        return x + self.body(x)


class ResNet(nn.Module):
    """The paper's generator: a 7 x 7 layer, two halvings (one below 24 pixels), residual blocks, and back."""

    def __init__(self, config: CycleGANConfig, canvas: tuple[int, int, int]) -> None:
        super().__init__()
        channels, *sides = canvas
        halvings = 2 if min(sides) >= 24 else 1
        blocks = config.blocks or (3 if min(sides) < SMALL else 6 if min(sides) <= 160 else 9)
        sizes = [config.width * 2**level for level in range(halvings + 1)]
        self.body = nn.Sequential(
            conv(channels, sizes[0], 7),
            *(conv(a, b, stride=2) for a, b in zip(sizes, sizes[1:], strict=False)),
            *(Residual(sizes[-1]) for _ in range(blocks)),
            *(up(b, a) for a, b in reversed(list(zip(sizes, sizes[1:], strict=False)))),
            nn.ReflectionPad2d(3),
            nn.Conv2d(sizes[0], channels, 7),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map images (b, c, h, w) in [-1, 1] to images of the other side."""
        return self.body(x)


class UNet(nn.Module):
    """Encoder and decoder with skip connections at every resolution (Ronneberger et al. 2015; Isola et al. 2017)."""

    def __init__(self, config: CycleGANConfig, canvas: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = canvas
        levels = start_grid(height, width)[2]
        sizes = widths(config.width, levels, 8 * config.width)
        self.first = conv(channels, sizes[0])
        self.downs = nn.ModuleList(conv(a, b, stride=2) for a, b in zip(sizes, sizes[1:], strict=False))
        self.middle = conv(sizes[-1], sizes[-1])
        self.ups = nn.ModuleList(up(b, a) for a, b in zip(sizes, sizes[1:], strict=False))
        self.joins = nn.ModuleList(conv(2 * a, a) for a in sizes[:-1])
        self.last = nn.Conv2d(sizes[0], channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (b, c, h, w) in [-1, 1] to images of the other side."""
        skips = [self.first(x)]
        for down in self.downs:
            skips.append(down(skips[-1]))
        x = self.middle(skips.pop())
        for level in reversed(range(len(self.ups))):
            skip = skips.pop()
            grown = self.ups[level](x)[..., : skip.shape[2], : skip.shape[3]]  # an odd side was rounded up
            x = self.joins[level](torch.cat([grown, skip], 1))
        return torch.tanh(self.last(x))


class PatchDiscriminator(nn.Module):
    """One logit for each overlapping patch of 16, 34 or 70 pixels (Isola et al. 2017, section 6.1.2)."""

    def __init__(self, config: CycleGANConfig, canvas: tuple[int, int, int]) -> None:
        super().__init__()
        channels, *sides = canvas
        patch = config.patch or (16 if min(sides) < 24 else 34 if min(sides) < SMALL else 70)
        if patch > 2 * min(sides):
            raise ValueError(f"patch {patch} is too large for images of {min(sides)} pixels; leave it out.")
        strided = {16: 1, 34: 2, 70: 3}[patch]
        sizes = [config.width * 2**level for level in range(strided + 1)]
        layers: list[nn.Module] = [nn.Conv2d(channels, sizes[0], 4, 2, 1), nn.LeakyReLU(0.2, True)]
        for level, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
            stride = 2 if level < strided else 1
            layers += [nn.Conv2d(a, b, 4, stride, 1, bias=False), nn.InstanceNorm2d(b), nn.LeakyReLU(0.2, True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(sizes[-1], 1, 4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (b, c, h, w) to logits, one per patch of each image, flattened."""
        return self.layers(x).flatten()


class Pool(nn.Module):
    """Earlier outputs: a discriminator sees a past one in place of every second new one (Shrivastava et al. 2017).

    Processes that train together share one pool: each exchanges the outputs of all of them, so that their copies agree.
    """

    images: Tensor
    filled: Tensor

    def __init__(self, size: int, canvas: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *canvas))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, new: Tensor, chance: Tensor) -> Tensor:
        """Return as many images as `new` (b, c, h, w); what is not returned is kept for later.

        Args:
            new: Outputs of this process.
            chance: Uniform in [0, 1), shape (b, 2): whether each is exchanged, and for which of the pool.
        """
        size = len(self.images)
        if not size:
            return new.detach().float()
        everyone, chances, mine = all_processes(new.detach().float(), chance)
        out = []
        # Tensors all the way: asking a GPU for a number here would wait for it, once per image.
        for image, (swaps, which) in zip(everyone.split(1), chances.unbind(), strict=True):
            fills = self.filled < size
            place = torch.where(fills, self.filled, (which * size).long().clamp(max=size - 1))[None]
            kept = self.images[place]
            swapped = ~fills & (swaps < 0.5)
            self.images[place] = torch.where(fills | swapped, image, kept)
            out.append(torch.where(swapped, kept, image))
            self.filled += fills
        return torch.cat(out[mine])


def all_processes(images: Tensor, chance: Tensor) -> tuple[Tensor, Tensor, slice]:
    """Return `images` (b, c, h, w) and `chance` (b, 2) of all processes that train together, and one's own place."""
    if not torch.distributed.is_initialized():
        return images, chance, slice(None)
    ranks, rank, b = torch.distributed.get_world_size(), torch.distributed.get_rank(), len(images)
    parts = []
    for own in (images, chance):
        parts.append(own.new_empty(ranks * b, *own.shape[1:]))
        torch.distributed.all_gather_into_tensor(parts[-1], own.contiguous())
    return parts[0], parts[1], slice(rank * b, (rank + 1) * b)


def lsgan_g_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Least squares for the generators: E (D(G(x)) - 1)^2, not halved, as the weights of the cycle expect.

    Zhu et al. 2017, section 4, halve the loss of the discriminators alone.
    """
    return 2 * losses.lsgan_g_loss(real_logits, fake_logits)


NETWORKS: dict[str, type[nn.Module]] = {"resnet": ResNet, "unet": UNet}
LOSSES = losses.PAIRS | {"lsgan": (losses.lsgan_d_loss, lsgan_g_loss)}
"""As `losses.PAIRS`; no loss of the generators that the settings allow looks at real logits."""
COLLAPSED, INVERTED, SAME, FEW = 0.25, -0.2, 0.8, 0.5
"""Spread, correlation and label agreement at which `diagnose` speaks."""


def small_normal_init(module: nn.Module) -> None:
    """Weights N(0, 0.02) (the paper's appendix 7.1)."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class CycleGAN(SourceGenerator):
    """Unpaired translation in both directions (Zhu et al. 2017).

    It is trained for one label, the target, from images of the other classes it was given. A draw of the target
    translates a source image; a draw of a source class goes there and back, so that images of that class are
    treated by the same networks.
    """

    Config: ClassVar[type] = CycleGANConfig
    conditional: ClassVar[bool] = False
    selects: ClassVar[bool] = True
    min_images_alone: ClassVar[int] = 10
    draws: tuple[str, ...] = ("translate",)
    directions: tuple[str, ...] = ("AtoB", "BtoA")

    def __init__(self, config: CycleGANConfig, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
        super().__init__(config, shape, classes)
        self.automatic_optimization = False
        small = min(self.canvas[1:]) < SMALL
        self.cycle_weight = config.cycle_weight if config.cycle_weight is not None else 2.0 if small else 10.0
        share = config.identity_weight if config.identity_weight is not None else 0.1 if small else 0.5
        self.identity_weight = share * self.cycle_weight
        self.lr = config.lr or (1e-3 if small else 2e-4)
        self.a_to_b, self.b_to_a = (NETWORKS[config.arch](config, self.canvas) for _ in range(2))
        self.discriminator_a, self.discriminator_b = (PatchDiscriminator(config, self.canvas) for _ in range(2))
        self.pool_a, self.pool_b = (Pool(config.pool, self.canvas) for _ in range(2))
        self.apply(small_normal_init)

    @property
    def noise_dim(self) -> int:
        """One number that chooses the source, four that move it."""
        return 5

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam (0.5, 0.999) over both generators, and over both discriminators."""
        g = [*self.a_to_b.parameters(), *self.b_to_a.parameters()]
        d = [*self.discriminator_a.parameters(), *self.discriminator_b.parameters()]
        return [torch.optim.Adam(p, lr=self.lr, betas=(0.5, 0.999), fused=True) for p in (g, d)]

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One update of both generators, then one of both discriminators."""
        g_optimizer, d_optimizer = self.optimizers()
        for optimizer in (g_optimizer, d_optimizer):
            set_lr(optimizer, self.lr * min(1.0, 2 - 2 * batch.progress))
        rng, config = self.step_rng(batch), self.config
        d_loss_of, g_loss_of = LOSSES[config.loss]
        discriminators = (self.discriminator_a, self.discriminator_b)

        def seen(x: Tensor) -> Tensor:
            return differentiable_augmentation(x.float(), config.augment, rng)

        x = self.to_canvas(batch.x)
        # What is translated is moved a little. What the discriminators take for real is not: moving blurs.
        moved = small_affine(x, torch.rand((len(x), 4), generator=rng, device=self.device) * 2 - 1, config.jitter)
        (a, b), (moved_a, moved_b) = x.chunk(2), moved.chunk(2)  # the source side, the target side
        # One pass per network over its own input and, for the identity loss, over images that are there already.
        fake_b, same_b = self.a_to_b(torch.cat([moved_a, b])).split([len(a), len(b)])
        fake_a, same_a = self.b_to_a(torch.cat([moved_b, a])).split([len(b), len(a)])
        cycle = losses.cycle_loss(self.b_to_a(fake_b), moved_a) + losses.cycle_loss(self.a_to_b(fake_a), moved_b)
        identity = losses.cycle_loss(same_a, a) + losses.cycle_loss(same_b, b)
        for network in discriminators:
            network.requires_grad_(False)
        logits_a, logits_b = self.discriminator_a(seen(fake_a)).float(), self.discriminator_b(seen(fake_b)).float()
        adversarial = g_loss_of(logits_a, logits_a) + g_loss_of(logits_b, logits_b)
        g_loss = adversarial + self.cycle_weight * cycle + self.identity_weight * identity
        self.update(g_optimizer, g_loss)

        for network in discriminators:
            network.requires_grad_(True)
        d_loss = torch.zeros((), device=self.device)
        for network, pool, real, fake in (
            (self.discriminator_a, self.pool_a, a, fake_a),
            (self.discriminator_b, self.pool_b, b, fake_b),
        ):
            old = pool.exchange(fake, torch.rand((len(fake), 2), generator=rng, device=self.device))
            d_loss = d_loss + d_loss_of(*network(seen(torch.cat([real, old]))).float().chunk(2))
        self.update(d_optimizer, d_loss)
        logged = {"g_loss": adversarial, "cycle_loss": cycle, "identity_loss": identity, "d_loss": d_loss}
        self.log_dict({f"train/{name}": loss for name, loss in logged.items()})

    def _translate(self, x: Tensor, direction: str) -> Tensor:
        return self.a_to_b(x) if direction == "AtoB" else self.b_to_a(x)

    def _sample(self, labels: Tensor, noise: Tensor, draw: str) -> Drawn:
        label = self.classes[int(labels[0])]
        chance = torch.special.ndtr(noise)
        keeps_class = label != self.target
        mine = self.source_labels == int(labels[0]) if keeps_class else self.source_labels >= 0
        at = self.pick(mine, chance[:, 0])
        x = self.a_to_b(small_affine(self.source(at), 2 * chance[:, 1:] - 1, self.config.jitter))
        if self.target and keeps_class:
            x = self.b_to_a(x)
        return Drawn(x, tuple((self.source_ids[i],) for i in at))

    @torch.inference_mode()
    def diagnose(self, label_agreement: float) -> tuple[str, ...]:
        """Recognise outputs that stay what they were, inverted colours and collapse."""
        if not len(self.sources):
            return ()
        x = self.source(np.arange(0, len(self.sources), max(1, len(self.sources) // 64)))
        y = self.a_to_b(x).float()
        found = []
        centred, changed = x - x.mean(0), y - y.mean(0)
        likeness = float(F.cosine_similarity(centred.flatten(1), changed.flatten(1)).mean())
        spread = float(changed.square().mean().sqrt() / centred.square().mean().sqrt().clamp(min=1e-6))
        if spread < COLLAPSED:
            found.append(
                f"The outputs are all alike (spread {spread:.0%} of the sources'): the generator has collapsed. Raise "
                "--model.cycle_weight, or lower --model.lr."
            )
        elif likeness < INVERTED:
            found.append(
                f"The outputs are inverted (correlation {likeness:.2f} with their sources): raise "
                "--model.identity_weight."
            )
        elif label_agreement < FEW and likeness > SAME:
            found.append(
                f"Most outputs stay what they were (correlation {likeness:.2f} with their sources, "
                f"{label_agreement:.0%} taken for the target): lower --model.identity_weight or --model.cycle_weight, "
                "or train longer (--steps)."
            )
        return tuple(found)
