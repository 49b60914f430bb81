"""Attempts in `tales.generations`."""

from __future__ import annotations

import typing
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CursorResult,
    Uuid,
    case,
    cast,
    exists,
    extract,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased, defer
from sqlalchemy.orm.interfaces import ORMOption

from tales.application.ports import Clock
from tales.domain.filters import ANY_CALL, ANY_GENERATION, CallFilter, GenerationFilter
from tales.domain.generation import Attempt, AttemptId, AttemptRequest, Generation, Origin, Status
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.page import Page, PageKey, PageRequest
from tales.domain.repositories.generations import GenerationRepository
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.escaping import dump_storable
from tales.infrastructure.postgres.keyset import beginning_before, newest_first, page_of, read_in_order
from tales.infrastructure.postgres.models import GenerationDB, SequelDB, StoryDB
from tales.infrastructure.queue.attempt_rows import enqueued, request_row
from tales.infrastructure.repositories.prompts import choice_json

# In the transaction's own name: the claims are its user's already.
_ENQUEUE = text("select * from tales.enqueue_within_budgets(cast(:requests as jsonb))")
_ENQUEUE_CHOSEN = text("""
    select asked.*, case when asked.refusal is null
        then tales.keep_prompt_choice(asked.generation_id, cast(:choice as jsonb)) end as kept
    from tales.enqueue_within_budgets(cast(:requests as jsonb)) as asked
""")
# Lists go without the large columns.
_SUMMARY: tuple[ORMOption, ...] = tuple(
    defer(column) for column in (GenerationDB.full_response, GenerationDB.generation_info, GenerationDB.prompt)
)


class SqlGenerationRepository(GenerationRepository):
    """Attempts over one session."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def create_attempt(self, request: AttemptRequest, limits: GenerationLimits = NO_LIMITS) -> Attempt:
        asked = {"requests": dump_storable([request_row(request, limits=limits)])}
        if request.prompt_choice is not None:
            asked["choice"] = dump_storable(choice_json(request.prompt_choice))
        row = (await self._session.execute(_ENQUEUE_CHOSEN if "choice" in asked else _ENQUEUE, asked)).one()
        if row.refusal is not None:
            raise limits.error(row.refusal, row.retry_after)
        return enqueued(request, row.created_at)

    async def cancel_attempt(self, attempt: AttemptId, message: str) -> bool:
        """End a pending attempt as its user wishes; the database adds the error type."""
        result = await self._session.execute(
            update(GenerationDB)
            .where(
                GenerationDB.generation_id == attempt.generation_id,
                GenerationDB.attempt_number == attempt.attempt_number,
                GenerationDB.status == Status.PENDING,
            )
            .values(status=Status.FAILED, completed_at=self._clock.now(), error_message=message)
        )
        return typing.cast("CursorResult[object]", result).rowcount == 1

    async def get_attempt(self, attempt: AttemptId) -> Attempt | None:
        row = await self._session.get(GenerationDB, (attempt.generation_id, attempt.attempt_number))
        return to_attempt(row) if row else None

    async def latest_attempt(self, generation_id: UUID) -> Attempt | None:
        row = await self._session.scalar(
            select(GenerationDB)
            .where(GenerationDB.generation_id == generation_id)
            .order_by(GenerationDB.attempt_number.desc())
            .limit(1)
            .options(*_SUMMARY)
            # A row that this session has read before may have changed since.
            .execution_options(populate_existing=True)
        )
        return to_attempt(row, summary=True) if row else None

    async def get_generation(self, generation_id: UUID, *, whole: bool = False) -> Generation | None:
        found = await self._generations([generation_id], () if whole else _SUMMARY)
        return found[0] if found else None

    async def get_generations(self, generation_ids: Collection[UUID]) -> tuple[Generation, ...]:
        return await self._generations(list(generation_ids), _SUMMARY)

    async def add_sequel(self, generation_id: UUID, user_id: UUID, story_id: UUID) -> None:
        await self._session.execute(
            insert(SequelDB).values(generation_id=generation_id, user_id=user_id, sequel_of=story_id)
        )

    async def list_for_user(
        self, user_id: UUID, page: PageRequest, which: GenerationFilter = ANY_GENERATION, *, whole: bool = False
    ) -> Page[Generation]:
        page = beginning_before(which.created_before, page)
        wanted = [GenerationDB.attempt_number == 1, GenerationDB.user_id == user_id, *_conditions(which)]
        return await self._list(wanted, page, () if whole else _SUMMARY)

    async def list_all(self, page: PageRequest, which: CallFilter = ANY_CALL) -> Page[Generation]:
        page = beginning_before(which.created_before, page)
        # Nothing follows a success, nor what has not ended: to look for it could take the planner for a long way.
        latest = [] if which.status in {Status.PENDING, Status.SUCCESS} else [_IS_LATEST]
        # The indexes over everybody's have no ids.
        return await self._list([*latest, *_call_conditions(which)], page, _SUMMARY, sorts_ties=True)

    async def _list(
        self,
        which: list[ColumnElement[bool]],
        page: PageRequest,
        options: tuple[ORMOption, ...],
        *,
        sorts_ties: bool = False,
    ) -> Page[Generation]:
        """A page of the generations of which an attempt, one of each, fits `which`."""
        attempts = newest_first(
            select(GenerationDB.created_at, GenerationDB.generation_id).where(*which),
            GenerationDB.created_at,
            GenerationDB.generation_id,
            page,
        )
        rows = await read_in_order(self._session, attempts, sorts_ties=sorts_ties)
        keys = [PageKey(*row) for row in rows]
        found = page_of(keys, page, lambda key: key, lambda key: key.id)
        return Page(await self._generations(found.items, options), found.next)

    async def _generations(self, ids: Sequence[UUID], options: tuple[ORMOption, ...]) -> tuple[Generation, ...]:
        """These generations whole, in the order of `ids`: two statements, however many there are."""
        if not ids:
            return ()
        rows = await self._session.scalars(
            select(GenerationDB)
            .where(GenerationDB.generation_id.in_(ids))
            .order_by(GenerationDB.generation_id, GenerationDB.attempt_number)
            .options(*options)
            # A row that this session has read before may have changed since.
            .execution_options(populate_existing=True)
        )
        attempts: dict[UUID, list[Attempt]] = {}
        for row in rows:
            attempts.setdefault(row.generation_id, []).append(to_attempt(row, summary=bool(options)))
        # One look-up for each: of a list of ids the planner may think that all of a family's stories are fewer.
        wanted = func.unnest(cast(ids, ARRAY(Uuid))).column_valued("wanted")
        story = select(StoryDB.id).where(StoryDB.generation_id == wanted).scalar_subquery()
        earlier = select(SequelDB.sequel_of).where(SequelDB.generation_id == wanted).scalar_subquery()
        linked = {id_: stories for id_, *stories in await self._session.execute(select(wanted, story, earlier))}
        return tuple(
            Generation(id_, attempts[id_][0].user_id, tuple(attempts[id_]), *linked[id_])
            for id_ in ids
            if id_ in attempts
        )


def _conditions(which: GenerationFilter) -> list[ColumnElement[bool]]:
    """What a generation's first attempt must be like; `created_before` is where its list begins."""
    conditions: list[ColumnElement[bool]] = []
    if which.status is not None:
        conditions.append(_of_latest(GenerationDB.status) == which.status)
    if which.model is not None:
        conditions.append(_of_latest(GenerationDB.model_used) == which.model)
    if which.created_after is not None:
        conditions.append(GenerationDB.created_at >= which.created_after)
    return conditions


_later = aliased(GenerationDB)
# Nothing follows a success, nor what is in flight.
_IS_LATEST = GenerationDB.status.in_((Status.PENDING, Status.SUCCESS)) | ~exists().where(
    _later.generation_id == GenerationDB.generation_id, _later.attempt_number > GenerationDB.attempt_number
)


def _call_conditions(which: CallFilter) -> list[ColumnElement[bool]]:
    """What a generation's latest attempt must be like; `created_before` is where its list begins."""
    row = GenerationDB
    asked = {"status": row.status, "model": row.model_used, "error_type": row.error_type, "user_id": row.user_id}
    conditions = [column == value for name, column in asked.items() if (value := getattr(which, name)) is not None]
    if which.created_after is not None:
        conditions.append(row.created_at >= which.created_after)
    if which.cost_over is not None:
        conditions.append(func.coalesce(row.cost_usd, row.reconciled_cost_usd) > which.cost_over)
    if which.slower_than is not None:
        conditions.append(extract("epoch", row.completed_at - row.started_at) > which.slower_than)
    return conditions


def _of_latest(column: InstrumentedAttribute[str]) -> ColumnElement[str]:
    """What the latest attempt has in `column`. Mostly that is the first: nothing follows a success."""
    later = aliased(GenerationDB)
    latest = (
        select(getattr(later, column.key))
        .where(later.generation_id == GenerationDB.generation_id)
        .order_by(later.attempt_number.desc())
        .limit(1)
        .correlate(GenerationDB)
        .scalar_subquery()
    )
    return case((GenerationDB.status.in_((Status.PENDING, Status.SUCCESS)), column), else_=latest)


def to_attempt(row: GenerationDB, *, summary: bool = False, with_prompt: bool = True) -> Attempt:
    """A row as the domain sees it; a `summary` has no prompt and no response."""
    return Attempt(
        id=AttemptId(row.generation_id, row.attempt_number),
        user_id=row.user_id,
        model_used=row.model_used,
        status=Status(row.status),
        origin=Origin(row.origin),
        story_type=StoryType(row.story_type),
        moral=row.moral,
        created_at=row.created_at,
        prompt=row.prompt if with_prompt and not summary else None,
        prompt_version=row.prompt_version,
        language=row.language,
        story_length=row.story_length,
        hero_appearance=row.hero_appearance,
        relationship_description=row.relationship_description,
        child_id=row.child_id,
        hero_id=row.hero_id,
        full_response=None if summary else row.full_response,
        generation_info=None if summary else row.generation_info,
        error_type=row.error_type,
        error_message=row.error_message,
        http_status=row.http_status,
        provider_generation_id=row.provider_generation_id,
        available_at=row.available_at,
        worker_id=row.worker_id,
        started_at=row.started_at,
        first_token_at=row.first_token_at,
        completed_at=row.completed_at,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cost_usd=row.cost_usd,
        reconciled_cost_usd=row.reconciled_cost_usd,
        provider=row.provider,
        served_model=row.served_model,
    )
