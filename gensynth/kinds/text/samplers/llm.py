"""LLM: documents that a language model writes, asked with a few real ones of the class."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from platformdirs import user_cache_path
from tqdm import tqdm

from gensynth.data.lock import locked
from gensynth.data.plain import typed
from gensynth.data.words import counted
from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.kinds.text.service.answers import Answers
from gensynth.kinds.text.service.bedrock import Bedrock
from gensynth.kinds.text.service.chat import Chat
from gensynth.kinds.text.service.named import check_named, remember
from gensynth.kinds.text.service.prompt import TEMPLATE, check_template, document_of, prompt_of
from gensynth.kinds.text.service.service import BEDROCK, Answer, Service
from gensynth.report.printed import say
from gensynth.sampler.in_turn import Made
from gensynth.sampler.synthetic import Synthetic

VERSION = 1
"""Goes up when the same question is put together in another way."""
TRIES = 3
"""How often a document is asked for where an answer holds none; then it is empty, and the check rejects it."""
_SERVICE = ("url", "model", "key", "temperature", "max_tokens", "timeout", "insecure")


@final
class LLM(TextSampler):
    """Each document is the answer of a language model that was shown real ones of the class, its parents.

    **These real documents are sent to the service**, up to 4,000 characters of each; with `shots=0` none is, only the
    names of the classes. The service is asked once for each document, up to three times where it refuses or is cut
    short. Every answer is kept on disk, so that the same command gives the same documents and pays for none twice, as
    long as `cache` is there; without it, the service is asked again and says something else.

    Args:
        url: Address of a service with OpenAI's chat completions, such as http://localhost:8080/v1, or bedrock:REGION.
        model: What the service calls the model. Of a `function`, a name of yours for what it does now: answers are kept
            under it.
        key: The environment variable that holds the key; OPENAI_API_KEY for OpenAI, and none for other services. The
            key itself is kept nowhere.
        function: In place of a service, takes a prompt and returns text. In Python only; it cannot be saved.
        temperature: How far answers differ; None for what is usual there.
        max_tokens: Length of the longest answer; None for what is usual there.
        body: Further entries of each request, such as {"reasoning_effort": "low"}.
        shots: Real documents of the class in each prompt.
        template: The prompt, with {label}, {classes}, {examples} and {n}, the number of examples.
        cache: Folder of the answers, best with its whole path; "" for one among your caches.
        max_calls: Answers that the service may be asked for with the same documents and settings, in all runs together:
            those in the cache count, and those that this run asks for. A request that fails is sent up to 6 times and
            counts once; those that a killed run was waiting for (up to `parallel`) are asked for again.
        price: Dollars per million tokens in and out, also as text with a comma, to say what it cost.
        parallel: Questions at the same time.
        timeout: Seconds of silence after which a request counts as lost.
        insecure: Whether to send documents and key unencrypted to another machine (http://).
        sampling_strategy: As in `TextSampler`.
        random_state: As in `TextSampler`.

    Example:
        >>> texts = ["win a free prize now", "call me later", "see you at home"]
        >>> ask = lambda prompt: "claim your free phone today"
        >>> more, y = LLM(model="example", function=ask).fit_resample(texts, ["spam", "ham", "ham"])
        >>> more[-1], y[-1]
        ('claim your free phone today', 'spam')
    """

    name = "llm"
    needs: ClassVar[str] = "a service and a model of yours"
    suited: ClassVar[str] = "that hold text"

    def __init__(
        self,
        url: str = "",
        model: str = "",
        key: str = "",
        function: Callable[[str], str] | None = None,
        temperature: float | None = 1.0,
        max_tokens: int | None = 1000,
        body: dict[str, Any] | None = None,
        shots: int = 3,
        template: str = TEMPLATE,
        cache: str = "",
        max_calls: int = 1000,
        price: Sequence[float] | str = (),
        parallel: int = 1,
        timeout: float = 120,
        insecure: bool = False,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.url, self.model, self.key, self.function = url, model, key, function
        self.temperature, self.max_tokens, self.body = temperature, max_tokens, body
        self.shots, self.template, self.cache, self.max_calls = shots, template, cache, max_calls
        self.price, self.parallel, self.timeout, self.insecure = price, parallel, timeout, insecure

    def _check(self) -> None:
        super()._check()
        if self.function is not None and not callable(self.function):
            raise ValueError("function must be a function of Python that takes a prompt and returns text.")
        if not self.model or not (self.url or self.function):
            raise ValueError(
                f"sampler {self.name!r} needs {self.needs}: set url and model, such as http://localhost:8080/v1 and "
                "what this server calls the model."
            )
        for name, least in (("shots", 0), ("max_calls", 1), ("parallel", 1)):
            if _setting(int, getattr(self, name), name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}.")
        check_template(_setting(str, self.template, "template"))
        self._price = _price(self.price)
        given = {name: getattr(self, name) for name in _SERVICE} | {"body": self.body or {}}
        self._service: Service | None = None if self.function else _setting(Service, given, "it")
        root = Path(_setting(str, self.cache, "cache") or user_cache_path("gensynth") / "answers")
        self._folder = root / self._stamp()

    def _stamp(self) -> str:
        """Return a name for the folder of its answers: all that they depend on, but for the number of the sample."""
        asked = ("function", self.model) if self._service is None else self._service.stamp
        told = [VERSION, asked, self.shots, self.template, self.data_.fingerprint]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def _learn(self) -> None:
        if self._service is not None:
            remember(self._service)

    def _suits(self, text: str) -> bool:
        return bool(text.strip())

    def _ask(self, prompt: str) -> Answer:
        if self.function is not None:
            return Answer(_setting(str, self.function(prompt), "what function returns"))
        assert self._service is not None
        if self.sha256_:
            check_named(self._service)
        return (Bedrock if self._service.url.startswith(BEDROCK) else Chat)(self._service)(prompt)

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        self._pool(self.data_.label_of(label))  # too few documents are told before anything is asked
        one = partial(super()._sample, label, seed=seed)
        with locked(self._folder / "answers"), ThreadPoolExecutor(self.parallel) as pool:
            self._answers = Answers(self._folder, self._ask, self.max_calls)
            # One question at a time needs no thread, for which Ctrl-C would have to wait.
            made = pool.map(one, index[:, None]) if self.parallel > 1 else map(one, index[:, None])
            bar = tqdm(made, total=len(index), desc=f"asking {self.model}", unit="document", disable=None)
            try:
                drawn = Synthetic.concat(list(bar))
            finally:  # what a run has cost that did not come to its end is said, too
                self._tell(self._answers)
        empty = sum(not text for text in drawn.x[:])
        if self._answers.asked and empty:
            say(
                f"note: {counted(empty, 'document is', 'documents are')} empty, for the service refused, said nothing "
                "or was cut short by max_tokens; the check rejects them."
            )
        return drawn

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to one draw, so that it can go to another process."""
        return {name: value for name, value in super().__getstate__().items() if name != "_answers"}

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        pool, classes = self._pool(label), self.data_.classes
        for _ in range(TRIES):
            shots = [turn, *rng.permutation(pool[pool != turn]).tolist()][: self.shots]
            examples = self.data_.x[np.array(shots, dtype=np.int64)]
            prompt = prompt_of(self.template, classes[label], classes, examples)
            answer = self._answers(prompt, int(rng.integers(2**63)))
            text = document_of(answer.text, examples) if answer.usable else ""
            if text:
                break
        name = hashlib.sha256(prompt.encode(errors="surrogatepass")).hexdigest()[:8]
        return text, f"llm {self.model} prompt:{name}", shots

    def _tell(self, answers: Answers) -> None:
        """Say what was asked for, and what it cost, all runs together."""
        if not answers.asked:
            return
        kept = answers.all()
        into, out = sum(answer.tokens_in for answer in kept), sum(answer.tokens_out for answer in kept)
        cost = f", {(into * self._price[0] + out * self._price[1]) / 1e6:,.4f} dollars" if self._price else ""
        say(
            f"{self.model} was asked for {counted(answers.asked, 'answer')}; with these documents and settings there "
            f"are now {len(kept)} of at most {self.max_calls}: {into:,} tokens in, {out:,} out{cost} ({self._folder})"
        )


def _setting(hint: Any, value: Any, name: str) -> Any:
    """Return a setting as what it must be; ValueError says what that is."""
    try:
        return typed(hint, value, name)
    except ValueError as error:
        raise ValueError(f"{str(error).rstrip('.')}.") from None


def _price(given: Sequence[float] | str) -> tuple[float, ...]:
    """Return dollars per million tokens in and out, or nothing."""
    try:
        found = tuple(map(float, given.split(",") if isinstance(given, str) and given else given))
    except (TypeError, ValueError):
        found = (-1.0,)
    if len(found) not in (0, 2) or not all(0 <= dollars < float("inf") for dollars in found):
        raise ValueError(f"price must be dollars per million tokens in and out, such as 0.15,0.6; got {given!r}.")
    return found
