"""Conditional VAE for the rows of a table: learns what all classes share, and lends it to the rare ones.

Kingma & Welling 2014, "Auto-Encoding Variational Bayes"; conditional as in Sohn et al. 2015; for mixed columns as in Xu
et al. 2019, "Modeling Tabular Data using Conditional GAN" (TVAE), with three differences:

- Levels are *sampled* from their softmax. TVAE takes the most probable one, by which rare levels and classes vanish.
- What a mixture of Gaussians cannot hold, such as exact zeros, is a level (`gensynth.kinds.table.modes`).
- The decoder makes column after column, each from the code, the class and the columns before it (a masked network:
  Germain et al. 2015, "MADE"; in a VAE: Chen et al. 2017, "Variational Lossy Autoencoder"). Independent columns given
  the code, as in TVAE, blur what ties columns to each other. Where the columns before it tell all there is to tell,
  the code is left unused and the KL term falls to 0, as in that paper; the held-out likelihood decides.

It begins with columns that are independent and distributed as in the class, a small class leaning on all classes, so
that a training that has to stop early, since rows are few, errs on that side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.generator import losses
from gensynth.generator.learner import half_cosine, set_lr
from gensynth.kinds.table.generator import RowBatch, TableGenerator
from gensynth.kinds.table.modes import WIDTH

SMALL = 0.1
"""What the last layer's first weights are multiplied by, so that columns begin (nearly) independent."""
SMOOTHING = 10.0
"""Rows of all classes that every class has beside its own when its first shares of the levels are counted."""
NARROWEST = 0.2 / WIDTH
"""Smallest spread of an offset: a fifth of the mode's standard deviation."""


@dataclass(frozen=True)
class TabularVAEConfig:
    """Settings of the VAE for tables."""

    z_dim: int = 16
    """Length of the latent code."""
    width: int = 128
    """Units of each hidden layer."""
    beta: float = 1.0
    """Weight of the KL term: 1 is the evidence lower bound."""
    dropout: float = 0.1
    """Share of hidden units left out in a step: more where rows are few."""
    lr: float = 2e-3
    """Adam's learning rate at the start; it falls to 0 along a half cosine."""
    weight_decay: float = 1e-5
    """Decoupled weight decay."""

    def __post_init__(self) -> None:
        if min(self.z_dim, self.width, self.lr) <= 0 or min(self.beta, self.weight_decay) < 0:
            raise ValueError("z_dim, width and lr must be positive, beta and weight_decay not negative.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}.")


class TabularVAE(TableGenerator):
    """Conditional variational autoencoder for mixed columns."""

    Config: ClassVar[type] = TabularVAEConfig

    def __init__(
        self, config: TabularVAEConfig, cards: tuple[int, ...], modes: tuple[int, ...], n_classes: int
    ) -> None:
        super().__init__(config, cards, modes, n_classes)
        n_row = sum(cards) + len(modes)
        self.encoder = nn.Sequential(
            *_hidden(nn.Linear(n_row + n_classes, config.width), config),
            *_hidden(nn.Linear(config.width, config.width), config),
            nn.Linear(config.width, 2 * config.z_dim),
        )
        # Units that stand at a place see the columns before it: 0 sees none, and c sees all.
        columns, of_each = torch.arange(len(cards)), torch.tensor(cards, dtype=torch.int64)
        context = torch.zeros(config.z_dim + n_classes, dtype=torch.int64)
        row = torch.cat([columns.repeat_interleave(of_each), columns[: len(modes)]]) + 1
        units = torch.arange(config.width) * len(cards) // config.width
        out = torch.cat(
            [
                columns.repeat_interleave(of_each),
                columns[: len(modes)].repeat_interleave(torch.tensor(modes, dtype=torch.int64)),
            ]
        )
        self.decoder = nn.Sequential(
            *_hidden(Masked(torch.cat([context, row]), units), config),
            *_hidden(Masked(units, units), config),
            Masked(units, out),
        )
        self.class_bias = nn.Embedding(n_classes, sum(cards))
        self.log_sigma = nn.Parameter(torch.full((max(1, sum(modes)),), math.log(1 / WIDTH)))
        # Where the modes of each number start among all modes, and how many there are.
        self.starts: Tensor
        self.n_modes: Tensor
        starts = torch.tensor([0, *modes], dtype=torch.int64).cumsum(0)[: len(modes)]
        self.register_buffer("starts", starts, persistent=False)
        self.register_buffer("n_modes", torch.tensor(modes, dtype=torch.int64), persistent=False)

    @property
    def noise_dim(self) -> int:
        """The code, one number per column that chooses its level, and one per offset."""
        return self.config.z_dim + len(self.cards) + len(self.modes)

    def configure_optimizers(self) -> Any:
        """AdamW over all weights."""
        return torch.optim.AdamW(
            self.parameters(), lr=self.config.lr, weight_decay=self.config.weight_decay, fused=True
        )

    @torch.no_grad()
    def begin(self, levels: Tensor, y: Tensor) -> None:
        """Begin with independent columns: every class has its shares of the levels, smoothed by those of all rows."""
        last = self.decoder[-1]
        assert isinstance(last, Masked)
        last.weight *= SMALL
        last.bias.zero_()
        label, start = F.one_hot(y, self.n_classes).float(), 0
        for level, card in zip(levels.T, self.cards, strict=True):
            counts = label.T @ F.one_hot(level, card).float()
            of_all = (counts.sum(0) + 1) / (len(y) + card)
            shares = (counts + SMOOTHING * of_all) / (counts.sum(1, keepdim=True) + SMOOTHING)
            self.class_bias.weight[:, start : start + card] = shares.log()
            start += card

    def training_step(self, batch: RowBatch, batch_idx: int) -> Tensor:
        """One step on -ELBO = -log p(row | z, y) + beta KL(q(z | row, y) || N(0, I))."""
        set_lr(self.optimizers(), half_cosine(self.config.lr, batch.progress))
        with torch.random.fork_rng(devices=[] if self.device.type == "cpu" else [self.device]):
            torch.manual_seed(batch.seed)  # for dropout, which knows the global state only
            recon, kl = self._terms(batch)
        self.log_dict({"train/recon": recon, "train/kl": kl})
        return recon + self.config.beta * kl

    def held_out_loss(self, batch: RowBatch) -> Tensor:
        """Return the loss without dropout, the mean over the rows, shape ()."""
        recon, kl = self._terms(batch)
        return recon + self.config.beta * kl

    def _terms(self, batch: RowBatch) -> tuple[Tensor, Tensor]:
        """Return -log p(row | z, y) and the KL term, means over the rows, each of shape ()."""
        row, label = self._as_numbers(batch.levels, batch.offsets), F.one_hot(batch.y, self.n_classes).float()
        mu, log_var = self.encoder(torch.cat([row, label], 1)).float().chunk(2, dim=1)
        log_var = log_var.clamp(-12, 4)
        noise = torch.randn(mu.shape, generator=self.step_rng(batch), device=self.device)
        logits, means = self._decode(mu + noise * (log_var / 2).exp(), label, row)
        levels = zip(logits, batch.levels.T, strict=True)
        recon = torch.stack([F.cross_entropy(of_column, level) for of_column, level in levels]).sum()
        if sum(self.modes):
            is_mode, at = self._mode(batch.levels)
            log_sigma = self._log_sigma()[at]
            # -log N(offset; mean, sigma^2), up to a constant, where there is an offset.
            nll = ((batch.offsets - means.gather(1, at)) / log_sigma.exp()).square() / 2 + log_sigma
            recon = recon + (nll * is_mode).sum(1).mean()
        return recon, losses.kl_standard_normal(mu, log_var)

    def _as_numbers(self, levels: Tensor, offsets: Tensor) -> Tensor:
        """Return rows as the networks see them, float32, shape (b, all levels + p)."""
        one_hot = [F.one_hot(level, card) for level, card in zip(levels.T, self.cards, strict=True)]
        return torch.cat([*one_hot, offsets], 1).float()

    def _decode(self, z: Tensor, label: Tensor, row: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the logits of each column, each (b, card), and the mean offset of every mode, (b, all modes)."""
        out = self.decoder(torch.cat([z, label, row], 1)).float()
        logits, means = out.split([sum(self.cards), sum(self.modes)], dim=1)
        return (logits + label @ self.class_bias.weight).split(self.cards, dim=1), means

    def _log_sigma(self) -> Tensor:
        """Return the log of the spread of every mode's offsets; a smaller one would repeat single values."""
        return self.log_sigma.clamp(min=math.log(NARROWEST))

    def _mode(self, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Return which numbers lie in a mode, bool, and which mode that is among all modes, each of shape (b, p)."""
        of_numbers = levels[:, : len(self.modes)]
        is_mode = of_numbers < self.n_modes
        at = self.starts + torch.minimum(of_numbers, (self.n_modes - 1).clamp(min=0))
        return is_mode, at.clamp(max=max(sum(self.modes) - 1, 0))

    def _sample(self, labels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        c, p = len(self.cards), len(self.modes)
        z, chance, wobble = noise.split([self.config.z_dim, c, p], dim=1)
        chance, label = torch.special.ndtr(chance.double()), F.one_hot(labels, self.n_classes).float()
        levels = torch.zeros(len(labels), c, dtype=torch.int64, device=noise.device)
        offsets = torch.zeros(len(labels), p, device=noise.device)
        for j in range(c):
            logits, means = self._decode(z, label, self._as_numbers(levels, offsets))
            shares = logits[j].double().softmax(1).cumsum(1)
            levels[:, j] = (shares < chance[:, j : j + 1]).sum(1).clamp(max=self.cards[j] - 1)
            if j < p and self.modes[j]:
                is_mode, at = (of[:, j : j + 1] for of in self._mode(levels))
                offset = means.gather(1, at) + self._log_sigma()[at].exp() * wobble[:, j : j + 1]
                offsets[:, j : j + 1] = offset * is_mode
        return levels, offsets


class Masked(nn.Linear):
    """A linear layer in which an output sees the inputs whose place is at most its own (Germain et al. 2015)."""

    def __init__(self, places_in: Tensor, places_out: Tensor) -> None:
        super().__init__(len(places_in), len(places_out))
        self.mask: Tensor
        self.register_buffer("mask", (places_in <= places_out[:, None]).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, inputs) to (b, outputs)."""
        return F.linear(x, self.weight * self.mask, self.bias)


def _hidden(layer: nn.Module, config: TabularVAEConfig) -> tuple[nn.Module, ...]:
    return layer, nn.SiLU(), nn.Dropout(config.dropout)
