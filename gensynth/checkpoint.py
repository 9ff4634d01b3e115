"""The checkpoint format: plain tensors and plain values, so that a stranger's file runs no code.

A `.ckpt` is what `torch.save` writes of one dict:

    format       "gensynth-1"
    generator    name of the model file, such as "vae"
    config       its settings, a dict of plain values
    shape        (c, h, w) of the images
    classes      names of the classes; a label is a position in this list
    trained      the classes it may draw
    state        the model's state_dict
    history      {"step": [...], "train/...": [...]}, the loss curves
    provenance   versions, data fingerprint, class counts, settings of the training run
    notes        what went wrong in the training, in sentences; may be missing
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gensynth.data.labeled import check_class_names
from gensynth.data.pixels import SIDES
from gensynth.files import write_bytes
from gensynth.generator import Generator
from gensynth.registry import get_generator

FORMAT = "gensynth-1"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained generator and where it came from.

    Attributes:
        model: The generator, in eval mode, on the CPU.
        name: Name of its model file, such as `"vae"`.
        sha256: Hash of the checkpoint file.
        history: Loss curves by name, and `"step"`.
        provenance: Versions, data and settings of the training run.
        notes: What went wrong in the training, in sentences.
    """

    model: Generator
    name: str
    sha256: str
    history: dict[str, list[float]]
    provenance: dict[str, Any]
    notes: tuple[str, ...] = ()


def build(name: str, config: Any, shape: tuple[int, int, int], classes: tuple[str, ...], seed: int) -> Generator:
    """Build a generator with weights drawn from `seed`, leaving the global random state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = get_generator(name)(config, shape, classes)
    return model.to(memory_format=torch.channels_last)


def save_checkpoint(
    path: Path,
    model: Generator,
    name: str,
    history: dict[str, list[float]],
    provenance: dict[str, Any],
    notes: Sequence[str] = (),
) -> None:
    """Write a checkpoint; the file appears whole or not at all, and equal contents give equal bytes."""
    buffer = io.BytesIO()
    contents = {
        "format": FORMAT,
        "generator": name,
        "config": dataclasses.asdict(model.config),
        "shape": list(model.shape),
        "classes": list(model.classes),
        "trained": list(model.trained_labels),
        "state": model.state_dict(),
        "history": history,
        "provenance": provenance,
        "notes": list(notes),
    }
    torch.save(contents, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Nothing in the file is executed.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a gensynth checkpoint, or one of another version.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; train one with 'gensynth train', or check the path.")
    data = path.read_bytes()
    try:
        contents = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is not a gensynth checkpoint (only plain tensors and values are read).") from error
    found = contents.get("format") if isinstance(contents, dict) else None
    if found != FORMAT:
        raise ValueError(f"{path} has checkpoint format {found!r}; this version reads {FORMAT!r}. Train it again.")
    try:
        config = config_from(get_generator(contents["generator"]).Config, contents["config"])
        classes = tuple(str(c) for c in contents["classes"])
        check_class_names(classes)
        c, h, w = contents["shape"]
        if not (c in (1, 3) and max(h, w) <= SIDES[1]) or not set(contents["trained"]) <= set(classes):
            raise ValueError(f"{path} is not a gensynth checkpoint (shape {contents['shape']}, classes {classes}).")
        model = build(contents["generator"], config, tuple(contents["shape"]), classes, seed=0)
        model.load_state_dict(contents["state"])
        model.trained_labels = tuple(str(c) for c in contents["trained"])
    except (KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise ValueError(f"{path} does not fit this version's {contents.get('generator')!r}: {error}") from error
    model.eval()
    sha256 = hashlib.sha256(data).hexdigest()
    notes = tuple(str(note) for note in contents.get("notes", ()))
    return Checkpoint(model, contents["generator"], sha256, contents["history"], contents["provenance"], notes)


def config_from(cls: type, values: dict[str, Any]) -> Any:
    """Build a config dataclass from plain values; ValueError names unknown keys."""
    fields = {field.name for field in dataclasses.fields(cls)}
    if unknown := sorted(set(values) - fields):
        raise ValueError(f"unknown settings {unknown} for {cls.__name__}; known: {', '.join(sorted(fields))}.")
    return cls(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})
