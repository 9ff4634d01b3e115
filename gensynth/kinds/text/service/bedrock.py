"""Bedrock: a question to a model of Amazon Bedrock, by the Converse API, with the credentials that boto3 finds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, final

from gensynth.kinds.text.service.chat import TRIES
from gensynth.kinds.text.service.service import BEDROCK, Answer, Service, tokens


@final
@dataclass(frozen=True)
class Bedrock:
    """Asks a model of Amazon Bedrock; boto3 asks again where it is busy.

    Attributes:
        service: Which one; its `body` goes into the model's own fields.
    """

    service: Service

    def __call__(self, prompt: str) -> Answer:
        """Return the answer to a question.

        Raises:
            ConnectionError: if there is none.
            ValueError: if boto3 is missing.
        """
        client, errors = _client(self.service.url.removeprefix(BEDROCK), self.service.timeout)
        limits = {"temperature": self.service.temperature, "maxTokens": self.service.max_tokens}
        asked: dict[str, Any] = {
            "modelId": self.service.model,
            "messages": [{"role": "user", "content": [{"text": prompt}]}],
            "inferenceConfig": {name: value for name, value in limits.items() if value is not None},
        }
        if self.service.body:
            asked["additionalModelRequestFields"] = self.service.body
        try:
            reply = client.converse(**asked)
        except errors as error:
            said = " ".join(str(error).split()).rstrip(".")
            raise ConnectionError(
                f"Amazon Bedrock gave no answer: {said}; see model, region and credentials. The same command goes on "
                "where it stopped."
            ) from None
        text = "".join(part.get("text", "") for part in reply["output"]["message"]["content"])
        usage = reply["usage"]
        return Answer(text, tokens(usage["inputTokens"]), tokens(usage["outputTokens"]), reply["stopReason"])


@cache
def _client(region: str, timeout: float) -> tuple[Any, tuple[type[Exception], ...]]:
    """Return what talks to a region, and the errors that it raises."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as error:
        raise ValueError("Amazon Bedrock needs boto3; run 'pip install gensynth[bedrock]'.") from error
    config = Config(read_timeout=timeout, retries={"mode": "standard", "total_max_attempts": TRIES})
    session = boto3.session.Session(region_name=region)
    return session.client("bedrock-runtime", config=config), (BotoCoreError, ClientError)
