"""What `gensynth sample` has drawn before, as its metadata say: the same command finds its own work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from gensynth.data.cells import Cells
from gensynth.data.settings import differences
from gensynth.mix.files import Files
from gensynth.mix.manifest import SOURCE, is_manifest
from gensynth.sampler.synthetic import Synthetic


def is_drawn(out: Path, files: Files, firsts: Sequence[Synthetic], n: int, others: int = 0) -> bool:
    """Return whether what is asked for was drawn already.

    Args:
        out: What the samples are written to, whole or not at all.
        files: How they are written.
        firsts: The first sample of the label that is asked for, then that of each other class.
        n: How many of the label are asked for.
        others: How many of each other class.

    Raises:
        ValueError: if other samples, or something else, are there.
    """
    if not out.exists():
        return False
    metadata = files.manifest_of(out)
    if not is_manifest(metadata):
        raise ValueError(f"{out} exists; choose another --out, or remove it.")
    asked = firsts[0]
    here = {
        "label": asked.classes[asked.y[0]],
        "n": n,
        "others": others,
        "seed": str(asked.seed),
        "start": int(asked.index[0]),
        "draw": _listed(first.how[0] for first in firsts),
        "checkpoint": _listed(first.checkpoint_sha256[0] for first in firsts),
    }
    cells = Cells.read(metadata, SOURCE)
    counts = Counter(cells.texts("label"))
    label = here["label"] if here["label"] in counts else next(iter(counts), "")
    there = {
        "label": label,
        "n": counts.pop(label, 0),
        "others": max(counts.values(), default=0),
        "seed": _listed(cells.texts("seed")),
        "start": min(cells.numbers("index"), default=0),
        "draw": _listed(cells.texts("how")),
        "checkpoint": _listed(cells.texts("checkpoint_sha256")),
    }
    if differ := differences(there, here):
        raise ValueError(f"{out} holds other samples ({differ}); choose another --out, or remove it.")
    return True


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))
