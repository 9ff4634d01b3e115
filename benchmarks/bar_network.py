"""Arms of a residual network from scratch for 32 pixels: ways without synthetic images, and rare patches on others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from bar_features import Pictures
from torch import Tensor, nn
from torchvision.transforms import v2

STEPS, BATCH, WIDTH, RATE, DECAY, DEFERRED = 800, 128, 16, 0.1, 5e-4, 0.8
"""Gradient steps, images a step, maps of the first stage, largest learning rate (one cycle), weight decay, and the
share of the steps after which deferred re-weighting weighs classes."""
WITHOUT = ("oversampled", "trivialaugment", "mixup", "cutmix", "deferred")
WITH = ("cmo", "cmo hard", "recipes")


@dataclass(frozen=True, eq=False)
class Batch:
    """Images, float32 (b, 3, 32, 32), two labels of each, int64 (b,), and the share of the first, (b,)."""

    x: Tensor
    one: Tensor
    other: Tensor
    share: Tensor


class Block(nn.Module):
    """He et al. 2016, "Deep residual learning", with the shortcut of option A."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.stride, self.more = stride, after - before
        self.first = nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps, shape (b, after, h / stride, w / stride)."""
        kept = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))
        return F.relu(self.second(self.first(x)) + kept)


def network(n_classes: int) -> nn.Module:
    """Return ResNet-8."""
    w = WIDTH
    stem = [nn.Conv2d(3, w, 3, 1, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU()]
    blocks = [Block(w, w, 1), Block(w, 2 * w, 2), Block(2 * w, 4 * w, 2)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * w, n_classes))


def flipped_and_cropped(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Mirror every other image, and shift each by up to 4 pixels, uint8 (b, 3, 32, 32)."""
    n = len(x)
    x = torch.where(torch.from_numpy(rng.random(n) < 0.5)[:, None, None, None], x.flip(3), x)
    padded = F.pad(x.float(), (4, 4, 4, 4), mode="reflect").to(torch.uint8)
    down, across = rng.integers(0, 9, (2, n))
    return torch.stack([image[:, i : i + 32, j : j + 32] for image, i, j in zip(padded, down, across, strict=True)])


def boxes(share: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Return masks, bool (b, 1, 32, 32), of a box that covers about so much of each image (Yun et al. 2019, CutMix)."""
    side = 32 * np.sqrt(share)
    at, pixel = rng.integers(0, 32, (2, len(share))), np.arange(32)
    rows, columns = (np.abs(pixel - a[:, None]) <= side[:, None] / 2 for a in at)
    return torch.from_numpy(rows[:, None, :, None] & columns[:, None, None, :])


def drawn(arm: str, train: Pictures, rare: np.ndarray, rng: np.random.Generator) -> Batch:
    """Draw a batch as an arm has it."""
    even = 1 / np.bincount(train.y)[train.y]
    even = even / even.sum()
    at = rng.choice(len(train.y), BATCH, p=None if arm in ("deferred", "cmo") else even)
    x, one = torch.from_numpy(train.x[at]), torch.from_numpy(train.y[at])
    is_rare = np.isin(train.y[at], rare)
    if arm in ("trivialaugment", "recipes"):
        change = np.ones(BATCH, dtype=bool) if arm == "trivialaugment" else is_rare & (rng.random(BATCH) < 0.5)
        torch.manual_seed(int(rng.integers(2**31)))
        augment = v2.TrivialAugmentWide()
        x = torch.stack([augment(image) if go else image for image, go in zip(x, change, strict=True)])
    x = flipped_and_cropped(x, rng).float()
    other, share = one, np.ones(BATCH)
    if arm == "mixup":
        share, turn = rng.beta(0.2, 0.2, BATCH), rng.permutation(BATCH)
        kept = torch.from_numpy(share).float()[:, None, None, None]
        x, other = kept * x + (1 - kept) * x[turn], one[turn]
    elif arm == "cutmix" or arm.startswith("cmo"):
        return _pasted(arm, Batch(x, one, other, torch.from_numpy(share)), train, (rare, even, rng))
    return Batch(x, one, other, torch.from_numpy(share).float())


def _pasted(arm: str, on: Batch, train: Pictures, how: tuple[np.ndarray, np.ndarray, np.random.Generator]) -> Batch:
    """Paste boxes of evenly drawn images for half of the images (CutMix), or as context-rich oversampling has it.

    Park et al. 2022, "The majority can help the minority" (CMO): background as it comes, foreground drawn evenly, label
    by area. Hard: half of the evenly drawn rare images lie on a common one, cover 30 to 95 % and keep their label,
    so that they could be files.
    """
    rare, even, rng = how
    if arm == "cmo hard":
        pasted = np.isin(on.one.numpy(), rare) & (rng.random(BATCH) < 0.5)
        ground = rng.choice(np.flatnonzero(~np.isin(train.y, rare)), BATCH)
        covered = rng.uniform(0.3, 0.95, BATCH)
        under = flipped_and_cropped(torch.from_numpy(train.x[ground]), rng).float()
        mask = boxes(covered, rng) | torch.from_numpy(~pasted)[:, None, None, None]
        return Batch(torch.where(mask, on.x, under), on.one, on.one, torch.ones(BATCH))
    pasted = rng.random(BATCH) < 0.5
    at = rng.choice(len(train.y), BATCH, p=even)
    over = flipped_and_cropped(torch.from_numpy(train.x[at]), rng).float()
    mask = boxes(1 - rng.beta(1, 1, BATCH), rng) & torch.from_numpy(pasted)[:, None, None, None]
    share = 1 - mask.float().mean((1, 2, 3))
    return Batch(torch.where(mask, over, on.x), on.one, torch.from_numpy(train.y[at]), share)


def trained(arm: str, train: Pictures, rare: np.ndarray, seed: int) -> nn.Module:
    """Train a network as an arm has it; bfloat16 where the processor multiplies such numbers."""
    rng, k = np.random.default_rng(seed), int(train.y.max()) + 1
    torch.manual_seed(seed)
    model = network(k).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), RATE, 0.9, weight_decay=DECAY, nesterov=True)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.2)
    counts = np.bincount(train.y)
    weights = torch.from_numpy(counts.sum() / (k * counts)).float()  # of mean 1 over the images
    for step in range(STEPS):
        batch = drawn(arm, train, rare, rng)
        weight = (
            weights / (weights * counts).sum() * counts.sum() if arm == "deferred" and step > DEFERRED * STEPS else None
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
            logits = model(prepared(batch.x)).float()
        one, other = (F.cross_entropy(logits, y, weight, reduction="none") for y in (batch.one, batch.other))
        optimizer.zero_grad()
        (batch.share.float() * one + (1 - batch.share.float()) * other).mean().backward()
        optimizer.step()
        plan.step()
    return model.eval()


def prepared(x: Tensor) -> Tensor:
    """Return what the network sees of pixels in [0, 255]."""
    return ((x - 120) / 64).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def answers(arm: str, cut: Pictures, rare: np.ndarray, tested: Pictures, seed: int) -> np.ndarray:
    """Return the likeliest labels of test pictures, int64 (n,)."""
    with torch.inference_mode(False):
        model = trained(arm, cut, rare, seed)
    parts = torch.from_numpy(tested.x).float().split(500)
    return np.concatenate([model(prepared(part)).argmax(1).numpy() for part in parts])
