"""What is in a data set, before anything is made from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.data.words import counted
from gensynth.evaluate.cues import comparable, cue
from gensynth.fidelity.label_safety import held_out_of
from gensynth.kinds.image.domains import possible_groups

FEWEST_FOR_GAN = 20
"""Training images of a class below which a GAN for this class alone is refused."""

FEWEST_FOR_VERDICT = 10
"""Training images of a class below which the fidelity checker gives no verdict."""


@dataclass(frozen=True)
class Exploration:
    """What was found in a data set.

    Attributes:
        class_counts: Images by class, in label order.
        imbalance: Images of the largest class over those of the smallest; at least 1.
        shape: Shape (c, h, w) of the images as read.
        sizes: Number of images by `"height x width"` before resizing, the most common first.
        brightness: Mean brightness by class, in [0, 1].
        copies: Groups of ids with the same pixels and the same label.
        conflicts: Groups of ids with the same pixels and different labels.
        blank: Ids of images in which all pixels are equal.
        cues: How well one plain property alone tells the classes apart: out-of-fold balanced accuracy of a
            small decision tree, in [0, 1]. Classes with fewer than 5 distinct images are left out; empty
            where fewer than two are left.
        chance: The balanced accuracy of guessing among the classes that `cues` compares.
        possible_groups: Columns of metadata.csv that could be groups, with their numbers of values.
        notes: What the reader changed.
        advice: What to do about all this, in sentences.
    """

    class_counts: dict[str, int]
    imbalance: float
    shape: tuple[int, int, int]
    sizes: dict[str, int]
    brightness: dict[str, float]
    copies: tuple[tuple[str, ...], ...]
    conflicts: tuple[tuple[str, ...], ...]
    blank: tuple[str, ...]
    cues: dict[str, float]
    chance: float
    possible_groups: dict[str, int]
    notes: tuple[str, ...]
    advice: tuple[str, ...]

    def as_text(self) -> str:
        """Return all of it as lines of plain text."""
        c, h, w = self.shape
        width = max(map(len, self.class_counts))
        lines = [
            f"{sum(self.class_counts.values())} images, {c} x {h} x {w} (channels x height x width), "
            f"{len(self.class_counts)} classes, imbalance {self.imbalance:.1f} : 1",
            "",
            f"{'class':<{width}}  images  brightness",
        ]
        lines += [f"{k:<{width}}  {n:6d}  {self.brightness[k]:10.2f}" for k, n in self.class_counts.items()]
        lines += [
            "",
            "sizes before reading: " + ", ".join(f"{k} ({n})" for k, n in [*self.sizes.items()][:5]),
        ]
        lines += [f"{k} alone: balanced accuracy {v:.2f}, chance {self.chance:.2f}" for k, v in self.cues.items()]
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"advice: {advice}" for advice in self.advice]
        return "\n".join(lines)


def explore(data: LabeledData, seed: int = 0) -> Exploration:
    """Describe a data set and say what its classes allow.

    Args:
        data: At least one image of every class; best the training part.
        seed: Non-negative int that chooses the folds behind `cues`.

    Raises:
        ValueError: if a class has no images.
    """
    counts = data.class_counts
    empty = [name for name, n in counts.items() if n == 0]
    if empty:
        raise ValueError(f"classes {', '.join(map(repr, empty))} have no images; nothing can be said of them.")
    brightness, contrast, saturation, blank = _properties(data)
    hashes = data.x.hashes()
    groups: dict[bytes, list[int]] = defaultdict(list)
    for row, content in enumerate(hashes):
        groups[content].append(row)
    copies = [rows for rows in groups.values() if len(rows) > 1]
    sizes = Counter(f"{h} x {w}" for h, w in data.x.sizes)
    properties = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    properties["size"] = data.x.sizes.astype(np.float32)
    first = np.array([rows[0] for rows in groups.values()])  # a copy in another fold would give the answer away
    cues, chance = _cues({k: v[first] for k, v in properties.items()}, data.y[first], seed)
    domains = ", ".join(f"{name!r} ({n})" for name, n in Counter(data.domains or ()).most_common())
    found = Exploration(
        class_counts=counts,
        imbalance=max(counts.values()) / min(counts.values()),
        shape=data.x.layout,
        sizes=dict(sizes.most_common()),
        brightness={name: float(brightness[data.y == i].mean()) for i, name in enumerate(data.classes)},
        copies=tuple(tuple(data.ids[i] for i in rows) for rows in copies if len({*data.y[rows]}) == 1),
        conflicts=tuple(tuple(data.ids[i] for i in rows) for rows in copies if len({*data.y[rows]}) > 1),
        blank=tuple(data.ids[i] for i in np.flatnonzero(blank)),
        cues=cues,
        chance=chance,
        possible_groups={} if data.groups is not None else possible_groups(data),
        notes=data.notes + ((f"Domains: {domains}.",) if domains else ()),
        advice=(),
    )
    return replace(found, advice=tuple(_advice(found)))


def explore_recipes(parts: Parts) -> tuple[dict[str, Any], str]:
    """Measure which recipes keep images in their class; return it as plain values, and as text.

    Where that cannot be measured, the values are None and the text says why.
    """
    from gensynth.kinds.image.samplers.recipe_safety import (
        recipe_safety,  # with torchvision, which takes seconds to import
    )

    try:
        found = recipe_safety(parts.train, held_out_of(parts))
    except ValueError as error:
        return {"recipes": None, "why_no_recipes": str(error)}, f"note: recipes cannot be measured: {error}"
    return {"recipes": asdict(found)}, found.as_text("image")


def _properties(data: LabeledData) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return brightness, contrast and saturation, in [0, 1], and blankness of every image, shape (n,)."""
    rows = []
    for start in range(0, len(data), 1024):
        x = data.x[torch.arange(start, min(start + 1024, len(data)))]
        z = x.float() / 255
        spread = (z.amax(dim=1) - z.amin(dim=1)).mean(dim=(1, 2))
        flat = x.flatten(2)
        blank = (flat.amax(dim=2) == flat.amin(dim=2)).all(dim=1)
        rows.append(torch.stack([z.mean(dim=(1, 2, 3)), z.std(dim=(1, 2, 3)), spread, blank.float()]))
    brightness, contrast, saturation, blank = torch.cat(rows, dim=1).numpy()
    return brightness, contrast, saturation, blank > 0


def _cues(properties: dict[str, np.ndarray], y: np.ndarray, seed: int) -> tuple[dict[str, float], float]:
    enough = comparable(y)
    if len(enough) < 2:
        return {}, 0.0
    cues = {name: cue(values, y, seed) for name, values in properties.items()}
    return {name: told for name, told in cues.items() if told is not None}, 1 / len(enough)


def _advice(found: Exploration) -> list[str]:
    counts = found.class_counts
    largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    top, n = counts[largest], counts[smallest]
    rare = sorted((name for name in counts if counts[name] < top / 2), key=counts.__getitem__)
    advice = []
    if rare:
        shown = ", ".join(f"{name!r} ({counts[name]})" for name in rare[:10]) + (", ..." if len(rare) > 10 else "")
        advice.append(f"Rare classes, with fewer than half the images of {largest!r} ({top}): {shown}.")
    lack = sum(top - count for count in counts.values())
    if lack:
        advice.append(f"A balanced set lacks {counted(lack, 'image')}, {top - n} of them of {smallest!r}.")
    else:
        advice.append("All classes have the same number of images; synthetic ones can only add variety.")
    if n < FEWEST_FOR_GAN:
        advice.append(
            f"{smallest!r} has {counted(n, 'image')}: a GAN for this class alone is refused below {FEWEST_FOR_GAN}; "
            "a conditional VAE trained on all classes works."
        )
    else:
        advice.append(f"{smallest!r} has {counted(n, 'image')}: every generator can serve it, a conditional one best.")
    if n < FEWEST_FOR_VERDICT:
        few = [name for name in counts if counts[name] < FEWEST_FOR_VERDICT]
        advice.append(
            f"No fidelity verdict is possible below {FEWEST_FOR_VERDICT} real images: "
            f"{', '.join(map(repr, few[:10]))}{', ...' if len(few) > 10 else ''}."
        )
    if found.conflicts:
        advice.append(
            f"{counted(len(found.conflicts), 'group')} of exact copies with different labels, such as "
            f"{', '.join(found.conflicts[0][:3])}: correct their labels first."
        )
    if found.copies:
        surplus = sum(len(group) - 1 for group in found.copies)
        copies = counted(surplus, "image is an exact copy", "images are exact copies")
        advice.append(f"{copies} of others of their class: they add no information.")
    if found.blank:
        advice.append(f"{counted(len(found.blank), 'blank image')}, such as {found.blank[0]}: look at them.")
    for name, values in found.possible_groups.items():
        advice.append(
            f"Column {name!r} of metadata.csv has {values} values for {sum(counts.values())} images: if these are "
            f"patients, devices or source pictures, give --group {name}, so that none of them is in two parts."
        )
    for name, accuracy in found.cues.items():
        # Half of the way from guessing to certainty: far outside what a fold's noise gives.
        if accuracy > (1 + found.chance) / 2:
            advice.append(
                f"The {name} alone tells the classes apart (balanced accuracy {accuracy:.2f}, chance "
                f"{found.chance:.2f}): a classifier may learn this and not the subject."
            )
    return advice
