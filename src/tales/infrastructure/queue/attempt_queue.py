"""The queue over PostgreSQL: functions of migrations 025 and 030, with many attempts to a statement and a commit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, delete, text, update

from tales.application.ports import Clock
from tales.domain.actor import Actor
from tales.domain.errors import TalesError, Unauthenticated
from tales.domain.generation import Attempt, AttemptId, AttemptRequest, Json, Status
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.repositories.attempt_queue import (
    GRACE,
    LEASE,
    QUEUE_TIMEOUT,
    STRAY_AGE,
    AttemptQueue,
    AttemptResult,
    Cast,
    ClaimedAttempt,
    EndedAttempt,
    QueueState,
    StrandedAttempts,
    WorkerInfo,
    WorkerState,
)
from tales.infrastructure.postgres.errors import translated_errors
from tales.infrastructure.postgres.escaping import dump_storable
from tales.infrastructure.postgres.models import GenerationDB, WorkerDB
from tales.infrastructure.postgres.unit_of_work import SESSION_HAS_ENDED, SqlTransactions, claims_of
from tales.infrastructure.queue.attempt_rows import claimed, ended, enqueued, request_row, result_row
from tales.infrastructure.queue.batches import Batches
from tales.infrastructure.repositories.prompts import choice_json

MOST_IN_A_BATCH = 64
BATCHES_AT_ONCE = 2
"""Two keep both sides busy: while one waits for its commit, the other is made and read."""

_ENQUEUE = "select * from tales.enqueue_within_budgets(%s::jsonb)"
# Of those that were inserted, and whose prompt was chosen among several.
_ENQUEUE_CHOSEN = """
    select asked.*, case when asked.refusal is null and c.choice is not null
        then tales.keep_prompt_choice(asked.generation_id, c.choice) end as kept
    from tales.enqueue_within_budgets(%s::jsonb) as asked
    left join jsonb_each(%s::jsonb) as c (generation_id, choice) on c.generation_id = asked.generation_id::text
"""
_CLAIM = "select * from tales.claim_attempts(%s, %s, %s, %s, %s::uuid[])"
_FINISH = "select * from tales.finish_within_budgets(%s::jsonb)"
_RENEW = "select tales.renew_lease(%s, %s, %s, %s, %s)"

_WORKERS = text("""
    select w.*, (
        select count(*) from tales.generations as g where g.status = 'pending' and g.worker_id = w.id
    ) as in_hand
    from tales.workers as w order by w.started_at, w.id
""")
QUEUES = text("""
    select queue,
        count(*) filter (where worker_id is null) as waiting,
        count(*) filter (where worker_id is not null) as in_hand,
        coalesce(
            max(date_part('epoch', now() - available_at)) filter (where worker_id is null and available_at < now()), 0
        ) as oldest
    from tales.generations
    where status = 'pending' and queue is not null
    group by queue order by queue
""")
_TRIGGERS_OF = text("""
    select cast(t.tgname as text) from pg_catalog.pg_trigger as t
    join pg_catalog.pg_proc as p on p.oid = t.tgfoid join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where cast(:function as text) in (p.proname, n.nspname || '.' || p.proname) and not t.tgisinternal
    order by 1 limit 3
""")
_ENDED_AMONG = text("""
    select asked.generation_id, asked.attempt_number
    from unnest(:ids, :numbers) as asked (generation_id, attempt_number)
    where not exists (
        select from tales.generations as g
        where g.generation_id = asked.generation_id and g.attempt_number = asked.attempt_number
            and g.status = 'pending' and g.worker_id = :worker
    )
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("numbers", type_=ARRAY(Integer)))
# Every pending attempt is looked at, by the index on the status: there are as many as calls in flight and in wait.
_STRANDED = text("""
    with pending as (
        select
            case
                when g.queue is null then
                    case when g.created_at < now() - make_interval(secs => :grace) then 'not_enqueued' end
                when g.worker_id is null then
                    case when g.available_at < now() - make_interval(secs => :queue_timeout) then 'queue_timeout' end
                when not exists (
                    select from tales.workers as w
                    where w.id = g.worker_id and w.heartbeat_at > clock_timestamp() - make_interval(secs => :lease)
                ) then 'worker_lost'
            end as reason,
            g.*
        from tales.generations as g
        where g.status = 'pending'
    )
    select p.*, array(
        select earlier.model_used from tales.generations as earlier
        where earlier.generation_id = p.generation_id order by earlier.attempt_number
    ) as models_used
    from (
        select *, row_number() over (partition by reason order by created_at) as place
        from pending where reason is not null
    ) as p
    where p.place <= :most
    order by p.created_at
""")
_STRAYS = text("""
    select g.*, array(
        select earlier.model_used from tales.generations as earlier
        where earlier.generation_id = g.generation_id order by earlier.attempt_number
    ) as models_used
    from tales.generations as g
    where g.status = 'pending' and g.worker_id = :worker and g.started_at < :before
        and g.generation_id <> all (:in_hand)
""").bindparams(bindparam("in_hand", type_=ARRAY(Uuid)))
# A turn that the line has passed bounds nobody any more, nor does one of a user who was erased. Whoever has locked one
# gives a turn just now: a batch of those who ask and this might wait for each other.
_FORGET_TURNS = text("""
    with past as (
        select t.queue, t.user_id from tales.turns as t
        join (
            select q.queue, tales.first_turn(q.queue) as begins_with from (select distinct queue from tales.turns) as q
        ) as line on line.queue = t.queue
        where line.begins_with is null or t.turn < line.begins_with
            or not exists (select from tales.generations as g where g.user_id = t.user_id)
        for update of t skip locked
    )
    delete from tales.turns as t using past where t.queue = past.queue and t.user_id = past.user_id
""")
# A worker that has gone without a word is shown for a while.
_FORGET_WORKERS = text("delete from tales.workers where heartbeat_at < now() - interval '10 minutes'")


@dataclass(frozen=True, slots=True)
class _Asked:
    actor: Actor
    request: AttemptRequest
    cast: Cast
    worker_id: UUID | None
    limits: GenerationLimits


class SqlAttemptQueue(AttemptQueue):
    """Many attempts to a statement. `on_ended` are told of each that this process has ended."""

    def __init__(
        self, transactions: SqlTransactions, clock: Clock, on_ended: Sequence[Callable[[Attempt], None]] = ()
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._on_ended = on_ended
        self._asked = Batches(self._enqueue, most=MOST_IN_A_BATCH, at_once=BATCHES_AT_ONCE)
        self._results = Batches(self._finish, most=MOST_IN_A_BATCH, at_once=BATCHES_AT_ONCE)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the body runs, and until what was asked of the queue is done."""
        async with self._asked.running(), self._results.running():
            yield

    async def enqueue(
        self,
        actor: Actor,
        request: AttemptRequest,
        cast: Cast,
        worker_id: UUID | None = None,
        limits: GenerationLimits = NO_LIMITS,
    ) -> Attempt | None:
        return await self._asked.submit(_Asked(actor, request, cast, worker_id, limits))

    async def claim(
        self, worker: WorkerInfo, most: int, among: Collection[UUID] | None = None
    ) -> tuple[ClaimedAttempt, ...]:
        wanted = None if among is None else list(among)
        rows = await self._transactions.call(_CLAIM, (worker.id, worker.queue, most, self._clock.now(), wanted))
        return tuple(claimed(row, worker.id) for row in rows)

    async def finish(self, result: AttemptResult) -> EndedAttempt | None:
        ended_attempt = await self._results.submit(result)
        if ended_attempt is not None:
            for tell in self._on_ended:
                tell(ended_attempt.attempt)
        return ended_attempt

    async def save_provider_id(self, attempt: Attempt, provider_generation_id: str) -> None:
        async with self._transactions.as_service() as work:
            await work.session.execute(
                update(GenerationDB)
                .where(
                    GenerationDB.generation_id == attempt.id.generation_id,
                    GenerationDB.attempt_number == attempt.id.attempt_number,
                    GenerationDB.status == Status.PENDING,
                    GenerationDB.user_id == attempt.user_id,
                    GenerationDB.worker_id == attempt.worker_id,
                )
                .values(provider_generation_id=provider_generation_id)
            )
            await work.commit()

    async def renew_lease(self, worker: WorkerInfo) -> None:
        await self._transactions.call(
            _RENEW, (worker.id, worker.queue, worker.host, worker.process_id, worker.concurrency)
        )

    async def sign_off(self, worker_id: UUID) -> None:
        async with self._transactions.as_service() as work:
            await work.session.execute(delete(WorkerDB).where(WorkerDB.id == worker_id))
            await work.commit()

    async def workers(self) -> tuple[WorkerState, ...]:
        async with self._transactions.as_service() as work:
            rows = await work.session.execute(_WORKERS)
        return tuple(
            WorkerState(
                WorkerInfo(row.id, row.queue, row.host, row.process_id, row.concurrency),
                row.started_at,
                row.heartbeat_at,
                row.in_hand,
            )
            for row in rows
        )

    async def queues(self) -> tuple[QueueState, ...]:
        async with self._transactions.as_service() as work:
            rows = await work.session.execute(QUEUES)
        return tuple(QueueState(row.queue, row.waiting, row.in_hand, float(row.oldest)) for row in rows)

    async def ended_among(self, worker_id: UUID, attempts: Collection[AttemptId]) -> frozenset[AttemptId]:
        asked = {
            "worker": worker_id,
            "ids": [attempt.generation_id for attempt in attempts],
            "numbers": [attempt.attempt_number for attempt in attempts],
        }
        async with self._transactions.as_service() as work:
            rows = await work.session.execute(_ENDED_AMONG, asked)
        return frozenset(AttemptId(row.generation_id, row.attempt_number) for row in rows)

    async def stranded(self, most: int, queue_timeout: float = QUEUE_TIMEOUT) -> StrandedAttempts:
        limits = {"grace": GRACE, "queue_timeout": queue_timeout, "lease": LEASE, "most": most}
        found: dict[str, list[ClaimedAttempt]] = {}
        async with self._transactions.as_service() as work:
            for row in (await work.session.execute(_STRANDED, limits)).mappings():
                found.setdefault(row["reason"], []).append(claimed(dict(row), row["worker_id"]))
            await work.session.execute(_FORGET_WORKERS)
            await work.session.execute(_FORGET_TURNS)
            await work.commit()
        return StrandedAttempts(**{reason: tuple(attempts) for reason, attempts in found.items()})

    async def strays(self, worker: WorkerInfo, in_hand: Collection[UUID]) -> tuple[ClaimedAttempt, ...]:
        before = self._clock.now() - timedelta(seconds=STRAY_AGE)
        parameters = {"worker": worker.id, "before": before, "in_hand": list(in_hand)}
        async with self._transactions.as_service() as work:
            rows = (await work.session.execute(_STRAYS, parameters)).mappings().all()
        return tuple(claimed(dict(row), worker.id) for row in rows)

    async def _enqueue(self, batch: Sequence[_Asked]) -> Sequence[Attempt | Exception | None]:
        requests: list[Json] = [
            request_row(asked.request, asked.cast, asked.limits)
            | {
                "claims": claims_of(asked.actor),
                "session_id": str(asked.actor.session_id) if asked.actor.session_id else None,
                "worker_id": str(asked.worker_id) if asked.worker_id else None,
            }
            for asked in batch
        ]
        choices: Json = {
            str(request.id.generation_id): choice_json(request.prompt_choice)
            for request in (asked.request for asked in batch)
            if request.prompt_choice is not None
        }
        found = await (self._call(_ENQUEUE_CHOSEN, requests, choices) if choices else self._call(_ENQUEUE, requests))
        rows = {row["generation_id"]: row for row in found}
        return [_enqueued(asked, rows[asked.request.id.generation_id]) for asked in batch]

    async def _finish(self, results: Sequence[AttemptResult]) -> Sequence[EndedAttempt | None]:
        now = self._clock.now()
        # Of two for the same attempt, the first counts: a statement would keep either of them.
        first = {result.attempt.id: result for result in reversed(results)}
        rows = await self._call(_FINISH, [result_row(result, now) for result in first.values()])
        found = {AttemptId(row["generation_id"], row["attempt_number"]): row for row in rows}
        kept = [found.get(result.attempt.id) if first[result.attempt.id] is result else None for result in results]
        return [ended(result, now, row) if row is not None else None for result, row in zip(results, kept, strict=True)]

    async def _call(self, statement: LiteralString, *values: Json) -> Sequence[Mapping[str, Any]]:
        # What is no JSON is refused before the database is asked, and in the same words.
        try:
            with translated_errors():
                return await self._transactions.call(statement, tuple(map(dump_storable, values)))
        except TalesError as error:
            await self._name_trigger(error)
            raise

    async def _name_trigger(self, error: TalesError) -> None:
        """Operators know a trigger by its own name, and the database names only its function."""
        _, is_function, function = (error.refused_by or "").partition("function ")
        if not is_function:
            return
        with suppress(TalesError):
            async with self._transactions.as_service() as work:
                names = await work.session.scalars(_TRIGGERS_OF, {"function": function})
            if found := ", ".join(names):
                error.refused_by = f"trigger {found} ({error.refused_by})"


def _enqueued(asked: _Asked, row: Mapping[str, Any]) -> Attempt | Exception | None:
    if row["refusal"] == "session":
        return Unauthenticated(SESSION_HAS_ENDED)
    if row["refusal"] == "cast":
        return None
    if row["refusal"] is not None:
        return asked.limits.error(row["refusal"], row["retry_after"])
    return enqueued(asked.request, row["created_at"], asked.worker_id if row["is_claimed"] else None)
