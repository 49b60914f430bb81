"""One request and what comes of it, with every clock that it runs against."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import aiohttp

from tales.application.ports import Clock, ModelAnswer, TextRefused
from tales.domain.failures import Failure, FailureKind
from tales.infrastructure.providers import completion
from tales.infrastructure.providers.connection_errors import connection_failure
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.response_reader import ResponseReader
from tales.infrastructure.providers.stream_accumulator import ParsedChunk
from tales.infrastructure.providers.verdict import OutcomeEvidence, classify_outcome

USAGE_TIMEOUT = 5.0
"""Seconds that are waited for the usage after the text has ended, and for the body of an error."""

DRAIN_TIMEOUT = 0.5
"""Seconds after `[DONE]` for the end of the body, which lets the connection serve the next call."""

TURNS = 3
"""Of the loop: to read the end of a connection, to close it here, and to tell that it is closed."""


class StreamingCall:
    """One call. `run` it once, then ask for its `answer`.

    Until the request is sent only the connection's own limit and the deadline run. From then on `_patience` does: it
    is what is left of the time without a token, and starts anew with each bit of progress.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        limits: Limits,
        clock: Clock,
        on_provider_id: Callable[[str], None],
        on_text: Callable[[str], None],
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._clock = clock
        self._on_provider_id = on_provider_id
        self._on_text = on_text
        self._deadline = asyncio.timeout(limits.deadline)
        self._patience = asyncio.timeout(None)
        self._reader = ResponseReader(limits.max_body_bytes)
        self._response: aiohttp.ClientResponse | None = None
        self._provider_id: str | None = None
        self._first_token_at: datetime | None = None
        self._has_begun = False
        self._cut: Failure | None = None
        self._is_refused = False

    async def run(self, session: aiohttp.ClientSession, body: bytes) -> None:
        """Make the request and read its answer, as far as it comes."""
        try:
            async with self._deadline, self._patience:
                await self._send(session, body)
                if self._response is not None:
                    await self._read(self._response)
        except TimeoutError:
            if not (self._deadline.expired() or self._patience.expired()):
                raise  # not one of ours
            self._cut = self._timeout()
        finally:
            if self._response is not None:
                self._response.close()  # does nothing to a connection whose answer has been read to its end
        if self._response is not None:
            self._record(self._reader.feed(_left_in(self._response.content)))
            self._record(self._reader.end())

    def sent(self) -> None:
        """The request is on its way: from now on the provider is waited for."""
        self._be_patient()

    def answer(self) -> ModelAnswer:
        """What came of it."""
        response = self._response
        body = self._reader.body
        failure = self._cut
        if response is not None:
            cut = self._reader.fault or self._cut
            evidence = OutcomeEvidence(
                response.status, response.headers, body, cut, self._reader.is_stream, self._reader.was_whole
            )
            failure = classify_outcome(evidence, self._clock.now(), self._endpoint)
        return ModelAnswer(
            text=completion.story_text(body),
            finish_reason=completion.finish_reason(body),
            full_response=body,
            http_status=response.status if response is not None else None,
            provider_generation_id=self._provider_id or completion.provider_id(body),
            first_token_at=self._first_token_at,
            failure=failure,
        )

    async def _send(self, session: aiohttp.ClientSession, body: bytes) -> None:
        # A kept connection that the provider has closed is seen to be closed only when the loop has had its turn.
        for _ in range(TURNS):
            await asyncio.sleep(0)
        proxy = self._endpoint.proxy
        try:
            self._response = await session.post(
                self._endpoint.chat_url,
                data=body,
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                trace_request_ctx=self,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: a host that no resolver takes.
            self._cut = connection_failure(error, self._endpoint)

    async def _read(self, response: aiohttp.ClientResponse) -> None:
        self._report_id(completion.name_of(response.headers.get("X-Generation-Id")))
        self._be_patient()
        while self._reader.fault is None and not self._is_refused:
            try:
                piece = await response.content.readany()
            except (aiohttp.ClientError, OSError):
                self._cut = Failure(
                    FailureKind.STREAM_INTERRUPTED, "The connection broke before the provider's answer was complete."
                )
                return
            if not piece:
                return
            parsed = self._reader.feed(piece)
            self._record(parsed)
            if self._provider_id is None:
                self._report_id(self._reader.streamed_id)
            if parsed.is_progress:
                self._be_patient()

    def _report_id(self, provider_id: str | None) -> None:
        """Hand on the provider's id."""
        if provider_id is not None:
            self._provider_id = provider_id
            self._on_provider_id(provider_id)

    def _record(self, parsed: ParsedChunk) -> None:
        self._has_begun |= parsed.is_progress
        if parsed.has_token and self._first_token_at is None:
            self._first_token_at = self._clock.now()
        if parsed.text and not self._is_refused:
            try:
                self._on_text(parsed.text)
            except TextRefused as refused:
                self._cut, self._is_refused = refused.failure, True

    def _be_patient(self) -> None:
        seconds = self._limits.token_timeout
        if self._reader.is_done:
            seconds = min(seconds, DRAIN_TIMEOUT)
        elif self._reader.has_ended or (self._response is not None and self._response.status >= 300):
            seconds = min(seconds, USAGE_TIMEOUT)
        self._patience.reschedule(asyncio.get_running_loop().time() + seconds)

    def _timeout(self) -> Failure | None:
        """Which clock ran out; None when the text had ended and only its epilogue was waited for."""
        if self._deadline.expired():
            return Failure(FailureKind.DEADLINE, f"The call took longer than {self._limits.deadline:g} s in all.")
        if self._reader.has_ended:
            return None
        seconds = f"{self._limits.token_timeout:g} s"
        if self._has_begun:
            return Failure(FailureKind.IDLE_TIMEOUT, f"The answer began, then nothing of it came for {seconds}.")
        return Failure(FailureKind.FIRST_TOKEN_TIMEOUT, f"Nothing of the answer came within {seconds}.")


def _left_in(reader: aiohttp.StreamReader) -> bytes:
    """What arrived just before the connection broke: aiohttp's reader raises first, and would keep it."""
    # A response without a body has a reader without a buffer.
    return b"".join(getattr(reader, "_buffer", ()))
