"""Losses against closed forms and independent implementations."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

from gensynth.generator import losses

REAL, FAKE = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.0])


def test_adversarial_losses_at_known_logits() -> None:
    pairs = [math.log1p(math.exp(0.5 - 2.0)), math.log1p(math.exp(0.0 + 1.0))]
    assert losses.rpgan_d_loss(REAL, FAKE).item() == pytest.approx(sum(pairs) / 2)
    assert losses.rpgan_g_loss(REAL, FAKE).item() == losses.rpgan_d_loss(FAKE, REAL).item()
    assert losses.hinge_d_loss(REAL, FAKE).item() == pytest.approx((0 + 2) / 2 + (1.5 + 1) / 2)
    assert losses.hinge_g_loss(REAL, FAKE).item() == pytest.approx(-0.25)
    assert losses.lsgan_d_loss(REAL, FAKE).item() == pytest.approx(((1 + 4) / 2 + (0.25 + 0) / 2) / 2)
    assert losses.lsgan_g_loss(REAL, FAKE).item() == pytest.approx((0.25 + 1) / 2 / 2)
    bce = F.binary_cross_entropy_with_logits
    expected = bce(REAL, torch.ones(2)) + bce(FAKE, torch.zeros(2))
    assert losses.bce_d_loss(REAL, FAKE).item() == pytest.approx(expected.item())
    assert losses.bce_g_loss(REAL, FAKE).item() == pytest.approx(bce(FAKE, torch.ones(2)).item())


def test_gradient_penalty_of_a_linear_discriminator_is_its_squared_weight() -> None:
    weight = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(0))
    images = torch.zeros(5, 1, 3, 4, requires_grad=True)
    penalty = losses.gradient_penalty((images * weight).sum(dim=(1, 2, 3)), images)
    assert penalty.item() == pytest.approx(weight.square().sum().item())


def test_gradient_penalty_can_be_differentiated() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    images = torch.ones(2, 1, 1, 1, requires_grad=True)
    losses.gradient_penalty(weight * images.flatten(), images).backward()
    assert weight.grad is not None and weight.grad.item() == pytest.approx(6.0)  # d(w^2)/dw


def test_kl_against_torch_distributions() -> None:
    rng = torch.Generator().manual_seed(0)
    mu, log_var = torch.randn(4, 6, generator=rng), torch.randn(4, 6, generator=rng)
    expected = kl_divergence(Normal(mu, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1).mean()
    assert losses.kl_standard_normal(mu, log_var).item() == pytest.approx(expected.item(), rel=1e-5)
    assert losses.kl_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0.0


def test_gaussian_nll_is_least_at_the_root_mean_square_error() -> None:
    rng = torch.Generator().manual_seed(0)
    x, recon = torch.randn(3, 1, 4, 4, generator=rng), torch.randn(3, 1, 4, 4, generator=rng)
    log_sigma = torch.tensor(0.3)
    expected = -Normal(recon, log_sigma.exp()).log_prob(x).sum(dim=(1, 2, 3)).mean() - 16 * math.log(2 * math.pi) / 2
    assert losses.gaussian_nll(x, recon, log_sigma).item() == pytest.approx(expected.item(), rel=1e-5)
    best = ((x - recon) ** 2).mean().sqrt().log()
    at = [losses.gaussian_nll(x, recon, best + shift).item() for shift in (-0.1, 0.0, 0.1)]
    assert at[1] < min(at[0], at[2])
