"""The client of any OpenAI-compatible service: OpenRouter, another base URL, the local model.

One call is exactly one HTTP request: nothing here tries again, and nothing follows a redirect. That a failed attempt
is followed by another one is decided, and written down, outside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Self

import aiohttp

from tales.application.ports import Clock, ModelAnswer, ModelCall
from tales.domain.failures import FailureKind
from tales.domain.generation import Json
from tales.domain.model_parameters import Changes, refusal_message
from tales.domain.prompt import target_words
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.parameters import ParameterMemory, changed, refused_parameters
from tales.infrastructure.providers.streaming_call import StreamingCall

TOKENS_PER_WORD = 4
SPARE_TOKENS = 1024
"""Room for the wordiest of the languages, for a title, and for a model that writes more than it was asked for."""

TEMPERATURE = 0.8
"""Stories may differ, but a small model should not lose its thread."""

MAX_HEADER_BYTES = 65_536
"""Of one header of an answer: gateways write their policies there, and what they think of each word."""

MAX_HEADERS = 1_000

# Some gateways call a request that its model does not take an error of their own.
_MAY_BE_PARAMETERS = frozenset({FailureKind.INVALID_REQUEST, FailureKind.SERVER_ERROR, FailureKind.MALFORMED_RESPONSE})


def max_tokens(minutes: int) -> int:
    """How many tokens a model may write for a story of `minutes`."""
    return target_words(minutes) * TOKENS_PER_WORD + SPARE_TOKENS


def request_fields(call: ModelCall, changes: Changes) -> dict[str, Json]:
    """The body of the request for `call`, without what its model does not take."""
    fields: dict[str, Json] = {
        "model": call.model,
        "messages": [{"role": "user", "content": call.prompt}],
        "max_tokens": max_tokens(call.minutes),
        "temperature": TEMPERATURE,
        "stream": True,
        # OpenAI, vLLM and llama.cpp send a stream's usage only when asked; OpenRouter documents it as without effect.
        "stream_options": {"include_usage": True},
    }
    return changed(fields | dict(call.extra), changes)


class OpenAiCompatibleProvider:
    """A `ModelProvider` over HTTP. Its connections are kept for the next calls until `close`."""

    def __init__(
        self, endpoint: Endpoint, limits: Limits, clock: Clock, parameters: ParameterMemory | None = None
    ) -> None:
        self._endpoint = endpoint
        self._headers = endpoint.request_headers() | {"Content-Type": "application/json"}
        self._limits = limits
        self._clock = clock
        self._parameters = parameters or ParameterMemory()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def complete(
        self,
        call: ModelCall,
        on_provider_id: Callable[[str], None],
        on_text: Callable[[str], None],
    ) -> ModelAnswer:
        streaming_call = StreamingCall(self._endpoint, self._limits, self._clock, on_provider_id, on_text)
        fields = request_fields(call, self._parameters.of(call.model))
        await streaming_call.run(self._open_session(), json.dumps(fields).encode())
        return self._learned(call, streaming_call.answer(), fields)

    def _learned(self, call: ModelCall, answer: ModelAnswer, sent: Mapping[str, Json]) -> ModelAnswer:
        """Remember which parameters the model has refused: the next attempt does without."""
        failure = answer.failure
        if failure is None or failure.kind not in _MAY_BE_PARAMETERS:
            return answer
        refused = refused_parameters(answer.full_response, sent.keys())
        if not refused:
            return answer
        self._parameters.learn(call.model, refused)
        message = refusal_message(refused, failure.http_status)
        mended = replace(failure, kind=FailureKind.INVALID_REQUEST, message=message, is_mended=True)
        return replace(answer, failure=mended)

    def _open_session(self) -> aiohttp.ClientSession:
        """The session, opened by the first call: it belongs to the loop that is running then."""
        if self._session is None:
            # How many calls run at once is for the workers to say, not for a pool of connections.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
                max_headers=MAX_HEADERS,
                timeout=aiohttp.ClientTimeout(total=None, connect=self._limits.connect_timeout),
                trace_configs=[_reports_sending()],
            )
        return self._session


def _reports_sending() -> aiohttp.TraceConfig:
    """Tells each call that its request is on its way: aiohttp says so by no other means."""

    async def sent(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _sent: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        streaming_call = context.trace_request_ctx
        if isinstance(streaming_call, StreamingCall):
            streaming_call.sent()
            # The response keeps this context, and the call its response: a circle, which only a search would free.
            context.trace_request_ctx = None

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(sent)
    return config
