"""Differentially private training: a bound on what a checkpoint can tell about any one training image.

Abadi et al. 2016, "Deep Learning with Differential Privacy" (DP-SGD), through Opacus: every step takes each image with
its own chance (Poisson sampling), clips each image's gradient to norm C, adds Gaussian noise of deviation sigma C to
their sum, and an accountant adds up what all steps give away (Mironov et al. 2019, "Renyi Differential Privacy of the
Sampled Gaussian Mechanism").

The bound: whatever is concluded from the checkpoint, or from anything drawn from it, is concluded with at most
e^epsilon times the probability, plus delta, with which it would be without a given training image. It holds

- because chance is drawn from the operating system and kept nowhere: whoever knew the noise could subtract it, and
  whoever knew the batches would undo the gain of sampling. Such a run can therefore not be repeated, with a seed or
  otherwise; `seed` sets the first weights alone. A killed run goes on from its last save with new chance; what was
  thrown away was never seen, and each step that led to the checkpoint is counted once.
- for weights alone: no loss curves, no codes of images and no hash of the data are kept, and no weights are selected.
- with class names, class counts, image size and all settings taken as public. Settings that were tuned on the same
  images are not paid for.
- for what is drawn, not for what is chosen: a check, a person or an evaluation that holds samples against real images
  tells about those images.
- in exact arithmetic. Gradients are clipped in float32, which rounds.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from gensynth.generator.base import Batch
from gensynth.generator.batches import Scope
from gensynth.generator.config import DPConfig, TrainConfig
from gensynth.generator.registry import generator_names, get_generator

if TYPE_CHECKING:
    from gensynth.generator.base import Generator

ORDERS = (
    *(1 + i / 10 for i in range(1, 10)),
    *(2, 2.25, 2.5, 2.75, 3, 3.5, 4, 4.5),
    *range(5, 65),
    *(96, 128, 256, 512, 1024),
)
"""Renyi orders tried by the accountant, small ones for large epsilons; broken ones take it long, and gain little."""
COVERS = (
    "the checkpoint and whatever is drawn from it, for one training image more or less; not which samples were chosen "
    "with real images in hand, nor class counts and settings, which count as public"
)


@final
@dataclass(frozen=True)
class Bound:
    """What a training promises.

    Attributes:
        epsilon: The bound, above 0; smaller is stronger.
        delta: Probability with which it may fail.
        noise_multiplier: Deviation of the noise over the clipping norm.
        clip: The clipping norm.
        rate: The largest chance of any image to be in a batch; images with less have a stronger bound.
        steps: Number of steps.
        covers: What the bound is about.
    """

    epsilon: float
    delta: float
    noise_multiplier: float
    clip: float
    rate: float
    steps: int
    covers: str = COVERS

    def __str__(self) -> str:
        return (
            f"differentially private: epsilon {self.epsilon:.3g} at delta {self.delta:.1g} (noise "
            f"{self.noise_multiplier:.3g}, rate {self.rate:.3g}, {self.steps} steps). It covers {self.covers}."
        )


def opacus() -> Any:
    """Return Opacus.

    Raises:
        ModuleNotFoundError: if it is not installed; the message says how to install it.
    """
    try:
        import opacus
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "training with dp needs Opacus, which is not installed; pip install 'gensynth[dp]'."
        ) from error
    return opacus


def check_private(name: str, config: TrainConfig, from_shared: bool) -> None:
    """Raise ValueError unless generator and settings allow a bound; `from_shared` tells of an `init` checkpoint."""
    if not get_generator(name, "image").private:
        able = ", ".join(n for n in generator_names("image") if get_generator(n, "image").private)
        raise ValueError(f"{name} cannot be trained with a privacy bound; leave out dp, or take one of: {able}.")
    if from_shared:
        raise ValueError("dp starts from fresh weights: its bound would not cover what init learned; leave out init.")
    if config.devices * config.num_nodes > 1 or config.precision not in ("auto", "32-true"):
        raise ValueError(
            f"dp trains on one device in precision 32-true, so that clipped gradients keep their norm; got "
            f"{config.devices} x {config.num_nodes} devices and {config.precision}."
        )


def ignore_expected_warnings() -> None:
    """Silence what PyTorch says of every private training; for use inside `warnings.catch_warnings()`."""
    # The gradient ends at the first layer, and that layer's own is the one that is wanted.
    warnings.filterwarnings("ignore", message="Full backward hook is firing")
    # Opacus asks for autocast to the precision that is in use, float32, which is none.
    warnings.filterwarnings("ignore", message="In CPU autocast, but the target dtype is not supported")


def sampling_rates(y: np.ndarray, batch_size: int, balance: float) -> np.ndarray:
    """Return each image's chance to be in a batch, float64, shape (n,); they add up to `batch_size`.

    Args:
        y: Labels, int64, shape (n,).
        batch_size: Expected images per batch.
        balance: Classes are drawn in proportion to (images of the class)^balance.

    Raises:
        ValueError: if a chance would exceed 1.
    """
    weight = np.bincount(y)[y] ** (balance - 1.0)
    rates = batch_size * weight / weight.sum()
    if rates.max() > 1:
        raise ValueError(
            f"a batch of {batch_size} would need an image of the rarest class more than once, which dp rules out; "
            f"lower batch_size to at most {int(batch_size / rates.max())}, or bring balance {balance} nearer to 1."
        )
    return rates


def bound_of(dp: DPConfig, rates: np.ndarray, steps: int) -> Bound:
    """Choose the noise for the wanted epsilon and account for all steps.

    Args:
        dp: The wanted epsilon and delta, and the clipping norm.
        rates: Chance of each image to be in a batch, shape (n,).
        steps: Number of steps.

    Raises:
        ValueError: if delta is not below 1 / n: publishing one whole image at random would satisfy such a bound.
    """
    if dp.delta * len(rates) >= 1:
        raise ValueError(
            f"dp.delta must be below 1 / (number of images) = {1 / len(rates):.2g}, got {dp.delta:g}; 1e-5 is usual."
        )
    accountants = opacus().accountants
    rate = float(rates.max())
    with warnings.catch_warnings():
        # An order at the end of the list gives a looser bound, never a wrong one.
        warnings.filterwarnings("ignore", message="Optimal order is the", module="opacus")
        noise = accountants.utils.get_noise_multiplier(
            target_epsilon=dp.epsilon,
            target_delta=dp.delta,
            sample_rate=rate,
            steps=steps,
            accountant="rdp",
            epsilon_tolerance=0.01 * dp.epsilon,
            alphas=ORDERS,
        )
        accountant = accountants.RDPAccountant()
        accountant.history = [(noise, rate, steps)]
        epsilon = accountant.get_epsilon(dp.delta, alphas=ORDERS)
    return Bound(float(epsilon), dp.delta, float(noise), dp.clip, rate, steps)


def secret_uniform(n: int) -> np.ndarray:
    """Return n uniform numbers in (0, 1) from the operating system's secure source, float64, shape (n,).

    PyTorch's own source would not do: on a CPU it is the Mersenne Twister, of whose seed 32 bits count.
    """
    bits = np.frombuffer(os.urandom(8 * n), np.uint64) >> np.uint64(12)
    return (bits + 0.5) * 2.0**-52


class PoissonBatches:
    """Batches that take each image with its own chance, independently of all others; their sizes vary.

    Args:
        scope: The images.
        rates: Chance of each image, shape (n,).
        steps: Number of steps.
        start: The first step.
    """

    def __init__(self, scope: Scope, rates: np.ndarray, steps: int, start: int) -> None:
        self.scope, self.rates, self.steps, self.start = scope, rates, steps, start

    def __iter__(self) -> Iterator[Batch]:
        data, y, target = self.scope.data, torch.from_numpy(self.scope.data.y), torch.from_numpy(self.scope.target)
        for step in range(self.start, self.steps):
            rows = torch.from_numpy(np.flatnonzero(secret_uniform(len(self.rates)) < self.rates))
            # Not a function of the step: images share a model's noise by their place in the batch, which is a secret.
            seed = int.from_bytes(os.urandom(8), "little") >> 1
            yield Batch(data.x[rows], y[rows], seed, step / self.steps, rows, target[rows])


@final
class PrivateGradients:
    """Gives a model gradients of single images, and an optimizer that clips, adds up and blurs them.

    A model under it calls `optimizer` in `configure_optimizers`, takes the mean over the batch as its loss, passes
    parameters that belong to no layer through `mean_of_each`, and logs nothing.

    Args:
        config: How to train; its `dp` is given.
        y: Labels of the training images, int64, shape (n,).

    Attributes:
        rates: Chance of each image to be in a batch, shape (n,).
        bound: What is promised.

    Raises:
        ValueError: if batch size, balance or delta do not allow a bound.
    """

    def __init__(self, config: TrainConfig, y: np.ndarray) -> None:
        assert config.dp is not None
        self.batch_size = config.batch_size
        self.rates = sampling_rates(y, config.batch_size, config.balance)
        self.bound = bound_of(config.dp, self.rates, config.steps)

    @staticmethod
    def watch(model: Generator) -> None:
        """Have the layers of a model compute a gradient for each image, from here on."""
        for child in model.children():
            # Opacus 1.6's own rule for convolutions gives zeros for images in channels_last memory.
            opacus().GradSampleModule(child, force_functorch=True)

    def optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Return an optimizer that updates with private gradients."""
        from opacus.optimizers import DPOptimizer

        class PrivateOptimizer(DPOptimizer):
            def step(self, closure: Callable[[], float] | None = None) -> float | None:
                for p in self.params:
                    if p.grad_sample is None:  # an empty batch: noise alone
                        p.grad_sample = p.new_zeros((0, *p.shape))
                return super().step(closure)

            def add_noise(self) -> None:
                for p in self.params:
                    noise = torch.from_numpy(ndtri(secret_uniform(p.numel()))).view(p.shape)
                    noise *= self.noise_multiplier * self.max_grad_norm
                    # Rounded once, after the sum, which leaves few traces of what was added (Mironov 2012).
                    p.grad = torch.empty_like(p).copy_(p.summed_grad.double() + noise.to(p.device))

        return PrivateOptimizer(
            optimizer,
            noise_multiplier=self.bound.noise_multiplier,
            max_grad_norm=self.bound.clip,
            expected_batch_size=self.batch_size,
        )

    @staticmethod
    def mean_of_each(loss: Callable[..., Tensor], x: Tensor, y: Tensor, parameter: Tensor) -> Tensor:
        """Return the mean over the batch of loss(x_i, y_i, parameter), where the parameter belongs to no layer.

        Args:
            loss: A mean over a batch, here of one image.
            x: Shape (b, ...).
            y: Shape (b, ...).
            parameter: Shape ().
        """
        each = parameter.expand(len(x))
        each.register_hook(lambda gradient: setattr(parameter, "grad_sample", gradient * len(x)))
        return torch.vmap(loss)(x[:, None], y[:, None], each).mean()
