"""Users take turns: whoever comes waits for one attempt of each other user, however many those have."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tales.domain.actor import Actor
from tales.domain.generation import AttemptId
from tales.domain.repositories.attempt_queue import NOBODY, AttemptResult
from tales.domain.retry import NextAttempt
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, attempt_request, failure
from tests.fixtures import rows
from tests.fixtures.databases import Database
from tests.infrastructure.queue.conftest import WORKER, claim, enqueue

USERS = 4


async def families(transactions: SqlTransactions, count: int) -> list[Actor]:
    return [Actor(await add_user(transactions)) for _ in range(count)]


async def ask_all(queue: SqlAttemptQueue, actor: Actor, count: int) -> list[AttemptId]:
    return [(await enqueue(queue, actor)).id for _ in range(count)]


async def test_one_story_waits_for_one_of_whoever_has_many(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    theirs = await ask_all(attempt_queue, actor, 40)
    assert await claim(attempt_queue, 8) == theirs[:8]
    (other,) = await families(transactions, 1)
    one = await enqueue(attempt_queue, other)

    assert set(await claim(attempt_queue, 2)) == {theirs[8], one.id}


async def test_of_several_who_have_many_each_gets_as_much(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    several = await families(transactions, 3)
    for family in several:
        await ask_all(attempt_queue, family, 20)

    got = Counter(claim.attempt.user_id for claim in await attempt_queue.claim(WORKER, 30))

    assert got == {family.user_id: 10 for family in several}


async def test_who_was_idle_has_saved_no_turns_up_and_who_was_busy_has_lost_none(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    busy, idle = await families(transactions, 2)
    await ask_all(attempt_queue, busy, 30)
    await claim(attempt_queue, 30)
    await ask_all(attempt_queue, idle, 20)
    await ask_all(attempt_queue, busy, 20)

    got = Counter(claimed.attempt.user_id for claimed in await attempt_queue.claim(WORKER, 10))

    assert got == {busy.user_id: 5, idle.user_id: 5}


async def test_an_insert_claims_nothing_past_those_who_wait(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    waits = await enqueue(attempt_queue, actor)
    (other,) = await families(transactions, 1)

    late = await attempt_queue.enqueue(other, attempt_request(other.user_id), NOBODY, WORKER.id)

    assert late is not None
    assert (late.worker_id, late.started_at) == (None, None)
    assert await claim(attempt_queue, 1) == [waits.id]
    assert await claim(attempt_queue, 1) == [late.id]
    at_once = await attempt_queue.enqueue(other, attempt_request(other.user_id), NOBODY, WORKER.id)
    assert at_once is not None
    assert at_once.worker_id == WORKER.id


async def test_retries_that_come_all_at_once_keep_nobody_waiting(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    """A provider told everybody to come back at the same time."""
    await ask_all(attempt_queue, actor, 30)
    for claimed in await attempt_queue.claim(WORKER, 30):
        await attempt_queue.finish(AttemptResult(claimed.attempt, failure(), following=NextAttempt("b/two", 0.0)))
    (other,) = await families(transactions, 1)
    one = await enqueue(attempt_queue, other)

    assert one.id in await claim(attempt_queue, 2)


async def test_what_pauses_keeps_nobody_waiting_and_gets_no_turns_meanwhile(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor, database: Database
) -> None:
    await ask_all(attempt_queue, actor, 10)
    for claimed in await attempt_queue.claim(WORKER, 10):
        await attempt_queue.finish(AttemptResult(claimed.attempt, failure(), following=NextAttempt("b/two", 3600.0)))
    (other,) = await families(transactions, 1)
    theirs = await ask_all(attempt_queue, other, 20)
    assert await claim(attempt_queue, 10) == theirs[:10]

    with database.connect() as connection, connection.transaction():
        connection.execute("set local session_replication_role = replica")
        connection.execute("update tales.generations set available_at = now() where attempt_number = 2")
    got = Counter(one.attempt.user_id for one in await attempt_queue.claim(WORKER, 10))

    assert got == {actor.user_id: 5, other.user_id: 5}


async def test_queues_have_lines_of_their_own(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    for _ in range(9):
        await attempt_queue.enqueue(actor, attempt_request(actor.user_id, queue="another"), NOBODY)
    ours = await ask_all(attempt_queue, actor, 2)
    (other,) = await families(transactions, 1)
    await ask_all(attempt_queue, other, 9)

    assert set(ours) <= set(await claim(attempt_queue, 4))


async def test_turns_that_bound_nobody_are_forgotten(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor, database: Database
) -> None:
    first, erased = await families(transactions, 2)
    await ask_all(attempt_queue, first, 1)
    await ask_all(attempt_queue, actor, 3)
    await ask_all(attempt_queue, erased, 9)
    await claim(attempt_queue, 4)
    database.execute("delete from auth.users where id = %s", erased.user_id)

    await attempt_queue.stranded(9)
    assert database.rows("select user_id from tales.turns") == [{"user_id": actor.user_id}]

    await claim(attempt_queue, 9)
    await attempt_queue.stranded(9)
    assert database.rows("select from tales.turns") == []


async def test_who_is_just_given_a_turn_is_not_waited_for(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor, database: Database
) -> None:
    """A batch gives turns to one user after the other: it and who forgets many might wait for each other."""
    (other,) = await families(transactions, 1)
    for family in (actor, other):
        await ask_all(attempt_queue, family, 1)
    await claim(attempt_queue, 2)

    with database.connect() as connection, connection.transaction():
        asked = rows.attempt(actor.user_id, queue=WORKER.queue)
        connection.execute("select tales.enqueue_attempts(%s::jsonb)", [json.dumps([asked], default=str)])
        await attempt_queue.stranded(9)

    assert database.rows("select user_id from tales.turns") == [{"user_id": actor.user_id}]


class Line:
    """The queue by its functions, and how much more each user has got than each other one who waited meanwhile."""

    def __init__(self, connection: rows.Connection, users: list[UUID]) -> None:
        self.queue = str(uuid4())
        self.waiting = Counter(dict.fromkeys(users, 0))
        self.ahead: Counter[tuple[UUID, UUID]] = Counter()
        self.cancelled = Counter(dict.fromkeys(users, 0))
        self.in_hand: list[dict[str, Any]] = []
        self._connection = connection
        self._worker = uuid4()

    def ask(self, user: UUID, count: int) -> None:
        asked = [rows.attempt(user, queue=self.queue) for _ in range(count)]
        self._call("select from tales.enqueue_attempts(%s::jsonb)", json.dumps(asked, default=str))
        self.waiting[user] += count

    def claim(self) -> None:
        """Claim one, and see that it was not too much for its user."""
        got = self._call("select * from tales.claim_attempts(%s, %s, 1, now())", self._worker, self.queue)
        assert len(got) == min(1, self.waiting.total()), "whoever waits is served"
        for row in got:
            self.in_hand.append(row)
            served = row["user_id"]
            for user, count in self.waiting.items():
                if user == served:
                    continue
                # Also where that one does not wait just now: it got more before, and may get more again.
                self.ahead[user, served] = max(0, self.ahead[user, served] - 1)
                if count:
                    self.ahead[served, user] += 1
                    assert self.ahead[served, user] <= 2 + self.cancelled[user], "one gets two more at most"
            self._wait_less(served)

    def fail(self, pause: float) -> None:
        """End one, to be tried again."""
        if not self.in_hand:
            return
        row = self.in_hand.pop(0)
        ended = {name: row[name] for name in ("generation_id", "attempt_number", "user_id")} | {
            "worker_id": self._worker,
            "status": "failed",
            "error_type": "empty",
            "completed_at": "2030-01-01T00:00:00Z",
            "next_model": "b/two",
            "next_delay": pause,
        }
        assert self._call("select from tales.finish_attempts(%s::jsonb)", json.dumps([ended], default=str))
        if not pause:
            self.waiting[row["user_id"]] += 1

    def cancel(self, user: UUID) -> None:
        """Take one of a user's out of the line: its turn is gone."""
        self._call(
            "update tales.generations set status = 'failed', completed_at = now(), error_type = 'cancelled'"
            " where generation_id = (select generation_id from tales.generations where user_id = %s and queue = %s"
            " and status = 'pending' and worker_id is null and available_at <= now() limit 1)"
            " and status = 'pending' returning 1",
            user,
            self.queue,
        )
        if self.waiting[user]:
            self.cancelled[user] += 1
            self._wait_less(user)

    def _wait_less(self, user: UUID) -> None:
        self.waiting[user] -= 1
        if not self.waiting[user]:
            # Whoever does not wait has nothing to complain about.
            for other in self.waiting:
                self.ahead[other, user] = 0

    def _call(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        return self._connection.execute(statement, parameters).fetchall()


PART = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, USERS - 1), st.integers(1, 8)),
    st.tuples(st.just("claim"), st.integers(1, 6)),
    st.tuples(st.just("fail"), st.sampled_from([0.0, 0.0, 3600.0])),
    st.tuples(st.just("cancel"), st.integers(0, USERS - 1)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(PART, max_size=40))
def test_of_two_who_wait_none_gets_much_more_whatever_others_do(
    database: Database, parts: list[tuple[Any, ...]]
) -> None:
    with database.connect() as connection:
        users = [rows.add_user(connection) for _ in range(USERS)]
        line = Line(connection, users)
        for name, *values in parts:
            match name:
                case "ask":
                    line.ask(users[values[0]], values[1])
                case "claim":
                    for _ in range(values[0]):
                        line.claim()
                case "fail":
                    line.fail(values[0])
                case "cancel":
                    line.cancel(users[values[0]])
        while line.waiting.total():
            line.claim()
