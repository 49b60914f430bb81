"""A generation as a stream of server-sent events (HTML standard, section 9.2)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Annotated, assert_never
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response, status
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import AliasPath, Field
from starlette.types import Receive, Scope, Send

from tales.domain import errors, progress
from tales.domain.generation import Status
from tales.domain.progress import Cursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, ErrorType, Id, Moment, Quoted
from tales.interfaces.api.openapi import Responses, problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.generations import Attempt

router = APIRouter(
    prefix=paths.GENERATIONS,
    tags=["generations"],
    responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput, errors.NotFound),
)


class Retry(Answer):
    """An attempt gave no story, and another one comes, not before `next_at` if that is known."""

    attempt_number: Annotated[int, Field(validation_alias=AliasPath("ended", "id", "attempt_number"))]
    status: Annotated[Status, Field(validation_alias=AliasPath("ended", "status"))]
    error_type: Annotated[ErrorType, Field(validation_alias=AliasPath("ended", "error_type"))]
    error_message: Annotated[Quoted | None, Field(validation_alias=AliasPath("ended", "error_message"))]
    next_attempt_number: Annotated[int, Field(validation_alias=AliasPath("following", "id", "attempt_number"))]
    next_model_used: Annotated[str, Field(validation_alias=AliasPath("following", "model_used"))]
    next_at: Annotated[Moment | None, Field(validation_alias="due_at")]


class GenerationEnd(Answer):
    """A generation has ended. `story_id` is null when no story came of it."""

    generation_id: UUID
    status: Status
    story_id: UUID | None


HEARTBEAT = b":\n\n"
"""A comment, which every client passes over."""

_LONGEST_ID = 40
_EXAMPLE = """\
event: attempt
data: {"attempt_number": 1, "status": "pending", "model_used": "openai/gpt-4o-mini"}
id: 1:0

event: delta
data: {"attempt_number": 1, "text": "Once upon a time"}
id: 1:16

event: attempt
data: {"attempt_number": 1, "status": "success", "model_used": "openai/gpt-4o-mini"}
id: 1:ended

event: end
data: {"generation_id": "019d...", "status": "success", "story_id": "019d..."}
id: 1:end

"""
# One event of the stream (OpenAPI 3.2, "Sequential Media Types").
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["attempt", "delta", "retry", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string"},
    },
    "required": ["event", "data", "id"],
}
_STREAMS: Responses = {
    200: {
        "description": "The events, as they happen.",
        "content": {"text/event-stream": {"itemSchema": _EVENT, "example": _EXAMPLE}},
    },
    204: {"description": "The client has had the last event. There is nothing to connect to again."},
}

LastEventId = Annotated[
    str | None,
    Header(
        max_length=_LONGEST_ID,
        description="The id of the last event that the client has: the stream goes on right after it.",
        examples=["1:16"],
    ),
]
LastEventIdInQuery = Annotated[
    str | None,
    Query(max_length=_LONGEST_ID, description="The same, for clients that cannot set a header.", examples=["1:16"]),
]


Writer = Callable[[AsyncIterator[progress.Event | None]], AsyncIterator[bytes]]
"""How events are written for a client."""


class EventStream(EventSourceResponse):
    """A stream whose source is closed as soon as its client has left, whatever it was waiting for."""

    def __init__(self, events: AsyncGenerator[progress.Event | None], write: Writer | None = None) -> None:
        # What stands in between must neither gather the events nor keep them.
        super().__init__((write or _written)(events), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; HEAD at once, for it waits for no event."""
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body"})
        else:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send all of it."""
        try:
            await super().stream_response(send)
        finally:
            await self._events.aclose()


@router.get(
    "/{generation_id}/events",
    summary="Follow a generation",
    response_class=Response,
    responses=_STREAMS,
)
async def stream_events(
    generation_id: Id,
    actor: CurrentActor,
    services: UseCases,
    last_event_id: LastEventId = None,
    last_event_id_in_query: Annotated[LastEventIdInQuery, Query(alias="last_event_id")] = None,
) -> Response:
    """What becomes of a generation, as server-sent events, from the beginning or after `Last-Event-ID`.

    `attempt`: a call to a model waits, has begun or has ended. `delta`: more of its text; that of an attempt which is
    followed by another one counts for nothing. `retry`: an attempt gave no story, and when the next one may begin.
    `end`: no more will come; `story_id` is the story, if there is one. A comment comes when nothing has happened for a
    while. A stream that breaks off before `end` goes on when the client comes back. A client that leaves stops nothing.
    """
    last = read_cursor(last_event_id or last_event_id_in_query or "")
    events = await services.stream_events(actor, generation_id, last)
    if last is not None and last.is_last:
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    return EventStream(events)


def read_cursor(last_event_id: str) -> Cursor | None:
    """Where a client stands; None: at the beginning. Raises: InvalidInput."""
    if not last_event_id:
        return None
    try:
        return Cursor.parse(last_event_id)
    except ValueError:
        raise errors.InvalidInput(
            "Last-Event-ID", "No event has this id. Send the id of the last event that came, or leave it out."
        ) from None


async def _written(events: AsyncIterator[progress.Event | None]) -> AsyncIterator[bytes]:
    async for event in events:
        yield HEARTBEAT if event is None else _write(event)


def _write(event: progress.Event) -> bytes:
    match event:
        case progress.AttemptEvent():
            name, data = "attempt", _json(Attempt.model_validate(event.attempt))
        case progress.TextDelta():
            # Half a surrogate pair is no UTF-8. Escaped, it meets its other half at the client.
            number = event.cursor.attempt_number
            name, data = "delta", json.dumps({"attempt_number": number, "text": event.text})
        case progress.RetryEvent():
            name, data = "retry", _json(Retry.model_validate(event))
        case progress.GenerationEnded():
            name, data = "end", _json(GenerationEnd.model_validate(event))
        case _:
            assert_never(event)
    return format_sse_event(event=name, data_str=data, id=str(event.cursor))


def _json(answer: Answer) -> str:
    return answer.model_dump_json()
