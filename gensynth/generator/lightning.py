"""What trains a model through PyTorch Lightning. The only place that builds a Trainer.

A model is a plain network (`gensynth.generator.learner`), so that drawing from it does not import Lightning.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, final

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from gensynth.generator.config import TrainConfig
from gensynth.generator.learner import Learner, Loop
from gensynth.generator.precision import native_precision


@final
class TrainingModule(pl.LightningModule):
    """A model as the LightningModule that a Trainer takes; the model is trained in place."""

    def __init__(self, model: Learner) -> None:
        super().__init__()
        self.model = model
        self.automatic_optimization = model.automatic_optimization

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Hand one batch to the model."""
        return self.model.training_step(batch, batch_idx)

    def configure_optimizers(self) -> Any:
        """Return the model's optimizers."""
        return self.model.configure_optimizers()

    def state_dict(self, *args: Any, **options: Any) -> Any:
        """Return the model's own state, so that a saved one does not depend on what trains it."""
        return self.model.state_dict(*args, **options)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load the model's own state."""
        return self.model.load_state_dict(state_dict, strict, assign)


def fit(model: Learner, batches: Iterable[Any], trainer: pl.Trainer, resume: Path | None = None) -> None:
    """Train a model in place.

    Args:
        model: The model.
        batches: One batch per step, as the model's `training_step` takes them.
        trainer: From `trainer_of`.
        resume: What a killed run saved, to continue from.

    Raises:
        KeyboardInterrupt: if Ctrl-C or SIGTERM ends it.
    """
    module = TrainingModule(model)
    model.loop = Loop(module.optimizers, module.manual_backward, module.log_dict)
    try:
        with warnings.catch_warnings():
            # Lightning's advice on workers and loggers does not apply to batches made from memory.
            warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
            trainer.fit(module, batches, ckpt_path=resume, weights_only=True)
    except SystemExit as error:  # what Lightning makes of Ctrl-C and of SIGTERM
        raise KeyboardInterrupt from error
    finally:
        model.loop = None


def trainer_of(config: TrainConfig, keeper: Callback) -> pl.Trainer:
    """Return Lightning's Trainer, with one callback that keeps what is to be kept."""
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
