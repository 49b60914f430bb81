"""A story while it is written: it appears word by word, and whoever comes back later finds how it stands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import uuid4

from fastapi import APIRouter, Header, Request
from fastapi.sse import format_sse_event
from starlette.responses import Response

from tales.application import generations
from tales.domain import progress
from tales.domain.errors import Conflict
from tales.domain.generation import Status
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.api.v3.events import EventStream, read_cursor
from tales.interfaces.web.browser_sessions import ONLY_OUR_FORMS, CurrentVisitor, see_other
from tales.interfaces.web.rendering import render
from tales.interfaces.web.tonight import again

router = APIRouter(prefix="/writing", include_in_schema=False)


@router.get("/{generation_id}")
async def show_writing(request: Request, generation_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """How the story stands: it is being written, or is there to be read, or came to nothing."""
    generation = await services.follow_generation.get(visitor.actor, generation_id)
    if generation.story_id is not None:
        return see_other(f"/stories/{generation.story_id}")
    facts = {"generation": generation, "wish": again(generation), "key": uuid4().hex}
    if not generation.status.is_final:
        return render(request, "writing.html", **facts)
    was_written = generation.status is Status.SUCCESS
    return render(request, "not_written.html", was_written=was_written, **facts)


@router.get("/{generation_id}/events")
async def stream_events(
    generation_id: Id,
    visitor: CurrentVisitor,
    services: UseCases,
    last_event_id: str | None = Header(None, max_length=40),
) -> Response:
    """What the page has to know: `begin`, `text`, `again` and `end`, and nothing of models and errors."""
    last = read_cursor(last_event_id or "")
    events = await services.stream_events(visitor.actor, generation_id, last)
    if last is not None and last.is_last:
        return Response(status_code=204)
    return EventStream(events, _written)


@router.post("/{generation_id}/cancel", dependencies=ONLY_OUR_FORMS)
async def cancel(generation_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Give the story up."""
    try:
        await generations.cancel(services.transactions, visitor.actor, generation_id)
    except Conflict:  # it has ended meanwhile: the page says how
        return see_other(f"/writing/{generation_id}")
    return see_other("/tonight")


async def _written(events: AsyncIterator[progress.Event | None]) -> AsyncIterator[bytes]:
    async for event in events:
        yield b":\n\n" if event is None else _write(event)


def _write(event: progress.Event) -> bytes:
    data: dict[str, object] = {}
    match event:
        case progress.AttemptEvent():
            name = "begin" if event.attempt.status is Status.PENDING and event.cursor.position is None else "note"
        case progress.TextDelta():
            name, data = "text", {"text": event.text}
        case progress.RetryEvent():
            name = "again"
        case progress.GenerationEnded():
            name, data = "end", {"story": str(event.story_id) if event.story_id else None}
    return format_sse_event(event=name, data_str=json.dumps(data), id=str(event.cursor))
