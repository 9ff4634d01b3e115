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
import pickletools
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor
from torch.nn.modules.module import register_module_buffer_registration_hook as on_buffer
from torch.nn.modules.module import register_module_parameter_registration_hook as on_parameter

from gensynth.data.files import write_bytes
from gensynth.data.names import check_class_names
from gensynth.data.plain import typed
from gensynth.generator.base import Generator
from gensynth.generator.config import SIDES
from gensynth.generator.registry import get_generator

FORMAT = "gensynth-1"
DAMAGED = (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, *(KeyError, AttributeError))
"""What torch and zipfile raise for a file that is something else."""
CALLS = ("collections OrderedDict", "torch._utils _rebuild_tensor_v2")
"""What a checkpoint may call while it is read, besides the names of storages."""
SPARE, TIMES, MODULE = 100_000_000, 4, 10_000
"""A network may take so many bytes, and so many times its weights more; each part of it counts as `MODULE` bytes."""


class Contents(TypedDict):
    """The dict in a checkpoint."""

    format: str
    generator: str
    config: dict[str, Any]
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    trained: tuple[str, ...]
    state: dict[str, Any]
    history: dict[str, list[float]]
    provenance: dict[str, Any]
    notes: NotRequired[tuple[str, ...]]


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
        model = get_generator(name, "image")(config, shape, classes)
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
        _check_archive(data)
        contents = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except DAMAGED as error:
        raise ValueError(f"{path} is not a gensynth checkpoint (only plain tensors and values are read).") from error
    found = contents.get("format") if isinstance(contents, dict) else None
    if found != FORMAT:
        raise ValueError(f"{path} has checkpoint format {found!r}; this version reads {FORMAT!r}. Train it again.")
    try:
        held: Contents = typed(Contents, contents)
        cls, classes = get_generator(held["generator"], "image"), held["classes"]
        config = config_from(cls.Config, held["config"])
        check_class_names(classes)
        c, h, w = held["shape"]
        if not (c in (1, 3) and max(h, w) <= SIDES[1]) or not set(held["trained"]) <= set(classes):
            raise ValueError(f"it has shape {held['shape']}, the classes {classes} and draws {held['trained']}.")
        weights = [tensor for tensor in held["state"].values() if isinstance(tensor, Tensor)]
        check_size(lambda: cls(config, held["shape"], classes), weights)
        model = build(held["generator"], config, held["shape"], classes, seed=0)
        try:
            model.load_state_dict(held["state"])
        except Exception as error:  # torch tells it in many lines and several types
            raise ValueError(f"its weights are not those of {held['generator']} with its settings") from error
    except (ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        said = " ".join(str(error).split())[:500].rstrip(".")
        raise ValueError(f"{path} does not fit this version of gensynth: {said}; train it again.") from error
    model.trained_labels, model.file = held["trained"], str(path)
    model.eval()
    sha256 = hashlib.sha256(data).hexdigest()
    return Checkpoint(model, held["generator"], sha256, held["history"], held["provenance"], held.get("notes", ()))


def _check_archive(data: bytes) -> None:
    """Raise ValueError unless it is what `torch.save` writes of plain tensors, which needs no more memory than `data`.

    Packed members unpack to a thousand times their size, and calls such as `bytearray(10**11)` to more, so neither is
    allowed.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if any(m.compress_type != zipfile.ZIP_STORED for m in members) or sum(m.file_size for m in members) > len(data):
            raise ValueError("its members are packed")
        for member in members:
            if member.filename.endswith(".pkl"):
                for code, called, _ in pickletools.genops(archive.read(member)):
                    if "GLOBAL" in code.name or code.name == "INST":
                        if called not in CALLS and not re.fullmatch("torch [A-Z][A-Za-z0-9]*Storage", str(called)):
                            raise ValueError(f"it calls {called}")


def check_size(make: Callable[[], object], state: Iterable[Tensor]) -> None:
    """Raise ValueError if what `make` builds is far larger than its weights, before a layer that is gets filled.

    Settings come from the same file, and a network of a width of a million fits into no memory.

    Args:
        make: Builds a network.
        state: Its weights.
    """
    left = SPARE + TIMES * sum({s.data_ptr(): s.nbytes() for s in (t.untyped_storage() for t in state)}.values())

    def count(module: object, name: str, tensor: Tensor | None) -> None:
        nonlocal left
        left -= MODULE + (0 if tensor is None else tensor.numel() * tensor.element_size())
        if left < 0:
            raise ValueError("its settings are those of a larger network than its weights.")

    hooks = [register(count) for register in (on_parameter, on_buffer)]
    try:
        with torch.random.fork_rng(devices=[]):
            make()
    finally:
        for hook in hooks:
            hook.remove()


def config_from(cls: type, values: dict[str, Any]) -> Any:
    """Build a config dataclass from plain values; ValueError names what is unknown, or no such value."""
    fields = {field.name for field in dataclasses.fields(cls)}
    if unknown := sorted(set(values) - fields):
        raise ValueError(f"unknown settings {unknown} for {cls.__name__}; known: {', '.join(sorted(fields))}.")
    return typed(cls, values)
