"""Clips come out as they came in: real files byte for byte, new ones in the form of their parents."""

from __future__ import annotations

import csv
import gc
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_sounds import RATE, sounds, tone

from gensynth.data.split import Parts
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kind import kinds
from gensynth.kinds.audio.clips import Clip, Clips, Form, View, clip_of
from gensynth.kinds.audio.config import AudioConfig
from gensynth.kinds.audio.encode import as_written, encoded, stored
from gensynth.kinds.audio.files import ClipFolders
from gensynth.kinds.audio.kept import packed, unpacked
from gensynth.kinds.audio.ogg import crc, with_serial
from gensynth.mix.mix import mix, write_synthetic
from gensynth.sampler.synthetic import Synthetic

FORMS = [
    Form(8000),
    Form(44100, "WAV", "PCM_U8"),
    Form(192000, "WAV", "PCM_24"),
    Form(16000, "WAV", "FLOAT"),
    Form(22050, "FLAC", "PCM_24"),
    Form(16000, "AIFF", "PCM_16"),
    Form(44100, "OGG", "VORBIS"),
    Form(48000, "OGG", "OPUS"),
    Form(16000, "MP3", "MPEG_LAYER_III"),
]


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def made_of(parts: Parts) -> Synthetic:
    fitted = kinds()["audio"].made("recipes", {"effects": "shift", "most": 1}).fit(parts.train)
    drawn: Synthetic = fitted.sample("fall", 6, seed=1)
    return drawn


def accepted(samples: Synthetic) -> SampleVerdicts:
    n = len(samples)
    return SampleVerdicts(np.ones(n, dtype=bool), ("",) * n, {}, ("",) * n, ("",) * n)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.format} {form.subtype}")
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_stored_is_what_the_file_holds(tmp_path: Path, form: Form, channels: int) -> None:
    wave = 3 * tone("rise", np.random.default_rng(0), 0.3, form.rate, channels).T  # louder than full scale
    clip = stored(clip_of(wave, form))
    first = encoded(wave, form)
    assert first == encoded(wave, form), "the same bytes, though Ogg streams have random numbers"
    path = tmp_path / "file"
    path.write_bytes(first)
    about = soundfile.info(path)
    assert Form(about.samplerate, about.format, about.subtype) == form and about.channels == channels
    read, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.abs(clip.wave() - read.T).max() < 1e-6 and clip.frames == wave.shape[1]
    if form.subtype.startswith("PCM"):
        assert np.abs(clip.wave()).max() <= 1 and np.array_equal(stored(clip).wave(), clip.wave())


def test_a_form_that_is_only_read_is_written_as_another() -> None:
    known = Form(16000, "MP3", "MPEG_LAYER_II")
    assert as_written(known, 1) == Form(16000, "WAV", "PCM_16") == stored(clip_of(np.zeros((1, 1600)), known)).form
    with pytest.raises(ValueError, match="MP3 files .MPEG_LAYER_II. of 16000 Hz and 1 channels cannot be written"):
        encoded(np.zeros((1, 1600), dtype=np.float32), known)


def test_the_checksum_of_ogg_pages_is_that_of_the_encoder() -> None:
    """Against the library's own: with the number that it drew, our pages are its pages."""
    file = io.BytesIO()
    soundfile.write(file, tone("rise", np.random.default_rng(0)), RATE, "VORBIS", format="OGG")
    page = bytearray(file.getvalue())
    own, end = int.from_bytes(page[22:26], "little"), 27 + page[26] + sum(page[27 : 27 + page[26]])
    page[22:26] = bytes(4)
    assert crc(bytes(page[:end])) == own != zlib.crc32(page[:end])
    assert len({with_serial(file.getvalue())[14:18], (1).to_bytes(4, "little")}) == 1
    with pytest.raises(ValueError, match="no page of an Ogg file"):
        with_serial(b"RIFF" + bytes(40))


@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg", ".mp3"])
def test_real_files_are_kept_and_new_ones_are_like_their_parents(tmp_path: Path, ending: str) -> None:
    source = sounds(tmp_path / "data", 12, 8, ending, rate=16000, channels=2)
    parts = kinds()["audio"].parts(str(source), AudioConfig())
    samples = made_of(parts)
    mix(parts, samples, accepted(samples), tmp_path / "mixed", ClipFolders())
    real, new = dict[str, int](), 0
    for part in ("train", "validation", "test"):
        listed = rows_of(tmp_path / "mixed" / part / "metadata.csv") if (tmp_path / "mixed" / part).is_dir() else []
        for row in listed:
            path = tmp_path / "mixed" / part / row["file_name"]
            about = soundfile.info(path)
            assert path.suffix == ending and path.parent.name == row["label"]
            assert (row["rate"], row["channels"]) == ("16000", "2") == (str(about.samplerate), str(about.channels))
            assert float(row["seconds"]) == pytest.approx(about.duration, abs=1e-4)
            if row["synthetic"] == "0":
                name = row["parents"].strip('[]"')
                assert path.read_bytes() == (source / name).read_bytes()
                real[name] = real.get(name, 0) + 1
            else:
                new += 1
                parent = soundfile.info(source / row["parents"].strip('[]"'))
                assert (about.format, about.subtype) == (parent.format, parent.subtype)
    assert real == {name: 1 for part in parts.by_name.values() for name in part.ids} and new == 6


def test_clips_cut_from_recordings_get_files_of_their_own(tmp_path: Path) -> None:
    source = sounds(tmp_path / "data", 6, 6, ".flac", seconds=1.1)
    parts = kinds()["audio"].parts(str(source), AudioConfig(window=0.25))
    ClipFolders().write_mixed(parts, None, [], tmp_path / "mixed")
    rows = rows_of(tmp_path / "mixed" / "train" / "metadata.csv")
    assert len(rows) == len(parts.train) and {row["seconds"] for row in rows} == {"0.2500"}
    for row, clip in zip(rows, parts.train.x.clips, strict=True):
        written, rate = soundfile.read(tmp_path / "mixed" / "train" / row["file_name"], dtype="float32")
        assert rate == RATE and np.array_equal(written, clip.wave()[0])


def test_what_is_drawn_is_read_again(tmp_path: Path) -> None:
    parts = kinds()["audio"].parts(str(sounds(tmp_path / "data", 12, 8, ".ogg")), AudioConfig())
    samples = made_of(parts)
    write_synthetic(samples, None, tmp_path / "drawn", ClipFolders())
    read, _ = ClipFolders().read(tmp_path / "drawn", parts.train)
    assert read.x.hashes() == samples.x.hashes(), "what was checked is what the files hold"
    assert (read.parents, read.how, read.sampler) == (samples.parents, samples.how, "recipes")
    assert read.x.view == parts.train.x.view
    next((tmp_path / "drawn").glob("*/*.ogg")).unlink()
    with pytest.raises(ValueError, match="lists 6 clips and the folder holds 5"):
        ClipFolders().read(tmp_path / "drawn", parts.train)


def test_samples_by_any_tool_are_read(tmp_path: Path) -> None:
    parts = kinds()["audio"].parts(str(sounds(tmp_path / "data", 12, 8)), AudioConfig())
    sounds(tmp_path / "other", 3, 2, ".flac", seed=9, rate=44100)
    read, _ = ClipFolders().read(tmp_path / "other", parts.train)
    assert read.sampler == "unknown" and len(read) == 5 and read.x.view == parts.train.x.view
    (tmp_path / "other" / "rise").rename(tmp_path / "other" / "rises")
    with pytest.raises(ValueError, match="has the classes 'rises', which the real data lack"):
        ClipFolders().read(tmp_path / "other", parts.train)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # datasets leaves metadata.csv open
def test_a_mixed_folder_is_an_audiofolder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    # It would ask for a package that decodes, which nothing does here.
    monkeypatch.setattr(datasets.Audio, "encode_example", lambda self, value: {"bytes": None, "path": value})
    parts = kinds()["audio"].parts(str(sounds(tmp_path / "data", 20, 12)), AudioConfig())
    samples = made_of(parts)
    mix(parts, samples, accepted(samples), tmp_path / "mixed", ClipFolders())
    loaded = datasets.load_dataset("audiofolder", data_dir=str(tmp_path / "mixed"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in loaded.items()} == {
        "train": len(parts.train) + 6,
        "validation": len(parts.validation),
        "test": len(parts.test),
    }
    train = loaded["train"].cast_column("audio", datasets.Audio(decode=False))
    assert all(Path(row["audio"]["path"]).parent.name == row["label"] for row in train)
    assert sum(train["synthetic"]) == 6
    gc.collect()  # here, where the warning is ignored


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    data = kinds()["audio"].read(str(sounds(tmp_path, 3, 3)), AudioConfig(window=0.1))
    new = clip_of(tone("rise", np.random.default_rng(0), channels=2).T, Form(8000, "FLAC", "PCM_24"))
    x = Clips((*data.x.clips, new), View(4000, 0.5))
    back = unpacked(packed(x))
    assert back.hashes() == x.hashes() and back.view == x.view

    def told(clip: Clip) -> tuple[object, ...]:
        return clip.form, clip.channels, clip.frames, clip.path, clip.start, clip.whole

    for one, two in zip(x.clips, back.clips, strict=True):
        assert told(one) == told(two) and np.array_equal(one.wave(), two.wave())
    array = packed(x)
    longer, other = np.append(array, np.uint8(0)), np.concatenate([array[:-4], array[-8:-4]])
    for broken in (array[:-4], longer, other, array[5:]):
        with pytest.raises(ValueError):
            unpacked(broken)
