"""LLM: asks a service once for each document, keeps what it said, and tells nobody the key."""

from __future__ import annotations

import csv
import hashlib
import json
import pickle
import shlex
from pathlib import Path
from typing import Any

import pytest
from made_reviews import reviews
from platformdirs import user_cache_path
from stub_service import Reply, StubService, completion, numbered, stub_service

from gensynth.cli.main import main
from gensynth.data.labeled import LabeledData
from gensynth.data.lock import locked
from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.samplers.catalog import load_sampler, made_sampler
from gensynth.kinds.text.samplers.llm import LLM

SECRET = "sk-do-not-tell-4711"
SPAM = ["Win a prize, call now!", "Free entry: reply WIN.", "Your mobile won cash.", "Claim the prize today."]
HAM = ["See you at home.", "I am late, sorry.", "Call me later."]


def data() -> LabeledData:
    return from_documents([*SPAM, *HAM], ["spam"] * len(SPAM) + ["ham"] * len(HAM))


@pytest.fixture
def stub(tmp_path: Path) -> Any:
    with stub_service() as service:
        yield service


def fitted(stub: StubService, cache: Path, **settings: Any) -> LLM:
    return LLM(url=stub.url, model="some-model", cache=str(cache), **settings).fit(data())


def echo(stub: StubService) -> None:
    """Let the answer be a function of the question, so that two services answer alike."""
    stub.answer = lambda n: completion(f"new {hashlib.sha256(stub.prompts[n].encode()).hexdigest()}")


class TestDraws:
    def test_a_document_for_each_question(self, stub: StubService, tmp_path: Path) -> None:
        drawn = fitted(stub, tmp_path).sample("spam", 3, 0)
        assert drawn.x[:] == [json.loads(numbered(n)[2])["choices"][0]["message"]["content"] for n in range(3)]
        for prompt, how, parents in zip(stub.prompts, drawn.how, drawn.parents, strict=True):
            assert how == f"llm some-model prompt:{hashlib.sha256(prompt.encode()).hexdigest()[:8]}"
            assert len({*parents}) == 3 and all(SPAM[int(parent)] in prompt for parent in parents)
            assert not any(text in prompt for text in HAM) and '"spam"' in prompt

    def test_without_shots_no_document_leaves(self, stub: StubService, tmp_path: Path) -> None:
        drawn = fitted(stub, tmp_path, shots=0).sample("spam", 3, 0)
        assert drawn.parents == ((),) * 3 and not any(text in prompt for text in SPAM for prompt in stub.prompts)

    def test_more_shots_than_documents(self, stub: StubService, tmp_path: Path) -> None:
        assert len(fitted(stub, tmp_path, shots=9).sample("ham", 1, 0).parents[0]) == len(HAM)

    def test_questions_at_the_same_time(self, stub: StubService, tmp_path: Path) -> None:
        echo(stub)
        one, many = (fitted(stub, tmp_path / str(n), parallel=n).sample("spam", 12, 0) for n in (1, 4))
        assert one.x[:] == many.x[:] and one.how == many.how and len(stub.bodies) == 24

    def test_a_function(self, tmp_path: Path) -> None:
        asked: list[str] = []

        def ask(prompt: str) -> str:
            asked.append(prompt)
            return f"'Answer {len(asked)}.'"

        sampler = LLM(function=ask, model="mine", cache=str(tmp_path)).fit(data())
        assert sampler.sample("ham", 2, 0).x[:] == ["Answer 1.", "Answer 2."]
        assert sampler.sample("ham", 3, 0).x[:] == ["Answer 1.", "Answer 2.", "Answer 3."] and len(asked) == 3
        with pytest.raises(ValueError, match="what function returns is None, and must be text"):
            LLM(function=lambda prompt: None, model="none", cache=str(tmp_path)).fit(data()).sample("ham", 1, 0)  # type: ignore

    def test_an_answer_without_a_document(
        self, stub: StubService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        refused = completion(None, refusal="I can't.")
        stub.answers(refused, completion("cut sho", "length"), completion("found"), refused)
        drawn = fitted(stub, tmp_path).sample("spam", 2, 0)
        assert drawn.x[:] == ["found", ""] and len(stub.bodies) == 6
        assert "1 document is empty, for the service refused" in capsys.readouterr().err

    def test_it_goes_to_another_process(self, stub: StubService, tmp_path: Path) -> None:
        sampler = fitted(stub, tmp_path)
        drawn = sampler.sample("spam", 2, 0)
        assert pickle.loads(pickle.dumps(sampler)).sample("spam", 2, 0).x[:] == drawn.x[:]


class TestKept:
    def test_a_run_that_broke_off_goes_on(self, stub: StubService, tmp_path: Path) -> None:
        echo(stub)
        whole = fitted(stub, tmp_path / "a").sample("spam", 6, 0)
        answer = stub.answer
        stub.answer = lambda n: answer(n) if n < 10 else (400, {}, b"broken")
        with pytest.raises(ValueError, match="broken"):
            fitted(stub, tmp_path / "b").sample("spam", 6, 0)
        stub.answer, before = answer, len(stub.bodies)
        rest = fitted(stub, tmp_path / "b").sample("spam", 6, 0)
        assert rest.x[:] == whole.x[:] and rest.how == whole.how and len(stub.bodies) - before == 2

    def test_nothing_is_asked_twice(self, stub: StubService, tmp_path: Path) -> None:
        first = fitted(stub, tmp_path).sample("spam", 4, 0)
        stub.answers((500, {}, b""))
        assert fitted(stub, tmp_path).sample("spam", 4, 0).x[:] == first.x[:]
        assert fitted(stub, tmp_path, max_calls=1).sample("spam", 4, 0).x[:] == first.x[:] and len(stub.bodies) == 4

    @pytest.mark.parametrize("other", [{"temperature": 0.5}, {"body": {"seed": 1}}, {"template": "{label}{examples}"}])
    def test_other_settings_ask_anew(self, stub: StubService, tmp_path: Path, other: dict[str, Any]) -> None:
        for settings in ({}, other):
            fitted(stub, tmp_path, **settings).sample("spam", 1, 0)
        assert len(stub.bodies) == len(list(tmp_path.iterdir())) == 2

    def test_no_more_than_allowed_in_all_runs(
        self, stub: StubService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fitted(stub, tmp_path, max_calls=3).sample("spam", 2, 0)
        with pytest.raises(ValueError, match="max_calls=3 answers were asked for"):
            fitted(stub, tmp_path, max_calls=3).sample("ham", 2, 0)
        assert len(stub.bodies) == 3 and "now 3 of at most 3: 300 tokens in, 30 out" in capsys.readouterr().err
        assert len(fitted(stub, tmp_path, max_calls=4).sample("ham", 2, 0)) == 2 and len(stub.bodies) == 4

    def test_a_second_run_is_told(self, stub: StubService, tmp_path: Path) -> None:
        sampler = fitted(stub, tmp_path)
        with locked(sampler._folder / "answers"), pytest.raises(BlockingIOError, match="is being written by process"):
            sampler.sample("spam", 1, 0)
        assert not stub.bodies and len(sampler.sample("spam", 1, 0)) == 1

    def test_tokens_and_dollars(self, stub: StubService, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fitted(stub, tmp_path).sample("spam", 2, 0)
        assert "asked for 2 answers; " in (told := capsys.readouterr().err) and "dollars" not in told.split("(")[0]
        fitted(stub, tmp_path, price="2, 10").sample("spam", 20, 0)
        told = capsys.readouterr().err
        assert "some-model was asked for 18 answers; " in told
        assert "20 of at most 1000: 2,000 tokens in, 200 out, 0.0060 dollars" in told
        fitted(stub, tmp_path).sample("spam", 20, 0)
        assert not capsys.readouterr().err


class TestSecrets:
    def test_the_key_is_nowhere(
        self, stub: StubService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("MY_KEY", SECRET)
        sampler = fitted(stub, tmp_path / "cache", key="MY_KEY")
        drawn = sampler.sample("spam", 2, 0)
        assert stub.headers[0]["Authorization"] == f"Bearer {SECRET}"
        sampler.save(tmp_path / "llm.sampler")
        stub.answers((401, {}, f"what is {SECRET}?".encode()))
        with pytest.raises(ValueError, match="status 401: what is") as told:
            sampler.sample("ham", 1, 0)
        shown = [repr(sampler), repr(drawn), repr(told.value), *capsys.readouterr()]
        files = [file for root in (tmp_path, user_cache_path("gensynth")) for file in root.rglob("*") if file.is_file()]
        written = [file.read_bytes() for file in files]
        assert len(written) > 3 and not any(SECRET in text for text in shown)
        assert not any(SECRET.encode() in content for content in written)

    def test_a_file_from_elsewhere_sends_nothing(
        self, stub: StubService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MY_KEY", SECRET)
        fitted(stub, tmp_path, key="MY_KEY").save(tmp_path / "llm.sampler")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
        loaded = load_sampler(tmp_path / "llm.sampler")
        with pytest.raises(ValueError, match=r"asks http://127.* with the key in MY_KEY, and was not fitted here"):
            loaded.sample("spam", 1, 0)
        assert not stub.bodies
        fitted(stub, tmp_path / "b", key="MY_KEY")
        assert len(loaded.sample("spam", 1, 0)) == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "sampler 'llm' needs a service and a model of yours: set url and model"),
        ({"url": "https://example.org/v1"}, "needs a service and a model"),
        ({"url": "http://example.org/v1", "model": "m"}, "unencrypted to another machine"),
        ({"url": "https://example.org/v1", "model": 7}, "model is 7, and must be text"),
        ({"temperature": "hot"}, "temperature is 'hot', and must be a number."),
        ({"max_tokens": 1.5}, "max_tokens is 1.5, and must be a whole number."),
        ({"body": [1]}, "body is list of 1, and must be an object"),
        ({"shots": -1}, "shots must be at least 0, got -1"),
        ({"shots": True}, "shots is True, and must be a whole number"),
        ({"max_calls": 0}, "max_calls must be at least 1"),
        ({"parallel": "many"}, "parallel is 'many', and must be a whole number"),
        ({"price": "cheap"}, "price must be dollars per million tokens in and out, such as 0.15,0.6; got 'cheap'"),
        ({"price": (1, -1)}, "price must be dollars"),
        ({"price": 3}, "price must be dollars"),
        ({"template": "{who}"}, "template has {who}"),
        ({"template": {"a": 1}}, "template is dict of 1, and must be text"),
        ({"cache": 3}, "cache is 3, and must be text"),
        ({"function": "print"}, "function must be a function of Python"),
    ],
)
def test_says_what_is_wrong(settings: dict[str, Any], told: str) -> None:
    usual = {"url": "http://localhost:1/v1", "model": "m"} if settings and "url" not in settings else {}
    with pytest.raises(ValueError) as error:
        LLM(**{**usual, **settings}).fit(data())
    assert told in str(error.value)


def test_text_stays_text_as_a_setting() -> None:
    made = made_sampler("llm", {"template": "Write: {label}", "model": "007", "price": "1,2", "body.seed": "3"})
    assert (made.template, made.model, made.body) == ("Write: {label}", "007", {"seed": 3})  # type: ignore[attr-defined]
    for given, text in (('"a: {label}"', "a: {label}"), ("'a'", "a"), ('"a" or "b"', '"a" or "b"'), ('"', '"')):
        assert made_sampler("llm", {"template": given}).template == text  # type: ignore[attr-defined]


def made_to_order(stub: StubService, n: int) -> Reply:
    """Write what documents of the class could be: other words of two that are shown."""
    shown = [line for line in stub.prompts[n].splitlines() if line and not line.startswith("<")][3:6]
    words = " ".join(shown).split()
    return completion(" ".join(words[at] for at in range(n % 3, len(words), 3)))


def test_the_command_line(
    stub: StubService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stub.answer = lambda n: made_to_order(stub, n)
    real = reviews(0, 60, 20)
    rows = [{"body": text, "label": real.classes[c]} for text, c in zip(real.x[:], real.y, strict=True)]
    Path("real.jsonl").write_text("\n".join(map(json.dumps, rows)))
    Path("recipe.yaml").write_text("settings:\n  template: |\n    One: {label}\n    {examples}\n")
    settings = f"--settings.url {stub.url} --settings.model some-model --settings.cache kept"

    def ran(line: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(line))
        return int(ended.value.code or 0)

    Path("stranger.yaml").write_text(f"settings:\n  url: {stub.url}\n  model: some-model\n")
    assert ran("train llm --data real.jsonl --text body --target label --out . --config stranger.yaml") == 2
    assert "settings.url says where documents and keys are sent, so no file may name it" in capsys.readouterr().err
    train = "train llm --data real.jsonl --text body --target label --out . --config recipe.yaml"
    assert ran(f"{train} {settings}") == 0 and not stub.bodies
    for _ in range(2):
        assert ran("sample llm.sampler --label offer --n 5 --out drawn.csv") == 0
    assert len(stub.bodies) == 5 and stub.prompts[0].startswith("One: offer\n")
    with open("drawn.metadata.csv") as file:
        rows = list(csv.DictReader(file))
    assert all(row["how"].startswith("llm some-model prompt:") for row in rows)
    assert all(len(json.loads(row["parents"])) == 3 for row in rows)

    quick = "--evaluate.classifiers logistic --evaluate.arms 'real,real + synthetic' --evaluate.folds 2 --quiet"
    line = f"rebalance real.jsonl --text body --target label --sampler llm --to 2x --out filled.jsonl {quick}"
    ran(f"{line} {settings}")
    asked, page = len(stub.bodies), Path("filled.run/report.html")
    assert asked > 5 and page.exists() and ran("report filled.run") in (0, 1) and len(stub.bodies) == asked
