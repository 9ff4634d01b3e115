"""Hostile and broken sounds on the command line: each is carried through unharmed, or refused in a sentence."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from command_line import refused, run
from made_sounds import RATE, sounds, tone

TONE = tone("rise", np.random.default_rng(9))


def wav(n: int = 2000, rate: int = RATE, channels: int = 1, announced: int | None = None) -> bytes:
    """Return a WAV file whose head says what it likes."""
    samples = np.random.default_rng(0).integers(-9000, 9000, n * channels, dtype="<i2").tobytes()
    size = len(samples) if announced is None else announced
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, 2 * channels * rate % 2**32, 2 * channels, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", 36 + size & 0xFFFFFFFF, b"WAVE")
        + form
        + struct.pack("<4sI", b"data", size)
        + samples
    )


def coded(path: Path, wave: np.ndarray, encoding: str, rate: int = RATE, container: str | None = None) -> bytes:
    soundfile.write(path, wave, rate, encoding, format=container)
    return path.read_bytes()


def cut(path: Path, encoding: str, container: str | None = None) -> bytes:
    content = coded(path, np.tile(TONE, (20, 1)), encoding, container=container)
    return content[: len(content) // 2]


def with_one(value: float) -> np.ndarray:
    wave = TONE.copy()
    wave[77] = value
    return wave


FILES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda path: b"", "it is empty"),
    "text": (lambda path: b"no sound, but text\n" * 50, "no sound that can be read"),
    "zeros": (lambda path: bytes(5000), "no sound that can be read"),
    "page": (lambda path: b"<html><body>404 Not Found</body></html>", "no sound that can be read"),
    "head alone": (lambda path: wav()[:44], "it lasts 0 ms"),
    "half a head": (lambda path: wav()[:20], "no sound that can be read"),
    "0 Hz": (lambda path: wav(rate=0), "no sound that can be read"),
    "2 GHz": (lambda path: wav(rate=2**31 - 1), "it has 2147483647 samples per second, and 8000 to 192000 are read"),
    "100 Hz": (lambda path: wav(rate=100), "it has 100 samples per second"),
    "no channel": (lambda path: wav(channels=0), "no sound that can be read"),
    "64 channels": (lambda path: wav(channels=64), "it has 64 channels, and at most 16 are read"),
    "short": (lambda path: wav(399), "it lasts 49.88 ms, and a clip needs 50 ms"),
    "one sample": (lambda path: wav(1), "it lasts 0.125 ms, and a clip needs 50 ms"),
    "cut wav": (lambda path: wav(announced=40000), "it is cut off: 4000 of 40000 bytes"),
    "cut aiff": (lambda path: cut(path, "PCM_16", "AIFF"), "it is cut off"),
    "cut flac": (lambda path: cut(path, "PCM_16", "FLAC"), "cannot be read"),
    "cut ogg": (lambda path: cut(path, "VORBIS", "OGG"), "it is cut off"),
    "not a number": (lambda path: coded(path, with_one(np.nan), "FLOAT"), "1 sample is not a finite number"),
    "infinite": (lambda path: coded(path, with_one(-np.inf), "DOUBLE"), "1 sample is not a finite number"),
    "10 hours": (
        lambda path: coded(path, np.zeros((36000 * RATE, 1), np.int16), "PCM_16", container="FLAC"),
        "it lasts 600 minutes, and a clip at most 10; cut recordings into clips with --window SECONDS",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_clip_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    make, said = FILES[name]
    data = sounds(tmp_path / "data", 3, 3)
    (data / "rise" / "bad.wav").write_bytes(make(tmp_path / "made.wav"))
    sentence = refused(capsys, "explore", data)
    assert "1 of 7 clips" in sentence and "'rise/bad.wav'" in sentence and said in sentence


def test_ten_hours_are_cut_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = sounds(tmp_path / "data", 3, 3)
    hour = np.zeros((3600 * RATE, 1), np.int16)
    soundfile.write(data / "rise" / "hour.flac", hour, RATE, "PCM_16")
    code, out, _ = run(capsys, "explore", data, "--window", 60)
    assert code == 0 and "63" in out


def test_a_stream_of_unknown_length_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recorder that writes into a pipe does not know how much will follow."""
    data = sounds(tmp_path / "data", 3, 3)
    for at, announced in enumerate((0xFFFFFFFF, 0x7FFFFFFF)):
        (data / "rise" / f"stream{at}.wav").write_bytes(wav(announced=announced))
    assert run(capsys, "explore", data)[0] == 0


def single(at: Path) -> None:
    (at.parent / "z").mkdir()
    (at.parent / "z" / "a.wav").write_bytes(wav())


def in_other_bytes(at: Path) -> None:
    with open(os.fsencode(at) + b"/\xff.wav", "wb") as file:
        file.write(wav())


STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "out": (lambda at: (at / "x.wav").symlink_to(at.parent.parent / "secret.wav"), "out of"),
    "nowhere": (lambda at: (at / "x.wav").symlink_to("nowhere"), "leads nowhere"),
    "loop": (lambda at: (at / "x.wav").symlink_to("x.wav"), "leads nowhere"),
    "a folder": (lambda at: (at / "x").symlink_to(at.parent), "leads to a folder"),
    "two of a name": (lambda at: sounds(at.parent / "Rise", 1, 1), "differ only by case"),
    "nothing": (lambda at: (at.parent / "none").mkdir(), "holds no clips"),
    "a single clip": (single, "too few clips: 'z' (1)"),
    "another coding": (in_other_bytes, "not valid UTF-8"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    make, said = STRANGE[name]
    data = sounds(tmp_path / "data", 3, 3)
    (tmp_path / "secret.wav").write_bytes(wav())
    make(data / "rise")
    assert said in refused(capsys, "explore", data)


def test_what_is_no_file_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = sounds(tmp_path / "data", 3, 3)
    os.mkfifo(data / "rise" / "pipe.wav")
    (data / "rise" / "folder.wav").mkdir()
    (data / "rise" / "folder.wav" / "in.wav").write_bytes(wav())
    code, out, _ = run(capsys, "explore", data)
    assert code == 0 and "1 of 5 files of 'rise' (1 pipe, device or broken link)" in out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_what_may_not_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = sounds(tmp_path / "data", 3, 3)
    (data / "rise" / "0.wav").chmod(0)
    assert "'rise/0.wav'" in refused(capsys, "explore", data)


OUT = "file_name,way\n" + "".join(f"{c}/{i}.wav,../{c}\n" for c in ("rise", "fall") for i in range(3))
TABLES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "has no column 'file_name'"),
    "other columns": (b"path,label\na,b\n", "has no column 'file_name'"),
    "other bytes": (b"file_name,way\n\xff\xfe,a\n", "is no CSV file in UTF-8"),
    "no label": (b"file_name,label\n", "has no column 'way'"),
    "no rows": (b"file_name,way\n", "6 of 6 clips have no 'way'"),
    "wrong names": (b"file_name,way\nx.wav,../up\n", "6 of 6 clips have no 'way'"),
    "ragged": (b"file_name,way\na,b,c\n", "line 2 has more or fewer cells"),
    "a class out of the folder": (OUT.encode(), "class name '../fall' cannot name a folder"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_broken_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    content, said = TABLES[name]
    data = sounds(tmp_path / "data", 3, 3)
    (data / "metadata.csv").write_bytes(content)
    assert said in refused(capsys, "explore", data, "--target", "way")


def test_all_that_is_silent_or_equal_is_carried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No sound at all, and one sound in all files: what cannot be told is told to be so."""
    for at, wave in (("silent", np.zeros((2000, 1), np.float32)), ("equal", TONE)):
        data = sounds(tmp_path / at, 8, 6)
        for path in data.glob("*/*.wav"):
            soundfile.write(path, wave, RATE)
        assert run(capsys, "explore", data)[0] == 0
        recipes = ("--sampler", "recipes", "--to", "2x", "--quiet")
        code, _, err = run(capsys, "rebalance", data, *recipes, "--out", tmp_path / f"{at}.run")
        assert code in (0, 1, 2) and "Traceback" not in err and "Error" not in err
