"""The notebooks: clean as committed, and their cells run from top to bottom in a tiny setting."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TINY = {
    "GENSYNTH_STEPS": "20",
    "GENSYNTH_EVALUATE_STEPS": "10",
    "GENSYNTH_ROWS": "800",
    "GENSYNTH_MESSAGES": str(FOLDER / "sms_spam.csv.gz"),
}


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TINY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    names: dict[str, object] = {"__name__": "__main__"}
    cells = nbformat.read(path, as_version=4).cells
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a person would be shown does not stop a notebook
        for at, cell in enumerate(cells):
            if cell.cell_type == "code":  # plain Python, so no kernel, which would import everything again, is needed
                exec(compile(cell.source, f"{path.name}, cell {at}", "exec"), names)
    plt.close("all")
    assert not list(tmp_path.iterdir()), "a notebook writes to its temporary folder only"
