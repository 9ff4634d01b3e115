"""Conditional VAE: learns what images of all classes share, and lends it to the rare ones.

Kingma & Welling 2014, "Auto-Encoding Variational Bayes"; conditional as in Sohn et al. 2015. The noise level of the
decoder is learned (Rybkin et al. 2021, "Simple and Effective VAE Training with Calibrated Decoders").

Four ways to draw a label:

- `borrow`: mix the code of a real image of the class with the code of an image of *another* class and decode with the
  wanted label, so that a rare class inherits the variations (slant, stroke, size, light) the common ones show;
- `smote`: decode a point between two codes of the same class (Dablain et al. 2022, "DeepSMOTE");
- `gaussian`: decode a draw from a Gaussian fitted to the codes of the class;
- `prior`: decode a draw from N(0, I).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.generator import losses
from gensynth.generator.base import Batch, Drawn, RememberingGenerator
from gensynth.generator.layers import GridToImage, ImageToGrid
from gensynth.generator.learner import half_cosine, set_lr

if TYPE_CHECKING:
    from gensynth.generator.base import Gradients


@dataclass(frozen=True)
class VAEConfig:
    """Settings of the VAE."""

    z_dim: int = 32
    """Length of the latent code."""
    width: int = 32
    """Feature maps at half the resolution; each further halving doubles them."""
    max_width: int = 256
    """Most feature maps of any layer."""
    beta: float = 2.0
    """Weight of the KL term: more makes codes of different classes more alike, so that they can be borrowed, and images
    softer. 1 suits 8 x 8 pixels, 3 suits 28 x 28."""
    warm_up: float = 0.2
    """Share of the training over which beta rises from 0."""
    lr: float = 2e-3
    """Adam's learning rate at the start; it falls to 0 along a half cosine."""
    borrow: float = 0.5
    """Share of the lender's style in `borrow`: 0 is the image's own code, 1 the lender's alone."""
    store_codes: bool = True
    """Keep the codes of the training images in the checkpoint. `borrow` and `smote` need them; without them
    (where a checkpoint must not describe single patients) only `gaussian` and `prior` draw."""

    def __post_init__(self) -> None:
        if (
            min(self.z_dim, self.width, self.max_width, self.lr) <= 0
            or self.beta < 0
            or not (0 <= self.warm_up <= 1 and 0 <= self.borrow <= 1)
        ):
            raise ValueError(
                "z_dim, width, max_width and lr must be positive, beta not negative, warm_up and borrow in [0, 1]."
            )


class Encoder(nn.Module):
    """Image and label to the mean and log-variance of the code."""

    def __init__(self, config: VAEConfig, canvas: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        self.body = ImageToGrid(canvas, config.width, config.max_width)
        channels, h0, w0 = self.body.grid
        self.embed = nn.Embedding(n_classes, 4 * channels)
        self.features = nn.Linear(channels * h0 * w0, 4 * channels)
        self.to_code = nn.Linear(4 * channels, 2 * config.z_dim)

    def forward(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (b, c, h, w) and labels (b,) to mu and log_var, each (b, z_dim)."""
        features = F.leaky_relu(self.features(self.body(x).flatten(1)) + self.embed(labels), 0.2)
        mu, log_var = self.to_code(features).float().chunk(2, dim=1)
        return mu, log_var.clamp(-12, 4)  # unbounded, exp() overflows on the first bad batch


class Decoder(nn.Module):
    """Code and label to the mean image."""

    def __init__(self, config: VAEConfig, canvas: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        self.body = GridToImage(canvas, config.width, config.max_width)
        self.embed = nn.Embedding(n_classes, config.z_dim)
        self.project = nn.Linear(2 * config.z_dim, math.prod(self.body.grid))

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Map codes (b, z_dim) and labels (b,) to images (b, c, h, w), about [-1, 1]."""
        return self.body(self.project(torch.cat([z, self.embed(labels)], 1)).view(-1, *self.body.grid))


class VAE(RememberingGenerator):
    """Conditional variational autoencoder (Kingma & Welling 2014; Sohn et al. 2015)."""

    Config: ClassVar[type] = VAEConfig
    private = True
    remembered: ClassVar[tuple[str, ...]] = ("codes", "code_labels", "code_ids", "class_mean", "class_std")
    draws: tuple[str, ...] = ("borrow", "smote", "gaussian", "prior")

    def __init__(self, config: VAEConfig, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
        super().__init__(config, shape, classes)
        self.automatic_optimization = False
        self.privacy: Gradients | None = None
        self.encoder = Encoder(config, self.canvas, len(classes))
        self.decoder = Decoder(config, self.canvas, len(classes))
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))
        # What sampling needs of the training images; filled by `remember`.
        self.codes = torch.zeros(0, config.z_dim)
        self.code_labels = torch.zeros(0, dtype=torch.int64)
        self.code_ids: list[str] = []
        self.class_mean = torch.zeros(len(classes), config.z_dim)
        self.class_std = torch.ones(len(classes), config.z_dim)
        self._set_draws()

    def _set_draws(self) -> None:
        known = self.code_labels.unique()
        remembers = bool(self.class_mean.any())
        able = {"borrow": len(known) > 1, "smote": len(known) > 0, "gaussian": remembers, "prior": True}
        self.draws = tuple(draw for draw, possible in able.items() if possible)

    @property
    def noise_dim(self) -> int:
        """z, and three numbers that choose parents and the point between them."""
        return self.config.z_dim + 3

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam over encoder, decoder and noise level."""
        adam = torch.optim.Adam(self.parameters(), lr=self.config.lr, fused=True)
        return adam if self.privacy is None else self.privacy.optimizer(adam)

    def learn_privately(self, privacy: Gradients) -> None:
        """Take gradients from `privacy`; codes of training images would tell what the bound hides."""
        if self.config.store_codes:
            raise ValueError("dp cannot keep the codes of training images; set --model.store_codes false.")
        privacy.watch(self)
        self.privacy = privacy

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One step on -ELBO = NLL(x | z) + beta KL(q(z | x, y) || N(0, I))."""
        optimizer = self.optimizers()
        set_lr(optimizer, half_cosine(self.config.lr, batch.progress))
        beta = self.config.beta * min(1.0, batch.progress / max(self.config.warm_up, 1e-9))
        optimizer.zero_grad()
        if len(batch.x):  # only batches of a private training may be empty
            x = self.to_canvas(batch.x)
            mu, log_var = self.encoder(x, batch.y)
            noise = torch.randn(mu.shape, generator=self.step_rng(batch), device=self.device)
            decoded = self.decoder(mu + noise * (log_var / 2).exp(), batch.y)
            kl = losses.kl_standard_normal(mu, log_var)
            if self.privacy is None:
                recon = losses.gaussian_nll(x, decoded, self.log_sigma)
                self.log_dict({"train/recon": recon, "train/kl": kl})
            else:
                recon = self.privacy.mean_of_each(losses.gaussian_nll, x, decoded, self.log_sigma)
            self.manual_backward(recon + beta * kl)
        optimizer.step()

    @torch.inference_mode()
    def remember(self, batches: Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]) -> None:
        """Store the codes of the training images, and mean and spread of each class's codes."""
        codes, spread, labels = [], [], []
        ids: list[str] = []
        for x, y, names in batches:
            mu, log_var = self.encoder(self.to_canvas(x), y)
            codes.append(mu)
            spread.append((log_var / 2).exp())
            labels.append(y)
            ids += names
        mu, sigma, y = torch.cat(codes), torch.cat(spread), torch.cat(labels)
        for label in y.unique():
            mine = y == label
            variance = mu[mine].var(0, unbiased=False) + sigma[mine].square().mean(0)
            self.class_mean[label], self.class_std[label] = mu[mine].mean(0), variance.sqrt()
        if self.config.store_codes:
            # A model that was fine-tuned on one class goes on borrowing from those it saw before.
            earlier = ~torch.isin(self.code_labels, y.cpu())
            self.codes = torch.cat([self.codes[earlier], mu.cpu()])
            self.code_labels = torch.cat([self.code_labels[earlier], y.cpu()])
            self.code_ids = [name for name, kept in zip(self.code_ids, earlier, strict=True) if kept] + ids
        self._set_draws()

    def _sample(self, labels: Tensor, noise: Tensor, draw: str) -> Drawn:
        z, chance = noise[:, : self.config.z_dim], torch.special.ndtr(noise[:, self.config.z_dim :])
        label = int(labels[0])
        parents: list[tuple[str, ...]] = [()] * len(labels)
        if draw == "gaussian":
            z = self.class_mean[label].to(z) + z * self.class_std[label].to(z)
        elif draw == "borrow":
            # Every other class lends equally often, so that the largest does not lend its style alone.
            others = [c for c in self.code_labels.unique().tolist() if c != label]
            own, lender = [], []
            for u in chance.tolist():
                own.append(pick(self.code_labels == label, u[0]))
                lender.append(pick(self.code_labels == others[min(int(u[1] * len(others)), len(others) - 1)], u[2]))
            parents = [(self.code_ids[a], self.code_ids[b]) for a, b in zip(own, lender, strict=True)]
            # Square roots keep the length that codes of N(0, I) have; a plain mean would fall into the sparse centre.
            share = self.config.borrow
            z = (1 - share) ** 0.5 * self.codes[own].to(z) + share**0.5 * self.codes[lender].to(z)
        elif draw == "smote":
            mine = self.code_labels == label
            k = min(5, int(mine.sum()) - 1)
            if k < 1:
                raise ValueError(f"draw 'smote' needs two images of {self.classes[label]!r}; use 'gaussian'.")
            first = [pick(mine, u) for u in chance[:, 0].tolist()]
            distance = torch.cdist(self.codes[first], self.codes).masked_fill(~mine, torch.inf)
            distance[torch.arange(len(first)), first] = torch.inf
            near = distance.topk(k, largest=False).indices
            second = near[torch.arange(len(first)), (chance[:, 1].cpu() * k).long().clamp(max=k - 1)]
            parents = [(self.code_ids[a], self.code_ids[b]) for a, b in zip(first, second, strict=True)]
            z = torch.lerp(self.codes[first].to(z), self.codes[second].to(z), chance[:, 2:])
        return Drawn(self.decoder(z, labels), tuple(parents))


def pick(mask: Tensor, chance: float) -> int:
    """Return the position of one True entry of `mask`, chosen by `chance` in [0, 1]."""
    places = mask.nonzero()[:, 0]
    return int(places[min(int(chance * len(places)), len(places) - 1)])
