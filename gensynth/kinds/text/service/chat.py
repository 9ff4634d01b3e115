"""Chat: a question over HTTP to a service with OpenAI's chat completions, as OpenAI, vLLM, llama.cpp and Ollama have.

The key leaves in one header, to the named address alone: redirects are refused, and what an error says is shown without
the key.
"""

from __future__ import annotations

import email.utils
import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http.client import HTTPException, IncompleteRead
from typing import Any, final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from gensynth.kinds.text.service.service import Answer, Service, tokens

TRIES = 6
"""How often a question is sent before it is given up."""
PASSING = (408, 409, 425, 429)
"""Refusals that may pass, beside errors of the server, 500 and above."""
LONGEST = 300.0
"""Seconds that are waited at most because a service asks for it."""
MOST_BYTES = 10_000_000
"""Size of the largest reply that is read."""
_dice = random.SystemRandom()  # waiting must not move the random state of the one who calls


@final
@dataclass(frozen=True)
class Chat:
    """Asks a service, and asks again after a while where it is busy or silent.

    Attributes:
        service: Which one.
        sleep: Waits so many seconds.
    """

    service: Service
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, prompt: str) -> Answer:
        """Return the answer to a question.

        Raises:
            ConnectionError: if there is none in `TRIES` tries, or the service asks to wait for long.
            ValueError: if the service refuses the question, or the environment lacks the key.
        """
        service, key = self.service, _key(self.service)
        for turn in range(TRIES):
            try:
                return self._asked(prompt, key)
            except _Passing as error:
                problem, after = error.args
            if after is not None and after > LONGEST:
                raise ConnectionError(
                    f"{service.url} asks to wait for {after:.0f} seconds ({problem}); give the same command again then."
                )
            if turn < TRIES - 1:
                # Those who were refused together must not come back together.
                self.sleep((2.0**turn if after is None else after) * _dice.uniform(1, 1.5))
        raise ConnectionError(
            f"{service.url} gave no answer in {TRIES} tries, the last time: {problem}; when it does again, the same "
            "command goes on where it stopped."
        )

    def _asked(self, prompt: str, key: str) -> Answer:
        """Send a question once; _Passing if it may be sent again."""
        service = self.service
        request = Request(f"{service.url.rstrip('/')}/chat/completions", _body(service, prompt))
        request.add_header("Content-Type", "application/json")
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            status, headers, content = _sent(request, service)
        except (OSError, HTTPException) as error:
            raise _Passing(_shown(str(error) or type(error).__name__, key), None) from None
        said = _shown(_complaint(content), key)
        if status >= 500 or status in PASSING:
            raise _Passing(f"status {status}, {said}", _seconds(headers.get("Retry-After")))
        if 300 <= status < 400:
            raise ValueError(f"{service.url} leads to another address, which is not followed; give that one as url.")
        if status >= 400:
            remedy = "name the environment variable of its key with the setting key" if status in (401, 403) else ""
            raise ValueError(
                f"{service.url} refuses with status {status}: {said}; {remedy or 'correct url, model or settings'}."
            )
        try:
            return _answer(content)
        except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
            raise ValueError(
                f"{service.url} answered something else than a chat completion: {said}; url must be the address of an "
                "OpenAI-style service, which mostly ends in /v1."
            ) from None


class _Passing(Exception):
    """What may be over soon: what happened, and the seconds that the service asks to wait, or None."""


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: the standard one carries the key to wherever it leads."""

    def redirect_request(self, *_: Any) -> None:
        return None


@cache
def _opener(direct: bool) -> OpenerDirector:
    """Return what sends; a service on this machine is asked past the proxies of the environment."""
    return build_opener(_Stay, *([ProxyHandler({})] if direct else []))


def _sent(request: Request, service: Service) -> tuple[int, Mapping[str, str], bytes]:
    """Send a request; return status, headers and content of the reply."""
    try:
        reply = _opener(service.is_local).open(request, timeout=service.timeout)
    except HTTPError as error:
        reply = error
    with reply:
        content = reply.read(MOST_BYTES)
        if reply.length and len(content) < MOST_BYTES:  # a bounded read does not complain of what is missing
            raise IncompleteRead(content, reply.length)
        return reply.status, reply.headers, content


def _key(service: Service) -> str:
    """Return the key from the environment, "" if none is sent; no message shows it."""
    if not service.variable:
        return ""
    key = os.environ.get(service.variable, "").strip()
    if not key or not (key.isascii() and key.isprintable()):
        state = "holds characters that no key has" if key else "is not set"
        raise ValueError(f"the environment variable {service.variable} {state}; put the key of {service.url} there.")
    return key


def _body(service: Service, prompt: str) -> bytes:
    limits = {"temperature": service.temperature, "max_tokens": service.max_tokens}
    entries = {"model": service.model, "messages": [{"role": "user", "content": prompt}]}
    given = {name: value for name, value in limits.items() if value is not None}
    return json.dumps(entries | given | service.body).encode()


def _answer(content: bytes) -> Answer:
    """Read a reply; any of several errors if it is no chat completion."""
    reply = json.loads(content)
    choice, usage = reply["choices"][0], reply.get("usage") or {}
    message = choice["message"]
    text = message.get("content") or ""
    if isinstance(text, list):  # as parts, which few servers give
        text = "".join(part.get("text") or "" for part in text)
    end = "refusal" if message.get("refusal") else choice.get("finish_reason") or "stop"
    if not isinstance(text, str) or not isinstance(end, str):
        raise TypeError
    return Answer(text, tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens")), end)


def _complaint(content: bytes) -> str:
    """Return what a reply says of an error, in whichever of the usual forms."""
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError):
        return content.decode(errors="replace")
    for name in ("error", "message", "detail"):
        if isinstance(reply, dict) and name in reply:
            reply = reply[name]
    return str(reply)


def _shown(text: str, key: str) -> str:
    """Return what a service said as a part of a sentence, without the key."""
    text = " ".join((text.replace(key, "***") if key else text).split()).rstrip(".")
    return text if len(text) <= 200 else f"{text[:200]}..."


def _seconds(retry_after: str | None) -> float | None:
    """Return the seconds that a header asks to wait, as a number or until a date; None if it says nothing of that."""
    try:
        return max(0.0, float(retry_after or ""))
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(retry_after or "")
        return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except ValueError:
        return None
