"""Scope: which images a training learns from, and what it is to draw afterwards.

A conditional generator learns every class it is shown. One that is not is trained for one target: a class, out of
images of other classes, or a domain (a scanner, night) out of another domain of the same classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.data.words import counted
from gensynth.generator.batches import Scope
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.features.embedding import Embedding


def scope_of(
    data: LabeledData,
    name: str,
    label: str | None = None,
    source: Sequence[str] = (),
    domains: tuple[str, str] | None = None,
    shared: bool = False,
) -> Scope:
    """Return what a training would learn from.

    Args:
        data: Real training data.
        name: Name of the generator.
        label: The class to learn alone, or the target; None for all classes.
        source: Classes whose images become `label`; empty for the nearest class (`nearest_class`).
        domains: Source and target domain, for a generator that translates; the classes stay what they are.
        shared: Whether it starts from a shared checkpoint.

    Raises:
        ValueError: if a class or domain is unknown or has too few images, or the generator needs or forbids a source.
    """
    cls = get_generator(name, "image")
    if label is not None:
        data.label_of(label)
    if cls.conditional:
        if source or domains:
            raise ValueError(f"{name} learns every class from its own images; leave out source and domains.")
        return _every_class(data, name, label, shared)
    if domains is not None:
        if source:
            raise ValueError("source classes and domains exclude each other: domains translate within a class.")
        if not cls.directions:
            raise ValueError(f"{name} does not translate from one domain to another; leave them out, or take cyclegan.")
        return _domains(data, name, label, domains)
    if label is None:
        raise ValueError(f"{name} is trained for one class: give --label, or --per-class for one model per class.")
    return _classes(data, name, label, source)


def _every_class(data: LabeledData, name: str, label: str | None, shared: bool) -> Scope:
    counts = data.class_counts
    trained = (label,) if label is not None else tuple(c for c in data.classes if counts[c])
    least = get_generator(name, "image").min_images_alone if label is not None and not shared else 1
    for c in trained:
        if counts[c] < least:
            raise ValueError(
                f"{name} cannot learn class {c!r} alone from {counts[c]} images (at least {least}); what works: one "
                f"model for all classes (leave out --per-class and --label), --init with a shared one, or the vae."
            )
    rows = np.flatnonzero(np.isin(data.y, [data.label_of(c) for c in trained]))
    return Scope(data.subset(rows), np.ones(len(rows), dtype=bool), trained)


def _classes(data: LabeledData, name: str, label: str, source: Sequence[str]) -> Scope:
    least = get_generator(name, "image").min_images_alone
    chosen = tuple(dict.fromkeys(source)) or (nearest_class(data, label),)
    if label in chosen:
        raise ValueError(f"class {label!r} cannot be its own source; name other classes in --source.")
    for side, names in (("class", (label,)), ("source", chosen)):
        n = int(np.isin(data.y, [data.label_of(c) for c in names]).sum())
        if n < least:
            raise ValueError(
                f"{name} needs at least {least} images of {side} {', '.join(map(repr, names))}, got {n}; the vae works "
                "with fewer."
            )
    rows = np.flatnonzero(np.isin(data.y, [data.label_of(c) for c in (label, *chosen)]))
    return Scope(data.subset(rows), data.y[rows] == data.label_of(label), (label, *chosen), label)


def _domains(data: LabeledData, name: str, label: str | None, domains: tuple[str, str]) -> Scope:
    least = get_generator(name, "image").min_images_alone
    if data.domains is None:
        raise ValueError(
            "the data name no domains; give --domain COLUMN, a column of the folder's metadata.csv or an array of the "
            ".npz file."
        )
    if domains[0] == domains[1]:
        raise ValueError(f"source and target domain are both {domains[0]!r}; give two different ones.")
    found = np.array(data.domains)
    wanted = np.isin(found, domains) & ((data.y == data.label_of(label)) if label is not None else True)
    for domain in domains:
        n = int((wanted & (found == domain)).sum())
        if n < least:
            known = ", ".join(f"{d!r} ({int((found == d).sum())})" for d in np.unique(found))
            raise ValueError(
                f"{name} needs at least {least} images of domain {domain!r}"
                + (f" in class {label!r}" if label is not None else "")
                + f", got {n}; the training part has {known}."
            )
    rows = np.flatnonzero(wanted)
    data = data.subset(rows)
    target = found[rows] == domains[1]
    trained = tuple(c for c in data.classes if (~target & (data.y == data.label_of(c))).any())
    return Scope(data, target, trained)


def nearest_class(data: LabeledData, label: str) -> str:
    """Return the class with more images than `label` whose mean lies nearest in the checker's feature space.

    Raises:
        ValueError: if no class has more images.
    """
    counts, mine = data.class_counts, data.label_of(label)
    larger = [data.label_of(c) for c in data.classes if counts[c] > counts[label]]
    if not counts[label] or not larger:
        raise ValueError(
            f"class {label!r} has {counted(counts[label], 'image')} and no class has more to make images from; name "
            "the source classes in --source."
        )
    features = Embedding.fit(data.x)(data.x)
    mean = {c: features[data.y == c].mean(axis=0) for c in (mine, *larger)}
    return data.classes[min(larger, key=lambda c: float(np.linalg.norm(mean[c] - mean[mine])))]


def named(text: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the class names in `text`, separated by commas; none for `auto`, unless a class is called so."""
    if text in classes:
        return (text,)
    return () if text == "auto" else tuple(name.strip() for name in text.split(","))
