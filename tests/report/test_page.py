"""The pages of every kind of data: one file, nothing fetched, nothing run, every text as it was given."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import SCRIPT, WILD, Strict, choice_of, evaluation_of, part, report, small
from plane import Plane, plane

from gensynth.data.split import Parts
from gensynth.evaluate.intervals import Estimate
from gensynth.fidelity.privacy import CANNOT_TELL, ClassPrivacy, Privacy
from gensynth.fidelity.verdict import REASONS
from gensynth.report import figures
from gensynth.report.contents import Contents
from gensynth.report.markup import Html, element
from gensynth.report.page import render, render_check, write_report

KINDS = ("image", "table")
OF_SAMPLES = ("look", "nearest", "rejected", "fidelity")


@pytest.fixture(scope="module", params=KINDS)
def contents(request: pytest.FixtureRequest) -> Contents:
    kind = request.param
    return small(kind, evaluation=evaluation_of(kind), choice=choice_of(kind))


@pytest.fixture(scope="module")
def page(contents: Contents) -> str:
    return render(contents)


def test_everything_given_is_shown_as_text_and_nothing_runs_or_is_fetched(page: str) -> None:
    parsed = Strict(page)
    assert "script" not in parsed.tags
    text = " ".join(parsed.texts)
    assert all(name in text for name in WILD)
    assert "gensynth run  'two  spaces'" in text  # the command can be copied and run
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources and all(s.startswith(("data:image/png;base64,", "#")) for s in sources)
    assert "http:" not in page and "https:" not in page and "@import" not in page
    assert re.findall(r"url\((.)", page).count("#") == page.count("url(")


def test_links_lead_somewhere_and_ids_are_unique(page: str) -> None:
    ids = re.findall(r'\bid="([^"]*)"', page)
    wanted = {"counts", "choice", "utility", *OF_SAMPLES, "losses", "provenance"}
    assert len(ids) == len(set(ids)) and wanted <= set(ids)
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(ids)


@pytest.mark.parametrize(
    ("kind", "word", "answer"),
    [
        ("image", "HELPS", "does better on real test images"),
        ("table", "NO MEASURABLE EFFECT", "make no measurable difference on real test rows"),
        ("table", "HURTS", "does worse on real test rows"),
        ("image", "CANNOT TELL", "cannot tell whether these synthetic images"),
    ],
)
def test_the_header_answers_in_plain_words_with_numbers(kind: str, word: str, answer: str) -> None:
    header = render(small(kind, evaluation=evaluation_of(kind, word, gain=-0.04))).split("</header>")[0]
    assert answer in header and word in header
    assert "\u22124.0 points (95 % interval \u22126.0 to \u22122.0)" in header
    assert "<b>20</b> drawn" in header and "<b>12</b> accepted" in header and "<b>12</b> added" in header


@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_was_drawn_the_advice_is_the_answer(kind: str) -> None:
    train = small(kind).parts.train.class_counts
    nothing = small(kind, synthetic=None, verdict=None, choice=choice_of(kind), advice="Train as it is.", after=train)
    page = render(nothing)
    header = page.split("</header>")[0]
    assert "Train as it is." in header and "It won." in header and "has not been tested" not in header
    assert "NOT TESTED" in header and "nothing to test" in header
    assert f"No synthetic {nothing.noun}s were drawn" in header
    assert "<b>0</b> drawn" in header and not any(f'id="{anchor}"' in page for anchor in OF_SAMPLES)
    empty = small(kind)
    at = np.zeros(0, dtype=int)
    verdict = replace(empty.verdict, samples=empty.checked.samples.subset(at), classes=())
    assert 'id="look"' not in render(replace(empty, synthetic=empty.samples.subset(at), verdict=verdict, history={}))


def test_the_choice_shows_every_way_and_marks_the_one_that_was_chosen(contents: Contents, page: str) -> None:
    shown = part(page, "choice")
    assert shown.count("CHOSEN") == 1 and "smote to 0.5" in shown and f"Note {html.escape(SCRIPT)}." in shown
    assert "+2.0" in shown and "\u00b1 1.0" in shown and "90" in shown and "It won." in shown
    assert 'id="choice"' not in render(replace(contents, choice=None, evaluation=None))


def test_without_an_evaluation_the_page_makes_no_claim(contents: Contents) -> None:
    page = render(replace(contents, evaluation=None, choice=None))
    assert "has not been tested" in page and "makes no claim" in page and "HELPS" not in page


def test_numbers_that_are_not_finite_become_dashes(contents: Contents) -> None:
    nan = Estimate(float("nan"), float("nan"), float("nan"))
    e = contents.evaluation
    e = replace(e, comparisons=(replace(e.comparisons[0], difference=nan, rare_recall_difference=nan),))
    scores = contents.checked.samples.scores | {"near_duplicate": np.full(20, np.inf)}
    verdict = replace(contents.verdict, samples=replace(contents.checked.samples, scores=scores))
    text = " ".join(Strict(render(replace(contents, evaluation=e, verdict=verdict))).texts)
    assert "ratio \u2013" in text
    assert not re.search(r"\b(nan|inf)\b", text)


def test_pairs_show_the_most_copy_like_accepted_sample_first(page: str) -> None:
    nearest = part(page, "nearest")
    ratios = [float(r) for r in re.findall(r"ratio (\d\.\d\d)<", nearest)]
    half = len(ratios) // 2
    assert ratios[:half] == sorted(ratios[:half]) and ratios[0] == 0.46 and half >= 5
    assert "Rejected below 0.35" in nearest


def test_rejections_are_counted_priced_and_shown(contents: Contents, page: str) -> None:
    rejected = part(page, "rejected")
    assert all(html.escape(meaning.format(noun=contents.noun)) in rejected for meaning in REASONS.values())
    assert "3.4\u202f%" in rejected and rejected.count("not measured") == len(REASONS) - 1
    assert rejected.count("<h3>") == 4 and "probability 0.19" in rejected and "ratio 0.28" in rejected


def test_contamination_is_an_alarm_and_doubts_are_worth_a_look(contents: Contents, page: str) -> None:
    assert 'role="alert"' not in page and 'id="review"' not in page
    samples = replace(contents.checked.samples, review=("atypical",) + ("",) * 19)
    alarmed = render(replace(contents, verdict=replace(contents.verdict, contamination=2, samples=samples)))
    assert 'role="alert"' in alarmed.split("<nav")[0] and f"2 synthetic {contents.noun}(s) equal" in alarmed
    assert "further from the real" in part(alarmed, "review")


def test_a_class_of_which_nothing_was_accepted(contents: Contents) -> None:
    samples = replace(contents.checked.samples, accepted=np.zeros(20, dtype=bool))
    page = render(replace(contents, verdict=replace(contents.verdict, samples=samples)))
    assert f"No accepted {contents.noun} to compare" in page


def test_equal_contents_give_the_same_page_and_plot_settings_are_untouched(contents: Contents, page: str) -> None:
    with matplotlib.rc_context({"font.size": 31, "axes.facecolor": "red"}):
        assert render(contents) == page
        assert matplotlib.rcParams["font.size"] == 31


def test_losses_are_shown_where_something_was_trained_and_long_ones_are_thinned() -> None:
    assert 'id="losses"' not in render(small("table", history={}))
    steps = [float(i) for i in range(50_000)]
    history = {"a": {"step": steps, "train/recon": steps}}
    assert len(render(small("image", history=history))) < len(render(small("image"))) + 30_000


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_check_answers_first_and_tells_what_attacks_found(kind: str) -> None:
    too_few = ClassPrivacy(SCRIPT, CANNOT_TELL, 3, 4, 5, None, None, {}, None, ("It takes 10 of each.",))
    page = render_check(small(kind, privacy=Privacy(CANNOT_TELL, (too_few,)), history={}))
    noun = "image" if kind == "image" else "row"
    assert f"before these {noun}s are used" in page.split("</header>")[0] and "script" not in Strict(page).tags
    assert "What does the gate cost?" in page and f"no real {noun}s were held out" not in page
    assert f"Members are the real training {noun}s" in part(page, "privacy") and "It takes 10" in page
    assert set(OF_SAMPLES) <= set(re.findall(r'href="#([^"]*)"', page)) and 'id="counts"' not in page


def test_a_kind_that_says_nothing_of_pages_shows_its_examples_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("page", "shown"):
        monkeypatch.setattr(f"gensynth.report.{module}.kinds", lambda: {"plane": Plane()})
    contents = report(Parts(plane(0, 40), plane(1, 8), plane(2, 8)), plane(3, 20))
    page = render(contents)
    assert Strict(render_check(contents)).open == []
    shown = " ".join(str(contents.samples.x[6]).split())
    assert shown in part(page, "rejected") and part(page, "look").count("<li dir") == 2 * 12 + 12  # all accepted ones
    assert "real 0/" in part(page, "nearest") and "ratio 0." in page


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    assert write_report(path, small("image", title="a\udcff", provenance={"command": "b\udcfe"})) == path
    old = path.read_bytes()
    assert b"a\\udcff" in old and b"b\\udcfe" in old  # bytes of a file name that are no text

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("gensynth.data.files.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(path, small("image"))
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="does not exist; create it first"):
        write_report(tmp_path / "none" / "report.html", small("image"))


def test_contents_that_do_not_fit_together_are_refused(contents: Contents) -> None:
    with pytest.raises(ValueError, match="20 answers for 3 samples"):
        replace(contents, synthetic=contents.samples.subset([0, 1, 2]))
    with pytest.raises(ValueError, match="20 answers for 0 samples"):
        replace(contents, synthetic=None)
    with pytest.raises(ValueError, match="no count for '_ordinary'"):
        replace(contents, after={name: 1 for name in WILD[:2]})
    with pytest.raises(ValueError, match="'step' and losses of one length"):
        replace(contents, history={"a": {"step": [1.0], "train/g_loss": []}})


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    parser = Strict(element("p", text, title=text))
    assert parser.tags == ["p"]
    assert element("p", Html("<b>x</b>")) == "<p><b>x</b></p>"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=3, unique=True))
def test_any_class_name_can_be_drawn(names: list[str]) -> None:
    chart = figures.count_bars("counts", {name: (i, 2) for i, name in enumerate(names)})
    assert set(Strict(chart).tags) <= {"svg", "g", "path", "defs", "use", "text", "style", "clippath", "rect"}
