"""A worker tells what becomes of its attempts, and those who follow hear it, in the same process and in others."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tales.domain.actor import Actor
from tales.domain.generation import Generation
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.events.progress_publisher import MOST_TEXT, ProgressPublisher
from tales.infrastructure.postgres.unit_of_work import SqlUnitOfWork
from tests.factories import add_user, success
from tests.fixtures import rows
from tests.fixtures.databases import Database, cut_connections, outage, statements_of
from tests.fixtures.server import Server
from tests.fixtures.waiting import until
from tests.infrastructure.events.conftest import Processes, following

PIECES = ("Once", " upon", " a", " time")
READS_TEXT = "join tales.live_text"


def written(database: Database) -> str:
    """The text that is in the database."""
    rows = database.rows("select text from tales.live_text order by generation_id, begins_at")
    return "".join(row["text"] for row in rows)


async def a_round_later(processes: Processes, database: Database) -> None:
    """The worker has told everything that there was to tell by now."""
    marker = await processes.start()
    processes.publisher.publish(marker.attempt.id, "marker")
    await until(lambda: database.rows("select from tales.live_text where text = 'marker'"))
    await processes.end(marker)
    await until(lambda: not database.rows("select from tales.live_text where text = 'marker'"))


async def test_text_is_heard_near_and_far_early_and_late(processes: Processes) -> None:
    attempt = (await processes.start()).attempt.id
    async with AsyncExitStack() as stack:
        early = [
            await stack.enter_async_context(following(hub, attempt.generation_id))
            for hub in (processes.near, processes.far)
        ]
        for number, piece in enumerate(PIECES, start=1):
            processes.publisher.publish(attempt, piece)
            so_far = "".join(PIECES[:number])
            await until(lambda so_far=so_far: all(heard.text == so_far for heard in early))
        late = [
            await stack.enter_async_context(following(hub, attempt.generation_id))
            for hub in (processes.near, processes.far)
        ]
        await until(lambda: all(heard.text == "Once upon a time" for heard in late))


async def test_who_comes_before_a_piece_is_written_has_it_though_no_other_follows(processes: Processes) -> None:
    """A model may fall silent after it: then nothing else would have anybody look."""
    attempt = (await processes.start_at_birth()).attempt
    hub = ProgressHub(processes.transactions, processes.log)  # reads nothing by itself: it does not run
    publisher = ProgressPublisher(processes.transactions, hub, processes.log)
    hub.add(Generation(attempt.id.generation_id, attempt.user_id, (attempt,)))
    publisher.begin(attempt)
    publisher.publish(attempt.id, "Once upon a time")
    async with following(hub, attempt.id.generation_id) as heard, publisher.running():
        await until(lambda: heard.text == "Once upon a time")


async def test_who_comes_back_in_the_middle_of_a_piece_has_it_whole(processes: Processes, database: Database) -> None:
    attempt = (await processes.start()).attempt.id
    async with following(processes.near, attempt.generation_id, with_text=False):
        async with following(processes.near, attempt.generation_id) as heard:
            processes.publisher.publish(attempt, "Once")
            await until(lambda: heard.text == "Once")
        # While nobody reads, one piece in the database comes to hold what was heard and what was not.
        processes.publisher.publish(attempt, " upon a time")
        await until(lambda: written(database) == "Once upon a time")
        processes.publisher.publish(attempt, ", far away")

        async with following(processes.near, attempt.generation_id) as heard:
            await until(lambda: heard.text == "Once upon a time, far away")


async def test_who_wants_no_text_costs_no_look_at_it(processes: Processes, database: Database) -> None:
    attempt = (await processes.start()).attempt.id
    async with following(processes.far, attempt.generation_id, with_text=False) as heard:
        with statements_of(processes.transactions) as sent:
            processes.publisher.publish(attempt, "Once")
            await until(lambda: written(database) == "Once")
            await a_round_later(processes, database)

    assert READS_TEXT not in "".join(sent)
    assert {progress.text for progress in heard.told} == {""}


async def test_an_end_is_heard_near_and_far(processes: Processes) -> None:
    claimed = await processes.start()
    id_ = claimed.attempt.id.generation_id
    async with following(processes.near, id_) as near, following(processes.far, id_, with_text=False) as far:
        await processes.end(claimed)
        await until(lambda: near.has_ended and far.has_ended)


async def test_a_database_that_is_away_costs_no_word_and_blocks_nobody(
    processes: Processes, server: Server, database: Database
) -> None:
    attempt = (await processes.start()).attempt.id
    async with (
        following(processes.far, attempt.generation_id) as far,
        following(processes.near, attempt.generation_id) as near,
    ):
        processes.publisher.publish(attempt, "Once")
        await until(lambda: far.text == near.text == "Once")
        with outage(server, database):
            processes.publisher.publish(attempt, " upon a")
            # Who follows beside the worker hears it all the same.
            await until(lambda: near.text == "Once upon a")
            away = ("warning", "background work failed", "progress to others")
            await until(lambda: away in [(*said[:2], said[2].get("work")) for said in processes.log.events])
        processes.publisher.publish(attempt, " time")
        await until(lambda: far.text == near.text == "Once upon a time")


async def test_what_a_cancelled_round_has_not_told_is_told_by_the_next_one(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation that nobody asked for is an error like others."""
    attempt = (await processes.start()).attempt.id
    async with following(processes.far, attempt.generation_id) as far:
        publish, rounds = processes.publisher._publish, 0

        async def cancel_once() -> None:
            nonlocal rounds
            rounds += 1
            if rounds == 1:
                raise asyncio.CancelledError
            await publish()

        monkeypatch.setattr(processes.publisher, "_publish", cancel_once)
        processes.publisher.publish(attempt, "Once upon a time")
        await until(lambda: far.text == "Once upon a time")


async def test_who_follows_far_away_hears_on_after_its_connection_was_cut(
    processes: Processes, server: Server, database: Database
) -> None:
    claimed = await processes.start()
    async with following(processes.far, claimed.attempt.id.generation_id) as far:
        cut_connections(server, database, "tales notices")
        await until(lambda: processes.log.has("warning", "notices lost"))
        # Nobody tells it of this, so it looks.
        await processes.finish(claimed)
        await until(lambda: far.has_ended)
        await until(lambda: processes.far.connected)


async def test_after_a_crash_of_the_database_nothing_is_told_behind_a_hole(
    processes: Processes, database: Database
) -> None:
    claimed = await processes.start()
    attempt = claimed.attempt.id
    processes.publisher.publish(attempt, "Once")
    await until(lambda: written(database) == "Once")
    database.execute("truncate tales.live_text")  # as a crash does to an unlogged table
    processes.publisher.publish(attempt, " upon a time")
    await until(lambda: written(database) == " upon a time")

    with statements_of(processes.transactions) as sent:
        async with following(processes.far, attempt.generation_id) as heard:
            for piece in (", far", " away"):
                before = "".join(sent).count(READS_TEXT)
                processes.publisher.publish(attempt, piece)
                await until(lambda before=before: "".join(sent).count(READS_TEXT) > before)
            await processes.end(claimed, success())
            await until(lambda: heard.has_ended)

    assert {progress.text for progress in heard.told} == {""}


async def test_who_had_the_text_before_a_crash_of_the_database_hears_it_to_its_end(
    processes: Processes, database: Database
) -> None:
    attempt = (await processes.start()).attempt.id
    async with following(processes.far, attempt.generation_id) as heard:
        processes.publisher.publish(attempt, "Once")
        await until(lambda: heard.text == "Once")
        database.execute("truncate tales.live_text")
        processes.publisher.publish(attempt, " upon a time")
        await until(lambda: heard.text == "Once upon a time")


async def test_an_attempt_without_end_is_shown_to_a_limit(processes: Processes, database: Database) -> None:
    attempt = (await processes.start()).attempt.id
    for _ in range(3):
        processes.publisher.publish(attempt, "x" * (MOST_TEXT // 2 + 1))
    await until(lambda: len(written(database)) == MOST_TEXT)
    processes.publisher.publish(attempt, "x")
    await a_round_later(processes, database)

    assert len(written(database)) == MOST_TEXT


async def test_what_an_ended_attempt_has_written_is_gone_at_once(processes: Processes, database: Database) -> None:
    claimed = await processes.start()
    processes.publisher.publish(claimed.attempt.id, "Once")
    await until(lambda: written(database) == "Once")

    await processes.end(claimed)
    processes.publisher.publish(claimed.attempt.id, " too late")

    await until(lambda: written(database) == "")
    await a_round_later(processes, database)
    assert written(database) == ""


async def test_the_text_of_an_attempt_that_is_ended_twice_is_gone_at_once(
    processes: Processes, database: Database
) -> None:
    claimed = await processes.start()
    processes.publisher.publish(claimed.attempt.id, "Once")
    await until(lambda: written(database) == "Once")

    processes.publisher.end(claimed.attempt.id)
    processes.publisher.end(claimed.attempt.id)

    await until(lambda: written(database) == "")


async def test_a_first_piece_that_is_written_while_its_attempt_ends_is_gone_at_once_as_well(
    processes: Processes, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = (await processes.start_at_birth()).attempt
    publisher = ProgressPublisher(processes.transactions, processes.near, processes.log)
    commit = SqlUnitOfWork.commit

    async def end_meanwhile(work: SqlUnitOfWork) -> None:
        await commit(work)
        publisher.end(attempt.id)

    publisher.begin(attempt)
    publisher.publish(attempt.id, "Once")
    monkeypatch.setattr(SqlUnitOfWork, "commit", end_meanwhile)
    await publisher._publish()
    monkeypatch.undo()
    assert written(database) == "Once"

    async with publisher.running():
        await until(lambda: written(database) == "")


async def test_the_end_of_an_attempt_is_told_to_who_watches_it_in_another_process(processes: Processes) -> None:
    claimed, other = await processes.start(), await processes.start()
    attempt = claimed.attempt.id
    doubts = []
    processes.far.watch(attempt, doubts.append)
    async with following(processes.far, attempt.generation_id) as heard:
        processes.publisher.publish(attempt, "Once")
        await until(lambda: heard.text == "Once")
        assert doubts == []
        await processes.end(claimed)
        await until(lambda: doubts == [attempt])

    processes.far.unwatch(attempt)
    last = []
    processes.far.watch(other.attempt.id, last.append)
    processes.publisher.end(attempt)
    processes.publisher.end(other.attempt.id)
    await until(lambda: last == [other.attempt.id])
    assert doubts == [attempt]


async def test_the_last_word_is_told_before_a_process_stops(processes: Processes) -> None:
    claimed = await processes.start()
    async with following(processes.far, claimed.attempt.id.generation_id) as heard:
        ended = await processes.finish(claimed)
        leaving = ProgressPublisher(processes.transactions, processes.near, processes.log)
        async with leaving.running():
            leaving.end(claimed.attempt.id, ended)
        await until(lambda: heard.has_ended)


async def test_what_is_written_for_an_erased_user_is_told_to_nobody_who_takes_the_id(
    processes: Processes, database: Database
) -> None:
    """The worker may not have heard of the erasure yet."""
    attempt = (await processes.start()).attempt.id
    with database.connect() as connection, connection.transaction():
        connection.execute("delete from auth.users where id = %s", [processes.actor.user_id])
        theirs = rows.attempt(rows.add_user(connection), generation_id=attempt.generation_id)
        rows.insert(connection, "generations", theirs)

    async with following(processes.far, attempt.generation_id) as heard:
        processes.publisher.publish(attempt, "Once there was Mia")
        processes.actor = Actor(await add_user(processes.transactions))
        await a_round_later(processes, database)
        with statements_of(processes.transactions) as sent:
            processes.far.set_connected(True)  # look at everything
            await until(lambda: READS_TEXT in "".join(sent))
        assert heard.told[-1].generation.user_id == theirs["user_id"]

    assert {progress.text for progress in heard.told} == {""}
    assert written(database) == ""
