"""A recipe says what is written in it: names stay text, numbers are numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from command_line import refused, run

from gensynth.cli.arguments import function_of, normalize, parser_of
from gensynth.cli.recipe_file import load_recipe

ODD = ["001", "1e3", "null", "~", "yes", "on", "True", "0x1f", "1_000", "12:30:00", "2020-01-01", "-1", ".5", "🐱 café"]


@pytest.mark.parametrize("name", ODD)
def test_names_are_text_as_they_are_written(name: str) -> None:
    recipe = f"label: {name}\nkeep: {{{name}: 5}}\n"
    deep = f"deep:\n- other:\n    {name}: yes\n"
    assert load_recipe(recipe + deep) == {"label": name, "keep": {name: 5}, "deep": [{"other": {name: True}}]}
    argv = ["vae", "--data", "digits", "--out", "x", "--config", recipe]
    parser, _ = parser_of(function_of("train", argv), "train", argv)
    assert (parser.parse_args(argv)["label"], parser.parse_args(argv)["keep"]) == (name, {name: 5})


def test_other_values_are_what_they_look_like() -> None:
    recipe = (
        "steps: 100\nlr: 1e-3\nhalf: .5\nendless: .inf\nflag: no\nnothing:\nlabel:\nsize: [8, 1_6]\nday: 2020-01-01"
    )
    wanted = {"steps": 100, "lr": 1e-3, "half": 0.5, "endless": float("inf"), "flag": False, "nothing": None}
    assert load_recipe(recipe) == wanted | {"label": None, "size": [8, 16], "day": "2020-01-01"}
    assert load_recipe("choose:\n  targets: [0.1, 5x, 200]") == {"choose": {"targets": ["0.1", "5x", "200"]}}
    assert load_recipe("") is None


@pytest.mark.parametrize("text", ["a: [", "!!python/object/apply:os.getcwd []"])
def test_what_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_recipe(text)


@pytest.mark.parametrize("text", ["a: *b", "a: &a {1: 2}\nb: *a", "a: &a [*a]", "[" * 60 + "]" * 60])
def test_what_would_fill_the_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a recipe m"):
        load_recipe(text)


@pytest.mark.parametrize("setting", ["test", "steps", "balance"])
def test_a_line_without_a_value_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, setting: str) -> None:
    (tmp_path / "r.yaml").write_text(f"{setting}:\nsize: null\n")
    command = ["train", "vae", "--data", "builtin:digits", "--config", tmp_path / "r.yaml", "--out", tmp_path / "out"]
    assert f"setting '{setting}' has no value" in refused(capsys, *command)


def test_a_recipe_names_classes_on_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path
) -> None:
    (tmp_path / "r.yaml").write_text(f"label: 8\nn: 2\nout: {tmp_path / 'made'}\n")
    code, _, err = run(capsys, "sample", checkpoint, "--config", tmp_path / "r.yaml")
    assert code == 0 and len(list((tmp_path / "made" / "8").glob("*.png"))) == 2, err


def test_settings_that_are_not_given_are_not_printed_as_names() -> None:
    assert normalize(["--print_config"], ()) == ["--print_config=skip_null"]
