"""Imports go down or along the floors, no step imports a kind, no kind another, none in a circle; steps are for all."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import gensynth
from gensynth.kind import kinds

ROOT = Path(gensynth.__file__).parent
FLOORS = (
    ("data",),
    ("generator",),
    ("sampler",),
    ("fidelity",),
    ("mix", "evaluate"),
    ("choose",),
    ("report",),
    ("rebalance", "synthesize", "kinds"),
    ("cli",),
)
"""From the ground up. A file imports its own floor or lower ones."""
# Every floor may import the contract of a kind, which names types of all of them.
HEIGHT = {"kind": 0} | {folder: floor for floor, folders in enumerate(FLOORS) for folder in folders}


@cache
def imports() -> dict[str, set[str]]:
    """Return what each file imports from gensynth, wherever in the file, by dotted names without `gensynth.`.

    Imports for types alone stand in it, too: to know a type is to know its file.
    """
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    found: dict[str, set[str]] = {name: set() for name in files}
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gensynth."):
                module = str(node.module).removeprefix("gensynth.")
                inner = {f"{module}.{alias.name}" for alias in node.names} & files.keys()
                found[name] |= inner or {module}
    return found


def room(name: str) -> str:
    """Return `image` of `kinds.image.read`; "" of what is in no room, such as what all may derive from."""
    return name.split(".")[1] if name.startswith("kinds.") and name != "kinds.plain" else ""


def wrong(name: str, imported: str) -> bool:
    """Whether a file may not import another one. The contract of a kind names types of any step, and no room's."""
    above, here = (HEIGHT.get(n.split(".")[0], len(FLOORS)) for n in (imported, name))
    if imported.startswith("models"):
        return True
    if name == "kind":  # the contract names what steps take and give; every floor may import it
        return bool(room(imported))
    if room(imported):
        return room(imported) != room(name)
    return above > here and name != "kind"


def test_imports_go_down_or_along_and_no_room_knows_another() -> None:
    found = {f"{name} -> {other}" for name, names in imports().items() for other in names if wrong(name, other)}
    assert not found


def circles() -> list[list[str]]:
    """Return the groups of files that import each other, directly or not (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in imports()[name] & imports().keys():
            if other not in number:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == number[name]:
            at = stack.index(name)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for name in imports():
        if name not in number:
            visit(name)
    return sorted(group for group in found if len(group) > 1)


def test_no_imports_go_in_a_circle() -> None:
    assert circles() == []


def words(path: Path) -> set[str]:
    """Return the words of the code of a file: of its names, and of what it says, docstrings aside."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    fields = ("id", "attr", "arg", "name", "value")
    found = [str(getattr(node, field, "")) for node in nodes if id(node) not in told for field in fields]
    return set(re.findall("[a-z]+", " ".join(found).lower()))


@pytest.mark.parametrize("step", ["evaluate", "choose", "mix", "rebalance"])
def test_nothing_in_a_step_is_for_one_kind_only(step: str) -> None:
    # Every file of code reads and writes text; documents are another matter.
    of_kinds = {word for kind in kinds().values() for word in (kind.name, kind.plural)} - {"text"}
    assert not {path.name: found for path in (ROOT / step).glob("*.py") if (found := words(path) & of_kinds)}
