"""train: learn a generator from real data. The only place that builds a Trainer.

A run can be killed at any instant; the same command continues it and ends with the same weights. What makes that exact:
batch k and all randomness of step k are functions of (seed, k), so no random state has to be carried over, and
weights, optimizers, averages and loss curves are saved every `save_every` steps.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import pickle
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from tqdm import tqdm

import gensynth
from gensynth.checkpoint import build, load_checkpoint, save_checkpoint
from gensynth.data.labeled import LabeledData
from gensynth.generator import Batch, Generator
from gensynth.registry import get_generator


@dataclass(frozen=True)
class TrainConfig:
    """How to train, whatever the generator."""

    steps: int = 2000
    """Number of training steps."""
    batch_size: int = 64
    """Images per step, over all devices together."""
    seed: int = 0
    """Seeds weights, batches and noise."""
    balance: float = 0.5
    """Classes are drawn in proportion to (images of the class)^balance: 1 as they are, 0.5 square root, 0 equally."""
    save_every: int = 250
    """Steps between two saves that a killed run continues from."""
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    """Lightning's precision; `auto` is bf16-mixed where the hardware computes bf16 natively, else 32-true."""
    accelerator: str = "auto"
    """Lightning's accelerator: auto, cpu, gpu, ..."""
    devices: int = 1
    """Devices on each node."""
    num_nodes: int = 1
    """Number of nodes."""
    strategy: str = "auto"
    """Lightning's strategy: auto, ddp, ..."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "save_every", "devices", "num_nodes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if self.batch_size % (self.devices * self.num_nodes):
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of devices x nodes = {self.devices * self.num_nodes}."
            )
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance must lie in [0, 1], got {self.balance}.")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}.")


class TrainingDiverged(RuntimeError):
    """A loss or a weight is no longer finite."""


def train(
    data: LabeledData,
    name: str,
    model_config: Any,
    config: TrainConfig,
    path: Path,
    *,
    label: str | None = None,
    init: Path | None = None,
    quiet: bool = False,
) -> Path:
    """Train a generator and write its checkpoint. The same call continues a killed run and skips a finished one.

    Args:
        data: Real training data, and nothing else: never validation or test images.
        name: Name of the generator, such as `"vae"`.
        model_config: An instance of its `Config`.
        config: How to train.
        path: The checkpoint to write, `.ckpt`.
        label: Train on this class only.
        init: A shared checkpoint to start from; its architecture and settings are used.
        quiet: Show no progress bar.

    Returns:
        `path`.

    Raises:
        ValueError: if the data do not suffice, or `path` holds a run with other settings.
        TrainingDiverged: if training stops being finite; the message names the network, and the last good state is
            kept as `*.last_good`.
    """
    model, data = _prepare(data, name, model_config, config, label, init)
    provenance = {
        "data": data.fingerprint,
        "class_counts": data.class_counts,
        "label": label or "",
        "init": hashlib.sha256(init.read_bytes()).hexdigest() if init else "",
        "generator": name,
        "model": asdict(model.config),
        "train": asdict(config),
        "gensynth": gensynth.__version__,
        "torch": str(torch.__version__),
    }
    run = json.dumps(provenance, sort_keys=True)
    if path.exists():
        if json.dumps(load_checkpoint(path).provenance, sort_keys=True) != run:
            raise ValueError(
                f"{path} was trained with other data or settings; choose another output, or delete it to train again."
            )
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    resume = path.with_suffix(".resume")
    start = _resumed_step(resume, run)
    keeper = Keeper(resume, run, config, start, f"training {name}{f' on {label}' if label else ''}", quiet)
    trainer = _trainer(config, keeper)
    loader = Batches(data, config, start, trainer)
    try:
        with warnings.catch_warnings():
            # Lightning's advice on workers and loggers does not apply to batches made from memory.
            warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
            trainer.fit(model, loader, ckpt_path=resume if start else None, weights_only=True)
    except SystemExit as error:  # what Lightning makes of Ctrl-C and of SIGTERM
        raise KeyboardInterrupt from error
    except TrainingDiverged as error:
        raise TrainingDiverged(f"{error} {_rescue(path, resume, model, name, provenance)}") from error
    if trainer.is_global_zero:
        model.to(trainer.strategy.root_device).eval()
        model.remember(_rows(data, model.device))
        model.cpu()
        save_checkpoint(path, model, name, keeper.history, provenance)
        resume.unlink(missing_ok=True)
    trainer.strategy.barrier()
    return path


def trainable(data: LabeledData, name: str, label: str | None, shared: bool) -> tuple[str, ...]:
    """Return the classes that a training would learn.

    Args:
        data: Real training data.
        name: Name of the generator.
        label: The only class to train on, or None for all.
        shared: Whether it starts from a shared checkpoint.

    Raises:
        ValueError: if a class is unknown or has too few images; the message says what works.
    """
    if label is not None:
        data.label_of(label)
    counts = data.class_counts
    trained = (label,) if label is not None else tuple(c for c in data.classes if counts[c])
    least = get_generator(name).min_images_alone if label is not None and not shared else 1
    for c in trained:
        if counts[c] < least:
            raise ValueError(
                f"{name} cannot learn class {c!r} alone from {counts[c]} images (at least {least}); what works: one "
                f"model for all classes (leave out --per-class and --label), --init with a shared one, or the vae."
            )
    return trained


def _prepare(
    data: LabeledData, name: str, model_config: Any, config: TrainConfig, label: str | None, init: Path | None
) -> tuple[Generator, LabeledData]:
    trained = trainable(data, name, label, init is not None)
    if init is not None:
        shared = load_checkpoint(init)
        model = shared.model
        if shared.name != name or model.shape != data.shape:
            raise ValueError(
                f"{init} is a {shared.name} for images of shape {model.shape}; a {name} for {data.shape} was asked for."
            )
        if missing := [c for c in trained if c not in model.classes]:
            raise ValueError(f"{init} does not know the classes {missing}; it knows {', '.join(model.classes)}.")
        model.train()
    else:
        classes = (label,) if label is not None else data.classes
        model = build(name, model_config, data.shape, classes, config.seed)
    rows = np.flatnonzero(np.isin(data.y, [data.label_of(c) for c in trained]))
    data = data.subset(rows)
    position = {data.label_of(c): model.classes.index(c) for c in trained}
    y = np.array([position[int(label)] for label in data.y], dtype=np.int64)
    data = LabeledData(data.x, y, model.classes, data.ids, data.kind, data.root)
    model.trained_labels = trained
    return model, data


def _trainer(config: TrainConfig, keeper: Callback) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    strategy = config.strategy
    if strategy == "ddp" or (strategy == "auto" and config.devices * config.num_nodes > 1):
        # Each update of an adversarial pair leaves the other network without gradients.
        strategy = "ddp_find_unused_parameters_true"
    return pl.Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        num_nodes=config.num_nodes,
        strategy=strategy,
        precision=native_precision(config.accelerator) if config.precision == "auto" else config.precision,  # type: ignore[arg-type]
        max_epochs=1,
        callbacks=[keeper],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def native_precision(accelerator: str) -> str:
    """Return `"bf16-mixed"` where the accelerator multiplies bf16 matrices natively, else `"32-true"`."""
    cuda = accelerator != "cpu" and torch.cuda.is_available()
    native = torch.cuda.is_bf16_supported(including_emulation=False) if cuda else _cpu_has_bf16()
    return "bf16-mixed" if native else "32-true"


def _cpu_has_bf16() -> bool:
    flags = Path("/proc/cpuinfo")
    text = flags.read_text() if flags.exists() else ""
    return "avx512_bf16" in text or "amx_bf16" in text


def stream(seed: int, *numbers: int) -> int:
    """Return a 63-bit seed that is a function of `seed` and `numbers`, such as (step, rank)."""
    digest = hashlib.sha256(repr((seed, *numbers)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


class Batches:
    """Batch k as a function of (seed, k), from `start` to the last step; each rank takes its share of every batch."""

    def __init__(self, data: LabeledData, config: TrainConfig, start: int, trainer: pl.Trainer) -> None:
        self.data, self.config, self.start, self.trainer = data, config, start, trainer
        counts = np.bincount(data.y, minlength=len(data.classes))
        weight = counts[data.y] ** (config.balance - 1.0)
        self.cumulative = np.cumsum(weight / weight.sum())

    # No __len__: Lightning would compare it with a batch number that goes on counting in a resumed run.
    def __iter__(self) -> Iterator[Batch]:
        rank, ranks = self.trainer.global_rank, self.trainer.world_size
        for step in range(self.start, self.config.steps):
            draws = np.random.default_rng(stream(self.config.seed, step)).random(self.config.batch_size)
            rows = torch.from_numpy(np.minimum(np.searchsorted(self.cumulative, draws), len(self.data) - 1))
            rows = rows[rank::ranks]
            y = torch.from_numpy(self.data.y)[rows]
            seed = stream(self.config.seed, step, rank)
            yield Batch(self.data.x[rows], y, seed, step / self.config.steps, rows)


def _rows(data: LabeledData, device: torch.device) -> Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]:
    for start in range(0, len(data), 256):
        rows = torch.arange(start, min(start + 256, len(data)))
        yield (
            data.x[rows].to(device),
            torch.from_numpy(data.y)[rows].to(device),
            data.ids[start : start + 256],
        )


class Keeper(Callback):
    """Saves for resuming, keeps the loss curves, shows progress, and stops a run that is no longer finite."""

    def __init__(self, resume: Path, run: str, config: TrainConfig, start: int, title: str, quiet: bool) -> None:
        self.resume, self.run, self.config, self.step = resume, run, config, start
        self.title, self.quiet = title, quiet
        self.window = math.ceil(config.steps / 200)
        self.history: dict[str, list[float]] = {"step": []}
        self.sums: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run continues from."""
        return {"run": self.run, "step": self.step, "history": self.history, "sums": self.sums}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.history, self.sums = state["history"], state["sums"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the progress bar."""
        shown = trainer.is_global_zero and not self.quiet
        self.bar = tqdm(
            total=self.config.steps,
            initial=self.step,
            desc=self.title,
            unit="step",
            disable=None if shown else True,
        )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, add up the losses, and save when it is time."""
        self.step += 1
        for name, value in trainer.callback_metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach()  # no .item(): it would wait for a GPU
        save = self.step % self.config.save_every == 0 and self.step < self.config.steps
        if self.step % self.window == 0 or save or self.step == self.config.steps:
            self._check(pl_module, weights=save or self.step == self.config.steps)
        if self.step % self.window == 0:
            self.history["step"].append(float(self.step))
            for name, total in self.sums.items():
                self.history.setdefault(name, []).append(float(total) / self.window)
            self.bar.set_postfix(
                {k.removeprefix("train/"): f"{v[-1]:.3g}" for k, v in self.history.items() if k != "step"}
            )
            self.sums = {}
        if save:
            temporary = self.resume.with_suffix(".resume-part")
            trainer.save_checkpoint(temporary)
            if trainer.is_global_zero:
                os.replace(temporary, self.resume)
        self.bar.update()

    def _check(self, model: pl.LightningModule, weights: bool) -> None:
        """Stop if a loss is not finite, and before a save if a weight is not: what is saved must be good."""
        broken = [n for n, child in model.named_children() if not _finite(child)] if weights else []
        if broken:
            raise TrainingDiverged(
                f"training stopped at step {self.step}: the weights of {' and '.join(broken)} are not finite. "
                "Lower --model.lr."
            )
        for name, total in self.sums.items():
            if not torch.isfinite(total):
                broken = [n for n, child in model.named_children() if not _finite(child)]
                where = (
                    f"the weights of {' and '.join(broken)} are not finite"
                    if broken
                    else "its weights are still finite"
                )
                raise TrainingDiverged(
                    f"training stopped at step {self.step}: {name} is {float(total)}, {where}. Lower --model.lr."
                )

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close the progress bar."""
        self.bar.close()


def _finite(module: torch.nn.Module) -> bool:
    return all(bool(torch.isfinite(p).all()) for p in module.parameters())


def _resumed_step(resume: Path, run: str) -> int:
    if not resume.exists():
        return 0
    try:
        state = torch.load(resume, map_location="cpu", weights_only=True)["callbacks"]["Keeper"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"{resume} is damaged; delete it to start anew.") from error
    if state["run"] != run:
        raise ValueError(
            f"{resume} is an unfinished run with other data or settings; choose another output, or delete it."
        )
    return int(state["step"])


def _rescue(path: Path, resume: Path, model: Generator, name: str, provenance: dict[str, Any]) -> str:
    if not resume.exists():
        return "There is no earlier state to keep."
    saved = torch.load(resume, map_location="cpu", weights_only=True)
    model.cpu().load_state_dict(saved["state_dict"])
    good = path.with_suffix(".last_good")
    keeper = saved["callbacks"]["Keeper"]
    save_checkpoint(good, model, name, keeper["history"], provenance)
    return f"The state of step {keeper['step']} is kept in {good}."
