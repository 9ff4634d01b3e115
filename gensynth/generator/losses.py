"""Loss functions, each a pure function with its equation. Logits have shape (b,), losses shape ()."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def rpgan_d_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Relativistic pairing: E softplus(-(D(x) - D(G(z)))) (Jolicoeur-Martineau 2019; Huang et al. 2024, eq. 2)."""
    return F.softplus(fake_logits - real_logits).mean()


def rpgan_g_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Relativistic pairing for the generator: E softplus(-(D(G(z)) - D(x)))."""
    return F.softplus(real_logits - fake_logits).mean()


def hinge_d_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Hinge: E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim & Ye 2017)."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_g_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Hinge for the generator: -E D(G(z))."""
    return -fake_logits.mean()


def lsgan_d_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Least squares: (E (D(x) - 1)^2 + E D(G(z))^2) / 2 (Mao et al. 2017, eq. 9)."""
    return ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2


def lsgan_g_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Least squares for the generator: E (D(G(z)) - 1)^2 / 2 (Mao et al. 2017, eq. 9)."""
    return (fake_logits - 1).square().mean() / 2


def bce_d_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Cross-entropy: -E log D(x) - E log(1 - D(G(z))), D = sigmoid of the logit (Goodfellow et al. 2014, eq. 1)."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def bce_g_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Non-saturating cross-entropy: -E log D(G(z)) (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake_logits).mean()


Loss = Callable[[Tensor, Tensor], Tensor]
PAIRS: dict[str, tuple[Loss, Loss]] = {
    "rpgan_r1r2": (rpgan_d_loss, rpgan_g_loss),
    "hinge": (hinge_d_loss, hinge_g_loss),
    "lsgan": (lsgan_d_loss, lsgan_g_loss),
    "bce": (bce_d_loss, bce_g_loss),
}
"""Loss of the discriminator and of the generator, by name; both take real logits, then those of generated images."""


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Squared gradient norm E |grad_x D(x)|^2: R1 on real, R2 on fake images (Mescheder et al. 2018, eq. 9).

    Args:
        logits: D(images), shape (b,), with its graph.
        images: Shape (b, c, h, w), requires_grad.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()


def kl_standard_normal(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, e^log_var) || N(0, 1)) = (mu^2 + e^log_var - 1 - log_var) / 2 (Kingma & Welling 2014, app. B).

    Args:
        mu: Shape (b, z_dim).
        log_var: Shape (b, z_dim).

    Returns:
        Mean over the batch of the sum over dimensions, in nats.
    """
    return ((mu.square() + log_var.exp() - 1 - log_var) / 2).sum(1).mean()


def gaussian_nll(x: Tensor, recon: Tensor, log_sigma: Tensor) -> Tensor:
    """Gaussian negative log-likelihood with one noise level for all pixels (Rybkin et al. 2021, eq. 4).

    sum over pixels of (x - recon)^2 / (2 sigma^2) + log sigma. A learned sigma balances reconstruction
    against KL without a hand-set weight, which keeps images crisp.

    Args:
        x: Images, shape (b, c, h, w).
        recon: Their reconstruction, the same shape.
        log_sigma: log sigma, shape ().

    Returns:
        Mean over the batch, in nats up to a constant.
    """
    squared = (x - recon).float().square().sum(dim=(1, 2, 3)).mean()
    return squared / (2 * (2 * log_sigma).exp()) + x[0].numel() * log_sigma


def cycle_loss(recon: Tensor, x: Tensor) -> Tensor:
    """E |F(G(x)) - x|_1, the mean over pixels (Zhu et al. 2017, eq. 2; their identity loss has the same form)."""
    return (recon.float() - x).abs().mean()
