"""Calls to the local model, which is started again when its process has died, and held to the arc of its prompt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import Self

from tales.application.ports import Clock, ModelAnswer, ModelCall
from tales.domain.arcs.grammar import grammar_of
from tales.domain.arcs.prompt import arc_in, has_former_arc
from tales.domain.errors import Unavailable
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Json
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.local_model import LocalModel
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider

NOTICE = 0.5
"""Seconds after a connection broke in which the end of the process behind it is noticed."""

LONGEST_PAUSE = 60.0
"""Seconds between two starts of a model that dies again and again, at most."""

TEMPERATURE = 0.8

_BROKEN = frozenset({FailureKind.CONNECTION, FailureKind.STREAM_INTERRUPTED})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    """One process, its client, and what ends both."""

    model: LocalModel
    client: OpenAiCompatibleProvider
    end: AsyncExitStack


class LocalModelProvider:
    """A `ModelProvider` over the local model.

    The call that meets a dead process fails, as any failure is a row, and starts the model again; the calls after it
    wait for that start. A model that dies again before it has answered is started after a pause that doubles each
    time, and calls in between fail at once, with the time that is left.
    """

    def __init__(
        self,
        start: Callable[[], AbstractAsyncContextManager[LocalModel]],
        limits: Limits,
        clock: Clock,
        *,
        pause: float = 1.0,
    ) -> None:
        self._start = start
        self._limits = limits
        self._clock = clock
        self._pause = pause
        self._running: _Running | None = None
        self._starting: asyncio.Task[None] | None = None
        self._deaths = 0
        self._not_before = 0.0

    async def __aenter__(self) -> Self:
        """Raises: LocalModelMissing, LocalModelUnusable."""
        self._running = await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._close()

    async def complete(
        self,
        call: ModelCall,
        on_provider_id: Callable[[str], None],
        on_text: Callable[[str], None],
    ) -> ModelAnswer:
        if has_former_arc(call.prompt):
            return ModelAnswer.nothing(_outdated())
        if self._starting is not None:
            await asyncio.wait({self._starting}, timeout=self._limits.token_timeout)
        running = self._running
        if self._starting is not None or running is None or running.model.has_ended:
            return ModelAnswer.nothing(_has_ended(self._start_again(running)))
        if (arc := arc_in(call.prompt)) is not None:
            call = replace(call, extra=_held_to(arc))
        answer = await running.client.complete(call, on_provider_id, on_text)
        if answer.failure is None:
            self._deaths = 0
        elif answer.failure.kind in _BROKEN and await running.model.ends_within(NOTICE):
            self._start_again(running)
        return answer

    def _start_again(self, met: _Running | None) -> float:
        """Begin to replace the process that was `met` dead; how many seconds a call had better wait."""
        now = asyncio.get_running_loop().time()
        if self._starting is None and self._running is met:
            if now < self._not_before:
                return self._not_before - now
            self._not_before = now + min(self._pause * 2.0 ** min(self._deaths, 10), LONGEST_PAUSE)
            self._deaths += 1
            _log.warning("The local model's process has ended. It is started again.")
            self._starting = asyncio.create_task(self._replace(), name="tales local model")
        return 0.0

    async def _replace(self) -> None:
        try:
            await self._close()
            self._running = await self._open()
        except (Unavailable, OSError) as error:
            _log.error("The local model could not be started again (%s).", type(error).__name__)
        finally:
            self._starting = None

    async def _open(self) -> _Running:
        async with AsyncExitStack() as stack:
            model = await stack.enter_async_context(self._start())
            endpoint = Endpoint(model.base_url, model.api_key, model.headers)
            client = await stack.enter_async_context(OpenAiCompatibleProvider(endpoint, self._limits, self._clock))
            return _Running(model, client, stack.pop_all())

    async def _close(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running.end.aclose()


def _held_to(arc: str) -> dict[str, Json]:
    """What makes llama.cpp's server write `arc`, and choose nothing but the words in its gaps."""
    return {"grammar": grammar_of(arc), "temperature": TEMPERATURE}


def _has_ended(seconds: float) -> Failure:
    message = "The local model's process had ended. It is started again."
    return Failure(FailureKind.PROVIDER_UNAVAILABLE, message, retry_after=seconds or None)


def _outdated() -> Failure:
    message = (
        "The prompt was written before an upgrade, and this version cannot hold its model to it. Ask for a new story."
    )
    return Failure(FailureKind.INVALID_REQUEST, message)
