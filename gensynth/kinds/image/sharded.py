"""Draws images on one process or many: sample i depends on its number only, so each takes a share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from gensynth.data.words import some
from gensynth.generator.base import at_once
from gensynth.kinds.image.config import DrawConfig
from gensynth.kinds.image.samplers.trained import TrainedSampler
from gensynth.mix.drawn import Order
from gensynth.sampler import SAMPLER
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def drawn(checkpoint: Path, order: Order, config: DrawConfig) -> Synthetic | None:
    """Draw what is asked for.

    Args:
        checkpoint: A `.ckpt` file, a folder with one per class, or a `.sampler` file.
        order: What to draw.
        config: How.

    Returns:
        The samples; None in all processes but the first one.
    """
    fabric = _processes(config)
    rank, ranks = (fabric.global_rank, fabric.world_size) if fabric is not None else (0, 1)
    where = fabric.device if fabric is not None else device_of(config.device)
    sampler = load(checkpoint, config.draw, str(where))
    # A block goes to one process as a whole, since it is computed as a whole.
    size, start = at_once(where), order.start
    counts = order.counts(sampler)
    blocks = [
        (name, block)
        for name, count in counts.items()
        for block in range(start // size, (start + count - 1) // size + 1)
    ]
    parts = {}
    mine = range(rank, len(blocks), ranks)
    for at in tqdm(mine, desc=f"sampling {some(counts)}", unit="block", disable=True if rank else None):
        name, block = blocks[at]
        low, high = max(start, block * size), min(start + counts[name], (block + 1) * size)
        parts[at] = sampler.sample(name, high - low, order.seed, low)
    if fabric is not None:
        shares: list[dict[int, Synthetic]] | None = None if rank else [{}] * ranks
        torch.distributed.gather_object(parts, shares)
        parts = {at: part for share in shares or [] for at, part in share.items()}
    return None if rank else Synthetic.concat([parts[at] for at in sorted(parts)])


def load(path: Path, draw: str | None = None, device: str = "cpu") -> Sampler:
    """Return what draws: checkpoints, or a sampler that keeps real images.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if a file is neither.
    """
    if path.suffix != SAMPLER:
        return TrainedSampler.load(path, draw, device)
    from gensynth.kinds.image.samplers.kept import CATALOG  # imports scikit-learn
    from gensynth.sampler.kept import KeptSampler

    if draw is not None:
        raise ValueError(f"{path} draws in one way only; leave out --draw.")
    return KeptSampler.load(path, CATALOG.get)


def _processes(config: DrawConfig) -> Fabric | None:
    """Start the other processes, each of which goes on from here; None where one is enough."""
    if config.devices * config.num_nodes == 1:
        return None
    from lightning_fabric import Fabric  # the import costs seconds

    fabric = Fabric(accelerator=config.device, devices=config.devices, num_nodes=config.num_nodes, strategy="ddp")
    fabric.launch()
    return fabric


def device_of(accelerator: str) -> torch.device:
    """Return the device that Lightning's name of an accelerator stands for: auto, cpu, gpu, cuda or mps.

    Raises:
        ValueError: if there is no such device here.
    """
    here = torch.accelerator.current_accelerator(check_available=True)
    known = {"cpu": torch.device("cpu"), "auto": here or torch.device("cpu")}
    if here is not None:
        known |= {"gpu": here, here.type: here}
    if accelerator not in known:
        raise ValueError(f"device {accelerator!r} is not on this machine; there are: {', '.join(known)}.")
    return known[accelerator]
