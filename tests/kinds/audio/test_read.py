"""Clips are read from folders: of any form, length and rate, whole or cut, with their labels and groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_sounds import RATE, sounds, tone

from gensynth.kind import kind_of, kinds
from gensynth.kinds.audio.clips import Form, View
from gensynth.kinds.audio.config import AudioConfig
from gensynth.kinds.audio.read import read_clips
from gensynth.mix.class_folders import PART_NAMES

FORMS = [
    (".wav", "WAV", "PCM_U8", 2**-7),
    (".wav", "WAV", "PCM_16", 2**-15),
    (".wav", "WAV", "PCM_24", 2**-22),
    (".wav", "WAV", "PCM_32", 2**-22),
    (".wav", "WAV", "FLOAT", 0),
    (".flac", "FLAC", "PCM_24", 2**-22),
    (".aiff", "AIFF", "PCM_16", 2**-15),
    (".ogg", "OGG", "VORBIS", 0.1),
    (".opus", "OGG", "OPUS", 0.1),
    (".mp3", "MP3", "MPEG_LAYER_III", 0.1),
]


@pytest.mark.parametrize(("ending", "container", "encoding", "off"), FORMS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_form_is_read_as_it_is(
    tmp_path: Path, ending: str, container: str, encoding: str, off: float, channels: int
) -> None:
    rng, waves = np.random.default_rng(0), []
    for label in ("rise", "fall"):
        (tmp_path / label).mkdir()
        for i in range(2):
            waves.append(tone(label, rng, 0.3, 16000, channels))
            soundfile.write(tmp_path / label / f"{i}{ending.upper()}", waves[-1], 16000, encoding, format=container)
    data = read_clips(str(tmp_path), AudioConfig())
    assert data.classes == ("fall", "rise") and data.ids[0] == f"fall/0{ending.upper()}"
    for clip, wave in zip(data.x.clips, [*waves[2:], *waves[:2]], strict=True):
        assert clip.form == Form(16000, container, encoding) and (clip.channels, clip.frames) == (channels, 4800)
        assert clip.samples is None, "it stays in its file"
        found = clip.wave()
        assert found.shape == (channels, 4800) and found.dtype == np.float32
        assert np.sqrt(np.mean((found - wave.T) ** 2)) <= off
    assert len({*data.x.hashes()}) == 4


def test_equal_waves_are_equal_in_any_lossless_form(tmp_path: Path) -> None:
    wave = (tone("rise", np.random.default_rng(0)) * 2**15).round() / 2**15
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for i, ending in enumerate((".wav", ".flac")):
            soundfile.write(tmp_path / label / f"{i}{ending}", wave if label == "a" else -wave, RATE, "PCM_16")
    soundfile.write(tmp_path / "a" / "rate.wav", wave, 2 * RATE, "PCM_16")
    hashes = read_clips(str(tmp_path), AudioConfig()).x.hashes()
    assert [hashes.count(found) for found in hashes] == [2, 2, 1, 2, 2]


def test_what_is_heard_is_the_commonest_rate_and_nearly_the_longest_clip(tmp_path: Path) -> None:
    sounds(tmp_path, 30, 8, seconds=0.2)
    sounds(tmp_path / "rise", 3, 2, rate=44100, seconds=0.5)
    data = read_clips(str(tmp_path), AudioConfig())
    assert data.x.view == View(RATE, 0.5) and len(data) == 43, "one in eight clips is long"
    assert any("38 of 8000 Hz, 5 of 44100 Hz" in note for note in data.notes)
    assert read_clips(str(tmp_path), AudioConfig(rate=16000, seconds=0.3)).x.view == View(16000, 0.3)
    other = sounds(tmp_path / "other", 4, 4, rate=96000)
    assert read_clips(str(other), AudioConfig()).x.view.rate == 32000
    assert kinds()["audio"].read_like(str(other), data, AudioConfig()).x.view == data.x.view


def test_labels_and_groups_stand_in_a_table(tmp_path: Path) -> None:
    sounds(tmp_path / "wavs" / "deep", 6, 6)
    names = [f"wavs/deep/{label}/{i}.wav" for label in ("rise", "fall") for i in range(6)]
    rows = [f"{name},{'up' if 'rise' in name else 'down'},s{i % 3}" for i, name in enumerate(names)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,way,speaker", *rows, "gone.wav,up,s0"]))
    data = read_clips(str(tmp_path), AudioConfig(target="way", group="speaker"))
    assert data.class_counts == {"down": 6, "up": 6} and set(data.groups or ()) == {"s0", "s1", "s2"}
    parts = kinds()["audio"].parts(str(tmp_path), AudioConfig(target="way", group="speaker"))
    of = [set(part.groups or ()) for part in parts.by_name.values()]
    assert not of[0] & of[2] and len(parts.test)
    with pytest.raises(ValueError, match="no column 'speker', only file_name, way, speaker"):
        read_clips(str(tmp_path), AudioConfig(target="way", group="speker"))
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,way", *[row[:-3] for row in rows[1:]]]))
    with pytest.raises(ValueError, match="1 of 12 clips have no 'way' in .*rise/0.wav"):
        read_clips(str(tmp_path), AudioConfig(target="way"))


def test_files_without_folders_have_their_labels_in_a_table(tmp_path: Path) -> None:
    """As Hugging Face's audiofolder has it."""
    rng, lines = np.random.default_rng(0), ["file_name,label"]
    for i in range(8):
        soundfile.write(tmp_path / f"{i}.flac", tone("rise", rng), RATE)
        lines.append(f"{i}.flac,{'ab'[i % 2]}")
    with pytest.raises(ValueError, match="has 8 clips directly inside but no class folders"):
        read_clips(str(tmp_path), AudioConfig())
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    assert read_clips(str(tmp_path), AudioConfig()).class_counts == {"a": 4, "b": 4}


@pytest.mark.parametrize("ending", [".wav", ".flac", ".mp3", ".ogg"])
def test_recordings_are_cut_into_windows_that_stay_together(tmp_path: Path, ending: str) -> None:
    rng, waves = np.random.default_rng(0), {}
    for label in ("rise", "fall"):
        (tmp_path / label).mkdir()
        for i in range(4):
            parts = [tone(label, rng, 0.5, 16000) for _ in range(4 if i else 1)]
            waves[f"{label}/{i}{ending}"] = wave = np.concatenate([*parts, parts[0][:3000]])
            soundfile.write(tmp_path / label / f"{i}{ending}", wave, 16000)
    data = read_clips(str(tmp_path), AudioConfig(window=0.5))
    assert data.class_counts == {"fall": 13, "rise": 13}, "a rest of less than half a window is none"
    assert data.ids[:3] == (f"fall/0{ending}@0.000s", f"fall/1{ending}@0.000s", f"fall/1{ending}@0.500s")
    assert data.groups == tuple(name.partition("@")[0] for name in data.ids)
    assert {clip.frames for clip in data.x.clips} == {8000} and not any(clip.whole for clip in data.x.clips)
    if ending in (".wav", ".flac"):
        for name, clip in zip(data.ids, data.x.clips, strict=True):
            wave = waves[name.partition("@")[0]][clip.start : clip.start + 8000]
            assert np.abs(clip.wave()[0] - wave[:, 0]).max() < 2**-14
    else:
        assert all(clip.wave().shape == (1, 8000) for clip in data.x.clips), "each is what it was when it was read"
    config = AudioConfig(window=0.5, test=0.4)
    of = [set(part.groups or ()) for part in kinds()["audio"].parts(str(tmp_path), config).by_name.values()]
    assert not of[0] & of[2]


def test_a_window_longer_than_a_file_is_the_file(tmp_path: Path) -> None:
    data = read_clips(str(sounds(tmp_path, 4, 4)), AudioConfig(window=3))
    assert all(clip.whole and not clip.start for clip in data.x.clips) and len(data) == 8


def test_a_file_that_is_another_one_by_now_is_not_taken_for_it(tmp_path: Path) -> None:
    data = read_clips(str(sounds(tmp_path, 3, 3)), AudioConfig())
    path = tmp_path / data.ids[0]
    kept = path.read_bytes()
    path.write_bytes((tmp_path / data.ids[1]).read_bytes())
    with pytest.raises(ValueError, match="can no longer be read|holds something else than when it was read"):
        data.x.clips[0].wave()
    path.unlink()
    with pytest.raises(ValueError, match="can no longer be read"):
        data.x.clips[0].wave()
    path.write_bytes(kept)
    data.x.clips[0].wave()


def test_other_files_are_counted_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    sounds(tmp_path / "data", 3, 3)
    (tmp_path / "data" / "rise" / "0.txt").write_text("what was said")
    (tmp_path / "data" / "rise" / "x.m4a").write_bytes(b"...")
    (tmp_path / "data" / "rise" / "._0.wav").write_bytes(b"of another system")
    (tmp_path / "data" / ".cache").mkdir()
    data = read_clips(str(tmp_path / "data"), AudioConfig())
    (note,) = [note for note in data.notes if note.startswith("Not read")]
    assert "2 of 5 files of 'rise' (1 .m4a, 1 .txt)" in note and "Clips are read from .wav" in note
    (tmp_path / "data" / "rise" / "out.wav").symlink_to(sounds(tmp_path / "x", 1, 1) / "fall" / "0.wav")
    with pytest.raises(ValueError, match="leads to a folder or out of"):
        read_clips(str(tmp_path / "data"), AudioConfig())
    assert len(read_clips(str(tmp_path / "data"), AudioConfig(follow_links=True))) == 7


@pytest.mark.parametrize("name", sorted(PART_NAMES))
def test_parts_are_no_classes(tmp_path: Path, name: str) -> None:
    for each in (name, "test"):
        (tmp_path / each).mkdir(exist_ok=True)
    with pytest.raises(ValueError, match="are parts"):
        read_clips(str(tmp_path), AudioConfig())


def test_a_folder_is_looked_into(tmp_path: Path) -> None:
    assert kind_of([str(sounds(tmp_path / "a", 2, 2))]).name == "audio"
    assert kind_of([str(sounds(tmp_path / "b" / "deep" / "deeper", 2, 2).parent.parent)]).name == "audio"
    (tmp_path / "a" / "rise" / "0.txt").write_text("beside it")
    assert kind_of([str(tmp_path / "a")]).name == "audio"
    for i in range(40):
        (tmp_path / "a" / "rise" / f"{i}.png").touch()
    assert kind_of([str(tmp_path / "a")]).name == "image", "a few sounds beside many pictures"
    assert kind_of([str(tmp_path / "nothing"), "x" * 5000]).name == "image"


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("rate", 100, "8000 to 192000 Hz"),
        ("seconds", 0.01, "0.05 to 60"),
        ("seconds", float("nan"), "0.05 to 60"),
        ("window", 0, "0.05 to 600"),
    ],
)
def test_settings_have_bounds(setting: str, value: float, said: str) -> None:
    with pytest.raises(ValueError, match=f"{setting} must be {said}"):
        AudioConfig(**{setting: value})  # type: ignore[arg-type]
