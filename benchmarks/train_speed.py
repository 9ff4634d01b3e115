"""Time of one DCGAN step: gensynth against the plain float32 loop of the PyTorch DCGAN tutorial.

    python benchmarks/train_speed.py

Both train the same networks (classic, 64 feature maps, 32 x 32, RGB, batch 64) on the same images, alternating in
one process, so that the ratio holds on a machine whose speed drifts. Printed are the median times, their ratio, the
share of the machine's measured matrix-product peak, and where the rest of the time goes.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Iterator

import pytorch_lightning as pl
import torch
from gensynth.models.dcgan import DCGAN, DCGANConfig
from torch import Tensor, nn

from gensynth.generator.base import Batch
from gensynth.generator.checkpoint import build
from gensynth.generator.precision import native_precision

SHAPE, BATCH = (3, 32, 32), 64
CONFIG = DCGANConfig(arch="classic", width=64, max_width=512, z_dim=100, augment=())


def networks() -> DCGAN:
    """The networks under test; one class, so there is no label input, as in the tutorial."""
    model = build("dcgan", CONFIG, SHAPE, ("all",), seed=0)
    assert isinstance(model, DCGAN)
    return model


class Tutorial:
    """The loop of the tutorial: float32, default memory format, Adam, BCE, three discriminator passes."""

    def __init__(self) -> None:
        model = networks().to(memory_format=torch.contiguous_format)
        self.g, self.d = model.generator, model.discriminator
        self.g_adam = torch.optim.Adam(self.g.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.d_adam = torch.optim.Adam(self.d.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.loss = nn.BCEWithLogitsLoss()
        self.labels = torch.zeros(BATCH, dtype=torch.int64)

    def step(self, images: Tensor) -> None:
        """One update of each network."""
        real = images.float() / 127.5 - 1
        self.d.zero_grad()
        self.loss(self.d(real, self.labels), torch.ones(BATCH)).backward()
        fake = self.g(torch.randn(BATCH, CONFIG.z_dim), self.labels)
        self.loss(self.d(fake.detach(), self.labels), torch.zeros(BATCH)).backward()
        self.d_adam.step()
        self.g.zero_grad()
        self.loss(self.d(fake, self.labels), torch.ones(BATCH)).backward()
        self.g_adam.step()


class Idle(Tutorial):
    """A tutorial that does nothing, to profile gensynth alone."""

    def step(self, images: Tensor) -> None:
        """Do nothing."""


class Alternate:
    """Feeds a Trainer, and runs one step of the tutorial between two of its steps.

    The time between handing a batch out and being asked for the next one is all that gensynth and
    Lightning need for a step.
    """

    def __init__(self, tutorial: Tutorial, images: Tensor, rounds: int) -> None:
        self.tutorial, self.images, self.rounds = tutorial, images, rounds
        self.seconds: dict[str, list[float]] = {"tutorial": [], "gensynth": []}

    def __len__(self) -> int:
        return self.rounds

    def __iter__(self) -> Iterator[Batch]:
        labels, rows = torch.zeros(BATCH, dtype=torch.int64), torch.arange(BATCH)
        for step in range(self.rounds):
            start = time.perf_counter()
            self.tutorial.step(self.images)
            middle = time.perf_counter()
            yield Batch(self.images, labels, step, 0.0, rows, torch.ones_like(labels, dtype=torch.bool))
            self.seconds["tutorial"].append(middle - start)
            self.seconds["gensynth"].append(time.perf_counter() - middle)


def train(model: DCGAN, batches: object, precision: str) -> None:
    """Run one pass of a Trainer over `batches`."""
    trainer = pl.Trainer(
        accelerator="cpu",
        precision=precision,  # type: ignore[arg-type]
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(model, batches)


def gflop_per_step() -> float:
    """Multiply-adds x 2 of the convolutions of one step: forward once, backward twice the forward."""
    model, flop = networks(), [0]

    def count(module: nn.Module, _: object, out: Tensor) -> None:
        weight = module.weight
        places = out[0, 0].numel() if isinstance(module, nn.Conv2d) else 0
        if isinstance(module, nn.ConvTranspose2d):
            places = out[0, 0].numel() // (module.stride[0] * module.stride[1]) if module.stride[0] > 1 else 1
        flop[0] += 2 * weight.numel() * places

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(count)
    labels = torch.zeros(2, dtype=torch.int64)
    model.generator(torch.zeros(2, CONFIG.z_dim), labels)
    g, flop[0] = flop[0], 0
    model.discriminator(torch.zeros(2, *SHAPE), labels)
    d = flop[0]
    # G forward and backward; D on real and fake, forward and backward; D on fake for G, forward and input gradient.
    return BATCH * (3 * g + 2 * 3 * d + 2 * d) / 1e9


def peak(dtype: torch.dtype) -> float:
    """Best measured GFLOP/s of a 2048^3 matrix product."""
    a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
    best = 0.0
    for _ in range(8):
        start = time.perf_counter()
        a @ b
        best = max(best, 2 * 2048**3 / (time.perf_counter() - start) / 1e9)
    return best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=30, help="timed rounds")
    rounds = parser.parse_args().rounds
    precision = native_precision("cpu")
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (BATCH, *SHAPE), dtype=torch.uint8, generator=generator)
    alternate = Alternate(Tutorial(), images, rounds + 5)
    model = networks()
    train(model, alternate, precision)
    seconds = {name: values[5:] for name, values in alternate.seconds.items()}
    plain, fast = statistics.median(seconds["tutorial"]), statistics.median(seconds["gensynth"])
    ratio = statistics.median(a / b for a, b in zip(seconds["tutorial"], seconds["gensynth"], strict=True))
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    gflop, top = gflop_per_step(), peak(dtype)
    print(f"{torch.get_num_threads()} threads, {precision}, {gflop:.1f} GFLOP of convolutions per step")
    print(f"tutorial loop  {plain * 1e3:7.1f} ms per step")
    print(f"gensynth       {fast * 1e3:7.1f} ms per step   {ratio:.2f} x as fast (median of {rounds} pairs)")
    print(f"matrix-product peak {top:.0f} GFLOP/s ({dtype}); gensynth reaches {gflop / fast / top:.0%} of it")
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        train(model, Alternate(Idle(), images, 5), precision)
    print("\nwhere the time goes (share of a step):")
    events = sorted(profile.key_averages(), key=lambda e: e.self_cpu_time_total, reverse=True)
    total = sum(e.self_cpu_time_total for e in events)
    for event in events[:10]:
        print(f"  {event.self_cpu_time_total / total:6.1%}  {event.key}")


if __name__ == "__main__":
    main()
