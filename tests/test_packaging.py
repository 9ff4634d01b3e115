"""The package as it is installed, and the rule that the toolkit imports no concrete model."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = [
    *(ROOT / "gensynth").rglob("*.py"),
    *(ROOT / "models").glob("*.py"),
    *(ROOT / "tests").rglob("*.py"),
]


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_package_list_is_complete() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    inner = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "gensynth").rglob("__init__.py")}
    assert listed == inner | {"gensynth.models"}


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports(path: Path) -> None:
    names = imported(path)
    assert not any(name.split(".")[0] == "models" for name in names), "write gensynth.models, not models"
    if path.is_relative_to(ROOT / "gensynth"):
        assert not any(name.startswith("gensynth.models.") for name in names), "the toolkit imports no concrete model"


def test_a_verb_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    code = f"""
import sys
from gensynth.cli.main import VERBS, main

def run(*argv):
    try:
        main(list(argv))
    except SystemExit as stop:
        assert not stop.code, argv

run("--help")
assert not {{"torch", "numpy", "jsonargparse"}} & set(sys.modules)
from gensynth.cli.arguments import verb_of
from gensynth.kind import kinds
for verb in VERBS:
    run(verb, "--help")
    if verb != 'report' and verb_of(verb, kinds()['table']):
        run(verb, "t.csv", "--help")
assert not {{"torch", "pandas", "scipy", "sklearn", "matplotlib", "pytorch_lightning"}} & set(sys.modules)
run("explore", "t.csv", "--target", "y")
assert not {{"torch", "sklearn", "matplotlib"}} & set(sys.modules)
run("train", "smote", "--data", "t.csv", "--target", "y", "--out", ".")
run("sample", "smote.sampler", "--label", "a", "--n", "3", "--out", "rows.csv")
assert not {{"torch", "matplotlib"}} & set(sys.modules)
run("sample", {str(ROOT / "checkpoints" / "digits_vae.ckpt")!r}, "--label", "8", "--n", "2", "--out", "eights")
assert not {{"pytorch_lightning", "lightning_fabric", "torchvision", "matplotlib"}} & set(sys.modules)
"""
    rows = "".join(f"{at},{at * at % 17},{'ab'[at % 3 == 0]}\n" for at in range(30))
    (tmp_path / "t.csv").write_text(f"u,v,y\n{rows}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert not done.returncode and "rebalance" in done.stdout, done.stderr


def test_public_names_exist() -> None:
    import gensynth
    from gensynth.kinds import image, table

    for package in (gensynth, image, table):
        assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        gensynth.nonsense  # noqa: B018
