"""Chat: asks again where that may help, says in one sentence where not, and gives the key to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stub_service import StubService, completion, stub_service

from gensynth.kinds.text.service import chat
from gensynth.kinds.text.service.chat import LONGEST, TRIES, Chat
from gensynth.kinds.text.service.service import Answer, Service

SECRET = "sk-do-not-tell-4711"


@dataclass
class Sleeper:
    """Notes how long it was to sleep, and does not."""

    waits: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MY_KEY", f" {SECRET}\n")
    return "MY_KEY"


def of(stub: StubService, sleeper: Callable[[float], None] | None = None, **settings: Any) -> Chat:
    return Chat(Service(stub.url, "some-model", **settings), sleeper or Sleeper())


class TestAsked:
    def test_an_answer(self, stub: StubService) -> None:
        stub.answers(completion("Hello!", "length"))
        assert of(stub)("Say hello.") == Answer("Hello!", 100, 10, "length")
        asked = {"model": "some-model", "temperature": 1.0, "max_tokens": 1000}
        said = {"role": "user", "content": "Say hello."}
        assert stub.bodies == [{"path": "/v1/chat/completions", **asked, "messages": [said]}]
        assert "Authorization" not in stub.headers[0]

    def test_settings_go_along(self, stub: StubService, key: str) -> None:
        of(stub, temperature=None, max_tokens=None, body={"seed": 3}, key=key)("Hello \ud83d?")
        assert {*stub.bodies[0]} == {"path", "model", "messages", "seed"}
        assert stub.headers[0]["Authorization"] == f"Bearer {SECRET}"

    @pytest.mark.parametrize(
        ("reply", "answer"),
        [
            (completion(None), ("", "stop")),
            (completion(None, refusal="I will not."), ("", "refusal")),
            (completion([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], None), ("ab", "stop")),
        ],
    )
    def test_other_forms(self, stub: StubService, reply: Any, answer: tuple[str, str]) -> None:
        stub.answers(reply)
        found = of(stub)("?")
        assert (found.text, found.end) == answer

    def test_a_server_that_counts_no_tokens(self, stub: StubService) -> None:
        stub.answers((200, {}, b'{"choices": [{"message": {"content": "ok"}}]}'))
        assert of(stub)("?") == Answer("ok", 0, 0, "stop")

    def test_the_proxy_of_the_environment_sees_nothing_local(
        self, stub: StubService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chat._opener.cache_clear()
        with stub_service() as proxy:
            monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
            for name in ("no_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            of(stub)("?")
            assert not proxy.bodies


class TestAskedAgain:
    @pytest.mark.parametrize("status", [408, 429, 500, 503, 529])
    def test_until_it_answers(self, stub: StubService, status: int) -> None:
        stub.answers((status, {}, b""), (status, {}, b"{}"), completion("at last"))
        sleeper = Sleeper()
        assert of(stub, sleeper)("?").text == "at last"
        first, second = sleeper.waits
        assert 1 <= first <= 1.5 and 2 <= second <= 3

    def test_not_before_it_may(self, stub: StubService) -> None:
        soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
        past = format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True)
        heads: list[dict[str, str]] = [{"Retry-After": after} for after in ("7", soon, past, "later")]
        stub.answers(*((429, head, b"") for head in heads), completion("ok"))
        sleeper = Sleeper()
        of(stub, sleeper)("?")
        seconds, date, gone, nonsense = sleeper.waits
        assert 7 <= seconds <= 10.5 and 50 < date <= 150 and gone == 0 and 8 <= nonsense <= 12

    def test_not_where_it_asks_to_wait_for_long(self, stub: StubService) -> None:
        stub.answers((429, {"Retry-After": str(LONGEST + 1)}, b"quota"))
        with pytest.raises(ConnectionError, match=r"asks to wait for 301 seconds \(status 429, quota\)"):
            of(stub)("?")
        assert len(stub.bodies) == 1

    def test_not_for_ever(self, stub: StubService) -> None:
        stub.answers((503, {}, b'{"error": {"message": "overloaded"}}'))
        sleeper = Sleeper()
        with pytest.raises(ConnectionError, match=rf"in {TRIES} tries, the last time: status 503, overloaded;"):
            of(stub, sleeper)("?")
        assert len(stub.bodies) == TRIES == len(sleeper.waits) + 1
        assert sleeper.waits == sorted(sleeper.waits) and sum(sleeper.waits) < 60

    def test_where_nobody_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with stub_service() as gone:
            pass
        with pytest.raises(ConnectionError, match="gave no answer in 6 tries"):
            of(gone)("?")

    def test_where_an_answer_is_too_slow(self, stub: StubService, monkeypatch: pytest.MonkeyPatch) -> None:
        opener = Mock()
        opener.open.side_effect = TimeoutError("timed out")
        monkeypatch.setattr(chat, "_opener", lambda direct: opener)
        with pytest.raises(ConnectionError, match="the last time: timed out;"):
            of(stub, timeout=3)("?")
        assert opener.open.call_count == TRIES and opener.open.call_args.kwargs == {"timeout": 3}

    def test_where_an_answer_breaks_off(self, stub: StubService) -> None:
        stub.answers((200, {"Content-Length": "1000"}, b"{"), completion("whole"))
        assert of(stub)("?").text == "whole"


class TestRefused:
    @pytest.mark.parametrize(
        ("status", "content", "told"),
        [
            (401, b'{"error": {"message": "no key"}}', "status 401: no key; name the environment variable of its key"),
            (404, b'{"error": "model not found"}', "status 404: model not found; correct url, model or settings"),
            (400, b"<html>\n  no\n", "status 400: <html> no; correct"),
            (422, b'{"detail": [{"loc": "max_tokens"}]}', "status 422: .*max_tokens"),
        ],
    )
    def test_at_once(self, stub: StubService, status: int, content: bytes, told: str) -> None:
        stub.answers((status, {}, content))
        with pytest.raises(ValueError, match=told):
            of(stub)("?")
        assert len(stub.bodies) == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_takes_the_key_nowhere(self, stub: StubService, key: str, status: int) -> None:
        with stub_service() as other:
            stub.answers((status, {"Location": f"{other.url}/chat/completions"}, b""))
            with pytest.raises(ValueError, match="leads to another address, which is not followed"):
                of(stub, key=key)("?")
            assert not other.headers

    def test_no_message_shows_the_key(self, stub: StubService, key: str) -> None:
        echo = json.dumps({"error": {"message": f"Incorrect API key provided: {SECRET}"}}).encode()
        for status, error in ((401, ValueError), (500, ConnectionError), (200, ValueError)):
            stub.answers((status, {}, echo))
            with pytest.raises(error, match=r"provided: \*\*\*") as told:
                of(stub, key=key)("?")
            assert SECRET not in repr(told.value)

    @pytest.mark.parametrize(("value", "told"), [(None, "is not set"), ("a\nb", "holds characters that no key has")])
    def test_no_key(self, stub: StubService, monkeypatch: pytest.MonkeyPatch, value: str | None, told: str) -> None:
        monkeypatch.delenv("MY_KEY", raising=False)
        if value:
            monkeypatch.setenv("MY_KEY", value)
        with pytest.raises(ValueError, match=f"variable MY_KEY {told}") as said:
            of(stub, key="MY_KEY")("?")
        assert not stub.bodies and "a\nb" not in str(said.value)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"<!doctype html>",
            b"[]",
            b"null",
            b'{"choices": []}',
            b'{"choices": [{"text": "of another protocol"}]}',
            b'{"choices": [{"message": {"content": 7}}]}',
            b'{"choices": [{"message": {"content": "x"}}], "usage": 3}',
            b'{"choices": ' + b"[" * 5000,
            b'{"error": {"message": "no credit"}}',
        ],
    )
    def test_what_is_no_completion(self, stub: StubService, content: bytes) -> None:
        stub.answers((200, {}, content))
        with pytest.raises(ValueError, match="answered something else than a chat completion"):
            of(stub)("?")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["choices", "message", "content", "usage"]), inner),
)


@given(JSON)
def test_any_reply_is_an_answer_or_a_known_error(reply: Any) -> None:
    content = json.dumps(reply).encode()
    assert isinstance(chat._complaint(content), str)
    try:
        assert isinstance(chat._answer(content), Answer)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        pass


@given(st.text())
def test_any_header_is_a_wait_or_none(text: str) -> None:
    seconds = chat._seconds(text)
    assert seconds is None or seconds >= 0
