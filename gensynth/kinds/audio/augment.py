"""Pictures of clips, and their augmentation anew whenever a clip is drawn.

Park et al. 2019, "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition", arXiv 1904.08779:
a mask over bands and one over frames. Beside them a shift in time, a gain and noise, on the log-mel itself, where each
costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from gensynth.kinds.audio.look import DEPTH, Look

SEEN = 60.0
"""dB below the loudest band that networks see, in 255 steps. They do not see how loud a clip is: of a third speaker of
digits, recorded 15 to 20 dB fainter, a network that saw it recognised 13 %, where guessing gives 10 %."""
STEPS = 255 / SEEN
"""Steps of a picture per dB."""
SHIFT, MASK = 0.1, 0.125
"""Most that a picture is shifted, as a share of its frames, and most bands, or frames, that are masked."""
GAIN = 6.0
"""Most dB that a picture is made brighter or darker: one band may be the loudest by chance."""
QUIET, LOUD = 40.0, 10.0
"""dB below the loudest band between which noise lies; half of the clips get none."""


def pictures(looks: Sequence[Look]) -> Tensor:
    """Return log-mels as networks see them: 0 for `SEEN` dB below the loudest band or less, 255 for that.

    Returns:
        uint8, shape (n, 1, `BANDS`, frames).
    """
    found = np.stack([look.picture for look in looks]).astype(np.float32)
    seen = 255 + (found - 255) * np.float32(DEPTH / SEEN)
    return torch.from_numpy(seen.round().clip(0, 255).astype(np.uint8))[:, None]


def augmented(seen: Callable[[Tensor], Tensor], seed: int) -> Callable[[Tensor], Tensor]:
    """Return what changes pictures anew in each call; calls of the same order give the same pictures.

    Args:
        seen: Maps positions, int64 (b,), to pictures, uint8 (b, 1, bands, frames).
        seed: Of all that is drawn.
    """
    rng = torch.Generator().manual_seed(seed)
    return lambda at: augment(seen(at), rng)


def augment(x: Tensor, rng: torch.Generator) -> Tensor:
    """Change pictures, uint8 (b, 1, bands, frames): shift, gain, noise, then masks; return them as float32."""
    b, _, bands, frames = x.shape
    u = 2 * torch.rand(4, b, generator=rng) - 1
    z = _shifted(x[:, 0].float(), (SHIFT * frames * u[0]).round().long())
    z = torch.where(z > 0, z + GAIN * STEPS * u[1][:, None, None], 0).clamp_min(0)
    noise = z.amax((1, 2)) - STEPS * (LOUD + (QUIET - LOUD) * (u[2] + 1) / 2)
    z = torch.where((u[3] > 0)[:, None, None], _sum(z, noise[:, None, None], rng), z)
    mean = z.mean((1, 2), keepdim=True)
    for n, axis in ((bands, 1), (frames, 2)):
        width, start = (MASK * n * torch.rand(b, generator=rng)).round(), torch.rand(b, generator=rng)
        start = (start * (n - width)).floor()
        at = torch.arange(n)[None]
        masked = (at >= start[:, None]) & (at < (start + width)[:, None])
        z = torch.where(masked.unsqueeze(3 - axis), mean, z)
    return z[:, None]


def _shifted(z: Tensor, by: Tensor) -> Tensor:
    """Move pictures (b, bands, frames) by so many frames each, shape (b,); what comes in is silence."""
    frames = z.shape[2]
    at = torch.arange(frames)[None] - by[:, None]
    moved = z.gather(2, at.clamp(0, frames - 1)[:, None].expand(z.shape))
    return moved * ((at >= 0) & (at < frames))[:, None]


def _sum(z: Tensor, noise: Tensor, rng: torch.Generator) -> Tensor:
    """Add the power of noise, of a level in steps, shape (b, 1, 1), to that of pictures (b, bands, frames)."""
    # Power of white noise in a band of a frame varies by a few dB.
    noise = noise + 2 * STEPS * torch.randn(z.shape, generator=rng)
    scale = 10 * STEPS / np.log(10)
    return (torch.logaddexp(z / scale, noise / scale) * scale).clamp_min(0)
