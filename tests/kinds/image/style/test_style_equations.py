"""Style: its equations against closed forms, and the optimised way."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gensynth.kinds.image.style.config import StylizeConfig
from gensynth.kinds.image.style.encoders import Encoder
from gensynth.kinds.image.style.style import (
    adain,
    channel_stats,
    content_loss,
    gram_loss,
    gram_matrix,
    keep_color,
    luminance,
    optimise,
    statistics_loss,
    total_variation,
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_gram_matrix_in_closed_form() -> None:
    constant = torch.tensor([2.0, -3.0]).view(1, 2, 1, 1).expand(1, 2, 5, 7)
    assert torch.allclose(gram_matrix(constant)[0], torch.tensor([[4.0, -6.0], [-6.0, 9.0]]) / 2)
    x = noise(2, 3, 4, 6)
    expected = torch.einsum("bchw,bdhw->bcd", x, x) / (3 * 4 * 6)
    assert torch.allclose(gram_matrix(x), expected, atol=1e-6)
    assert torch.allclose(gram_matrix(x.flip(3)), expected, atol=1e-6)  # places do not matter
    assert gram_matrix(x.bfloat16()).dtype == torch.float32


def test_adain_gives_the_wanted_statistics() -> None:
    x, mean, std = noise(2, 3, 8, 8), noise(2, 3, 1, 1, seed=1), noise(2, 3, 1, 1, seed=2).abs() + 0.5
    found_mean, found_std = channel_stats(adain(x, mean, std))
    assert torch.allclose(found_mean, mean, atol=1e-5) and torch.allclose(found_std, std, rtol=1e-4)
    assert torch.allclose(adain(x, *channel_stats(x)), x, atol=1e-5)
    flat = adain(torch.zeros(1, 3, 8, 8), mean[:1], std[:1])  # a channel that is constant stays constant
    assert torch.allclose(flat, mean[:1].expand_as(flat))


def test_channel_stats_have_a_gradient_where_nothing_varies() -> None:
    x = torch.zeros(1, 2, 4, 4, requires_grad=True)
    sum(s.sum() for s in channel_stats(x)).backward()
    assert x.grad is not None and x.grad.isfinite().all()


def test_losses_vanish_at_their_target_only() -> None:
    x, other = noise(2, 3, 8, 8), noise(2, 3, 8, 8, seed=1)
    assert content_loss(x, x) == gram_loss(x, gram_matrix(x)) == statistics_loss(x, *channel_stats(x)) == 0
    assert min(content_loss(other, x), gram_loss(other, gram_matrix(x)), statistics_loss(other, *channel_stats(x))) > 0
    assert content_loss(x, x + 0.5) == pytest.approx(0.25)
    assert gram_loss(torch.zeros_like(x), gram_matrix(x)) == pytest.approx(1)
    assert gram_loss(2**0.5 * x, gram_matrix(x)) == pytest.approx(1, rel=1e-5)
    mean, std = channel_stats(x)
    assert statistics_loss(x, mean + 1, std - 2) == pytest.approx(1 + 4)


def test_total_variation_of_a_ramp() -> None:
    assert total_variation(torch.full((2, 3, 5, 5), 0.7)) == 0
    ramp = torch.arange(6.0).view(1, 1, 1, 6).expand(1, 1, 4, 6)
    assert total_variation(ramp) == 1 and total_variation(2 * ramp.mT) == 4


def test_keep_color_takes_brightness_from_one_and_colour_from_the_other() -> None:
    content, stylized = noise(2, 3, 6, 6) / 4, noise(2, 3, 6, 6, seed=1) / 4
    kept = keep_color(content, stylized)
    assert torch.allclose(luminance(kept), luminance(stylized), atol=1e-6)
    chroma = [x - luminance(x) for x in (kept, content)]
    assert torch.allclose(*chroma, atol=1e-6)
    grey = noise(2, 1, 6, 6)
    assert torch.allclose(keep_color(grey.expand(-1, 3, -1, -1), stylized)[:, :1], luminance(stylized), atol=1e-6)
    assert keep_color(4 * content, 9 * stylized).abs().max() <= 1
    assert luminance(torch.ones(1, 3, 1, 1)).item() == pytest.approx(1) and luminance(grey) is grey


@pytest.fixture(scope="module")
def small() -> Encoder:
    torch.manual_seed(0)
    return Encoder("own", 3, 3, width=8).requires_grad_(False)


def style_of(x: Tensor, encoder: Encoder) -> list[Tensor]:
    return [gram_matrix(m) for m in encoder(x)]


def distance(x: Tensor, grams: list[Tensor], encoder: Encoder) -> float:
    return float(sum(gram_loss(m, g) for m, g in zip(encoder(x), grams, strict=True)))


def test_the_optimised_way_reaches_the_style_and_repeats_itself(small: Encoder) -> None:
    content, style = noise(1, 3, 30, 40) / 3, noise(1, 3, 37, 31, seed=1)
    grams, parts = style_of(style, small), []
    config = StylizeConfig(steps=10)
    x = optimise(content, [style], small, config, on_step=parts.append)
    assert x.shape == content.shape and x.abs().max() <= 1 and not x.requires_grad
    assert distance(x, grams, small) < 0.5 * distance(content, grams, small)
    assert 0.9 < sum(parts) < 1.5
    assert torch.equal(x, optimise(content, [style], small, config))
    assert torch.equal(x, optimise(content, [style, style], small, replace(config, weights=(2.0, 2.0))))


def test_alpha_leads_from_the_content_to_the_style(small: Encoder) -> None:
    content, style = noise(1, 3, 60, 60) / 3, noise(1, 3, 60, 60, seed=1)
    assert torch.equal(optimise(content, [style], small, StylizeConfig(alpha=0.0, steps=3)), content)
    changes = [
        float((optimise(content, [style], small, StylizeConfig(alpha=alpha, steps=5)) - content).abs().mean())
        for alpha in (0.2, 0.6, 1.0)
    ]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_weights_lead_from_one_style_to_the_other(small: Encoder) -> None:
    content, a, b = noise(1, 3, 28, 28) / 3, noise(1, 3, 28, 28, seed=1), torch.full((1, 3, 28, 28), -0.9)
    brightness = [
        float(optimise(content, [a, b], small, StylizeConfig(weights=weights, steps=8)).mean())
        for weights in ((9, 1), (1, 1), (1, 9))
    ]
    assert brightness[0] > brightness[1] > brightness[2]


def test_smoothness_and_bfloat16(small: Encoder) -> None:
    content, style = noise(1, 1, 30, 30).expand(-1, 3, -1, -1), noise(1, 3, 30, 30, seed=1)
    rough, smooth = (optimise(content, [style], small, StylizeConfig(steps=5, total_variation=s)) for s in (0.0, 50.0))
    assert total_variation(smooth) < total_variation(rough)
    fast = optimise(content, [style], small, StylizeConfig(steps=5), bf16=True)
    grams = style_of(style, small)
    assert distance(fast, grams, small) < distance(content, grams, small)
