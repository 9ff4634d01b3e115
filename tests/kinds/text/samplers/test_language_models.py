"""Language models of the user's: which folders are read, and what is said of all others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_language_models import masked, seq2seq, settings, shared_masked

from gensynth.data.labeled import LabeledData
from gensynth.kind import kinds
from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.samplers.catalog import load_sampler, made_sampler
from gensynth.kinds.text.samplers.mask import Mask

transformers = pytest.importorskip("transformers")
NAMES = ["backtranslate", "mask", "paraphrase"]


def data() -> LabeledData:
    return from_documents(["win a free prize now", "see you at home"], ["spam", "ham"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shared_masked(), tmp_path / "bert"))


def changed(folder: Path, file: str = "config.json", **entries: Any) -> None:
    path = folder / file
    path.write_text(json.dumps((json.loads(path.read_text()) if path.exists() else {}) | entries))


class TestSaved:
    def test_names_folder_and_hash_and_refuses_others(self, folder: Path, tmp_path: Path) -> None:
        sampler, file = Mask(str(folder)).fit(data()), tmp_path / "one.sampler"
        sampler.save(file)
        assert file.stat().st_size < (folder / "model.safetensors").stat().st_size
        folder.rename(tmp_path / "moved")
        with pytest.raises(FileNotFoundError, match=f"there is no folder '{folder}', which should hold the weights wi"):
            load_sampler(file)
        masked(folder, seed=1)
        with pytest.raises(
            FileNotFoundError, match=f"'{folder}' should hold the weights with sha256 .*, and holds oth"
        ):
            load_sampler(file)
        shutil.rmtree(folder)
        (tmp_path / "moved").rename(folder)
        (folder / "README.md").write_text("of no matter")
        assert load_sampler(file).sample("spam", 3, 0).x[:] == sampler.sample("spam", 3, 0).x[:]

    def test_weights_that_changed_since_are_not_loaded(self, folder: Path) -> None:
        sampler = Mask(str(folder)).fit(data())
        changed(folder, "tokenizer_config.json", more=1)
        with pytest.raises(FileNotFoundError, match="and holds others"):
            sampler.sample("spam", 1, 0)

    def test_a_folder_that_it_was_not_fitted_with_is_refused(self, folder: Path) -> None:
        sampler = Mask(str(shared_masked())).fit(data()).set_params(weights=str(folder))
        with pytest.raises(ValueError, match=f"mask was not fitted with the weights in '{folder}'; fit it again"):
            sampler.sample("spam", 1, 0)


class TestFolders:
    @pytest.mark.parametrize("name", NAMES)
    def test_has_to_be_named(self, name: str) -> None:
        sampler = made_sampler(name, None)
        with pytest.raises(ValueError, match=f"^{name} needs the folders? of .*: --settings.[a-z]+ FOLDER"):
            sampler.fit(data())
        assert not {each.name for each in kinds()["text"].tried(data())[0]} & {*NAMES}

    def test_of_other_files_is_refused(self, folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        with pytest.raises(FileNotFoundError, match=r"holds no model.safetensors; .* other formats can run code\."):
            Mask(str(folder)).fit(data())
        (folder / "config.json").unlink()
        with pytest.raises(FileNotFoundError, match="holds no config.json; give a folder of a model of language"):
            Mask(str(folder)).fit(data())

    @pytest.mark.parametrize(
        ("file", "entries"),
        [
            ("adapter_config.json", {"base_model_name_or_path": "other/model"}),
            ("config.json", {"quantization_config": {"quant_method": "bitsandbytes"}}),
        ],
    )
    def test_of_more_than_tensors_is_refused(self, folder: Path, file: str, entries: dict[str, Any]) -> None:
        changed(folder, file, **entries)
        with pytest.raises(ValueError, match="holds an adapter or a quantised model; give a folder"):
            Mask(str(folder)).fit(data())

    @pytest.mark.parametrize("kind", ["bert", "mine"])
    def test_code_in_it_is_never_run(self, folder: Path, kind: str, tmp_path: Path) -> None:
        (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Mine: pass\n")
        names = {f"Auto{what}": "mine.Mine" for what in ("Config", "ModelForMaskedLM")}
        changed(folder, model_type=kind, auto_map=names)
        changed(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["mine.Mine", "mine.Mine"]})
        try:
            Mask(str(folder)).fit(data()).sample("spam", 1, 0)
        except ValueError as error:
            assert "cannot be loaded by AutoModelForMaskedLM" in str(error)
        assert not (tmp_path / "ran").exists()

    def test_of_a_model_for_something_else_is_refused(self, folder: Path, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"cannot be loaded by AutoModelForMaskedLM \(Unrecognized configuration"):
            Mask(str(seq2seq(tmp_path / "marian"))).fit(data()).sample("spam", 1, 0)
        transformers.BertModel.from_pretrained(folder).save_pretrained(folder)
        with pytest.raises(ValueError, match=r"cannot be loaded by .* \(there are no weights cls.predictions"):
            Mask(str(folder)).fit(data()).sample("spam", 1, 0)

    def test_of_the_hub_is_downloaded_when_asked(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = list[str]()

        def snapshot_download(name: str, local_files_only: bool = False, allow_patterns: Any = None) -> str:
            if not local_files_only:
                asked.append(name)
            elif not asked:
                raise FileNotFoundError
            return str(folder)

        monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
        with pytest.raises(FileNotFoundError, match=r"OWNER/MODEL\), train with --settings.download true\."):
            Mask("me/model").fit(data())
        assert not asked
        drawn = Mask("me/model", download=True).fit(data()).sample("spam", 3, 0)
        assert asked == ["me/model"] and drawn.x[:] == Mask(str(folder)).fit(data()).sample("spam", 3, 0).x[:]

    def test_without_transformers_is_said(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gensynth.kinds.text.samplers.language_models.find_spec", lambda name: None)
        with pytest.raises(ModuleNotFoundError, match=r"mask needs transformers, .*pip install 'gensynth\[text-models"):
            Mask(str(folder)).fit(data())


@pytest.mark.parametrize("name", NAMES)
def test_leaves_the_random_state_of_torch_alone(name: str) -> None:
    before = torch.get_rng_state()
    made_sampler(name, settings(name)).fit(data()).sample("spam", 2, 0)
    assert torch.equal(torch.get_rng_state(), before)
