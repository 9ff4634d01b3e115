"""Class-conditional transformer for documents: learns what all classes share, and lends it to the rare ones.

Vaswani et al. 2017, "Attention is all you need", the decoder alone as in Radford et al. 2019 (GPT-2): the next piece is
predicted from those before it. What a class adds is one vector, the same at each piece, which begins at zero: a rare
class speaks as all do, but for what its documents show. Positions turn the channels (Su et al. 2021, "RoFormer"), so
that only distances count and a document may be longer than what is looked back on; pieces are read and written by the
same weights (Press and Wolf 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.generator.learner import half_cosine, set_lr
from gensynth.kinds.text.generator import NOTHING, DocumentBatch, Past, TextGenerator

WARM_UP = 0.05
"""Share of the training in which the learning rate rises."""
ROWS = 16
"""Rows whose loss is computed together where nothing is learned from it: there is a logit for each piece."""
SPREAD = 0.02
"""Standard deviation of the first weights."""


@dataclass(frozen=True)
class TextLMConfig:
    """Settings of the transformer for documents."""

    width: int = 128
    """Channels of a piece."""
    depth: int = 2
    """Layers."""
    heads: int = 4
    """Heads of attention; width is an even multiple of it."""
    context: int = 128
    """Pieces that it looks back on."""
    dropout: float = 0.2
    """Share of channels left out in a step: more where documents are few."""
    lr: float = 3e-3
    """AdamW's highest learning rate; it rises to it, and falls to 0 along a half cosine."""
    weight_decay: float = 0.1
    """Decoupled weight decay."""

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.heads, self.context) < 1 or self.width % (2 * self.heads):
            raise ValueError(
                f"width, depth, heads and context must be positive and width a multiple of 2 x heads, got "
                f"{self.width}, {self.depth}, {self.heads} and {self.context}."
            )
        if self.lr <= 0 or self.weight_decay < 0 or not 0 <= self.dropout < 1:
            raise ValueError(
                f"lr must be positive, weight_decay not negative and dropout in [0, 1), got {self.lr}, "
                f"{self.weight_decay} and {self.dropout}."
            )


class TextLM(TextGenerator):
    """Decoder-only transformer with a vector for each class."""

    Config: ClassVar[type] = TextLMConfig

    def __init__(self, config: TextLMConfig, n_pieces: int, n_classes: int) -> None:
        super().__init__(config, n_pieces, n_classes)
        self.piece = nn.Embedding(n_pieces, config.width)
        self.label = nn.Embedding(n_classes, config.width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        nn.init.normal_(self.piece.weight, std=SPREAD)
        nn.init.zeros_(self.label.weight)

    @property
    def context(self) -> int:
        """As `TextGenerator.context`."""
        found: int = self.config.context
        return found

    def configure_optimizers(self) -> Any:
        """AdamW over all weights."""
        return torch.optim.AdamW(
            self.parameters(), lr=self.config.lr, betas=(0.9, 0.98), weight_decay=self.config.weight_decay, fused=True
        )

    def training_step(self, batch: DocumentBatch, batch_idx: int) -> Tensor:
        """One step on -log p(piece | class, pieces before it), the mean over the pieces."""
        lr = self.config.lr * min(1.0, 0.01 + batch.progress / WARM_UP)
        set_lr(self.optimizers(), half_cosine(lr, batch.progress))
        with torch.random.fork_rng(devices=[] if self.device.type == "cpu" else [self.device]):
            torch.manual_seed(batch.seed)  # for dropout, which knows the global state only
            loss = self._loss(batch)
        self.log_dict({"train/loss": loss})
        return loss

    def held_out_loss(self, batch: DocumentBatch) -> Tensor:
        """Return the loss without dropout, the mean over the pieces, shape ()."""
        tensors = (batch.pieces, batch.following, batch.labels, batch.documents)
        parts = zip(*(of.split(ROWS) for of in tensors), strict=True)
        losses = [self._loss(batch._replace(**dict(zip(batch._fields, part, strict=False)))) for part in parts]
        weights = [(of != NOTHING).sum() for of in batch.following.split(ROWS)]
        return (torch.stack(losses) * torch.stack(weights)).sum() / sum(weights)

    def _loss(self, batch: DocumentBatch) -> Tensor:
        seen = (batch.documents[:, :, None] == batch.documents[:, None, :]).tril()
        logits, _ = self._logits(batch.pieces, batch.labels, seen[:, None], None)
        return F.cross_entropy(logits.flatten(0, 1).float(), batch.following.flatten(), ignore_index=NOTHING)

    def _next(self, pieces: Tensor, labels: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        logits, past = self._logits(pieces[:, None], labels[:, None], None, past)
        return logits[:, -1], past

    def _logits(self, pieces: Tensor, labels: Tensor, seen: Tensor | None, past: Past | None) -> tuple[Tensor, Past]:
        """Return logits (b, t, n_pieces) for pieces and labels (b, t), and what each layer keeps of them and the past.

        Args:
            pieces: Pieces.
            labels: Classes.
            seen: Which pieces each one sees, bool, shape (b, 1, t, t); None where each sees all.
            past: What each layer keeps of the pieces before.
        """
        x, kept = self.piece(pieces) + self.label(labels), []
        for at, layer in enumerate(self.layers):
            x, keys = layer(x, seen, None if past is None else past[at])
            kept.append(keys)
        return F.linear(self.norm(x), self.piece.weight), tuple(kept)


class Layer(nn.Module):
    """Attention, then a network for each piece; both are added to what was there."""

    def __init__(self, config: TextLMConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.context = config.heads, config.context
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.looks, self.gathers = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widens, self.narrows = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(config.dropout)
        for linear in (self.looks, self.gathers, self.widens, self.narrows):
            adds = linear in (self.gathers, self.narrows)
            nn.init.normal_(linear.weight, std=SPREAD / (2 * config.depth) ** 0.5 if adds else SPREAD)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, seen: Tensor | None, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map (b, t, width) to the same shape; also return keys and values, shape (b, 2, heads, t + past, channels)."""
        found = self.looks(self.norms[0](x)).unflatten(2, (3, self.heads, -1)).permute(0, 2, 3, 1, 4)
        query, keys = found[:, 0], found[:, 1:]
        if past is not None:
            keys = torch.cat([past, keys], 3)[:, :, :, -self.context :]
        key, value = keys.unbind(1)
        first = key.shape[2] - query.shape[2]
        attended = F.scaled_dot_product_attention(turned(query, first), turned(key, 0), value, seen)
        x = x + self.dropout(self.gathers(attended.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.narrows(F.gelu(self.widens(self.norms[1](x))))), keys


def turned(x: Tensor, first: int) -> Tensor:
    """Turn pairs of channels by angles that grow with the position, so that products tell how far apart two are.

    Args:
        x: Shape (b, heads, t, channels).
        first: Position of the first of the t.
    """
    t, channels = x.shape[-2:]
    speed = 10_000.0 ** -torch.arange(0, 1, 2 / channels, device=x.device)
    angle = torch.arange(first, first + t, device=x.device)[:, None] * speed
    (one, two), cos, sin = x.chunk(2, -1), angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return torch.cat([one * cos - two * sin, one * sin + two * cos], -1)
