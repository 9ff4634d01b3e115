"""Bedrock: the Converse API, against boto3's own description of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from gensynth.kinds.text.service import bedrock
from gensynth.kinds.text.service.bedrock import Bedrock
from gensynth.kinds.text.service.service import Answer, Service

SERVICE = Service("bedrock:eu-central-1", "some.model-v1:0", max_tokens=50, body={"top_k": 5})


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    bedrock._client.cache_clear()
    yield
    bedrock._client.cache_clear()


def test_without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ValueError, match=r"needs boto3; run 'pip install gensynth\[bedrock\]'"):
        Bedrock(SERVICE)("?")


def test_an_answer_and_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    from botocore.stub import Stubber

    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    client, errors = bedrock._client("eu-central-1", SERVICE.timeout)
    assert client.meta.region_name == "eu-central-1"
    asked = {
        "modelId": "some.model-v1:0",
        "messages": [{"role": "user", "content": [{"text": "?"}]}],
        "inferenceConfig": {"temperature": 1.0, "maxTokens": 50},
        "additionalModelRequestFields": {"top_k": 5},
    }
    reply = {
        "output": {"message": {"role": "assistant", "content": [{"text": "New "}, {"text": "text."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10},
        "metrics": {"latencyMs": 1},
    }
    with Stubber(client) as stub:
        stub.add_response("converse", reply, asked)
        assert Bedrock(SERVICE)("?") == Answer("New text.", 7, 3, "end_turn")
        stub.add_client_error("converse", "ThrottlingException", "Too many tokens.")
        with pytest.raises(ConnectionError, match="Amazon Bedrock gave no answer: .*Too many tokens; see model"):
            Bedrock(SERVICE)("?")
