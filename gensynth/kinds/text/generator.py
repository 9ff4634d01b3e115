"""TextGenerator: the contract of the models in `models/` that learn documents, piece after piece.

`gensynth.kinds.text.samplers.neural` cuts documents into pieces (`gensynth.kinds.text.pieces`), trains the model and
draws from it. A model writes four parts:

    class MyModel(TextGenerator):
        Config = MyConfig                                   # frozen dataclass, a default for every field
        def training_step(self, batch, batch_idx): ...      # one `DocumentBatch`; returns the loss, logs `train/...`
        def configure_optimizers(self): ...
        def held_out_loss(self, batch): ...                 # of documents that were not learned, to stop in time
        def _next(self, pieces, labels, past): ...          # what may come next
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gensynth.generator.learner import Watched
from gensynth.kinds.text.pieces import END

NOTHING = -100
"""What follows where a row has no piece."""
Past = tuple[Tensor, ...]
"""What a model keeps of the pieces before, tensors whose first dimension is that of the documents."""


class DocumentBatch(NamedTuple):
    """What `training_step` receives: documents one after the other, in r rows of w pieces.

    Attributes:
        pieces: `END` and a document's pieces, or a part of a long one, int64, shape (r, w).
        following: The piece behind each, at last `END`; `NOTHING` where there is none, int64, shape (r, w).
        labels: The class of each piece, int64, shape (r, w).
        documents: Which document each is of, int64, shape (r, w): none knows of another one.
        seed: Seeds all randomness of this step; the global random state is never touched.
        progress: Share of the training that is done, in [0, 1).
    """

    pieces: Tensor
    following: Tensor
    labels: Tensor
    documents: Tensor
    seed: int
    progress: float


class TextGenerator(Watched):
    """Learns documents of several classes and draws documents of a label.

    Args:
        config: An instance of the model's `Config`.
        n_pieces: Number of different pieces, `END` among them.
        n_classes: Number of classes.
    """

    Config: ClassVar[type]
    kind: ClassVar[str] = "text"

    def __init__(self, config: Any, n_pieces: int, n_classes: int) -> None:
        super().__init__()
        self.config, self.n_pieces, self.n_classes = config, n_pieces, n_classes

    @property
    @abstractmethod
    def context(self) -> int:
        """Pieces that it looks back on at most: longer documents are learned in parts of so many."""

    @abstractmethod
    def _next(self, pieces: Tensor, labels: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        """Return what may come behind the last pieces.

        Args:
            pieces: The last piece of each document, int64, shape (b,).
            labels: Classes, int64, shape (b,).
            past: What it returned at the piece before; None at the first one.

        Returns:
            Logits, shape (b, n_pieces), and what to give it at the next piece.
        """

    @torch.inference_mode()
    def sample(self, label: int, rngs: Sequence[np.random.Generator], longest: int, top_p: float) -> list[list[int]]:
        """Draw one document of a label from each random stream, at most `longest` pieces, `END` left out.

        Args:
            label: Position of the class.
            rngs: n streams; each gives one number for each piece of its document.
            longest: Pieces of a document at most.
            top_p: As in `nucleus`.
        """
        self.eval()
        found: list[list[int]] = [[] for _ in rngs]
        going, past = [*range(len(rngs))], None
        pieces = torch.full((len(rngs),), END, device=self.device)
        for _ in range(longest):
            logits, past = self._next(pieces, torch.full_like(pieces, label), past)
            u = torch.tensor([rngs[i].random() for i in going], dtype=torch.float64, device=self.device)
            pieces = nucleus(logits, u, top_p)
            if not (more := pieces != END).all():
                going = [i for i, goes_on in zip(going, more.tolist(), strict=True) if goes_on]
                pieces, past = pieces[more], tuple(part[more] for part in past)
            if not going:
                break
            for i, piece in zip(going, pieces.tolist(), strict=True):
                found[i].append(piece)
        return found


def nucleus(logits: Tensor, u: Tensor, top_p: float) -> Tensor:
    """Draw from the likeliest pieces: as few as have together a probability of at least `top_p`.

    Holtzman et al. 2020, "The curious case of neural text degeneration": the many pieces that are each unlikely, and
    badly known, are together likely enough to spoil a document.

    Args:
        logits: Shape (b, pieces).
        u: Numbers drawn from [0, 1), float64, shape (b,).
        top_p: In (0, 1]; at 1 all are drawn from.

    Returns:
        Pieces, int64, shape (b,).
    """
    shares, order = logits.double().softmax(1).sort(dim=1, descending=True, stable=True)
    sums = shares.cumsum(1)
    whole = sums.gather(1, (sums < top_p).sum(1, keepdim=True).clamp(max=logits.shape[1] - 1))
    at = (sums <= u[:, None] * whole).sum(1, keepdim=True).clamp(max=logits.shape[1] - 1)
    return order.gather(1, at).squeeze(1)
