"""Data sets of torchvision by class name, such as FashionMNIST or CIFAR10."""

from __future__ import annotations

import difflib
import inspect
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from gensynth.data.labeled import LabeledData
from gensynth.data.names import check_class_names, natural_key
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.native import Native
from gensynth.kinds.image.pixels import choose_size, digest_of, is_grey, size_notes, to_pixels
from gensynth.kinds.image.placement import PAD


def read_torchvision(
    name: str,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    memory_gb: float = 4.0,
    download: bool = False,
    part: str = "train",
    fit: str = PAD,
) -> LabeledData | None:
    """Read one part of a torchvision data set whose items are (image, class number).

    Files are looked for in the folder `$GENSYNTH_DATA`, by default `~/.cache/gensynth`.

    Args:
        name: Name of a class in `torchvision.datasets`.
        size: Side, (height, width), or None for the images' own (see `choose_size`).
        channels: 1, 3, or None for 1 if every image is grey, else 3.
        memory_gb: Most memory the images may take as uint8.
        download: Whether the files may be downloaded.
        part: `"train"` or `"test"`. A data set without official parts is `"train"` as a whole.
        fit: How images of other proportions are brought to the size (`gensynth.kinds.image.placement.place`).

    Returns:
        The data, or None where `part` is `"test"` and there is no official test part.

    Raises:
        ValueError: if there is no such data set, or it takes more than `memory_gb`.
        TypeError: if its items are not (image, class number).
        FileNotFoundError: if its files are missing and `download` is off.
    """
    dataset = _open(name, download, part)
    if dataset is None:
        return None
    n = len(dataset)
    sizes, y, grey = _looked_at(dataset, name)
    target = choose_size(sizes, size)
    c = channels or (1 if grey else 3)
    needed = n * c * target[0] * target[1] / 1e9
    if needed > memory_gb:
        raise ValueError(
            f"torchvision:{name} takes {needed:.1f} GB at {target[0]} x {target[1]} pixels, allowed are "
            f"{memory_gb:g}; set a smaller --size or a larger --memory_gb."
        )
    x = np.empty((n, c, *target), dtype=np.uint8)
    natives: list[Native] = []
    for i in tqdm(range(n), desc=f"reading {name}", disable=None):
        image = dataset[i][0]
        x[i] = to_pixels(image, target, c, fit=fit)
        natives.append(Native(digest_of(image), (image.height, image.width), fit=fit))
    if channels is None and c == 3 and (x[:, 1:] == x[:, :1]).all():
        x = np.ascontiguousarray(x[:, :1])
    classes, y, notes = _classes(getattr(dataset, "classes", None), y)
    check_class_names(classes)
    return LabeledData(
        x=Pixels(torch.from_numpy(x), tuple(natives)),
        y=y,
        classes=classes,
        ids=tuple(f"{part}/{i}" for i in range(n)),
        notes=size_notes(sizes, target, fit) + notes,
    )


def _looked_at(dataset: Any, name: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return height and width of each image, int64, shape (n, 2), its class number, int64, and whether all are grey."""
    sizes, y, grey = [], [], True
    for i in tqdm(range(len(dataset)), desc=f"checking {name}", disable=None):
        image, label = dataset[i]
        if not (isinstance(image, Image.Image) and isinstance(label, (int, np.integer))):
            raise TypeError(f"items of torchvision:{name} are not (image, class number) pairs; use another data set.")
        sizes.append((image.height, image.width))
        y.append(int(label))
        grey = grey and is_grey(image)
    return np.array(sizes, dtype=np.int64).reshape(-1, 2), np.array(y, dtype=np.int64), grey


def _open(name: str, download: bool, part: str) -> Any:
    from torchvision import datasets

    cls = vars(datasets).get(name)
    names = [n for n, member in vars(datasets).items() if inspect.isclass(member)]
    accepted = inspect.signature(cls).parameters if inspect.isclass(cls) else {}
    if "root" not in accepted or cls in (datasets.ImageFolder, datasets.DatasetFolder):
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean torchvision:{near[0]}?" if near and near[0] != name else ""
        raise ValueError(f"torchvision:{name} is not a data set that can be read by name.{hint}")
    root = Path(os.environ.get("GENSYNTH_DATA", "~/.cache/gensynth")).expanduser()
    options: dict[str, Any] = {"download": download} if "download" in accepted else {}
    if "train" in accepted:
        options["train"] = part == "train"
    elif "split" in accepted:
        options["split"] = part
    elif part == "test":
        return None
    if download:
        root.mkdir(parents=True, exist_ok=True)
    try:
        return cls(root=str(root), **options)
    except (RuntimeError, FileNotFoundError) as error:
        advice = "try again" if download else "add --download=true to fetch them, or set GENSYNTH_DATA to their folder"
        raise FileNotFoundError(
            f"the files of torchvision:{name} cannot be read from {str(root)!r} ({error}); {advice}."
        ) from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"torchvision:{name} cannot be opened by its name alone: {error}") from error


def _classes(names: list[str] | None, y: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """Return class names, labels and notes; classes are numbered where the data set does not name them."""
    if names is None:
        values = np.unique(y)
        shown = sorted(map(str, values), key=natural_key)
        return tuple(shown), np.searchsorted(values, y).astype(np.int64), ()
    # FashionMNIST has 'T-shirt/top', which cannot name a folder.
    classes = tuple(re.sub(r"[/\\]", "_", name) for name in names)
    renamed = [f"{old!r} to {new!r}" for old, new in zip(names, classes, strict=True) if old != new]
    return classes, y, (f"Classes were renamed: {', '.join(renamed)}.",) if renamed else ()
