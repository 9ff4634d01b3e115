"""Draws samples into a folder, on one process or many: sample i depends on its number only, so each takes a share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from gensynth.generator.base import at_once
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.samplers.trained import TrainedSampler
from gensynth.mix.drawn import is_drawn
from gensynth.mix.mix import write_synthetic
from gensynth.sampler import SAMPLER
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def sample_to_folder(
    checkpoint: Path,
    label: str,
    n: int,
    seed: int,
    out: Path,
    draw: str | None = None,
    start: int = 0,
    device: str = "auto",
    devices: int = 1,
    num_nodes: int = 1,
    others: int = 0,
) -> bool:
    """Draw samples `start` to `start + n` of a label and write them with their manifest.

    Args:
        checkpoint: A `.ckpt` file, a folder with one per class, or a `.sampler` file.
        label: Name of a trained class.
        n: How many.
        seed: Seed of the samples.
        out: Folder to create; it appears whole or not at all.
        draw: How the generator draws; None for its default.
        start: Number of the first sample.
        device: Lightning's accelerator: `"cpu"`, `"cuda"` or `"auto"`.
        devices: Processes on each node.
        num_nodes: Number of nodes.
        others: Also samples `start` to `start + others` of every other class the checkpoint draws.

    Returns:
        Whether something was drawn: not if `out` holds these very samples.

    Raises:
        ValueError: if `out` exists and holds anything else, the checkpoint does not draw the label, or others are asked
            for and there are none.
    """
    if others < 0:
        raise ValueError(f"others must not be negative, got {others}.")
    sampler = _loaded(checkpoint, draw)
    counts = {label: n} | {name: others for name in sampler.labels if others and name != label}
    # A bad label, number or draw is refused before any process starts.
    firsts = [sampler.sample(name, min(count, 1), seed, start) for name, count in counts.items()]
    generators = {first.sampler for first in firsts}
    if others and len(counts) == 1:
        raise ValueError(f"{checkpoint} draws {label!r} only, so there are no others; leave out --others.")
    if len(generators) > 1:
        raise ValueError(
            f"the checkpoints in {checkpoint} are of different generators ({', '.join(sorted(generators))}), and "
            "others must be made in the same way; name one of the files."
        )
    if is_drawn(out, FolderFiles(), firsts, n, others):
        return False
    fabric = _processes(device, devices, num_nodes)
    where = fabric.device if fabric is not None else device_of(device)
    drawn = _drawn(_loaded(checkpoint, draw, str(where)), counts, seed, start, at_once(where), fabric)
    if drawn is not None:
        write_synthetic(drawn, None, out, FolderFiles())
    if fabric is not None:
        fabric.barrier()
    return True


def _drawn(
    sampler: Sampler, counts: Mapping[str, int], seed: int, start: int, size: int, fabric: Fabric | None
) -> Synthetic | None:
    """Return the samples of each label that all processes drew, in blocks of a size; None in all but the first one."""
    rank, ranks = (fabric.global_rank, fabric.world_size) if fabric is not None else (0, 1)
    # A block goes to one process as a whole, since it is computed as a whole.
    blocks = [
        (name, block)
        for name, count in counts.items()
        for block in range(start // size, (start + count - 1) // size + 1)
    ]
    parts = {}
    title = f"sampling {next(iter(counts))}"
    for at in tqdm(range(rank, len(blocks), ranks), desc=title, unit="block", disable=True if rank else None):
        name, block = blocks[at]
        low, high = max(start, block * size), min(start + counts[name], (block + 1) * size)
        parts[at] = sampler.sample(name, high - low, seed, low)
    if fabric is not None:
        shares: list[dict[int, Synthetic]] | None = None if rank else [{}] * ranks
        torch.distributed.gather_object(parts, shares)
        parts = {at: part for share in shares or [] for at, part in share.items()}
    return None if rank else Synthetic.concat([parts[at] for at in sorted(parts)])


def _loaded(path: Path, draw: str | None, device: str = "cpu") -> Sampler:
    """Return what draws: checkpoints, or a sampler that keeps real images."""
    if path.suffix != SAMPLER:
        return TrainedSampler.load(path, draw, device)
    from gensynth.kinds.image.samplers.kept import KeptSampler  # imports scikit-learn

    if draw is not None:
        raise ValueError(f"{path} draws in one way only; leave out --draw.")
    return KeptSampler.load(path)


def _processes(device: str, devices: int, num_nodes: int) -> Fabric | None:
    """Start the other processes, each of which goes on from here; None where one is enough."""
    if devices * num_nodes == 1:
        return None
    from lightning_fabric import Fabric  # the import costs seconds

    fabric = Fabric(accelerator=device, devices=devices, num_nodes=num_nodes, strategy="ddp")
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
