"""Requests for stories, and what becomes of them."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from http import HTTPStatus
from time import monotonic
from uuid import uuid4

import httpx2

from tales.client import wire
from tales.client.errors import ConnectionFailed, UnexpectedAnswer
from tales.client.events import Ended, Event, read_event
from tales.client.models import Generation
from tales.client.sync.pages import each
from tales.client.sync.transport import Transport
from tales.client.sync.waiting import sleep
from tales.client.wire import Id, path_of, present

HEARTBEAT = 30.0
"""Seconds beyond the usual time without a sign of life, after which a stream of events is taken for dead."""

FIRST_LOOK, LONGEST_LOOK = 0.2, 2.0
"""Seconds between two looks at a generation that is waited for; they double."""


class Generations:
    """The family's generations."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        *,
        moral: str,
        child_id: Id | None = None,
        hero_id: Id | None = None,
        relationship_description: str | None = None,
        story_type: str | None = None,
        story_length: int | None = None,
        language: str | None = None,
        sequel_of: Id | None = None,
        model: str | None = None,
        wait: int | None = None,
        idempotency_key: str | None = None,
    ) -> Generation:
        """Ask for a story about a child, a hero, or both.

        `sequel_of` is a story that this one carries on; `Stories.sequel` does that in fewer words.
        `story_type` is what suits the ids given, unless said otherwise; `story_length` in minutes of reading aloud.
        With `wait` the answer comes when the generation has ended, or after that many seconds (120 at most): look at
        its `has_ended`. The same `idempotency_key` gives the same generation however often it is sent; without one a
        new one is made, so that a request that is repeated because its answer was lost makes no second story.
        Raises: InvalidInput, NotFound for a child or hero of another family, TooManyRequests.
        """
        if story_type is None:
            story_type = "child" if hero_id is None else "hero" if child_id is None else "combined"
        body = present(
            story_type=story_type,
            moral=moral,
            child_id=child_id and str(child_id),
            hero_id=hero_id and str(hero_id),
            relationship_description=relationship_description,
            story_length=story_length,
            language=language,
            sequel_of=sequel_of and str(sequel_of),
            model=model,
        )
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        request = wire.Request(method="POST", path="/generations", json=body, headers=headers, patience=wait or 0.0)
        return wire.read(Generation, self._transport.send(request))

    def get(self, generation_id: Id) -> Generation:
        """How it stands, with every call made for it. Raises: NotFound."""
        request = wire.Request(method="GET", path=path_of("generations", generation_id))
        return wire.read(Generation, self._transport.send(request))

    def wait(self, generation_id: Id, *, seconds: float | None = None) -> Generation:
        """How it stands when it has ended, or after `seconds`: look at its `has_ended`. Raises: NotFound."""
        end = None if seconds is None else monotonic() + seconds
        pause = FIRST_LOOK
        while True:
            found = self.get(generation_id)
            left = pause if end is None else min(pause, end - monotonic())
            if found.has_ended or left <= 0:
                return found
            sleep(left)
            pause = min(pause * 2, LONGEST_LOOK)

    def cancel(self, generation_id: Id) -> Generation:
        """Give it up. Raises: NotFound, Conflict when it has ended."""
        request = wire.Request(method="POST", path=path_of("generations", generation_id, "cancel"), repeatable=False)
        return wire.read(Generation, self._transport.send(request))

    def list(
        self,
        *,
        status: str | None = None,
        model: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        page_size: int | None = None,
    ) -> Generator[Generation]:
        """The family's generations, newest first, page by page."""
        query: wire.Query = {
            "status": status,
            "model": model,
            "created_after": created_after,
            "created_before": created_before,
        }
        return each(self._transport, "/generations", Generation, query, page_size)

    def events(self, generation_id: Id, *, after: str | None = None) -> Generator[Event]:
        """What happens to it, as it happens, up to its end; one that listens late gets the text so far.

        A connection that breaks is made again where it broke, without losing or repeating text; as often as the
        client's `retry` says while nothing new comes. `after` is the id of an event that was heard before.
        Raises: NotFound, ConnectionFailed.
        """
        silences = 0
        while True:
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
            path = path_of("generations", generation_id, "events")
            request = wire.Request(method="GET", path=path, headers=headers, patience=HEARTBEAT)
            cut = ConnectionFailed("The server ended the events before the generation's end. Listen again.")
            try:
                with self._transport.stream(request) as response:
                    if response.status_code == HTTPStatus.NO_CONTENT:
                        return  # `after` was the last one
                    if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                        raise UnexpectedAnswer("The server answers, and not with events. Check its address.")
                    for sent in httpx2.EventSource(response):
                        if sent.id and sent.id != after:
                            after, silences = sent.id, 0
                        event = read_event(sent.event, sent.data)
                        if event is not None:
                            yield event
                        if isinstance(event, Ended):
                            return
            except httpx2.HTTPError as error:
                cut = wire.no_answer(error)
            silences += 1
            pause = self._transport.retry.pause(silences)
            if pause is None:
                raise cut
            sleep(pause)
