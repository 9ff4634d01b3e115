"""A chat service on this machine, as tests need it: it answers what it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and content."""


def completion(text: Any, end: Any = "stop", **message: Any) -> Reply:
    """Return what OpenAI answers; each answer takes 100 tokens in and 10 out."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": end}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return 200, {}, json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode()


def numbered(n: int) -> Reply:
    """Return a document that no other question gets."""
    return completion(f"New words for you: answer {n} of {n * 7919 % 1000}, call me when you can.")


@dataclass
class StubService:
    """Attributes: its address, what it was asked, with which headers, and its answer to question n, from 0."""

    url: str
    answer: Callable[[int], Reply] = numbered
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)

    @property
    def prompts(self) -> list[str]:
        return [body["messages"][0]["content"] for body in self.bodies]

    def answers(self, *replies: Reply) -> None:
        """Answer these, one after the other, and the last one ever after."""
        start = len(self.bodies)
        self.answer = lambda n: replies[min(n - start, len(replies) - 1)]


@contextmanager
def stub_service() -> Iterator[StubService]:
    """Run one in a thread until the block ends."""
    counting = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            with counting:
                n = len(stub.bodies)
                stub.bodies.append({"path": self.path, **json.loads(content)})
                stub.headers.append(self.headers)
                status, headers, reply = stub.answer(n)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(reply)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub = StubService(f"http://127.0.0.1:{server.server_port}/v1")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
