"""train_documents: teach a `TextGenerator` documents, and stop when documents that it has not seen say so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from gensynth.generator.config import TrainConfig
from gensynth.generator.held_out import Looks, held_out, train_watched
from gensynth.kinds.text.generator import NOTHING, DocumentBatch, TextGenerator
from gensynth.kinds.text.pieces import END

LOOKS = Looks(n=20, patience=3, most=300)


def train_documents(
    model: TextGenerator, documents: Sequence[np.ndarray], y: np.ndarray, config: TrainConfig, title: str
) -> dict[str, list[float]]:
    """Train a model in place, as `train_watched` does.

    Args:
        model: Freshly built.
        documents: Pieces of n documents without `END`, int32, each of any shape (pieces,).
        y: Labels, int64, shape (n,).
        config: Its steps are the most there can be.
        title: Of the progress bar, which is shown on a terminal only.

    Returns:
        The loss curves.

    Raises:
        TrainingDiverged: if a loss is no longer finite.
    """
    pool = Packed(documents, y, model.context)
    return train_watched(model, pool, held_out(y, config.seed, LOOKS.most), config, title, LOOKS)


class Packed:
    """All documents in memory. A batch holds them one after the other, so that no row is filled up but the last."""

    def __init__(self, documents: Sequence[np.ndarray], y: np.ndarray, context: int) -> None:
        self.documents, self.y, self.context = documents, y, context

    def batch(self, at: np.ndarray, seed: int, progress: float) -> DocumentBatch:
        """Return some documents, of each long one a part."""
        rng = np.random.default_rng([seed, 1])
        pairs = [self._part(self.documents[i], rng) for i in at]
        lengths = [len(part) for part in pairs]
        inner = np.concatenate(pairs)
        found = np.column_stack([inner, np.repeat(self.y[at], lengths), np.repeat(np.arange(len(at)), lengths)])
        width = min(self.context, len(found))
        filled = np.tile([END, NOTHING, 0, -1], (-len(found) % width, 1))
        rows = torch.from_numpy(np.concatenate([found, filled])).view(-1, width, 4)
        pieces, following, labels, documents = rows.unbind(2)
        return DocumentBatch(pieces, following, labels, documents, seed, progress)

    def _part(self, document: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return pieces and what follows each, int64, shape (pieces, 2); of a long document a random part."""
        pairs = np.column_stack([np.append(END, document), np.append(document, END)]).astype(np.int64)
        first = self.context * int(rng.integers(-(-len(pairs) // self.context)))
        return pairs[first : first + self.context]
