"""`rebalance --sampler auto`, `smote` and `recipes`: what is mixed, what is said, what the test part may say."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gensynth.choose.results import load_choice
from gensynth.cli.main import main
from gensynth.evaluate.evaluate import evaluate
from gensynth.evaluate.intervals import HELPS
from gensynth.evaluate.leak import measure_leak
from gensynth.evaluate.results import load_evaluation
from gensynth.generator.config import TrainConfig
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.classifier.networks import Networks
from gensynth.kinds.image.commands import rebalance
from gensynth.kinds.image.config import ImageChooseConfig
from gensynth.kinds.image.read import DataConfig, Parts, read_parts
from gensynth.kinds.image.rebalance_config import RebalanceConfig
from gensynth.kinds.image.samplers.recipe_safety import recipe_safety
from gensynth.rebalance import rebalance as run_module
from gensynth.sampler.synthetic import Synthetic

STEPS = ["train", "sample and check", "evaluate", "mix"]
QUICK = EvaluateConfig(seeds=2, steps=10, batch_size=16)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure leak and safety on little, and choose the best sampler, however little networks have learned."""

    def simplest(keys: Any, value: Any, is_ahead: Any) -> Any:
        return max([key for key in keys if key[0]] or keys, key=value.__getitem__)

    monkeypatch.setattr("gensynth.choose.choose.simplest", simplest)
    monkeypatch.setattr(run_module, "measure_leak", partial(measure_leak, config=EvaluateConfig(seeds=2, steps=10)))
    monkeypatch.setattr(
        "gensynth.kinds.image.samplers.recipes.recipe_safety",
        partial(recipe_safety, recipes=("rotate", "brightness", "noise")),
    )


def options(few_eights: Path, out: Path, *more: object) -> list[str]:
    given = [
        "rebalance",
        few_eights,
        "--keep",
        "8=10",
        "--out",
        out,
        "--steps",
        4,
        "--batch_size",
        8,
        "--accelerator",
        "cpu",
    ]
    if "auto" in more:
        given += ["--choose.steps", 10]
    return [str(a) for a in (*given, "--evaluate.steps", 10, "--evaluate.seeds", 2, "--quiet", *more)]


def run(capsys: pytest.CaptureFixture[str], argv: list[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def utilities(out: Path) -> set[str]:
    with open(out / "dataset" / "train" / "metadata.csv", encoding="utf-8", newline="") as file:
        return {row["utility"] for row in csv.DictReader(file) if row["synthetic"] == "1"}


def test_auto_mixes_only_what_helps_unless_forced(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    few_eights: Path,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "run"
    # 8 test images of the class to fill are too few to tell.
    auto = options(few_eights, out, "--sampler", "auto", "--choose.budget", "1h")
    code, text, err = run(capsys, auto)
    assert code == 1, err
    assert "did it help: CANNOT TELL" in text and "choice: Filling with" in text
    assert "No synthetic image was added. Instead, " in text and "--force" in text and "on the test images" in text
    assert not (out / "dataset").exists()
    found = load_choice(out / "choice.json")
    assert {t.sampler for t in found.candidates} >= {"", "smote", "recipes"} and (out / "checkpoints").is_dir()
    arms = {arm["name"] for arm in json.loads((out / "evaluation.json").read_text())["arms"]}
    # The verdict is that of what was chosen, against all ways without synthetic images, tried in the choice or not.
    assert {*found.ways} <= {*EvaluateConfig.ways} and arms == {*EvaluateConfig.ways, found.arm}
    assert "was chosen on the validation images; on the test images it has" in text
    page = (out / "report.html").read_text()
    assert "How the choice was made" in page and "No synthetic image was added" in page
    assert run(capsys, ["report", str(out)])[0] == 0

    monkeypatch.setattr(Networks, "try_way", None)  # nothing is tried again
    code, text, err = run(capsys, [*auto, "--force"])
    assert code == 0, text + err
    record = json.loads((out / "run.json").read_text())
    assert [*record["seconds"]] == ["choose", *STEPS] and record["settings"]["kind"] == "image"
    assert utilities(out) == {"CANNOT TELL, forced"} and "Instead, " not in text
    page = (out / "report.html").read_text()
    assert "Instead, " not in page and "with --force, although the images were not found to help" in page


def test_auto_mixes_what_helps(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    few_eights: Path,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "gensynth.evaluate.evaluate.evaluate", lambda *a, **k: replace(evaluate(*a, **k), verdict=HELPS)
    )
    code, text, err = run(capsys, options(few_eights, tmp_path / "run", "--sampler", "auto", "--to", "15"))
    assert code == 0, err
    assert utilities(tmp_path / "run") == {HELPS}
    assert {t.to for t in load_choice(tmp_path / "run" / "choice.json").candidates} == {"", "15"}


def test_a_named_sampler_is_mixed_whatever_the_test_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, few_eights: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "run", list[Synthetic]()
    monkeypatch.setattr(
        "gensynth.evaluate.evaluate.evaluate", lambda *a, **k: seen.extend(a[1].values()) or evaluate(*a, **k)
    )
    arms = ["--evaluate.arms", "real,real + synthetic,real + ungated"]
    code, text, err = run(capsys, options(few_eights, out, "--sampler", "recipes", *arms))
    assert code == 0, text + err
    assert [arm.name for arm in load_evaluation(out / "evaluation.json").arms] == arms[1].split(",")
    accepted, ungated = seen
    assert ungated.index.tolist() == [*range(len(accepted))] != accepted.index.tolist()
    assert utilities(out) == {"CANNOT TELL"} and not (out / "checkpoints").exists()
    assert "with recipes" in (out / "report.html").read_text()
    assert run(capsys, ["report", str(out)])[0] == 0


def test_a_sampler_that_cannot_leaves_no_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (42, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "d.npz", x=x, y=np.repeat(["a", "b"], (40, 2)))
    given = ["rebalance", str(tmp_path / "d.npz"), "--out", str(tmp_path / "run"), "--quiet", "--sampler"]
    for sampler, says in (
        ("smote", "smote needs 2 images of 'b', and its training part has 1"),
        ("recipes", "'b': 1"),
        ("auto", "nothing to choose by"),
    ):
        code, _, err = run(capsys, [*given, sampler])
        assert code == 2 and says in err and "--sampler" in err, err
        assert not (tmp_path / "run").exists()


def test_other_test_images_under_the_same_path_are_another_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: Any) -> None:
        raise KeyboardInterrupt

    def write(name: str, seed: int) -> None:
        x = np.random.default_rng(seed).integers(0, 255, (60, 8, 8)).astype(np.uint8)
        np.savez(tmp_path / name, x=x, y=np.repeat(["a", "b"], (45, 15)))

    write("train.npz", 0)
    write("test.npz", 1)
    monkeypatch.setattr(run_module, "sample_and_check", stop)
    given = ["rebalance", str(tmp_path / "train.npz"), "--test_data", str(tmp_path / "test.npz"), "--sampler", "smote"]
    given += ["--out", str(tmp_path / "run"), "--quiet"]
    assert run(capsys, given)[0] == 130
    (tmp_path / "run" / "search.json").write_text("{}")  # a run in which something was made
    write("test.npz", 2)
    code, _, err = run(capsys, given)
    assert code == 2 and "other settings (other data)" in err, err
    write("test.npz", 1)
    assert run(capsys, given)[0] == 130  # the same ones go on


def test_no_time_for_any_sampler_is_an_answer(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, few_eights: Path
) -> None:
    out = tmp_path / "run"
    auto = options(few_eights, out, "--sampler", "auto", "--choose.budget", "0.001s")
    for argv in (auto, auto):
        code, text, err = run(capsys, argv)
        assert code == 1 and err.count("\n") == 1 and err.startswith("note: The training part"), err
        assert "No sampler could be tried" in text and "Instead, " in text and "longer --choose.budget" in text
    assert not (out / "dataset").exists() and not (out / "synthetic").exists()
    assert run(capsys, ["report", str(out)])[0] == 0 and "No sampler could" in (out / "report.html").read_text()


def test_the_test_part_has_no_say_in_the_choice(
    few_eights: Path, tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sealed:
        fingerprint = "by which a run knows its data"

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"the test part was asked for its {name}")

    class Chosen(Exception):
        pass

    def stop(*args: Any) -> None:
        raise Chosen

    def sealed(*args: Any) -> Parts:
        return replace(read_parts(*args), test=Sealed())  # type: ignore[arg-type]

    monkeypatch.setattr("gensynth.kinds.image.rebalance.read_parts", sealed)
    monkeypatch.setattr(run_module, "sample_and_check", stop)
    with pytest.raises(Chosen):
        rebalance(
            str(few_eights),
            out=tmp_path / "run",
            quiet=True,
            rebalance_config=RebalanceConfig(sampler="auto"),
            data_config=DataConfig(keep={"8": 10}),
            train_config=TrainConfig(steps=4, batch_size=8, accelerator="cpu"),
            model=get_generator("deformation", "image").Config(),
            choose=ImageChooseConfig(steps=10),
            evaluate=QUICK,
        )
    assert load_choice(tmp_path / "run" / "choice.json").sampler


def test_what_auto_tries_to_fill() -> None:
    counts = {"a": 60, "b": 50, "c": 10}
    auto = RebalanceConfig(sampler="auto")
    assert auto.targets(counts) == {"5x": {"c": 40}, "rare": {"c": 50}, "120": {"a": 60, "b": 70, "c": 110}}
    # Five times 20 is as far as the largest class.
    assert [*auto.targets(counts | {"c": 20})] == ["5x", "120"]
    # One generator per class would need one of the largest class, which has no class to learn from.
    assert [*replace(auto, per_class=True).targets(counts)] == ["5x", "rare"]
    for to in ("rare", "balance"):
        assert [*replace(auto, to=to).targets(counts)] == [to]
    assert RebalanceConfig().targets(counts) == {"rare": {"c": 50}}
    with pytest.raises(ValueError, match="adds nothing"):
        auto.targets({"a": 60, "b": 60})
