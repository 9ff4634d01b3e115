"""The nucleus: only the likeliest pieces are drawn, in their proportion."""

from __future__ import annotations

import pytest
import torch

from gensynth.kinds.text.generator import nucleus

SHARES = torch.tensor([[0.15, 0.5, 0.05, 0.3]])


def drawn(top_p: float, n: int = 1000) -> list[float]:
    """Return how often each piece is drawn with n numbers that lie evenly in [0, 1)."""
    u = torch.arange(n, dtype=torch.float64) / n
    return [(nucleus(SHARES.log().expand(n, 4), u, top_p) == piece).sum().item() / n for piece in range(4)]


@pytest.mark.parametrize(
    ("top_p", "wanted"),
    [
        (1.0, [0.15, 0.5, 0.05, 0.3]),
        (0.9, [0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95]),
        (0.7, [0, 0.5 / 0.8, 0, 0.3 / 0.8]),
        (0.1, [0, 1, 0, 0]),
    ],
)
def test_the_likeliest_pieces_are_drawn_as_often_as_they_are_likely(top_p: float, wanted: list[float]) -> None:
    assert drawn(top_p) == pytest.approx(wanted, abs=0.002)


def test_what_is_no_number_is_still_a_piece() -> None:
    found = nucleus(torch.full((2, 4), float("nan")), torch.tensor([0.0, 0.9], dtype=torch.float64), 0.95)
    assert ((found >= 0) & (found < 4)).all()
