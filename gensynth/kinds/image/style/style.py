"""Neural style transfer: what style is, how far an image is from it, and the optimised way to get there.

All functions are pure and compute in float32; images are float, shape (b, c, h, w), in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gensynth.kinds.image.style.config import StylizeConfig
from gensynth.kinds.image.style.encoders import LEAST_MAP, Encoder

EPS = 1e-5
"""Added to variances, so that channels that are constant have a finite gradient."""
LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the brightness one sees (ITU-R BT.601)."""

# Weights in `optimise` beside the relative content loss; chosen by eye on photographs in the styles of a painting,
# textures and other photographs at 256 pixels.
STYLE_WEIGHT = 10.0
RANGE_WEIGHT = 100.0


def gram_matrix(features: Tensor) -> Tensor:
    """Products of channels, averaged over places: G = F F^T / (c h w), F of shape (c, h w) (Gatys et al. 2016, eq. 3).

    Args:
        features: Shape (b, c, h, w).

    Returns:
        Shape (b, c, c).
    """
    b, c, h, w = features.shape
    flat = features.float().reshape(b, c, h * w)
    with torch.autocast(features.device.type, enabled=False):  # sums over all places need float32
        return flat @ flat.mT / (c * h * w)


def channel_stats(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over all places (Huang & Belongie 2017, eq. 5 and 6).

    Args:
        features: Shape (b, c, h, w).

    Returns:
        mean and std, each of shape (b, c, 1, 1); std = sqrt(variance + 1e-5).
    """
    variance, mean = torch.var_mean(features.float(), dim=(2, 3), correction=0, keepdim=True)
    return mean, (variance + EPS).sqrt()


def adain(content: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Give each channel another mean and standard deviation: std (x - mean(x)) / std(x) + mean.

    Huang & Belongie 2017, "Arbitrary Style Transfer in Real-Time with Adaptive Instance Normalization", eq. 8.

    Args:
        content: Features, shape (b, c, h, w).
        mean: Wanted means, shape (b, c, 1, 1).
        std: Wanted standard deviations, shape (b, c, 1, 1).
    """
    own_mean, own_std = channel_stats(content)
    return std * (content.float() - own_mean) / own_std + mean


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared distance of two maps: E (F - P)^2 (Gatys et al. 2016, eq. 1, up to scale)."""
    return F.mse_loss(features.float(), target.float())


def gram_loss(features: Tensor, target: Tensor) -> Tensor:
    """Squared distance of Gram matrices, relative to the target: sum (G - A)^2 / sum A^2 (Gatys et al. 2016, eq. 4).

    Relative, because the maps of a network differ in scale by orders of magnitude, and each shall count the same.

    Args:
        features: Shape (b, c, h, w).
        target: Wanted Gram matrices A, shape (b, c, c).
    """
    squared = (gram_matrix(features) - target).square().sum(dim=(1, 2))
    return (squared / target.square().sum(dim=(1, 2)).clamp(min=1e-12)).mean()


def statistics_loss(features: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Mean squared distance of channel statistics: E (m - mean)^2 + E (s - std)^2 (Huang & Belongie 2017, eq. 13).

    Args:
        features: Shape (b, c, h, w).
        mean: Wanted means, shape (b, c, 1, 1).
        std: Wanted standard deviations, shape (b, c, 1, 1).
    """
    own_mean, own_std = channel_stats(features)
    return F.mse_loss(own_mean, mean) + F.mse_loss(own_std, std)


def total_variation(x: Tensor) -> Tensor:
    """Squared differences of neighbouring pixels: E (dx)^2 + E (dy)^2 (Mahendran & Vedaldi 2015, eq. 5, beta = 2)."""
    x = x.float()
    return (x[..., 1:] - x[..., :-1]).square().mean() + (x[..., 1:, :] - x[..., :-1, :]).square().mean()


def luminance(x: Tensor) -> Tensor:
    """Brightness of images, from (b, 3, h, w) or (b, 1, h, w) to (b, 1, h, w), the same range."""
    if x.shape[1] == 1:
        return x
    return (x * x.new_tensor(LUMINANCE).view(3, 1, 1)).sum(1, keepdim=True)


def keep_color(content: Tensor, stylized: Tensor) -> Tensor:
    """Luminance of the stylised image, colour of the content: x + (Y(s) - Y(x)) in red, green and blue.

    Equal steps in all three channels change the luminance only (Gatys et al. 2016, "Preserving Color in Neural
    Artistic Style Transfer", section 3). Colours outside [-1, 1] are cut off.

    Args:
        content: Shape (b, 3, h, w).
        stylized: Shape (b, 3, h, w) or (b, 1, h, w).
    """
    return (content + luminance(stylized) - luminance(content)).clamp(-1, 1)


def out_of_range(x: Tensor) -> Tensor:
    """Squared distance of pixels from the range that can be shown: E max(0, |x| - 1)^2."""
    return (x.abs() - 1).clamp(min=0).square().mean()


def optimise(
    content: Tensor,
    styles: Sequence[Tensor],
    encoder: Encoder,
    config: StylizeConfig,
    bf16: bool = False,
    on_step: Callable[[float], None] = lambda share: None,
) -> Tensor:
    """Change the pixels of a picture until its Gram matrices are those of the styles.

    Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks", eq. 7, by L-BFGS from the content
    picture, with total variation. Content is compared at the encoder's second-deepest map. The picture is made at the
    coarsest resolution that the encoder can judge, and the change carried on to twice that, up to its own, which
    reaches larger forms of the style in less time (Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style
    Transfer", section 6). The same arguments give the same picture.

    Args:
        content: Shape (1, c, h, w).
        styles: One or more pictures of shape (1, c, any height, any width).
        encoder: A pretrained encoder with a depth of at least 2, at which no map is empty.
        config: Its weights of the styles, alpha (0 gives the content back), steps at each resolution, and weight of
            the total variation.
        bf16: Whether maps are computed in bfloat16, twice as fast where the hardware has it.
        on_step: Called after every evaluation of the loss with the share of all work that it was; together about 1.

    Returns:
        The shape of `content`, in [-1, 1].
    """

    def maps_of(picture: Tensor) -> list[Tensor]:
        with torch.autocast(picture.device.type, torch.bfloat16, enabled=bf16):
            return encoder(picture)

    shortest = min(side for picture in (content, *styles) for side in picture.shape[2:])
    halvings = 0
    while shortest >> (halvings + len(encoder.widths)) >= LEAST_MAP:
        halvings += 1
    work = [0.25**level for level in range(halvings + 1)]  # pixels to compute, as a share of the content's
    change = torch.zeros_like(content)
    for level in range(halvings, -1, -1):
        small, *small_styles = (_shrink(picture, level) for picture in (content, *styles))
        start = small + F.interpolate(change, size=small.shape[2:], mode="bicubic", antialias=True)
        report = partial(on_step, work[level] / sum(work) / config.steps)
        x = _minimised(_loss_of(maps_of, small, small_styles, config), start, config.steps, report)
        change = x - small
    return x.clamp(-1, 1)


def _loss_of(
    maps_of: Callable[[Tensor], list[Tensor]], content: Tensor, styles: Sequence[Tensor], config: StylizeConfig
) -> Callable[[Tensor], Tensor]:
    """Return the loss of a picture, whose Gram matrices are to lie between the content's own and the styles'."""
    alpha, weights = config.alpha, config.weights or (1.0,)
    with torch.no_grad():
        maps = maps_of(content)
        target, scale = maps[-2], maps[-2].float().var().clamp(min=1e-6)
        wanted = [(1 - alpha) * gram_matrix(m) for m in maps]
        for style, weight in zip(styles, weights, strict=True):
            for gram, m in zip(wanted, maps_of(style), strict=True):
                gram += alpha * weight / sum(weights) * gram_matrix(m)

    def loss(x: Tensor) -> Tensor:
        maps = maps_of(x)
        return (
            content_loss(maps[-2], target) / scale
            + STYLE_WEIGHT * torch.stack([gram_loss(m, gram) for m, gram in zip(maps, wanted, strict=True)]).mean()
            + alpha * config.total_variation * total_variation(x)
            + RANGE_WEIGHT * out_of_range(x)
        )

    return loss


def _minimised(loss_of: Callable[[Tensor], Tensor], start: Tensor, steps: int, report: Callable[[], None]) -> Tensor:
    """Return what L-BFGS makes of a picture."""
    x = start.contiguous().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [x], max_iter=steps, history_size=20, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(x)
        loss.backward()
        report()
        return loss

    optimizer.step(evaluate)
    return x.detach()


def _shrink(picture: Tensor, halvings: int) -> Tensor:
    size = [round(side / 2**halvings) for side in picture.shape[2:]]
    return F.interpolate(picture, size=size, mode="bilinear", antialias=True) if halvings else picture
