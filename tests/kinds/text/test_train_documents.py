"""How documents are laid into rows; the training itself stands with the model and the sampler."""

from __future__ import annotations

import numpy as np

from gensynth.kinds.text.generator import NOTHING
from gensynth.kinds.text.pieces import END
from gensynth.kinds.text.train_documents import Packed


def documents(*lengths: int) -> list[np.ndarray]:
    """Return documents of so many pieces: 101, 102, ... and 201, 202, ..."""
    return [np.arange(1, n + 1, dtype=np.int32) + 100 * (i + 1) for i, n in enumerate(lengths)]


class TestPacked:
    def test_each_piece_knows_what_follows(self) -> None:
        batch = Packed(documents(3, 0, 2), np.array([0, 1, 1]), context=4).batch(np.array([0, 1, 2, 0]), 0, 0.5)
        assert batch.pieces.shape == (3, 4) and batch.progress == 0.5
        assert batch.pieces.flatten().tolist() == [END, 101, 102, 103, END, END, 301, 302, END, 101, 102, 103]
        assert batch.following.flatten().tolist() == [101, 102, 103, END, END, 301, 302, END, 101, 102, 103, END]
        assert batch.labels.flatten().tolist() == [0] * 4 + [1] * 4 + [0] * 4
        assert batch.documents.flatten().tolist() == [0] * 4 + [1] + [2] * 3 + [3] * 4

    def test_the_last_row_is_filled_up(self) -> None:
        batch = Packed(documents(4), np.array([1]), context=3).batch(np.array([0, 0, 0]), 1, 0.0)
        n = int((batch.following != NOTHING).sum())
        assert batch.pieces.shape[1] == 3 and n < batch.pieces.numel() < n + 3
        assert (batch.documents.flatten()[n:] == -1).all()
        assert Packed(documents(1), np.array([0]), context=9).batch(np.array([0]), 1, 0.0).pieces.tolist() == [[0, 101]]

    def test_all_parts_of_a_long_document_come_up(self) -> None:
        batch = Packed(documents(7), np.array([0]), context=3).batch(np.zeros(60, dtype=int), 3, 0.0)
        parts = {tuple(batch.pieces.flatten()[batch.documents.flatten() == i].tolist()) for i in range(60)}
        assert parts == {(END, 101, 102), (103, 104, 105), (106, 107)}
