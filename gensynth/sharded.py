"""Draws samples into a folder, on one process or many: sample i depends on its number only, so each takes a share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from tqdm import tqdm

from gensynth.generator import BLOCK
from gensynth.mix import write_synthetic
from gensynth.samplers.base import Synthetic
from gensynth.samplers.neural import NeuralSampler


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
) -> None:
    """Draw samples `start` to `start + n` of a label and write them with their manifest.

    Args:
        checkpoint: A `.ckpt` file, or a folder with one per class.
        label: Name of a trained class.
        n: How many.
        seed: Seed of the samples.
        out: Folder to create; it appears whole or not at all.
        draw: How the generator draws; None for its default.
        start: Number of the first sample.
        device: Lightning's accelerator: `"cpu"`, `"cuda"` or `"auto"`.
        devices: Processes on each node.
        num_nodes: Number of nodes.

    Raises:
        ValueError: if `out` exists, or the checkpoint does not draw the label.
    """
    if out.exists():
        raise ValueError(f"{out} exists; choose another --out, or delete it.")
    sampler = NeuralSampler(checkpoint, draw=draw)
    sampler.sample(label, min(n, 1), seed, start)  # a bad label, seed or draw is refused before any process starts
    many = devices * num_nodes > 1
    fabric = Fabric(accelerator=device, devices=devices, num_nodes=num_nodes, strategy="ddp" if many else "auto")
    fabric.launch()
    sampler = NeuralSampler(checkpoint, draw=draw, device=str(fabric.device))
    # A block goes to one process as a whole, since it is computed as a whole.
    first, last = start // BLOCK, (start + n - 1) // BLOCK
    parts = []
    blocks = range(first + fabric.global_rank, last + 1, fabric.world_size)
    for block in tqdm(blocks, desc=f"sampling {label}", unit="block", disable=None if fabric.is_global_zero else True):
        low, high = max(start, block * BLOCK), min(start + n, (block + 1) * BLOCK)
        parts.append(sampler.sample(label, high - low, seed, low))
    if many:
        shares: list[list[Synthetic]] | None = [[]] * fabric.world_size if fabric.is_global_zero else None
        torch.distributed.gather_object(parts, shares)
        parts = [part for share in shares or [] for part in share]
    if fabric.is_global_zero:
        synthetic = Synthetic.concat(parts)
        write_synthetic(synthetic.subset(np.argsort(synthetic.index)), None, out)
    fabric.barrier()
