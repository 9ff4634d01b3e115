"""Service: which language model is asked, where and how; Answer: what it said."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, final
from urllib.parse import SplitResult, urlsplit

BEDROCK = "bedrock:"
"""Address of Amazon Bedrock, before the region."""
OPENAI, OPENAI_KEY = "api.openai.com", "OPENAI_API_KEY"
"""The one service that is sent a key unasked, and the variable that holds it."""
LOCAL = ("localhost", "127.0.0.1", "::1")
OWN = ("model", "messages", "modelId", "stream", "n")
"""Entries of a request that are no one else's: an answer would be read wrongly."""
UNUSABLE = frozenset(
    "length max_tokens model_context_window_exceeded refusal content_filter content_filtered guardrail_intervened "
    "tool_calls tool_use function_call".split()
)
"""Why a model stopped, where what it said is no document: it was cut short, or refused."""
ADDRESS = "give an address such as https://api.openai.com/v1, http://localhost:8080/v1 or bedrock:eu-central-1"


@final
@dataclass(frozen=True)
class Service:
    """A language model, and how it is asked.

    Attributes:
        url: Address of a service with OpenAI's chat completions, up to `/v1`; or `bedrock:REGION`.
        model: What the service calls the model.
        key: The environment variable that holds the key, never the key itself. "": `OPENAI_API_KEY` for OpenAI, and
            no key for any other service. Bedrock takes what boto3 finds.
        temperature: How far answers differ; None for what is usual there.
        max_tokens: Length of the longest answer; None for what is usual there.
        body: Further entries of each request, such as {"reasoning_effort": "low"}.
        timeout: Seconds of silence after which a request counts as lost.
        insecure: Whether documents and key may cross a network unencrypted, to `http://` of another machine.

    Raises:
        ValueError: if a setting is out of range, or the address is not one that is asked for.
    """

    url: str
    model: str
    key: str = ""
    temperature: float | None = 1.0
    max_tokens: int | None = 1000
    body: dict[str, Any] = field(default_factory=dict)
    timeout: float = 120.0
    insecure: bool = False

    def __post_init__(self) -> None:
        if not self.model or not self.model.isprintable():
            raise ValueError(f"model must be a name, as the service writes it, got {self.model!r}.")
        if self.key and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.key):  # it may be the key: it is not shown
            raise ValueError(
                f"key must be the name of an environment variable, such as {OPENAI_KEY}, and is none; put the key "
                "there, never into a setting."
            )
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature must be a number from 0 on, or null, got {self.temperature!r}.")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, or null, got {self.max_tokens!r}.")
        if not 0 < self.timeout < math.inf:
            raise ValueError(f"timeout must be a number of seconds, got {self.timeout!r}.")
        if wrong := next((name for name in self.body if name in OWN), None):
            raise ValueError(f"body must not name {wrong!r}, which gensynth says itself; leave it out.")
        if not re.fullmatch(rf"{BEDROCK}[a-z0-9-]+", self.url):
            self._check_address()

    def _check_address(self) -> None:
        if not (self.url.isascii() and self.url.isprintable()) or " " in self.url:
            raise ValueError(f"url is {self.url!r}, which is no address; {ADDRESS}.")
        at = self.address
        if "@" in at.netloc or at.query or at.fragment:  # it is written into files
            raise ValueError(f"url must hold no user, password, ? or #; {ADDRESS}, and name the variable of a key.")
        if at.scheme not in ("http", "https") or not at.hostname:
            raise ValueError(f"url is {self.url!r}; {ADDRESS}.")
        if at.scheme == "http" and not self.is_local and not self.insecure:
            raise ValueError(
                f"{self.url} would send documents unencrypted to another machine; give its https address, or set "
                "insecure to true."
            )

    @property
    def address(self) -> SplitResult:
        """The parts of the address."""
        try:
            found = urlsplit(self.url)
            found.port  # noqa: B018 - it is read only now, and may be no number
        except ValueError as error:
            raise ValueError(f"url is {self.url!r}, which is no address ({error}); {ADDRESS}.") from error
        return found

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return self.address.hostname in LOCAL

    @property
    def variable(self) -> str:
        """The environment variable of the key; "" where none is sent."""
        return self.key or (OPENAI_KEY if self.address.hostname == OPENAI else "")

    @property
    def stamp(self) -> tuple[Any, ...]:
        """All that answers depend on."""
        return self.url, self.model, self.temperature, self.max_tokens, self.body


@final
@dataclass(frozen=True)
class Answer:
    """What a language model said.

    Attributes:
        text: Its words.
        tokens_in: Tokens of the question, as the service counts them; 0 if it does not say.
        tokens_out: Tokens of the answer, likewise.
        end: Why it stopped, in the service's word, such as `stop` or `length`.
    """

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    end: str = "stop"

    @property
    def usable(self) -> bool:
        """Whether it was neither cut short nor refused."""
        return self.end not in UNUSABLE


def tokens(value: Any) -> int:
    """Return a number of tokens that a service gave; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
