"""The documentation keeps its word: commands parse, make targets and files exist, every setting has help."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from gensynth.cli.arguments import function_of, parser_of, verb_of
from gensynth.cli.main import VERBS
from gensynth.generator.registry import generator_names, get_generator
from gensynth.kind import kinds
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.generator.train import TrainConfig
from gensynth.kinds.image.read import DataConfig
from gensynth.kinds.image.rebalance_config import RebalanceConfig

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
RECIPES = sorted((ROOT / "configs").glob("*.yaml"))
FENCE = re.compile(r"^( *)```([a-z]*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")


def gensynth_commands(shell: str) -> Iterator[list[str]]:
    """Yield the arguments of each `gensynth VERB ...`, also behind a path or `torchrun ... -m`."""
    for line in shell.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        at = next((i for i, word in enumerate(words) if Path(word).name == "gensynth"), len(words))
        argv = words[at + 1 :]
        if argv and argv[0].isalpha() and "--help" not in argv:
            yield argv


def fenced_shell(page: Path) -> str:
    blocks = FENCE.findall(page.read_text(encoding="utf-8"))
    return "\n".join(body for _, language, body in blocks if language in ("", "sh", "bash"))


def spans_of(page: Path) -> list[str]:
    """Code inside running text."""
    return SPAN.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


def first_line(recipe: Path) -> str:
    return recipe.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#")


COMMANDS = [(page.name, argv) for page in PAGES for argv in gensynth_commands(fenced_shell(page))]
COMMANDS += [(recipe.name, argv) for recipe in RECIPES for argv in gensynth_commands(first_line(recipe))]
MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS += [("Makefile", argv) for argv in gensynth_commands(MAKEFILE)]


@pytest.mark.parametrize(("where", "argv"), COMMANDS, ids=[f"{w}: {shlex.join(a)}" for w, a in COMMANDS])
def test_command_is_understood(where: str, argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # recipes are named from here
    verb, *rest = argv
    assert verb in VERBS

    @functools.wraps(function_of(verb, rest))
    def understood(**values: object) -> int:
        return 0  # nothing is run, but the settings have been checked

    parser, call = parser_of(understood, verb, rest)
    assert call(parser.parse_args(rest)) == 0


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda p: p.name)
def test_recipe_begins_with_its_command(recipe: Path) -> None:
    (argv,) = gensynth_commands(first_line(recipe))
    assert argv[argv.index("--config") + 1] == f"configs/{recipe.name}"


def test_readme_shows_every_verb() -> None:
    assert {argv[0] for where, argv in COMMANDS if where == "README.md"} == set(VERBS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE))
    code = "\n".join([fenced_shell(page), *spans_of(page)])
    assert set(re.findall(r"(?:^|&& )make ([a-z][\w-]*)", code, re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_linked_files_exist(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)\s]+)", text)
    files = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:", link)]
    assert [file for file in files if not (page.parent / file).exists()] == []


def test_files_named_in_the_readme_exist() -> None:
    spans = spans_of(ROOT / "README.md")
    named = [span for span in spans if re.fullmatch(r"(docs|gensynth|models|notebooks|benchmarks|tests)/[\w./]+", span)]
    assert named and [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("generator", generator_names("image"))
def test_every_setting_has_help(generator: str) -> None:
    parser, _ = parser_of(function_of("rebalance", []), "rebalance", ["--generator", generator])
    help_of = {action.dest: action.help for action in parser._actions}
    configs = {
        "": (DataConfig, TrainConfig, RebalanceConfig),
        "model.": (get_generator(generator, "image").Config,),
        "evaluate.": (EvaluateConfig,),
    }
    names = [prefix + f.name for prefix, kinds in configs.items() for kind in kinds for f in dataclasses.fields(kind)]
    assert [name for name in names if not help_of[name]] == []


@pytest.mark.parametrize("kind", sorted(kinds()))
@pytest.mark.parametrize("verb", VERBS)
def test_every_argument_of_a_verb_has_help(verb: str, kind: str) -> None:
    function = verb_of(verb, kinds()[kind])
    if function is None:
        assert verb in ("translate", "stylize")
        return
    parser, _ = parser_of(function, verb, [])
    assert [action.dest for action in parser._actions if not action.help] == []


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On tiny data, block after block; what the blocks take as given stands here."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, n, mean in (("fine", 40, 60), ("defect", 20, 160)):
        folder = Path("photos") / name
        folder.mkdir(parents=True)
        for i in range(n):
            Image.fromarray(rng.normal(mean, 30, (32, 32)).clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
    shutil.copytree("photos", "runs/photos/dataset/train")
    given: dict[str, object] = {
        "X": pd.DataFrame({"u": rng.normal(size=60), "v": rng.normal(size=60)}),
        "y": np.arange(60) % 6 == 0,
        "texts": [f"document {i} of {word}" for i in range(6) for word in ("spam today", "ham tomorrow")],
        "labels": ["spam", "ham"] * 6,
        "my_network": torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten()),
        "torchvision": importlib.import_module("torchvision"),
        "datasets": SimpleNamespace(load_dataset=lambda name, data_dir: Path(data_dir).exists()),
    }
    blocks = [body for _, language, body in FENCE.findall((ROOT / "README.md").read_text()) if language == "python"]
    assert len(blocks) >= 4
    for block in blocks:
        exec(block.replace("steps=2000", "steps=2").replace("n=500", "n=12").replace("size=224", "size=32"), given)
    assert "good" in given
