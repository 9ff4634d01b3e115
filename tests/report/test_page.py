"""The report page: one file, nothing fetched, nothing run, every text as it was given."""

from __future__ import annotations

import base64
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from two_kinds import evaluation

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.intervals import Estimate
from gensynth.fidelity.verdict import REASONS, ClassVerdict, SampleVerdicts, Score, Verdict
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import Parts
from gensynth.report import figures
from gensynth.report.markup import Html, element
from gensynth.report.page import ReportContents, render, write_report
from gensynth.sampler.synthetic import Synthetic

SCRIPT = "<script>alert(1)</script>"
WILD = ("<script>alert(1)", "肺炎 & $x_1$", "_ordinary")


def real_part(classes, shape, n, seed):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(classes)), n)
    x = torch.from_numpy(rng.integers(0, 256, (len(y), *shape), dtype=np.uint8))
    return LabeledData(Pixels(x), y, tuple(classes), tuple(f"{SCRIPT}{seed}-{i}.png" for i in range(len(y))))


def evaluation_of(classes, word="HELPS", gain=0.03):
    return evaluation("image", tuple(classes), ("with synthetic", SCRIPT), ("network",), word, gain)


def report(classes=WILD, shape=(1, 8, 8), per_class=10, treated=2, evaluation=None, **changes):
    """Contents where each treated class has 10 samples: 6 accepted, 4 rejected for four reasons."""
    parts = Parts(*(real_part(classes, shape, n, i) for i, n in enumerate((per_class, 3, 4))))
    y = np.repeat(np.arange(treated), 10)
    n = len(y)
    x = torch.from_numpy(np.random.default_rng(9).integers(0, 256, (n, *shape), dtype=np.uint8))
    none = ("",) * n
    synthetic = Synthetic(
        Pixels(x), y, tuple(classes), np.tile(np.arange(10), treated), "vae", 7, none, ((),) * n, ("ab",) * n
    )
    reason = ("",) * 6 + ("invalid", "dup_near", "label", "atypical")
    ratio = np.tile(np.linspace(0.9, 0.1, 10), treated)
    samples = SampleVerdicts(
        np.tile(np.array(reason) == "", treated),
        reason * treated,
        {"near_duplicate": ratio, "label": ratio, "typicality": ratio},
        tuple(parts.train.ids[k * per_class] for k in y),
    )
    scores = (
        Score("kid", 0.0123, False, 0.004, (0.006, 0.019), 0.0001, SCRIPT),
        Score("coverage", 0.81, True),
        Score("fid", None, False),
    )
    rejected = dict.fromkeys(reason[6:], 1)
    per = tuple(ClassVerdict(c, "REVIEW", 10, 10, 6, rejected, scores, ("Look at it.",)) for c in classes[:treated])
    verdict = Verdict("REVIEW", samples, per, {"label": 0.034}, 0, {"near_duplicate": 0.35}, {"x": SCRIPT})
    after = {c: per_class + (6 if i < treated else 0) for i, c in enumerate(classes)}
    history = {f"{SCRIPT}.ckpt": {"step": [0.0, 1.0, 2.0], "train/g_loss": [3.0, float("nan"), 1.0]}}
    provenance = {"command": f"gensynth run  'two  spaces' {SCRIPT}"}
    contents = ReportContents(SCRIPT, parts, synthetic, verdict, evaluation, after, history, provenance, (SCRIPT,))
    return replace(contents, **changes)


class Strict(HTMLParser):
    """Collects tags and text, and checks that tags are balanced."""

    def __init__(self, page):
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.images: list[dict[str, str]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in {"img", "meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def pixels(image):
    return Image.open(io.BytesIO(base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))))


def test_everything_given_is_shown_as_text_and_nothing_runs():
    page = Strict(render(report(evaluation=evaluation_of(WILD))))
    assert "script" not in page.tags
    text = " ".join(page.texts)
    assert all(name in text for name in WILD)
    assert SCRIPT in text
    assert "gensynth run  'two  spaces'" in text  # the command can be copied and run


def test_nothing_is_fetched():
    page = render(report(evaluation=evaluation_of(WILD)))
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources and all(s.startswith(("data:image/png;base64,", "#")) for s in sources)
    assert "http:" not in page and "https:" not in page and "@import" not in page
    assert re.findall(r"url\((.)", page).count("#") == page.count("url(")


def test_links_lead_somewhere_and_ids_are_unique():
    page = render(report(evaluation=evaluation_of(WILD)))
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(ids)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("HELPS", "does better"),
        ("NO MEASURABLE EFFECT", "no measurable difference"),
        ("HURTS", "does worse"),
        ("CANNOT TELL", "cannot tell"),
    ],
)
def test_the_header_answers_in_plain_words_with_numbers(word, answer):
    header = render(report(evaluation=evaluation_of(WILD, word, gain=-0.04))).split("</header>")[0]
    assert answer in header and word in header
    assert "\u22124.0 points (95 % interval \u22126.0 to \u22122.0)" in header
    assert "<b>20</b> drawn" in header and "<b>12</b> accepted" in header and "<b>12</b> added" in header


def test_without_an_evaluation_the_page_makes_no_claim():
    page = render(report())
    assert "has not been tested" in page and "HELPS" not in page


def test_numbers_that_are_not_finite_become_dashes():
    nan = Estimate(float("nan"), float("nan"), float("nan"))
    e = evaluation_of(WILD, "CANNOT TELL")
    e = replace(e, comparisons=(replace(e.comparisons[0], difference=nan, rare_recall_difference=nan),))
    contents = report(evaluation=e)
    contents.verdict.samples.scores["near_duplicate"][:] = np.inf
    text = " ".join(Strict(render(contents)).texts)
    assert "ratio \u2013" in text
    assert not re.search(r"\b(nan|inf)\b", text)


def test_pairs_show_the_most_copy_like_accepted_sample_first():
    page = render(report()).split('<section id="nearest">')[1].split("</section>")[0]
    ratios = [float(r) for r in re.findall(r"ratio (\d\.\d\d)<", page)]
    assert ratios[:6] == sorted(ratios[:6]) and ratios[0] == 0.46 and len(ratios) == 12
    assert "Rejected below 0.35" in page


def test_rejections_are_counted_and_priced():
    page = render(report()).split('<section id="rejected">')[1].split("</section>")[0]
    assert all(html.escape(meaning.format(noun="image")) in page for meaning in REASONS.values())
    assert "3.4\u202f%" in page and page.count("not measured") == len(REASONS) - 1
    assert page.count("<img") == 8


def test_contamination_is_an_alarm():
    contents = report()
    alarmed = replace(contents, verdict=replace(contents.verdict, contamination=2))
    assert 'role="alert"' not in render(contents)
    assert 'role="alert"' in render(alarmed).split("<nav")[0]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 6, 20), (3, 200, 100), (1, 1, 1)])
def test_images_of_any_shape(shape):
    page = Strict(render(report(shape=shape)))
    assert all(image["alt"] for image in page.images)
    for image in page.images:
        picture = pixels(image)
        assert int(image["width"]) * picture.height == int(image["height"]) * picture.width


def test_a_sheet_holds_the_pixels_it_was_given():
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, 5, 7), dtype=np.uint8))
    found = Strict(figures.sheet(x, 2, "three")).images
    array = np.asarray(pixels(found[0]))
    gap = array.shape[1] - 14
    assert array.shape == (10 + gap, 14 + gap, 4)
    assert (array[5 + gap :, :7, :3] == x[2].permute(1, 2, 0).numpy()).all()
    assert (array[5 + gap :, 7 + gap :, 3] == 0).all()


def test_of_a_hundred_classes_the_treated_come_first_and_the_rest_are_folded():
    classes = tuple(f"class {i}" for i in range(100))
    contents = report(classes=classes, shape=(1, 4, 4), per_class=2, treated=30)
    assert len(contents.front) == 20 and set(contents.front) <= set(contents.drawn)
    page = render(contents)
    assert "The other 80 classes" in page and "18 more classes" in page
    assert all(f">{name}<" in page for name in classes)


def test_a_class_of_which_nothing_was_accepted_and_a_run_that_drew_nothing():
    contents = report()
    nothing = np.zeros(len(contents.synthetic), dtype=bool)
    samples = replace(contents.verdict.samples, accepted=nothing)
    page = render(replace(contents, verdict=replace(contents.verdict, samples=samples)))
    assert "No accepted image to compare" in page
    empty = SampleVerdicts(nothing[:0], (), {"near_duplicate": np.zeros(0)}, ())
    verdict = replace(contents.verdict, samples=empty, classes=())
    page = render(replace(contents, synthetic=contents.synthetic.subset(nothing), verdict=verdict, history={}))
    assert "No synthetic images were drawn" in page and "Nothing was trained" in page


def test_equal_contents_give_the_same_page_and_plot_settings_are_untouched():
    with matplotlib.rc_context({"font.size": 31, "axes.facecolor": "red"}):
        first = render(report(evaluation=evaluation_of(WILD)))
        assert matplotlib.rcParams["font.size"] == 31
    assert first == render(report(evaluation=evaluation_of(WILD)))


def test_long_loss_curves_are_thinned():
    steps = [float(i) for i in range(50_000)]
    history = {"a": {"step": steps, "train/recon": steps}}
    assert len(render(report(history=history))) < len(render(report())) + 30_000


def test_the_old_page_survives_a_failure_and_no_part_is_left(tmp_path: Path, monkeypatch):
    path = tmp_path / "report.html"
    assert write_report(path, report()) == path
    old = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("gensynth.report.page.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(path, report(classes=("a", "b")))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; create it first"):
        write_report(tmp_path / "none" / "report.html", report())


def test_contents_that_do_not_fit_together_are_refused():
    contents = report()
    with pytest.raises(ValueError, match="20 answers for 3 samples"):
        replace(contents, synthetic=contents.synthetic.subset([0, 1, 2]))
    with pytest.raises(ValueError, match="no count for '_ordinary'"):
        replace(contents, after={name: 1 for name in WILD[:2]})
    with pytest.raises(ValueError, match="'step' and losses of one length"):
        replace(contents, history={"a": {"step": [1.0], "train/g_loss": []}})


def test_bytes_of_a_file_name_that_are_not_text_can_be_written(tmp_path):
    path = write_report(tmp_path / "report.html", report(title="a\udcff", provenance={"command": "b\udcfe"}))
    text = path.read_text(encoding="utf-8")
    assert "a\\udcff" in text and "b\\udcfe" in text


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_stays_text(text):
    parser = Strict(element("p", text, title=text))
    assert parser.tags == ["p"]
    assert element("p", Html("<b>x</b>")) == "<p><b>x</b></p>"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=3, unique=True))
def test_any_class_name_can_be_drawn(names):
    chart = figures.count_bars("counts", {name: (i, 2) for i, name in enumerate(names)})
    assert set(Strict(chart).tags) <= {"svg", "g", "path", "defs", "use", "text", "style", "clippath", "rect"}
