"""train: learn a generator from real data.

A run can be killed at any instant; the same command continues it and ends with the same weights. What makes that exact:
batch k and all randomness of step k are functions of (seed, k), so no random state has to be carried over, and
weights, optimizers, averages and loss curves are saved every `save_every` steps.
"""

from __future__ import annotations

import hashlib
import json
import math
import pickle
import sys
import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from tqdm import tqdm

import gensynth
from gensynth.data.files import discard, replacing
from gensynth.data.labeled import LabeledData
from gensynth.data.settings import differences
from gensynth.generator.base import Batch, Generator
from gensynth.generator.batches import Batches, Scope, in_order
from gensynth.generator.checkpoint import build, load_checkpoint, save_checkpoint
from gensynth.generator.config import TrainConfig, TrainingDiverged
from gensynth.generator.lightning import TrainingModule, fit, trainer_of
from gensynth.generator.private import PoissonBatches, PrivateGradients, check_private, ignore_expected_warnings
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.generator.scope import scope_of
from gensynth.kinds.image.generator.selection import ROUNDS, Selection
from gensynth.kinds.image.generator.source import SourceGenerator


def train(
    data: LabeledData,
    name: str,
    model_config: Any,
    config: TrainConfig,
    path: Path,
    *,
    label: str | None = None,
    source: Sequence[str] = (),
    domains: tuple[str, str] | None = None,
    init: Path | None = None,
    download: bool = False,
    quiet: bool = False,
) -> Path:
    """Train a generator and write its checkpoint. The same call continues a killed run and skips a finished one.

    Args:
        data: Real training data, and nothing else: never validation or test images.
        name: Name of the generator, such as `"vae"`.
        model_config: An instance of its `Config`.
        config: How to train.
        path: The checkpoint to write, `.ckpt`.
        label: Train on this class only; for a generator that translates, the class that source images become.
        source: Classes it is made from (`gensynth.kinds.image.generator.scope.scope_of`); empty for the nearest one.
        domains: Source and target domain, for a generator that translates; needs `data.domains`.
        init: A shared checkpoint to start from; its architecture and settings are used.
        download: Whether pretrained weights may be downloaded.
        quiet: Show no progress bar.

    Returns:
        `path`.

    Raises:
        ValueError: if the data do not suffice, or `path` holds a run with other settings.
        TrainingDiverged: if training stops being finite; the message names the network, and the last good state is
            kept as `*.last_good`.
    """
    if config.dp is not None:
        check_private(name, config, init is not None)
        config = replace(config, precision="32-true")
    wanted = scope_of(data, name, label, source, domains, shared=init is not None)
    if download and init is None:
        get_generator(name, "image").fetch(model_config)
    model, scope = _prepare(wanted, name, model_config, config, label, init)
    privacy = PrivateGradients(config, scope.data.y) if config.dp is not None else None
    if privacy is not None:
        model.learn_privately(privacy)
    provenance = _provenance(model, name, config, scope)
    provenance |= {"label": label or "", "init": hashlib.sha256(init.read_bytes()).hexdigest() if init else ""}
    provenance["source"] = ", ".join(scope.trained[1:]) if scope.target_class else " to ".join(domains or ())
    run = _Run(path, name, model, scope, config, privacy, provenance)
    if not run.is_done():
        selection = Selection(data, wanted, config.seed) if model.selects and model.config.max_sources else None
        run.finish(selection, "" if quiet else f"training {name}{f' on {label}' if label else ''}", download)
    return path


def _prepare(
    scope: Scope, name: str, model_config: Any, config: TrainConfig, label: str | None, init: Path | None
) -> tuple[Generator, Scope]:
    data = scope.data
    if init is not None:
        shared = load_checkpoint(init)
        model = shared.model
        if shared.name != name or model.shape != data.x.layout:
            raise ValueError(
                f"{init} is a {shared.name} for images of shape {model.shape}; {name} of {data.x.layout} is asked for."
            )
        if missing := [c for c in scope.trained if c not in model.classes]:
            raise ValueError(f"{init} does not know the classes {missing}; it knows {', '.join(model.classes)}.")
        model.train()
    else:
        model = build(name, model_config, data.x.layout, data.classes if label is None else scope.trained, config.seed)
    position = {data.label_of(c): model.classes.index(c) for c in data.classes if c in model.classes}
    y = np.array([position[int(label)] for label in data.y], dtype=np.int64)
    model.trained_labels = scope.trained
    if isinstance(model, SourceGenerator):
        model.target = scope.target_class
    sides = 1 if scope.target.all() else 2
    if config.batch_size % (sides * config.devices * config.num_nodes):
        raise ValueError(
            f"batch_size {config.batch_size} must be a multiple of {sides} x devices x nodes: half of every batch is "
            "from the source side."
        )
    return model, replace(scope, data=replace(data, y=y, classes=model.classes))


def _provenance(model: Generator, name: str, config: TrainConfig, scope: Scope) -> dict[str, Any]:
    """Return all that the weights depend on, beside what they are trained for."""
    provenance: dict[str, Any] = {
        "data": scope.data.fingerprint,
        "class_counts": scope.data.class_counts,
        "generator": name,
        "model": asdict(model.config),
        "train": {setting: value for setting, value in asdict(config).items() if value is not None},
        "gensynth": gensynth.__version__,
        "torch": str(torch.__version__),
    }
    if scope.data.x.white is not None:
        provenance["white"] = scope.data.x.white
    return provenance


class Keeper(Callback):
    """Saves for resuming, keeps the loss curves, shows progress, and stops a run that is no longer finite.

    Args:
        resume: The file for resuming.
        run: What it is a run of, as JSON.
        config: How it is trained.
        start: The first step.
        title: Of the progress bar; empty for none.
        selection: What keeps the best weights, if something does.
    """

    def __init__(
        self, resume: Path, run: str, config: TrainConfig, start: int, title: str, selection: Selection | None
    ) -> None:
        self.resume, self.run, self.config, self.step = resume, run, config, start
        self.title, self.selection = title, selection
        self.window = math.ceil(config.steps / 200)
        self.history: dict[str, list[float]] = {"step": []}
        self.sums: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run continues from."""
        selection = self.selection.state_dict() if self.selection is not None else {}
        kept = {name: getattr(self, name) for name in ("run", "step", "history", "sums")}
        return kept | {"selection": selection}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.history, self.sums = state["history"], state["sums"]
        if self.selection is not None:
            self.selection.load_state_dict(state["selection"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the progress bar."""
        hide = None if trainer.is_global_zero and self.title else True  # None: shown on a terminal only
        self.bar = tqdm(total=self.config.steps, initial=self.step, desc=self.title, unit="step", disable=hide)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, add up the losses, and save when it is time."""
        assert isinstance(pl_module, TrainingModule) and isinstance(pl_module.model, Generator)
        self.step += 1
        for name, value in trainer.callback_metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach()  # no .item(): it would wait for a GPU
        save = self.step % self.config.save_every == 0 and self.step < self.config.steps
        if self.step % self.window == 0 or save or self.step == self.config.steps:
            self._check(trainer, pl_module.model, weights=save or self.step == self.config.steps)
        if self.selection is not None and trainer.is_global_zero:
            if self.step % max(1, self.config.steps // ROUNDS) == 0 or self.step == self.config.steps:
                self.selection.look(pl_module.model)
        if self.step % self.window == 0:
            self.history["step"].append(float(self.step))
            means = {name: float(total) / self.window for name, total in self.sums.items()}
            scores = self.selection.scores if self.selection is not None else {}
            for name, mean in (means | scores).items():
                self.history.setdefault(name, []).append(mean)
            self.bar.set_postfix({k.rpartition("/")[2]: f"{v[-1]:.3g}" for k, v in self.history.items() if k != "step"})
            self.sums = {}
        if save:
            # All processes take part, and the first one writes.
            with replacing(self.resume) if trainer.is_global_zero else nullcontext(self.resume) as temporary:
                trainer.save_checkpoint(temporary)
        self.bar.update()

    def _check(self, trainer: pl.Trainer, model: Generator, weights: bool) -> None:
        """Stop if a loss is not finite, and before a save if a weight is not: what is saved must be good."""
        losses = [f"{name} is {float(total)}" for name, total in self.sums.items() if not torch.isfinite(total)]
        broken = [
            name
            for name, child in model.named_children()
            if (weights or losses) and not all(torch.isfinite(p).all() for p in child.parameters())
        ]
        found = losses[:1] + ([f"the weights of {' and '.join(broken)} are not finite"] if broken else [])
        # All processes stop together: one that went on alone would wait for the others for ever.
        if trainer.strategy.reduce_boolean_decision(bool(found), all=False):
            what = ", ".join(found) or "a loss of another process is not finite"
            still = ", its weights are still finite" if losses and not broken else ""
            raise TrainingDiverged(f"training stopped at step {self.step}: {what}{still}. Lower --model.lr.")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close the progress bar."""
        self.bar.close()


@dataclass(frozen=True, eq=False)
class _Run:
    """One training: what learns from what, how, and for which file."""

    path: Path
    name: str
    model: Generator
    scope: Scope
    config: TrainConfig
    privacy: PrivateGradients | None
    provenance: dict[str, Any]

    def is_done(self) -> bool:
        """Whether the checkpoint is there; ValueError if it was trained with other settings."""
        if not self.path.exists():
            return False
        if differ := differences(load_checkpoint(self.path).provenance, self._published()):
            raise ValueError(
                f"{self.path} was trained with other settings ({differ}); choose another --out, and --init {self.path} "
                "to start from it, or delete it to train anew."
            )
        return True

    def finish(self, selection: Selection | None, title: str, download: bool) -> None:
        """Train from the first step, or from where an earlier call was stopped, and write the checkpoint."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        run = json.dumps(self._all(), sort_keys=True)
        start = self._resumed_step(run)
        keeper = Keeper(self._resume, run, self.config, start, title, selection)
        trainer, model = trainer_of(self.config, keeper), self.model
        target = self.scope.target
        sources = self.scope.data if target.all() or model.remembers_all else self.scope.data.subset(~target)
        if not start:
            model.prepare(download)
        if selection is not None:
            model.remember(in_order(sources, model.device))  # the images that the selection draws are made from them
        try:
            self._fit(keeper, trainer)
        except TrainingDiverged as error:
            kept = f" {self._rescue()}" if trainer.is_global_zero else ""
            raise TrainingDiverged(f"{error}{kept}") from error
        if trainer.is_global_zero:
            model.to(trainer.strategy.root_device).eval()
            agreement = selection.restore(model) if selection is not None else 1.0
            if self.privacy is None:
                model.remember(in_order(sources, model.device))
                if isinstance(model, SourceGenerator):
                    model.locate(sources)
            notes = model.diagnose(agreement)
            save_checkpoint(self.path, model.cpu(), self.name, keeper.history, self._published(), notes)
            discard(self._resume)
            if self.privacy is not None:
                print(f"{self.path.name} is {self.privacy.bound}", file=sys.stderr)
        trainer.strategy.barrier()

    @property
    def _resume(self) -> Path:
        return self.path.with_suffix(".resume")

    def _all(self) -> dict[str, Any]:
        return self.provenance | ({"privacy": asdict(self.privacy.bound)} if self.privacy is not None else {})

    def _published(self) -> dict[str, Any]:
        # With a bound, a hash of all images would confirm a guess at the last one.
        return self._all() | ({"data": ""} if self.privacy is not None else {})

    def _resumed_step(self, run: str) -> int:
        if not self._resume.exists():
            return 0
        try:
            state = torch.load(self._resume, map_location="cpu", weights_only=True)["callbacks"]["Keeper"]
        except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
            raise ValueError(f"{self._resume} is damaged; delete it to start anew.") from error
        if differ := differences(json.loads(state["run"]), json.loads(run)):
            raise ValueError(
                f"{self._resume} is an unfinished training with other settings ({differ}); choose another --out, or "
                "delete it."
            )
        return int(state["step"])

    def _fit(self, keeper: Keeper, trainer: pl.Trainer) -> None:
        if trainer.strategy.root_device.type == "cuda":
            torch.set_float32_matmul_precision("high")  # TF32 where a product is not in bf16 anyway
        start = keeper.step
        loader: Iterable[Batch] = (
            Batches(self.scope, self.config, start, trainer)
            if self.privacy is None
            else PoissonBatches(self.scope, self.privacy.rates, self.config.steps, start)
        )
        with warnings.catch_warnings():
            if self.privacy is not None:
                ignore_expected_warnings()
            fit(self.model, loader, trainer, self._resume if start else None)

    def _rescue(self) -> str:
        if not self._resume.exists():
            return "There is no earlier state to keep."
        saved = torch.load(self._resume, map_location="cpu", weights_only=True)
        self.model.cpu().load_state_dict(saved["state_dict"])
        good = self.path.with_suffix(".last_good")
        keeper = saved["callbacks"]["Keeper"]
        save_checkpoint(good, self.model, self.name, keeper["history"], self._published())
        return f"The state of step {keeper['step']} is kept in {good}."
