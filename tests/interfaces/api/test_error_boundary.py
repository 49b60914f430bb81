"""Around the framework, where it can do no more."""

from __future__ import annotations

import traceback

import pytest
from starlette.types import Message, Receive, Scope, Send

from tales.interfaces.api.middleware.error_boundary import ErrorBoundary, ResponseBroken

SCOPE: Scope = {"type": "http", "method": "GET", "headers": []}


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def test_an_answer_that_breaks_off_takes_no_words_along() -> None:
    async def breaks_off(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("canary")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(ResponseBroken) as raised:
        await ErrorBoundary(breaks_off)(SCOPE, receive, send)

    assert "canary" not in "".join(traceback.format_exception(raised.value))
    assert [message["type"] for message in sent] == ["http.response.start"]


async def test_what_is_no_request_passes_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def send(_message: Message) -> None: ...

    await ErrorBoundary(app)({"type": "lifespan"}, receive, send)

    assert seen == ["lifespan"]
