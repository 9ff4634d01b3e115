"""Real data in: from a source's name to LabeledData, whole or in parts."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import replace
from pathlib import Path

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts, split_as
from gensynth.kinds.image import builtin
from gensynth.kinds.image.arrays import from_arrays, read_npz
from gensynth.kinds.image.cache import NO_CACHE, Cache
from gensynth.kinds.image.config import DataConfig
from gensynth.kinds.image.domains import read_column, with_domains
from gensynth.kinds.image.folder import read_folder
from gensynth.kinds.image.torchvision_data import read_torchvision


def read(source: str | Path, config: DataConfig, flat: bool = False) -> LabeledData:
    """Read a source: all its images, or the training part where it has an official test part.

    Args:
        source: `builtin:NAME`, `torchvision:NAME`, an .npz file, or a folder with one sub-folder per class.
        config: How to read it.
        flat: Whether a folder without sub-folders is read too, as one class.

    Raises:
        FileNotFoundError: if there is no such source.
        ValueError: if it cannot be read, has fewer than two classes and is not `flat`, or a class has fewer than two
            images.
    """
    data = _load(source, config, flat)
    if config.domain is not None:
        data = with_domains(data, str(source), config.domain)
    if len(data.classes) < 2 and not flat:
        raise ValueError(f"source {str(source)!r} has the single class {data.classes[0]!r}; at least two are needed.")
    small = [f"{name!r} ({n})" for name, n in data.class_counts.items() if n < 2]
    if small:
        raise ValueError(
            f"classes of {str(source)!r} have too few images: {', '.join(small[:5])}; every class needs "
            "at least 2, one to learn from and one to test on."
        )
    return data


def read_parts(source: str | Path, config: DataConfig, flat: bool = False) -> Parts:
    """Read a source and split it into training, validation and test part.

    The test part is `config.test_data`, else the official test part of a torchvision data set, else a share
    of the source. `config.keep` then cuts the training part.

    Raises:
        FileNotFoundError: as `read`.
        ValueError: as `read`, `split` and `keep_only`.
    """
    return parts_of(read(source, config, flat), source, config)


def read_against(source: str, holdout: str | None, config: DataConfig) -> Parts:
    """As `gensynth.kind.Kind.against`; ValueError if an image is in both."""
    if holdout is None:
        return read_parts(source, config, flat=True)
    reference = read(source, config, flat=True)
    channels, h, w = reference.x.layout
    like = replace(config, size=(h, w), channels=1 if channels == 1 else 3, white=reference.x.white)
    fresh = read(holdout, like, flat=True)
    if both := len(set(reference.x.origins()) & set(fresh.x.origins())):
        raise ValueError(
            f"{both} images are in {holdout} and in {source}, so a generator may have seen them; leave them out of one "
            "of the two."
        )
    return Parts(reference.noting(fresh.notes, holdout), fresh, fresh.subset([]))


def parts_of(data: LabeledData, source: str | Path, config: DataConfig) -> Parts:
    """As `read_parts`, for what `read` returned of the same source and config."""
    channels, h, w = data.x.layout
    same = replace(config, size=(h, w), channels=channels, white=data.x.white)
    test = None
    if config.group is not None:
        data = replace(data, groups=read_column(data, str(source), config.group, "groups"))
    if config.test_data is not None:
        test = _load(config.test_data, same)
        if config.group is not None:
            test = replace(test, groups=read_column(test, config.test_data, config.group, "groups"))
        test = _apart(test)
    elif str(source).startswith("torchvision:"):
        test = _torchvision(str(source), same, "test")
    if test is not None:
        data = data.noting([note for note in test.notes if note not in data.notes], "test data")
    return split_as(config, data, test)


def _load(source: str | Path, config: DataConfig, flat: bool = False) -> LabeledData:
    name = str(source)
    if name.startswith("builtin:"):
        sets = dict(inspect.getmembers(builtin, inspect.isfunction))
        wanted = name.removeprefix("builtin:")
        if wanted in sets:
            x, y, classes = sets[wanted]()
            return from_arrays(x, y, classes, config.size, config.channels, fit=config.fit)
    elif name.startswith("torchvision:"):
        data = _torchvision(name, config, "train")
        assert data is not None  # only an official test part can be missing
        return data
    elif name.lower().endswith(".npz"):
        return read_npz(name, config.size, config.channels, config.memory_gb, config.white, config.fit)
    elif Path(name).is_dir():
        return read_folder(
            name,
            config.size,
            config.channels,
            config.memory_gb,
            flat=flat,
            white=config.white,
            follow_links=config.follow_links,
            cache=cache_of(config),
            fit=config.fit,
        )
    allowed = [f"builtin:{n}" for n, _ in inspect.getmembers(builtin, inspect.isfunction)]
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    wrong = "is no data set" if Path(name).exists() else "does not exist"
    raise FileNotFoundError(
        f"source {name!r} {wrong}; give a folder with one sub-folder per class, an .npz file, "
        f"{', '.join(allowed)}, or torchvision:NAME.{hint}"
    )


def cache_of(config: DataConfig) -> Cache:
    """Return where decoded images are kept."""
    return NO_CACHE if config.no_cache else Cache(Path(config.cache) if config.cache else None, config.cache_gb)


def _torchvision(source: str, config: DataConfig, part: str) -> LabeledData | None:
    name = source.removeprefix("torchvision:")
    return read_torchvision(name, config.size, config.channels, config.memory_gb, config.download, part, config.fit)


def _apart(data: LabeledData) -> LabeledData:
    """Give images of a second source ids that differ from those of the first."""
    if data.root is None:
        return replace(data, ids=tuple(f"test_data/{i}" for i in data.ids))
    return replace(data, ids=tuple(f"{data.root.name}/{i}" for i in data.ids), root=data.root.parent)
