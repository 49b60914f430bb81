"""Text of attempts in flight, in `tales.live_text`, and the notices that tell of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import ARRAY, CursorResult, Integer, Text, TextClause, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.generation import AttemptId
from tales.domain.repositories.live_texts import Change, LivePiece, LiveTextRepository
from tales.infrastructure.events.notices import CHANNEL, QUEUE_CHANNEL, payloads
from tales.infrastructure.postgres.escaping import escape_text, unescape_text


def _with_attempts(statement: str, **arrays: type[Integer | Text | Uuid[UUID]]) -> TextClause:
    """`statement`, whose parameters are arrays of the same length: `ids`, `numbers` and more."""
    types: dict[str, type[Integer | Text | Uuid[UUID]]] = {"ids": Uuid, "numbers": Integer, **arrays}
    return text(statement).bindparams(*(bindparam(name, type_=ARRAY(type_)) for name, type_ in types.items()))


# No lock is taken on the attempt, which its end would wait for. A piece that is there already was written by a commit
# of which nobody heard; what comes instead begins with it.
_ADD = _with_attempts(
    """
    insert into tales.live_text (generation_id, attempt_number, begins_at, text)
    select piece.generation_id, piece.attempt_number, piece.begins_at, piece.text
    from unnest(:ids, :numbers, :offsets, :texts, :users)
        as piece (generation_id, attempt_number, begins_at, text, user_id)
    where exists (
        select from tales.generations as g
        where g.generation_id = piece.generation_id and g.attempt_number = piece.attempt_number
            and g.status = 'pending' and g.user_id = piece.user_id
    )
    on conflict on constraint live_text_pkey do update set text = excluded.text
    """,
    offsets=Integer,
    texts=Text,
    users=Uuid,
)
_READ = _with_attempts(
    """
    select g.user_id, t.generation_id, t.attempt_number, t.begins_at, t.text
    from unnest(:ids, :numbers, :offsets) as wanted (generation_id, attempt_number, begins_at)
    join tales.live_text as t on t.generation_id = wanted.generation_id
        and t.attempt_number = wanted.attempt_number
        and t.begins_at >= (
            select coalesce(max(known.begins_at), 0) from tales.live_text as known
            where known.generation_id = wanted.generation_id and known.attempt_number = wanted.attempt_number
                and known.begins_at <= wanted.begins_at
        )
    join tales.generations as g on g.generation_id = t.generation_id and g.attempt_number = t.attempt_number
    order by t.generation_id, t.attempt_number, t.begins_at
    """,
    offsets=Integer,
)
_FORGET = _with_attempts(
    """
    delete from tales.live_text as t using unnest(:ids, :numbers) as ended (generation_id, attempt_number)
    where t.generation_id = ended.generation_id and t.attempt_number = ended.attempt_number
    """
)
# Whoever has locked a piece removes it: of two that remove many, each might wait for the other.
_FORGET_ENDED = text("""
    with ended as (
        select t.generation_id, t.attempt_number, t.begins_at from tales.live_text as t
        where not exists (
            select from tales.generations as g
            where g.generation_id = t.generation_id and g.attempt_number = t.attempt_number and g.status = 'pending'
        )
        for update skip locked
    )
    delete from tales.live_text as t using ended
    where t.generation_id = ended.generation_id and t.attempt_number = ended.attempt_number
        and t.begins_at = ended.begins_at
""")
_NOTIFY = text(
    "select pg_notify(channel, payload)"
    " from unnest(cast(:channels as text[]), cast(:payloads as text[])) as notice (channel, payload)"
)


class SqlLiveTextRepository(LiveTextRepository):
    """Text over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, pieces: Sequence[LivePiece]) -> None:
        if pieces:
            parameters = _attempts([piece.attempt for piece in pieces]) | {
                "offsets": [piece.begins_at for piece in pieces],
                "texts": [escape_text(piece.text) for piece in pieces],
                "users": [piece.user_id for piece in pieces],
            }
            await self._session.execute(_ADD, parameters)

    async def read(self, offsets: Mapping[AttemptId, int]) -> tuple[LivePiece, ...]:
        if not offsets:
            return ()
        rows = await self._session.execute(_READ, _attempts(offsets) | {"offsets": list(offsets.values())})
        return tuple(
            LivePiece(
                AttemptId(row.generation_id, row.attempt_number), row.begins_at, unescape_text(row.text), row.user_id
            )
            for row in rows
        )

    async def forget(self, attempts: Collection[AttemptId]) -> None:
        if attempts:
            await self._session.execute(_FORGET, _attempts(attempts))

    async def forget_ended(self) -> int:
        return cast("CursorResult[object]", await self._session.execute(_FORGET_ENDED)).rowcount

    async def announce(self, changes: Collection[Change], *, sender: str = "", has_enqueued: bool = False) -> None:
        notices = [(CHANNEL, payload) for payload in payloads(changes, sender)]
        if has_enqueued:
            notices.append((QUEUE_CHANNEL, ""))
        if notices:
            channels, texts = zip(*notices, strict=True)
            await self._session.execute(_NOTIFY, {"channels": list(channels), "payloads": list(texts)})


def _attempts(attempts: Collection[AttemptId]) -> dict[str, object]:
    return {
        "ids": [attempt.generation_id for attempt in attempts],
        "numbers": [attempt.attempt_number for attempt in attempts],
    }
