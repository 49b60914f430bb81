"""A generation as server-sent events, over sockets, whichever process makes its calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime

import psycopg
import pytest
from uuid_utils.compat import uuid7

from tales.infrastructure.events import progress_hub
from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, attempt, insert
from tests.fixtures.waiting import until
from tests.interfaces.api.serving import Served, stranger_of, tales, text_of
from tests.interfaces.api.world import problem

OK, SLOW, SLOWER = "sim/ok", "sim/slow-5", "sim/slow-20"
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def family(database: Database, simulator: Simulator) -> AsyncIterator[Served]:
    """A process that serves and works."""
    async with tales(database, simulator, f"{OK},{SLOW},{SLOWER},sim/hang,sim/500-slow-5,sim/500") as family:
        yield family


def whole_text(database: Database, generation_id: str, attempt: int = 1) -> str:
    """What the model wrote, as the attempt keeps it."""
    (row,) = database.rows(
        "select full_response #>> '{choices,0,message,content}' as text from tales.generations "
        "where generation_id = %s and attempt_number = %s",
        generation_id,
        attempt,
    )
    return str(row["text"])


async def test_a_story_is_followed_from_its_first_word_to_its_end(family: Served, database: Database) -> None:
    generation_id = await family.ask(SLOW)

    events = await family.events(generation_id)

    names = [event.name for event in events if event.name != "delta"]
    assert names[-2:] == ["attempt", "end"]
    assert set(names[:-2]) == {"attempt"}
    deltas = [event for event in events if event.name == "delta"]
    assert len(deltas) > 3, "the text comes while it is written"
    assert text_of(events) == whole_text(database, generation_id)
    assert events[-2].id == "1:ended"
    assert (events[-2].data["status"], events[-2].data["model_used"]) == ("success", SLOW)
    ended = await family.generation(generation_id)
    assert events[-1].data == {"generation_id": generation_id, "status": "success", "story_id": ended["story_id"]}
    assert ended["story_id"] is not None
    assert [event.id for event in deltas][-1] == f"1:{len(whole_text(database, generation_id))}"


async def test_a_story_that_is_written_at_once_is_told_whole(family: Served, database: Database) -> None:
    generation_id = await family.ask(SLOW)
    begun = await family.first(generation_id, "attempt")
    await family.until_ended(generation_id)

    events = await family.events(generation_id, begun[-1].id)

    assert [event.name for event in events][-3:] == ["delta", "attempt", "end"]
    assert text_of(events) == whole_text(database, generation_id)


async def test_who_comes_late_gets_the_text_so_far(family: Served, database: Database) -> None:
    generation_id = await family.ask(SLOWER)
    early = await family.first(generation_id, "delta", count=6)
    said = "select coalesce(sum(length(text)), 0) as characters from tales.live_text"
    await until(lambda: database.rows(said)[0]["characters"] > len(text_of(early)))

    late = await family.events(generation_id)

    first = next(event for event in late if event.name == "delta")
    assert first.data["text"].startswith(text_of(early))
    assert [event.name for event in late][:2] == ["attempt", "delta"]
    assert text_of(late) == whole_text(database, generation_id)


async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(family: Served, database: Database) -> None:
    generation_id = await family.ask(SLOWER)
    heard = await family.first(generation_id, "delta", count=2)
    for count in (1, 3):
        heard += await family.first(generation_id, "delta", heard[-1].id, count)
    heard += await family.events(generation_id, heard[-1].id)

    assert text_of(heard) == whole_text(database, generation_id)
    assert [event.name for event in heard if event.name != "delta"][-2:] == ["attempt", "end"]
    ids = [event.id for event in heard]
    assert len(set(ids)) == len(ids)


async def test_who_comes_back_after_the_end_gets_the_rest(family: Served, database: Database) -> None:
    generation_id = await family.ask(SLOW)
    heard = await family.first(generation_id, "delta")
    await family.until_ended(generation_id)

    heard += await family.events(generation_id, heard[-1].id)

    assert text_of(heard) == whole_text(database, generation_id)


async def test_who_comes_when_a_generation_has_ended_gets_its_story_and_its_end(
    family: Served, database: Database
) -> None:
    generation_id = await family.ask(OK)
    await family.until_ended(generation_id)

    events = await family.events(generation_id)

    assert [event.name for event in events] == ["delta", "attempt", "end"]
    assert text_of(events) == whole_text(database, generation_id)
    assert await family.events(generation_id, events[0].id) == events[1:]
    again = await family.client.get(f"/generations/{generation_id}/events", headers={"Last-Event-ID": events[2].id})
    assert (again.status_code, again.content) == (204, b""), "a browser then stops connecting"


async def test_a_retry_is_told_with_its_reason_and_its_time(family: Served, database: Database) -> None:
    generation_id = await family.ask("sim/500-slow-5")

    events = await family.events(generation_id)

    (retry,) = (event for event in events if event.name == "retry")
    assert retry.id == "1:retry"
    assert (retry.data["attempt_number"], retry.data["next_attempt_number"]) == (1, 2)
    assert (retry.data["status"], retry.data["error_type"]) == ("failed", "server_error")
    assert retry.data["next_model_used"] in {OK, SLOW}
    ended, following = (await family.generation(generation_id))["attempts"]
    assert moment(ended["completed_at"]) <= moment(retry.data["next_at"]) <= moment(following["started_at"])
    names = [(event.name, event.id) for event in events if event.name != "delta"]
    assert names.index(("attempt", "1:ended")) + 1 == names.index(("retry", "1:retry"))
    assert names[-2:] == [("attempt", "2:ended"), ("end", "2:end")]
    assert text_of(events, 2) == whole_text(database, generation_id, 2)
    assert await family.events(generation_id, "1:retry") != []


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_wish_that_fails_completely_ends_without_a_story(database: Database, simulator: Simulator) -> None:
    async with tales(database, simulator, "sim/500", max_attempts=1) as family:
        events = await family.events(await family.ask())

    assert [event.name for event in events][-2:] == ["attempt", "end"]
    assert (events[-1].data["status"], events[-1].data["story_id"]) == ("failed", None)


async def test_a_cancelled_generation_ends_its_stream(family: Served) -> None:
    generation_id = await family.ask("sim/hang")
    streaming = asyncio.create_task(family.events(generation_id))
    await until(lambda: subscriptions(family.app.services.stream_events.subscriptions) == 1)
    await family.client.post(f"/generations/{generation_id}/cancel")

    async with asyncio.timeout(2):
        events = await streaming

    assert [event.name for event in events][-2:] == ["attempt", "end"]
    assert events[-2].data["error_type"] == "cancelled"


async def test_silence_is_filled_with_comments(database: Database, simulator: Simulator) -> None:
    async with tales(database, simulator, "sim/hang", quiet_seconds=0.2) as family:
        generation_id = await family.ask()
        comments = 0
        async with asyncio.timeout(10), aclosing(family.stream(generation_id, comments=True)) as stream:
            async for event in stream:
                comments += not event.name
                if comments == 3:
                    break
        await family.client.post(f"/generations/{generation_id}/cancel")


async def test_a_client_that_leaves_leaves_nothing_behind_and_stops_nothing(family: Served) -> None:
    generation_id = await family.ask(SLOWER)
    await family.first(generation_id, "delta")
    tasks = len(asyncio.all_tasks())
    hub = family.app.services.stream_events.subscriptions
    pool = hub._transactions._engine.pool  # type: ignore[attr-defined]

    streams = [asyncio.create_task(family.first(generation_id, "end")) for _ in range(20)]
    await until(lambda: subscriptions(hub) == 20)
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)

    await until(lambda: subscriptions(hub) == 0)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    await until(lambda: pool.checkedout() == 0)
    assert (await family.until_ended(generation_id))["status"] == "success"


def subscriptions(hub: object) -> int:
    return sum(len(topic.subscriptions) for topic in hub._topics.values())  # type: ignore[attr-defined]


async def test_a_head_request_follows_nothing_and_ends_at_once(family: Served) -> None:
    generation_id = await family.ask("sim/hang")

    answer = await family.client.head(f"/generations/{generation_id}/events")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert "Content-Length" not in answer.headers
    assert subscriptions(family.app.services.stream_events.subscriptions) == 0


async def test_another_familys_generation_is_not_there(family: Served) -> None:
    generation_id = await family.ask(OK)
    path = f"/generations/{generation_id}/events"

    problem(await family.client.get(path, headers=stranger_of(family, uuid7())), 404, "not_found")
    problem(await family.client.get(f"/generations/{uuid7()}/events"), 404, "not_found")
    problem(await family.client.get(path, headers={"Authorization": "Bearer nonsense"}), 401, "not_signed_in")
    ended = stranger_of(family, uuid7()) | {"Last-Event-ID": "1:end"}
    problem(await family.client.get(path, headers=ended), 404, "not_found")


async def test_an_id_that_no_event_has_is_refused_by_name(family: Served) -> None:
    generation_id = await family.ask(OK)
    path = f"/generations/{generation_id}/events"

    for last in ("7:0", "x", "0:1", "1:", "1:-4", "1:told", "1:1:1", "1" * 41, "1:9999999999"):
        for request in ({"headers": {"Last-Event-ID": last}}, {"params": {"last_event_id": last}}):
            answer = problem(await family.client.get(path, **request), 422, "invalid_input")
            assert answer["field"].lower().replace("_", "-") == "last-event-id", last


async def test_a_client_that_cannot_set_a_header_says_it_in_the_query(family: Served) -> None:
    generation_id = await family.ask(OK)
    await family.until_ended(generation_id)

    path = f"/generations/{generation_id}/events"
    assert (await family.client.get(path, params={"last_event_id": "1:end"})).status_code == 204


async def test_the_text_does_not_outlive_its_attempt(family: Served, database: Database) -> None:
    generation_id = await family.ask(SLOW)
    await until(lambda: bool(database.rows("select from tales.live_text")))

    await family.until_ended(generation_id)

    await until(lambda: database.rows("select from tales.live_text") == [], seconds=1)


async def test_a_user_who_is_erased_is_told_nothing_more(family: Served, database: Database) -> None:
    generation_id = await family.ask(SLOWER)
    streaming = asyncio.create_task(family.events(generation_id))
    await until(lambda: bool(database.rows("select from tales.live_text")))

    # It may have to wait for a transaction of this very process.
    await asyncio.to_thread(database.execute, "delete from auth.users")

    assert database.rows("select from tales.live_text") == [], "the text goes with its user"
    async with asyncio.timeout(8):
        assert "end" not in [event.name for event in await streaming]
    await asyncio.sleep(0.5)
    assert database.rows("select from tales.live_text") == []


async def test_who_was_erased_is_told_nothing_of_another_familys_generation_of_the_same_id(
    family: Served, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_hub, "POLL_SECONDS", 0.5)
    generation_id = await family.ask("sim/hang")
    streaming = asyncio.create_task(family.events(generation_id))
    await until(lambda: subscriptions(family.app.services.stream_events.subscriptions) == 1)

    def erase_and_take_the_id() -> None:
        with database.connect() as connection, connection.transaction():
            connection.execute("delete from auth.users")
            row = attempt(add_user(connection), generation_id=generation_id, model_used="theirs")
            insert(connection, "generations", row)
            connection.execute("insert into tales.live_text values (%s, 1, 0, 'Theirs.')", [generation_id])

    # It may have to wait for a transaction of this very process.
    await asyncio.to_thread(erase_and_take_the_id)

    async with asyncio.timeout(8):
        events = await streaming

    assert events != []
    assert "theirs" not in repr(events).lower()


async def test_notices_that_stop_for_a_while_cost_no_word(family: Served, database: Database) -> None:
    generation_id = await family.ask(SLOWER)
    streaming = asyncio.create_task(family.events(generation_id))
    await until(lambda: bool(database.rows("select from tales.live_text")))
    cut = database.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tales notices' "
        "and datname = current_database()"
    )
    assert len(cut) == 1

    assert text_of(await streaming) == whole_text(database, generation_id)


async def test_notices_and_logs_hold_nobodys_words(
    family: Served, database: Database, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with await psycopg.AsyncConnection.connect(database.owner_url, autocommit=True) as connection:
        await connection.execute("listen tales_live")
        await family.events(await family.ask(SLOW))
        notices = [notice.payload async for notice in connection.notifies(timeout=1)]

    assert len(notices) > 3
    said = " ".join(notices) + caplog.text + "".join(capfd.readouterr())
    assert all(word not in said for word in ("Mia", "Lantern", "hedgehog", "Once"))


async def test_a_user_follows_so_many_at_a_time_and_a_server_tells_so_many(
    database: Database, simulator: Simulator
) -> None:
    async with tales(database, simulator, "sim/hang", streams_per_user=2, max_streams=3) as family:
        generation_id = await family.ask()
        address = f"/generations/{generation_id}/events"
        async with aclosing(family.stream(generation_id)) as one, aclosing(family.stream(generation_id)) as two:
            await anext(one)
            await anext(two)
            refused = await family.client.get(address)
            problem(refused, 429, "too_many_requests")
            assert (refused.json()["limit"], refused.headers["Retry-After"]) == ("streams_per_user", "5")
            assert "You may follow 2 stories at a time" in refused.json()["detail"]

            with database.connect() as connection:
                stranger = add_user(connection)
                theirs = insert(connection, "generations", attempt(stranger))["generation_id"]
            headers = stranger_of(family, stranger)
            async with family.client.stream("GET", f"/generations/{theirs}/events", headers=headers) as third:
                assert third.status_code == 200
                lines = third.aiter_lines()  # held: whoever lets go of it has left the stream
                await anext(lines)
                full = await family.client.get(f"/generations/{theirs}/events", headers=headers)
                assert (full.status_code, full.json()["limit"]) == (429, "streams")

        async def may_follow() -> bool:
            async with family.client.stream("GET", address) as answer:
                return answer.status_code == 200

        await until(may_follow)
