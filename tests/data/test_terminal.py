"""What reaches the terminal: names and cells cannot command it, and a console of another encoding gets its text."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from command_line import picture, run
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

from gensynth.data.terminal import CONTROLS, Terminal, visible
from gensynth.report.markup import element

HOSTILE = "\x1b[31mred\x1b]0;title\x07 \u202egnp.exe\u2066 \x9b2J \b\x7f"


@given(st.text())
def test_nothing_commands_the_terminal(text: str) -> None:
    assert not CONTROLS.search(visible(text).replace("\r", ""))
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize("text", ["Zürich\t50 €\n", "日本語", "👩‍👩‍👧 🏴‍☠️", "שלום", "مرحبا", "می‌خواهم"])
def test_letters_of_all_scripts_stay(text: str) -> None:
    assert visible(text) == text


def test_another_encoding_gets_its_text() -> None:
    for encoding, says in (("ascii", b"caf\\xe9 \\u202e \\udcff"), ("cp1252", b"caf\xe9 \\u202e \\udcff")):
        raw = io.BytesIO()
        stream = Terminal(io.TextIOWrapper(raw, encoding=encoding))
        print("café \u202e \udcff", file=stream, end="", flush=True)
        assert raw.getvalue() == says


def test_progress_bars_stay_bars() -> None:
    shown, plain = io.StringIO(), io.StringIO()
    for stream in (Terminal(shown), plain):
        for _ in tqdm(range(3), file=stream, mininterval=0, bar_format="{n}", desc="outer", position=1):
            pass
    assert shown.getvalue() == plain.getvalue() and "\r" in shown.getvalue()


def test_names_of_classes_columns_files_and_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("a\u202eb", "fine"):
        for at in range(4):
            picture(tmp_path / "data" / name / f"{at}.png", 20 + at)
    header = f'"{HOSTILE}",label'
    rows = "\n".join(f"{'xy'[i % 2]}{HOSTILE},{'ab'[i % 2]}" for i in range(20))
    (tmp_path / "t.csv").write_text(f"{header}\n{rows}\n", encoding="utf-8")
    np.savez(tmp_path / "d.npz", x=np.zeros((4, 8, 8), np.uint8), y=np.array(["a\x1b[2J", "b"] * 2))
    for argv in (
        ["explore", tmp_path / "data"],
        ["explore", tmp_path / "t.csv", "--target", "label"],
        ["explore", tmp_path / "t.csv", "--target", HOSTILE],
        ["explore", tmp_path / "d.npz"],
        ["explore", tmp_path / f"no{HOSTILE}"],
        ["explore", "builtin:digits", f"--{HOSTILE}", "3"],
        [HOSTILE],
    ):
        _, out, err = run(capsys, *argv)
        assert not CONTROLS.search(out + err) and "\\x1b" in out + err or "\\u202e" in out + err


def test_the_page_spells_out_marks_of_direction() -> None:
    assert element("td", "a\u202eb", title="\u2066x") == '<td title="\\u2066x">a\\u202eb</td>'
