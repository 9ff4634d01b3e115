"""Kinds of data are found in their rooms and through entry points, and told by the names of sources."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gensynth import kind as module
from gensynth.kind import Kind, kind_of, kinds, unknown


class Points(Kind):
    """Points in the plane."""

    name, plural, noun, sources = "points", "points", "point", "a file of points ends in .xy"

    def claims(self, source: str) -> bool:
        return source.endswith(".xy")

    def samplers(self) -> tuple[str, ...]:
        return ("gauss",)

    made = read = files = load = space = classifiers = design = run_files = job = None  # nothing of it is asked here


@pytest.fixture
def with_points(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("points", f"{__name__}:Points", module.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Points)
    monkeypatch.setattr(module, "entry_points", lambda group: [point])
    monkeypatch.setattr(module, "kinds", kinds.__wrapped__)


@pytest.mark.parametrize(
    ("sources", "kind"),
    [
        (["a.csv", "out"], "table"),
        (["a/b.tsv.gz"], "table"),
        (["builtin:adult"], "table"),
        (["smote.sampler"], "table"),
        (["photos/"], "image"),
        (["x.npz"], "image"),
        (["builtin:digits"], "image"),
        (["a.jsonl", "out"], "text"),
        (["a.jsonl", "b.csv"], "text"),
        ([], "image"),
    ],
)
def test_names_tell_the_kind(sources: list[str], kind: str) -> None:
    assert kind_of(sources).name == kind


def test_two_kinds_in_one_command_are_refused() -> None:
    with pytest.raises(ValueError, match="'a.csv' is of kind table, and 'b.npz' of kind image"):
        kind_of(["a.csv", "b.npz"])


def test_where_names_do_not_tell_the_kind_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "kinds", lambda: dict(kinds()) | {"points": Points()})
    monkeypatch.setattr(Points, "claims", lambda self, source: source.endswith((".xy", ".csv")))
    with pytest.raises(ValueError, match="'a.csv' may be of kind table or points; give --kind table or --kind points"):
        kind_of(["a.csv"])
    assert kind_of(["a.csv"], "points").name == "points"
    with pytest.raises(ValueError, match=r"unknown kind 'point'; known: .* Did you mean 'points'"):
        kind_of(["a.csv"], "point")


def test_names_of_another_kind_are_told_to_be_so() -> None:
    assert (
        str(unknown("sampler", "copula", ["smote"], "image")) == "'copula' is for tables; for images there are smote."
    )
    assert "'vae' is for images" in str(unknown("sampler", "vae", ["smote"], "table"))
    assert "unknown sampler 'smot'; known: smote. Did you mean 'smote'?" in str(
        unknown("sampler", "smot", ["smote"], "image")
    )


def test_a_kind_of_another_package_is_found(with_points: None) -> None:
    assert list(module.kinds()) == ["audio", "image", "table", "text", "points"]
    assert kind_of(["a.xy"]).noun == "point"
    assert "'gauss' is for points" in str(unknown("sampler", "gauss", ["smote"], "image"))


def test_an_installed_package_brings_a_kind_a_sampler_and_a_generator(tmp_path: Path) -> None:
    package = tmp_path / "plane-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: plane\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[gensynth.kinds]\npoints = plane:Points\n"
        "[gensynth.samplers]\ndouble = plane:Double\n"
        "[gensynth.generators]\nmine = plane:Mine\n"
    )
    (tmp_path / "plane.py").write_text(
        "from gensynth.kind import Kind\n"
        "from gensynth.kinds.table.samplers.random_rows import RandomRows\n"
        "from gensynth.models.vae import VAE\n"
        "class Points(Kind):\n"
        "    name, plural, noun, sources = 'points', 'points', 'point', '.xy'\n"
        "    def claims(self, source): return source.endswith('.xy')\n"
        "    def samplers(self): return ()\n"
        "    made = read = files = load = space = classifiers = design = run_files = job = None\n"
        "Double = type('Double', (RandomRows,), {'name': 'double'})\n"
        "Mine = type('Mine', (VAE,), {})\n"
    )
    code = (
        f"import sys; sys.path.append({str(tmp_path)!r})\n"
        "from gensynth.kind import kind_of, kinds\n"
        "from gensynth.generator.registry import get_generator\n"
        "print(kind_of(['a.xy']).name, type(kinds()['table'].made('double', None)).__name__)\n"
        "print('double' in kinds()['table'].samplers(), get_generator('mine', 'image').__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["points", "Double", "True", "Mine"], done.stderr


def test_two_kinds_of_one_name_are_refused(with_points: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Points, "name", "table")
    with pytest.raises(ValueError, match="two kinds of data are called 'table'"):
        module.kinds()
