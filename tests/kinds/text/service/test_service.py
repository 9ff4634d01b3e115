"""Service: an address, a model and a key's name that cannot send anything where it should not go."""

from __future__ import annotations

from typing import Any

import pytest

from gensynth.kinds.text.service.service import Answer, Service, tokens

SECRET = "sk-proj-0123456789"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://localhost:11434/v1",
        "http://127.0.0.1:8080/v1/",
        "http://[::1]:8000/v1",
        "bedrock:eu-central-1",
    ],
)
def test_addresses_that_are_asked(url: str) -> None:
    assert Service(url, "some/model:8b").url == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://example.org/v1", "unencrypted to another machine"),
        ("http://localhost.example.org/v1", "unencrypted to another machine"),
        ("http://127.0.0.1.example.org/v1", "unencrypted to another machine"),
        ("https://me:word@example.org/v1", "must hold no user, password"),
        ("https://example.org/v1?api-version=1", "must hold no user, password"),
        ("https://example.org/v1#there", "must hold no user, password"),
        ("http://localhost@example.org/v1", "must hold no user, password"),
        ("ftp://example.org/v1", "give an address such as https"),
        ("file:///etc/passwd", "give an address such as https"),
        ("example.org/v1", "give an address such as https"),
        ("https://", "give an address such as https"),
        ("https://exam ple.org/v1", "is no address"),
        ("https://example.org/v1\r\nX: y", "is no address"),
        ("https://exämple.org/v1", "is no address"),
        ("https://example.org:port/v1", "is no address"),
        ("http://[::1/v1", "is no address"),
        ("bedrock:", "give an address such as https"),
        ("bedrock:eu/../x", "give an address such as https"),
    ],
)
def test_addresses_that_are_not(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Service(url, "model")


def test_unencrypted_where_one_says_so() -> None:
    assert not Service("http://10.0.0.7:8000/v1", "model", insecure=True).is_local


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": ""}, "model must be a name"),
        ({"model": "a\nb"}, "model must be a name"),
        ({"temperature": -1}, "temperature must be a number from 0 on"),
        ({"temperature": float("nan")}, "temperature must be"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"timeout": 0}, "timeout must be a number of seconds"),
        ({"body": {"messages": []}}, "body must not name 'messages'"),
    ],
)
def test_says_what_is_wrong(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Service(**{"url": "https://example.org/v1", "model": "model", **settings})


def test_a_key_in_place_of_its_name_is_not_shown() -> None:
    with pytest.raises(ValueError, match="key must be the name of an environment variable") as told:
        Service("https://api.openai.com/v1", "model", key=SECRET)
    assert SECRET not in str(told.value)


def test_only_openai_is_sent_its_key_unasked() -> None:
    assert Service("https://api.openai.com/v1", "model").variable == "OPENAI_API_KEY"
    for url in ("https://example.org/v1", "http://localhost:8080/v1", "https://api.openai.com.example.org/v1"):
        assert Service(url, "model").variable == ""
        assert Service(url, "model", key="MY_KEY").variable == "MY_KEY"


def test_answers_that_are_cut_or_refused_are_no_documents() -> None:
    assert Answer("text").usable and Answer("text", end="end_turn").usable
    assert not any(Answer("text", end=end).usable for end in ("length", "max_tokens", "content_filter", "refusal"))


def test_numbers_of_tokens() -> None:
    assert [tokens(value) for value in (7, 0, -1, True, 1.5, "7", None)] == [7, 0, 0, 0, 0, 0, 0]
