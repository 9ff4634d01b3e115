"""The report of a table: every answer in plain words, every name as text, whatever the table holds."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import torch
from two_kinds import evaluation

from gensynth.choose.results import Choice, Tried
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.fidelity.verdict import REASONS, ClassVerdict, SampleVerdicts, Score, Verdict
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.table.report.columns import as_real, looks
from gensynth.kinds.table.report.page import TableReportContents, render, write_table_report
from gensynth.kinds.table.report.relations import cramers_v
from gensynth.kinds.table.tables import from_frame
from gensynth.sampler.synthetic import Synthetic

SCRIPT = "<script>alert(1)</script>"
SECTIONS = ("counts", "choice", "utility", "look", "nearest", "rejected", "fidelity", "schema", "provenance")


class Strict(HTMLParser):
    """Collects tags and text, and checks that tags are balanced."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in {"img", "meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def rows(n, seed=0):
    """A table with a column of every kind, and one of missing values, spikes and a long tail."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "amount": np.where(rng.random(n) < 0.2, 0, np.exp(rng.normal(3, 2, n))),
            "score": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            f"{SCRIPT} $x_1$": rng.choice([SCRIPT, "肺炎 & $5_", ""], n),
            "member": rng.random(n) < 0.4,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "key": [f"row {seed} {i}" for i in range(n)],
            "same": "constant",
            7: rng.normal(size=n),
        }
    )


def parts_of(frame, classes=(SCRIPT, "ordinary"), share=0.25):
    y = np.arange(len(frame)) % round(1 / share) != 0
    data = from_frame(frame.assign(label=np.array(classes, dtype=object)[y.astype(int)]), "label")
    at = np.arange(len(data)) % 5
    return Parts(data.subset(at < 3), data.subset(at == 3), data.subset(at == 4))


def drawn(parts, frame, label=0):
    n, none = len(frame), ("",) * len(frame)
    x = frame[[c.name for c in parts.train.x.schema.columns]].reset_index(drop=True)
    y = np.full(n, label, dtype=np.int64)
    return Synthetic(
        replace(parts.train.x, frame=x), y, parts.train.classes, np.arange(n), "smote", 7, none, ((),) * n, none
    )


def verdict_of(parts, synthetic):
    """Of every ten rows six are accepted; of the other four two are rejected for the same reason."""
    n = len(synthetic)
    reasons = tuple(("", "", "", "", "", "", "invalid", "dup_near", "label", "label")[i % 10] for i in range(n))
    ratio = np.linspace(0.9, 0.1, n)
    near = tuple(parts.train.ids[i] for i in np.flatnonzero(parts.train.y == 0)[np.zeros(n, dtype=int)])
    accepted = np.array([r == "" for r in reasons])
    scores = {"near_duplicate": ratio, "label": ratio, "typicality": ratio}
    told = (Score("marginals", 0.9, True, 0.95, None, 0.2, SCRIPT), Score("levels", None, True))
    rejected = {"invalid": n // 10, "dup_near": n // 10, "label": n // 5}
    per = (ClassVerdict(parts.train.classes[0], "REVIEW", 30, n, int(accepted.sum()), rejected, told, ("Look.",)),)
    samples = SampleVerdicts(accepted, reasons, scores, near)
    return Verdict("REVIEW", samples, per, {"label": 0.034}, 0, {f"near_duplicate:{SCRIPT}": 0.36}, {"x": SCRIPT})


def evaluation_of(classes, word="HELPS", gain=0.03):
    arms = ("real", "class weights", "threshold", SCRIPT)
    return evaluation("row", tuple(classes), arms, ("boosting", "logistic"), word, gain)


def choice_of(arm, sampler="", to="", threshold=0.0321):
    tried = tuple(
        Tried(*way, score=0.5 + gain, gain=gain, standard_error=0.01, seconds=0.1)
        for way, gain in (
            (("smote", "0.5", "real + synthetic"), 0.02),
            (("", "", "real"), 0.0),
            ((SCRIPT, "0.25", "real + synthetic"), -0.03),
        )
    )
    return Choice(
        sampler,
        to,
        arm,
        baseline="real",
        adds={SCRIPT: 12} if to else {},
        threshold=threshold,
        why="It won.",
        metric="average_precision",
        candidates=tried,
        splits=15,
        examples=90,
        noun="row",
        notes=(f"Note {SCRIPT}.",),
        schema=2,
    )


def report(**changes):
    parts = parts_of(rows(150))
    synthetic = drawn(parts, rows(40, seed=1))
    verdict = verdict_of(parts, synthetic)
    after = parts.train.class_counts | {SCRIPT: parts.train.class_counts[SCRIPT] + 24}
    told = {"command": f"gensynth  rebalance {SCRIPT}"}
    evaluation = evaluation_of(parts.train.classes)
    contents = TableReportContents(
        SCRIPT,
        parts,
        synthetic,
        verdict,
        evaluation,
        choice_of("real + synthetic", "smote", "0.5"),
        after,
        {},
        told,
        (SCRIPT,),
    )
    return replace(contents, **changes)


def part(page, anchor):
    return page.split(f'<section id="{anchor}">')[1].split("</section>")[0]


@pytest.fixture(scope="module")
def page():
    return render(report())


def test_all_sections_are_there_and_links_lead_to_them(page):
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids)) and set(SECTIONS) <= set(ids)
    assert set(re.findall(r'href="#([^"]*)"', page)) == set(SECTIONS) | set(re.findall(r'xlink:href="#([^"]*)"', page))


def test_names_and_levels_are_shown_as_text_and_nothing_runs_or_is_fetched(page):
    parsed = Strict(page)
    assert "script" not in parsed.tags and "img" not in parsed.tags
    text = " ".join(parsed.texts)
    assert f"{SCRIPT} $x_1$" in text and "肺炎 & $5_" in text and "gensynth  rebalance" in text
    assert "https:" not in page and "http:" not in page and "@import" not in page
    assert not re.search(r"\b(nan|inf)\b", text)


def test_equal_contents_give_equal_bytes(page):
    assert render(report()) == page


@pytest.mark.parametrize(
    ("choice", "answer"),
    [
        (choice_of("real"), "Doing nothing is best"),
        (choice_of("class weights"), "Class weights are best"),
        (choice_of("threshold"), "Add no rows, and move the threshold: predict &#x27;&lt;script&gt;"),
        (choice_of("threshold", threshold=None), "divide each probability by the share of its class"),
        (choice_of("real + synthetic", "smote", "0.5"), "Filling with smote to 0.5 did best"),
    ],
)
def test_the_header_says_what_is_best(choice, answer):
    contents = report(choice=choice, synthetic=None, verdict=None, evaluation=None)
    page = render(contents)
    header = page.split("</header>")[0]
    assert answer in header and "NOT TESTED" in header and "<b>0</b> drawn" in header
    assert part(page, "choice").count("CHOSEN") == (choice.arm != "class weights")
    assert "0.0321" in header or choice.arm != "threshold" or choice.threshold is None


def test_without_a_choice_the_answer_is_whether_the_rows_help():
    evaluation = evaluation_of((SCRIPT, "ordinary"), "HURTS", gain=-0.04)
    page = render(report(choice=None, evaluation=evaluation))
    header = page.split("</header>")[0]
    assert "does worse on real test rows" in header and "HURTS" in header
    assert "\u22124.0 points (95 % interval \u22126.0 to \u22122.0)" in header
    assert "<b>40</b> drawn" in header and "<b>24</b> accepted" in header and "<b>24</b> added" in header
    assert "the sampler was named" in part(page, "choice")


def test_the_comparison_shows_both_balanced_accuracies_and_raw_and_corrected_probabilities(page):
    utility = part(page, "utility")
    assert "at the tuned threshold" in utility and "from 0.25 on" in utility
    assert "0.9<" in utility and "Brier score, raw" in utility and "0.123<" in utility
    assert "prior_correct" in utility and "Move the threshold" in utility


def test_where_nothing_was_drawn_every_section_says_so():
    page = render(report(synthetic=None, verdict=None, evaluation=None, choice=choice_of("real")))
    for anchor in ("look", "nearest", "rejected", "fidelity"):
        assert "No synthetic rows were drawn" in part(page, anchor)
    assert "makes no claim" in part(page, "utility")


def test_columns_that_differ_most_come_first():
    frame = rows(200)
    parts = parts_of(frame, share=0.5)
    real = as_real(parts.train.x.frame, parts.train)
    synthetic = as_real(rows(100, seed=1).assign(age=20, score=np.nan), parts.train)
    found = looks(real, synthetic, parts.train)
    assert {found[0].column.name, found[1].column.name} == {"age", "score"}
    assert len(found) == 7  # neither ids nor constants
    by_name = {look.column.name: look for look in found}
    assert by_name["score"].bars["missing"][1] == 1.0
    assert by_name["amount"].bars["= 0"] == pytest.approx((0.2, 0.2), abs=0.1)
    for name in ("age", "amount", 7, "since"):
        shown = by_name[name]
        total = shown.histogram.real.sum() + sum(real for real, _ in shown.bars.values())
        assert total == pytest.approx(1)  # every row is in the picture


def test_pairs_show_the_most_copy_like_accepted_row_first(page):
    nearest = part(page, "nearest")
    ratios = [float(r) for r in re.findall(r">(0\.\d\d)<", nearest)]
    assert len(ratios) == 5 and ratios == sorted(ratios) and "Rejected below 0.36" in nearest
    assert "<mark>" in nearest  # what differs


def test_rejections_are_counted_priced_and_shown_in_words_of_rows(page):
    rejected = part(page, "rejected")
    assert all(meaning.format(noun="row") in rejected for meaning in REASONS.values())
    assert "3.4\u202f%" in rejected and rejected.count("not measured") == len(REASONS) - 1


def test_a_value_that_is_out_of_bounds_is_marked():
    contents = report()
    x = contents.synthetic.x.frame.copy()
    x.loc[6, "age"] = -4
    marked = part(
        render(replace(contents, synthetic=replace(contents.synthetic, x=replace(contents.synthetic.x, frame=x)))),
        "rejected",
    )
    assert "<mark><span>-4</span></mark>" in marked


def test_contamination_is_an_alarm():
    contents = report()
    page = render(replace(contents, verdict=replace(contents.verdict, contamination=2)))
    assert "2 synthetic row(s) equal a validation or test row" in page.split("<nav")[0]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"only": np.arange(40) % 7 / 3}),
        pd.DataFrame({"only": ["a", "b"] * 20}),
        pd.DataFrame({"only": ["a"] * 40, "number": [1.5] * 39 + [np.nan]}),
        pd.DataFrame({"zoned": pd.date_range("2020", periods=40, freq="h", tz="UTC"), "text": ["2020-01-31"] * 40}),
    ],
)
def test_tables_of_few_columns(frame):
    parts = parts_of(frame, share=0.5)
    synthetic = drawn(parts, frame.iloc[:20])
    contents = report(parts=parts, synthetic=synthetic, verdict=verdict_of(parts, synthetic))
    Strict(render(replace(contents, after=parts.train.class_counts)))


def test_rows_in_another_dtype_and_a_class_of_which_nothing_was_accepted():
    contents = report()
    x = contents.synthetic.x.frame.astype({"age": "float64", "since": "str", "member": object})
    Strict(render(replace(contents, synthetic=replace(contents.synthetic, x=replace(contents.synthetic.x, frame=x)))))
    samples = replace(contents.verdict.samples, accepted=np.zeros(40, dtype=bool))
    page = render(replace(contents, verdict=replace(contents.verdict, samples=samples)))
    assert "No accepted row" in part(page, "look") and "No accepted row" in part(page, "nearest")


def test_wide_tables_stay_below_two_megabytes():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"column number {i}": rng.normal(size=400) for i in range(24)})
    for i in range(6):
        frame[f"levels {i}"] = rng.choice([f"level {k}" for k in range(60)], 400)
    parts = parts_of(frame, share=0.5)
    synthetic = drawn(parts, frame.sample(200, random_state=0))
    contents = report(parts=parts, synthetic=synthetic, verdict=verdict_of(parts, synthetic))
    page = render(replace(contents, after=parts.train.class_counts))
    assert len(page.encode()) < 2_000_000
    assert "more columns" in part(page, "look")


def test_losses_are_shown_only_where_something_was_trained(page):
    assert 'id="losses"' not in page
    assert 'id="losses"' in render(report(history={"vae": {"step": [0.0, 1.0], "train/loss": [2.0, 1.0]}}))


def test_contents_that_do_not_fit_together_are_refused():
    contents = report()
    with pytest.raises(ValueError, match="40 answers for 0 samples"):
        replace(contents, synthetic=None)
    with pytest.raises(ValueError, match="no count for 'ordinary'"):
        replace(contents, after={SCRIPT: 1})
    images = LabeledData(Pixels(torch.zeros(0, 1, 8, 8, dtype=torch.uint8)), np.zeros(0, dtype=np.int64), (), ())
    with pytest.raises(TypeError, match="rows of a table are wanted"):
        replace(contents, parts=Parts(images, images, images))


def test_the_page_is_written_whole(tmp_path, page):
    path = write_table_report(tmp_path / "report.html", report())
    assert path.read_text(encoding="utf-8") == page and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="does not exist; create it first"):
        write_table_report(tmp_path / "none" / "report.html", report())


def test_association_of_levels_is_none_for_noise_and_one_for_copies():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 8, 40), rng.integers(0, 8, 40)
    assert cramers_v(a, a) == pytest.approx(1)
    assert cramers_v(a, b) < 0.3  # without the correction it is 0.4
    assert cramers_v(a, np.zeros(40, dtype=int)) == 0
