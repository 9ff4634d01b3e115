"""Classifiers of the user's from the command line: what they see, what comes back, and what fails."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from two_kinds import drawn, shapes

from gensynth.cli.arguments import function_of, parser_of
from gensynth.evaluate.evaluate import evaluate
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.classifier.own import predictions

SCRIPT = """
import csv, sys
from pathlib import Path
train, test, out = map(Path, sys.argv[1:])
print("training on", sum(1 for _ in train.rglob("*.png")), "images")
with open(test / "metadata.csv") as file, open(out, "w") as answer:
    answer.write("file,label\\n")
    for row in csv.DictReader(file):
        rare = row["label"] == "c" and len([*(train / "c").iterdir()]) < 8
        answer.write(row["file_name"] + "," + ("a" if rare else row["label"]) + "\\n")
"""
ARMS = ("real", "oversampled", "oversampled + synthetic")


def command(folder: Path, script: str) -> str:
    path = folder / "my train.py"
    path.write_text(script)
    return f"'{sys.executable}' '{path}' {{train}} {{test}} {{out}}"


def test_a_command_is_run_once_for_each_set_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    train, test = shapes((12, 12, 4), 0), shapes((12, 12, 12), 1)
    config = EvaluateConfig(command=command(tmp_path, SCRIPT), arms=ARMS)
    found = evaluate(train, drawn(shapes((0, 0, 8), 2)), test, config, quiet=True)
    arms = {a.name: a for a in found.arms}
    assert {a.model for a in found.arms} == {"command"}
    assert [arms[name].recall["c"].value for name in ARMS] == [0, 0, 1] and found.verdict == "HELPS"
    assert arms["real"].n_train == 28 and not [*(tmp_path / "tmp").glob("gensynth-*")]
    both = EvaluateConfig(command=config.command, classifiers=("small",), arms=ARMS, seeds=2, steps=10)
    assert evaluate(train, drawn(train, "c"), test, both, quiet=True).models.count("small") == 1


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; print('no such layer'); sys.exit(3)", "ended with status 3; what it said is in .*log.txt"),
        ("pass", "wrote no {out}; what it said is in"),
        ("import sys; open(sys.argv[3], 'w').write('file,label\\nx,a\\n')", "no row for 36 of 36 test images"),
    ],
)
def test_a_command_that_fails_is_one_sentence(
    script: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    train, test = shapes((12, 12, 4), 0), shapes((12, 12, 12), 1)
    config = EvaluateConfig(command=command(tmp_path, script), arms=ARMS)
    with pytest.raises(ValueError, match=message):
        evaluate(train, drawn(train, "c"), test, config, quiet=True)
    log = next((tmp_path / "tmp").rglob("log.txt"))
    assert ("no such layer" in log.read_text()) == ("layer" in script)


def test_predictions_are_labels_or_probabilities(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("b,file,a\n3,y,1\n0,x,2\n")
    assert predictions(path, ["x", "y"], ("a", "b")) == pytest.approx(np.array([[1, 0], [0.25, 0.75]]))
    for text, message in (
        ("file,a\nx,1\n", "needs a column 'label', or one for each of the classes a, b"),
        ("file,a,b\nx,-1,2\n", "numbers of at least 0"),
        ("file,label\nx,c\n", "label 'c' is none of the classes"),
        ("file,a,b\nx,one,2\n", "could not convert"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            predictions(path, ["x"], ("a", "b"))
    with pytest.raises(ValueError, match="must name {train}, {test} and {out}"):
        EvaluateConfig(command="python train.py")


def test_a_function_is_imported_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_small_net.py").write_text(
        "from torch import nn\ndef build(channels, n):\n    return nn.Sequential(nn.Flatten(), nn.Linear(72, n))\n"
    )
    monkeypatch.chdir(tmp_path)
    path = [*sys.path]
    train, test = shapes((12, 12, 4), 0), shapes((12, 12, 12), 1)
    config = EvaluateConfig(classifier="my_small_net:build", seeds=2, steps=10, arms=ARMS)
    assert {a.model for a in evaluate(train, drawn(train, "c"), test, config, quiet=True).arms} == {"build"}
    assert sys.path == path
    with pytest.raises(ValueError, match="classifier 'my_small_net:make' cannot be imported"):
        evaluate(train, drawn(train, "c"), test, EvaluateConfig(classifier="my_small_net:make"), quiet=True)


COMMAND = "python train.py {train} {test} {out}"


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        (f"evaluate:\n  command: {COMMAND!r}", ["--config", "recipe.yaml"]),
        ("evaluate:\n  classifier: os:system", ["--config=recipe.yaml"]),
        (f"command: {COMMAND!r}", ["--evaluate", "recipe.yaml"]),
        (f"evaluate:\n  command: {COMMAND!r}", ["--evaluate.command", COMMAND + " -v", "--config", "recipe.yaml"]),
    ],
)
def test_no_file_can_name_what_runs_code(
    recipe: str, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recipe.yaml").write_text(recipe + "\n")
    argv = ["made", "--real", "photos", *options]
    parser, call = parser_of(function_of("evaluate", argv), "evaluate", argv)
    with pytest.raises(ValueError, match="runs code, so no file may name it; give it on the command line"):
        call(parser.parse_args(argv))


def test_a_command_is_taken_as_it_stands() -> None:
    argv = ["made", "--real", "photos", "--evaluate.command", COMMAND]
    parser, call = parser_of(function_of("evaluate", argv), "evaluate", argv)
    known = parser.parse_args(argv)
    assert known["evaluate"]["command"] == COMMAND
    with pytest.raises((ValueError, FileNotFoundError), match="photos"):
        call(known)
