"""What changes one clip into another: planted warps, shifts and gains are found again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gensynth.kinds.audio.mel import BANDS, mel, middles
from gensynth.kinds.audio.pair_changes import COLUMNS, GAINS, SHIFTS, SIZE, TIMES, Change, changes, picture

RATE = 16_000
U = np.linspace(0, 1, COLUMNS)


def planted(**values: float | np.ndarray) -> Change:
    coefficients = np.zeros(SIZE)
    ends = np.cumsum([0, 1, 1, TIMES, SHIFTS, GAINS[0] * GAINS[1]])
    for at, name in enumerate(("longer", "higher", "times", "shifts", "gains")):
        coefficients[ends[at] : ends[at + 1]] = np.ravel(values.get(name, 0))
    return Change(coefficients, RATE)


def sound(seed: int = 0) -> np.ndarray:
    """A picture with structure everywhere, dB, as (m, u) -> level."""
    noise = np.random.default_rng(seed).standard_normal((BANDS, COLUMNS))
    x = gaussian_filter(noise, (3, 2), mode="nearest")
    return (6 * x / x.std() - 40).astype(np.float32)


def seen(x: np.ndarray, change: Change) -> np.ndarray:
    """Return a picture as the equation of the file changes it."""
    m = middles(RATE)
    moved = np.stack([np.interp(m - change.shift(m), m, column) for column in x.T], axis=1)
    warped = np.stack([np.interp(change.source(U), U, row) for row in moved])
    return (warped + change.gain(m, U)).astype(np.float32)


def found(x: np.ndarray, change: Change) -> Change:
    return Change(changes(x[None], seen(x, change)[None], np.zeros((1, 2)), RATE)[0], RATE)


def test_no_change_is_none() -> None:
    x = sound()
    assert np.abs(found(x, planted()).coefficients).max() < 1e-3
    assert np.allclose(planted().source(U), U)


def test_a_warp_of_time_is_found() -> None:
    change = planted(times=[0.8, -0.3, 0, 0, 0])
    lost, left = np.abs(change.source(U) - U).max(), np.abs(found(sound(), change).source(U) - change.source(U)).max()
    assert lost > 0.1
    assert left < 0.2 * lost


def test_no_warp_runs_backwards() -> None:
    v = planted(times=[3.0, -4.0, 2.0, 3.0, -3.0]).source(U)
    assert (np.diff(v) > 0).all()
    assert (v[0], v[-1]) == (0, 1)


def test_a_gain_is_found() -> None:
    gains = np.zeros(GAINS)
    gains[0, 0], gains[1, 0], gains[0, 1] = 6, -3, 2
    assert (
        np.abs(
            found(sound(), planted(gains=gains)).gain(middles(RATE), U) - planted(gains=gains).gain(middles(RATE), U)
        ).max()
        < 1.5
    )


@pytest.mark.parametrize("share", [-0.04, 0.04])
def test_a_shift_of_all_frequencies_is_found(share: float) -> None:
    shifts = found(sound(), planted(shifts=[share, 0])).shifts
    assert shifts[0] == pytest.approx(share, rel=0.35)


def test_a_shift_moves_a_frequency_by_its_share() -> None:
    hertz = np.array([300.0, 1000.0, 4000.0])
    moved = mel(hertz) + planted(shifts=[0.01, 0]).shift(mel(hertz))
    assert 700 * (10 ** (moved / 2595) - 1) == pytest.approx(1.01 * hertz, rel=1e-3)


def test_a_picture_has_one_size_and_a_floor() -> None:
    for width in (1, 5, 300):
        x = np.full((BANDS, width), -80.0, dtype=np.float32)
        x[3] = -10
        made = picture(x)
        assert made.shape == (BANDS, COLUMNS)
        assert made.min() == -60
