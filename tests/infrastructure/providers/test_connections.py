"""The way to a provider: headers, proxies, kept connections, compression, and sentences that name what is wrong."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from tales.application.ports import ModelAnswer, ModelCall
from tales.domain.errors import InvalidInput
from tales.domain.failures import FailureKind
from tales.infrastructure.providers.choice import choose_provider, through_proxy
from tales.infrastructure.providers.endpoint import Endpoint, Limits, SettingNames
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import JSON, STREAM, WHOLE, Now, Step, ask, head, hear, saying

K = FailureKind
CHUNKED = "Transfer-Encoding: chunked"
NAMES = SettingNames("TALES_LLM_BASE_URL", None, "TALES_LLM_API_KEY", "TALES_MODELS")


class TestHeaders:
    @pytest.mark.parametrize("size", [12_000, 60_000])
    async def test_a_long_one_is_no_matter(self, size: int, clock: FakeClock) -> None:
        assert (await hear(clock, head(STREAM, "X-Policy: " + "y" * size) + WHOLE)).kind is None

    async def test_nor_are_many(self, clock: FakeClock) -> None:
        many = [f"X-Policy-{number}: {'y' * 100}" for number in range(500)]
        assert (await hear(clock, head(STREAM, *many) + WHOLE)).kind is None

    async def test_one_without_an_end_is(self, clock: FakeClock) -> None:
        assert (await hear(clock, head(STREAM, "X: " + "y" * 200_000) + WHOLE)).kind is K.MALFORMED_RESPONSE


def _deflated(data: bytes) -> bytes:
    raw = zlib.compressobj(wbits=-15)
    return raw.compress(data) + raw.flush()


def _flushed(pieces: list[bytes], wbits: int) -> list[bytes]:
    """A compressed stream that sends each piece at once."""
    packer = zlib.compressobj(wbits=wbits)
    return [*(packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces), packer.flush()]


class TestCompression:
    @pytest.mark.parametrize(
        ("encoding", "pack"),
        [
            *(("gzip", gzip.compress), ("GZIP", gzip.compress), ("x-gzip", gzip.compress), ("", gzip.compress)),
            *(("deflate", zlib.compress), ("deflate", _deflated), ("identity", bytes), ("", bytes)),
        ],
    )
    async def test_a_compressed_answer_is_read(
        self, encoding: str, pack: Callable[[bytes], bytes], clock: FakeClock
    ) -> None:
        observed = await hear(clock, head(STREAM, f"Content-Encoding: {encoding}") + pack(WHOLE))
        assert (observed.kind, observed.answer.text) == (None, "Once upon a time.")

    @pytest.mark.parametrize(("encoding", "wbits"), [("gzip", 31), ("deflate", 15)])
    async def test_it_comes_piece_by_piece(self, encoding: str, wbits: int, clock: FakeClock) -> None:
        events = [piece + b"\n\n" for piece in WHOLE.split(b"\n\n") if piece]
        script: list[Step] = []
        for piece in _flushed(events, wbits):
            script += [piece, 0.02]
        observed = await hear(clock, head(STREAM, f"Content-Encoding: {encoding}"), *script)
        assert (observed.kind, observed.pieces) == (None, ["Once upon ", "a time."])

    async def test_it_may_be_compressed_piece_by_piece(self, clock: FakeClock) -> None:
        events = [piece + b"\n\n" for piece in WHOLE.split(b"\n\n") if piece]
        members = b"".join(gzip.compress(piece) for piece in events)
        observed = await hear(clock, head(STREAM, "Content-Encoding: gzip") + members)
        assert (observed.kind, observed.answer.text) == (None, "Once upon a time.")

    async def test_a_bomb_that_no_header_names_is_not_unpacked(self, clock: FakeClock) -> None:
        bomb = gzip.compress(b"data: " + b"x" * 50_000_000)
        observed = await hear(clock, head(STREAM) + bomb, limits=Limits(token_timeout=5.0, max_body_bytes=1_000_000))
        assert observed.kind is K.RESPONSE_TOO_LARGE
        assert len(observed.body["raw"]) == 1_000_000

    async def test_a_body_that_only_begins_as_if_it_were_compressed_is_kept(self, clock: FakeClock) -> None:
        for body in (b"\x1f", b"\x1f\x8bnothing of the kind"):
            assert (await hear(clock, head(STREAM) + body)).body is not None

    async def test_what_nothing_here_unpacks_is_said_to_be_that(self, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM, "Content-Encoding: zstd") + b"\x28\xb5\x2f\xfd" + b"x" * 40)
        assert observed.answer.failure is not None
        assert observed.kind is K.MALFORMED_RESPONSE
        assert "compressed" in observed.answer.failure.message


async def _call_twice(url: str, clock: FakeClock, turns: int = 0) -> list[ModelAnswer]:
    async with OpenAiCompatibleProvider(Endpoint(url), Limits(token_timeout=5.0), clock) as provider:
        answers = []
        for _ in range(2):
            answers.append(await provider.complete(ModelCall("m", "p", 3), lambda _: None, lambda _: None))
            for _ in range(turns):
                await asyncio.sleep(0)
        return answers


@pytest.mark.parametrize("turns", [0, 1, 2, 10])
async def test_a_kept_connection_that_the_provider_has_closed_costs_no_attempt(turns: int, clock: FakeClock) -> None:
    async with saying(head(STREAM, f"Content-Length: {len(WHOLE)}") + WHOLE) as server:
        answers = await _call_twice(server.url, clock, turns)
    assert [answer.failure for answer in answers] == [None, None]
    assert len(server.requests) == 2


class TestProxies:
    async def test_a_call_goes_through_the_proxy_of_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
    ) -> None:
        async with saying(head(STREAM) + WHOLE) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1").replace("//", "//user:secret@"))
            observed = await ask("http://models.example/v1", clock, endpoint=_proxied("http://models.example/v1"))
        assert observed.kind is None
        assert proxy.requests[0].startswith(b"POST http://models.example/v1/chat/completions")
        assert b"Proxy-Authorization: Basic" in proxy.requests[0]

    async def test_only_where_the_operator_wants_it(self, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
        assert (await hear(clock, head(STREAM) + WHOLE)).kind is None

    @pytest.mark.parametrize(
        ("name", "value"), [("NO_PROXY", "models.example"), ("no_proxy", ".example,a"), ("NO_PROXY", "*")]
    )
    def test_no_proxy_is_respected(self, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv(name, value)
        assert _proxied("http://models.example/v1").proxy is None

    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
    def test_its_kin_are_known(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(name, "proxy.example:3128")
        proxy = _proxied("https://models.example/v1").proxy
        assert proxy is not None
        assert (str(proxy.url), proxy.variable) == ("http://proxy.example:3128", name.upper())

    def test_a_proxy_that_cannot_be_used_is_refused_without_quoting_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "socks5://user:canary@proxy")
        with pytest.raises(InvalidInput, match="HTTPS_PROXY must start with http") as caught:
            _proxied("https://models.example/v1")
        assert "canary" not in caught.value.message

    async def test_a_proxy_that_refuses_is_named(self, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        assert await _sentence("https://models.example/v1", clock) == "No connection to the proxy. Check HTTPS_PROXY."


def _proxied(url: str) -> Endpoint:
    choice = choose_provider(
        openrouter_api_key=None, llm_base_url=url, llm_api_key=None, local_model=None, models=("m",)
    )
    endpoint = through_proxy(choice).endpoint
    assert endpoint is not None
    return endpoint


async def _sentence(url: str, clock: FakeClock) -> str:
    observed = await ask(url, clock, endpoint=_proxied(url))
    assert observed.answer.failure is not None
    return observed.answer.failure.message


def _endpoint_of(url: str, key: str | None = None, openrouter: str | None = None) -> Endpoint:
    choice = choose_provider(
        openrouter_api_key=SecretStr(openrouter) if openrouter else None,
        llm_base_url=None if openrouter else url,
        llm_api_key=SecretStr(key) if key else None,
        local_model=None,
        models=() if openrouter else ("m",),
    )
    assert choice.endpoint is not None
    return Endpoint(url, choice.endpoint.api_key, names=choice.endpoint.names)


async def _refusal(
    clock: FakeClock, answer: bytes, *, path: str = "/v1", key: str | None = None, openrouter: str | None = None
) -> str:
    async with saying(answer) as server:
        url = server.url.removesuffix("/v1") + path
        observed = await ask(url, clock, endpoint=_endpoint_of(url, key, openrouter))
    assert observed.answer.failure is not None
    return observed.answer.failure.message


class TestSentences:
    @pytest.mark.parametrize(
        "answer",
        [
            head(status="404 Not Found") + b"404 page not found",
            head(JSON, status="404 Not Found") + b'{"detail": "Not Found"}',
            head(JSON, status="404 Not Found") + b'{"error": {"code": 404, "message": "File Not Found"}}',
            head(JSON, status="404 Not Found") + b'{"error": {"message": "Invalid URL (POST /chat/completions)"}}',
            head(JSON, status="405 Method Not Allowed") + b'{"detail": "Method Not Allowed"}',
            head(JSON) + b'{"error": "Unexpected endpoint or method. (POST /chat/completions)"}',
            head("Content-Type: text/html") + b"<html>Welcome</html>",
            head("Location: /login", status="302 Found"),
        ],
    )
    async def test_an_address_without_its_version_is_named(self, answer: bytes, clock: FakeClock) -> None:
        sentence = await _refusal(clock, answer, path="")
        assert "It has no /v1 in it" in sentence
        assert sentence.endswith("Check TALES_LLM_BASE_URL.")
        assert "OPENROUTER" not in sentence

    async def test_a_model_that_is_not_there_is_another_matter(self, clock: FakeClock) -> None:
        answer = head(JSON, status="404 Not Found") + b'{"error": {"message": "model m not found"}}'
        for path in ("", "/v1"):
            assert "no such model" in await _refusal(clock, answer, path=path)

    async def test_a_wrong_key_names_its_own_setting(self, clock: FakeClock) -> None:
        wrong = head(JSON, status="401 Unauthorized") + b'{"error": {"message": "No auth"}}'
        refused = "The provider refused the key (HTTP 401)."
        assert await _refusal(clock, wrong, key="k") == f"{refused} Check TALES_LLM_API_KEY."
        assert await _refusal(clock, wrong, openrouter="k") == f"{refused} Check OPENROUTER_API_KEY."
        missing = await _refusal(clock, wrong)
        assert missing == "The provider wants a key (HTTP 401), and none is set. Set TALES_LLM_API_KEY."
        # The local model has no setting for its key.
        async with saying(wrong) as server:
            observed = await ask(server.url, clock)
        assert observed.answer.failure is not None
        assert observed.answer.failure.message == refused

    async def test_nothing_that_listens_is_said_to_be_that(self, clock: FakeClock) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        sentence = await _sentence(url, clock)
        assert sentence.startswith("Nothing listens at the provider's address")
        assert sentence.endswith("Check TALES_LLM_BASE_URL.")

    async def test_a_name_that_nobody_knows_is_said_to_be_that(self, clock: FakeClock) -> None:
        sentence = await _sentence("http://models.invalid/v1", clock)
        assert "there is no network, or no such name" in sentence

    async def test_a_server_without_tls_is_said_to_be_that(self, clock: FakeClock) -> None:
        def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            assert "speaks no TLS" in await _sentence(f"https://127.0.0.1:{port}/v1", clock)

    async def test_only_settings_that_are_set_are_named(self, clock: FakeClock) -> None:
        async with saying(Now.RESET) as server:
            observed = await ask(server.url, clock)
        assert observed.answer.failure is not None
        assert "TALES" not in observed.answer.failure.message


def test_a_local_model_needs_no_proxy() -> None:
    choice = choose_provider(
        openrouter_api_key=None, llm_base_url=None, llm_api_key=None, local_model=Path("/m.gguf"), models=()
    )
    assert through_proxy(choice) == choice
