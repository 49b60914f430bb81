"""Broken HTTP, broken bodies, and who is told the provider's id when."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from tales.domain.failures import FailureKind
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import (
    DONE,
    HALF,
    JSON,
    STREAM,
    WHOLE,
    Now,
    Step,
    ask,
    event,
    head,
    hear,
    saying,
)

K = FailureKind
CHUNKED = "Transfer-Encoding: chunked"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        ([b"FOO BAR\r\n\r\n"], K.MALFORMED_RESPONSE, ""),
        ([b"\x00\x01\x02"], K.MALFORMED_RESPONSE, ""),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"], K.MALFORMED_RESPONSE, ""),
        ([head("Content-Length: 5", "Content-Length: 6") + b"hello"], K.MALFORMED_RESPONSE, ""),
        ([b"HTTP/1.1 200 OK\r\nX: "], K.CONNECTION, ""),
        ([b""], K.CONNECTION, ""),
        ([Now.RESET], K.CONNECTION, ""),
        ([head(STREAM, "Content-Length: 9999") + HALF, Now.RESET], K.STREAM_INTERRUPTED, "Once upon "),
        ([head(STREAM, CHUNKED) + chunk(HALF), Now.RESET], K.STREAM_INTERRUPTED, "Once upon "),
        ([head(STREAM, CHUNKED) + chunk(HALF), 0.05, Now.RESET], K.STREAM_INTERRUPTED, "Once upon "),
        ([head(STREAM) + HALF, 0.05, Now.RESET], K.STREAM_INTERRUPTED, "Once upon "),
        ([head(STREAM) + HALF + b'data: {"choices": [{"del'], K.STREAM_INTERRUPTED, "Once upon "),
        ([head(STREAM) + HALF + b"data: {]}\n\n" + WHOLE], K.MALFORMED_RESPONSE, "Once upon "),
        ([head(STREAM) + b"data: 7\n\n"], K.MALFORMED_RESPONSE, ""),
        ([head(STREAM) + DONE], K.MALFORMED_RESPONSE, ""),
        ([head(STREAM)], K.STREAM_INTERRUPTED, ""),
        ([head(STREAM) + b": hello\n\n"], K.STREAM_INTERRUPTED, ""),
        ([head(STREAM, "Content-Encoding: gzip") + b"x" * 20], K.STREAM_INTERRUPTED, ""),
        ([head(STREAM, "Content-Encoding: gzip") + gzip.compress(WHOLE)[:40]], K.STREAM_INTERRUPTED, ""),
        ([head(JSON) + b"[1, 2]"], K.MALFORMED_RESPONSE, ""),
        ([head(JSON) + b'{"ok": true}'], K.MALFORMED_RESPONSE, ""),
        ([head(JSON) + b'{"choices": "none"}'], K.MALFORMED_RESPONSE, ""),
        ([head(JSON) + b'{"choices": []}'], K.STREAM_INTERRUPTED, ""),
        ([head("Location: http://127.0.0.1:1/", status="302 Found")], K.INVALID_REQUEST, ""),
        ([head(status="204 No Content")], K.STREAM_INTERRUPTED, ""),
    ],
)
async def test_broken_answers_end_with_their_kind_and_what_had_come(
    script: list[Step], kind: FailureKind, text: str, clock: FakeClock
) -> None:
    observed = await hear(clock, *script)
    assert (observed.kind, observed.answer.text) == (kind, text)
    assert observed.answer.finish_reason is None


async def test_a_broken_chunk_ends_the_call(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM, CHUNKED) + chunk(HALF), 0.05, b"zz\r\nfoo")
    assert observed.kind in {K.STREAM_INTERRUPTED, K.IDLE_TIMEOUT}
    assert observed.answer.text == "Once upon "


async def test_what_broke_after_the_finish_reason_broke_nothing(clock: FakeClock) -> None:
    finished = head(STREAM, CHUNKED) + chunk(HALF + event("", "stop"))
    for rest in (Now.RESET, chunk(b"data: {]}\n\n")):
        observed = await hear(clock, finished, rest)
        assert observed.kind is None
        assert observed.answer.text == "Once upon "


async def test_a_compressed_stream_is_read_and_its_bomb_is_not(clock: FakeClock) -> None:
    zipped = head(STREAM, "Content-Encoding: gzip")
    assert (await hear(clock, zipped + gzip.compress(WHOLE))).answer.text == "Once upon a time."
    bomb = zipped + gzip.compress(b"data: " + b"x" * 50_000_000)
    observed = await hear(clock, bomb, limits=Limits(token_timeout=5.0, max_body_bytes=1_000_000))
    assert observed.kind is K.RESPONSE_TOO_LARGE
    assert len(observed.body["raw"]) == 1_000_000


@pytest.mark.parametrize("label", [STREAM, JSON, "Content-Type: text/plain", "X-Nothing: at all"])
async def test_the_form_of_a_body_is_seen_by_itself_whatever_the_headers_call_it(label: str, clock: FakeClock) -> None:
    message = {"role": "assistant", "content": "Once upon a time."}
    document = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    for body in (WHOLE, b"\r\n" + json.dumps(document, indent=1).encode()):
        observed = await hear(clock, head(label) + body)
        assert (observed.kind, observed.answer.text) == (None, "Once upon a time.")


async def test_an_answer_in_single_bytes_is_the_same_answer(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM), *(bytes([byte]) for byte in WHOLE))
    assert (observed.kind, observed.answer.text) == (None, "Once upon a time.")


@pytest.mark.parametrize(
    ("url", "kind"),
    [("http://127.0.0.1:1", K.CONNECTION), ("https://127.0.0.1:1", K.CONNECTION), ("http://a..b", K.INVALID_REQUEST)],
)
async def test_an_address_where_nobody_is_ends_as_a_failure(url: str, kind: FailureKind, clock: FakeClock) -> None:
    observed = await ask(url, clock)
    assert observed.kind is kind
    assert observed.body is None


async def test_a_server_without_tls_is_no_connection(clock: FakeClock) -> None:
    def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        observed = await ask(f"https://127.0.0.1:{port}", clock)
    assert observed.kind is K.CONNECTION


async def test_the_request_asks_for_a_stream_and_for_its_usage(clock: FakeClock) -> None:
    async with saying(head(STREAM) + WHOLE) as server:
        endpoint = Endpoint(server.url + "/", " sk-1\n", {"X-Title": "Tales"})
        await ask(server.url, clock, "m/one", endpoint=endpoint, prompt="Straße \ud800")
    assert server.body == {
        "model": "m/one",
        "messages": [{"role": "user", "content": "Straße \ud800"}],
        "max_tokens": 3 * 130 * 4 + 1024,
        "temperature": 0.8,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    lines = server.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert lines[0] == "POST /v1/chat/completions HTTP/1.1"
    assert {"Authorization: Bearer sk-1", "X-OpenRouter-Metadata: enabled", "X-Title: Tales"} <= set(lines)


async def test_no_cookie_is_kept_and_no_key_is_no_header(clock: FakeClock) -> None:
    async with saying(head(STREAM, "Set-Cookie: a=b; Path=/", f"Content-Length: {len(WHOLE)}") + WHOLE) as server:
        for _ in range(2):
            await ask(server.url, clock)
    assert b"Cookie" not in server.requests[1]
    assert b"Authorization" not in server.requests[1]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "127.0.0.1",
        "ftp://a",
        "http://",
        "http://user:secret@a",
        "http://secret@a",
        "http://[secret",
        "http://a:secret",
    ],
)
def test_an_endpoint_that_cannot_be_called_is_refused_without_quoting_it(wrong: str) -> None:
    with pytest.raises(ValueError, match="base URL") as caught:
        Endpoint(wrong)
    assert "secret" not in str(caught.value)


def test_a_key_that_cannot_be_sent_is_refused_without_quoting_it() -> None:
    with pytest.raises(ValueError, match="key or a header") as caught:
        Endpoint("http://127.0.0.1", "sec\nret")
    assert "ret" not in str(caught.value).replace("characters", "")


class TestProviderId:
    async def test_it_is_told_when_the_headers_come_before_the_body(self, clock: FakeClock) -> None:
        told_early = asyncio.Event()
        async with saying(head(STREAM, "X-Generation-Id: gen-9"), Now.WAIT_FOR_EVER) as server:
            asking = asyncio.create_task(ask(server.url, clock, on_id=lambda _: told_early.set()))
            await told_early.wait()
            assert not asking.done()
            observed = await asking
        assert observed.ids == ["gen-9"] == [observed.answer.provider_generation_id]

    async def test_else_it_is_told_once_by_the_first_chunk(self, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM) + WHOLE)
        assert observed.ids == ["gen-1"] == [observed.answer.provider_generation_id]

    @pytest.mark.parametrize("value", [None, "", " ", 7, ["x"], {}])
    async def test_what_is_no_id_is_none(self, value: Any, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM, "X-Generation-Id:  ") + event("Hello", "stop", id=value) + DONE)
        assert (observed.ids, observed.answer.provider_generation_id) == ([], None)
