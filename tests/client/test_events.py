"""Events are heard once each and in order, whatever happens to the connection."""

from __future__ import annotations

from uuid import UUID

import pytest

from tales.client import AttemptChanged, ConnectionFailed, Delta, Ended, NotFound, Retry, Retrying, UnexpectedAnswer
from tests.client.both import Kind, client_at, collect
from tests.client.conftest import ServiceWith
from tests.client.faults import Asked, Fault, answer, cutting, problem, scripted, stream

ID = UUID("019d0000-0000-7000-8000-000000000001")
STORY = UUID("019d0000-0000-7000-8000-000000000002")
QUICK = Retry(times=2, base=0.01, ceiling=0.02)

BEGUN = ("attempt", {"attempt_number": 1, "status": "pending", "model_used": "m/one"}, "1:0")
ONCE = ("delta", {"attempt_number": 1, "text": "Once "}, "1:5")
UPON = ("delta", {"attempt_number": 1, "text": "upon"}, "1:9")
END = ("end", {"status": "success", "story_id": str(STORY)}, "1:end")


async def test_a_real_story_is_heard_whole_whatever_happens_to_the_connection(
    kind: Kind, service_with: ServiceWith
) -> None:
    def first_two(asked: Asked, before: int) -> int | None:
        return 2500 if "/events" in asked.line and before < 2 else None

    with service_with("sim/500-slow-3") as service:
        async with (
            cutting(service.address, first_two) as proxy,
            client_at(kind, proxy.address, token=service.new_family(), retry=QUICK) as tales,
        ):
            hero = await tales.heroes.add("Captain Owl")
            asked = await tales.generations.create(hero_id=hero.id, moral="kindness")
            events = await collect(tales.generations.events(asked.generation_id))
            story = await tales.stories.get(events[-1].story_id)

    resumed = [asked.headers.get("last-event-id") for asked in proxy.asked if "/events" in asked.line]
    assert len(resumed) == 3
    assert resumed[0] is None
    assert len(set(resumed)) == 3, "each connection went on where the one before it was cut"
    (retrying,) = [event for event in events if isinstance(event, Retrying)]
    assert (retrying.attempt_number, retrying.next_attempt_number, retrying.error_type) == (1, 2, "server_error")
    heard = "".join(event.text for event in events if isinstance(event, Delta) and event.attempt_number == 2)
    assert story.content in heard
    assert heard.count(story.content[:60]) == 1
    assert [type(event) for event in events].count(Ended) == 1


async def test_events_come_typed_and_in_order_up_to_the_end(kind: Kind) -> None:
    retry = ("retry", {"attempt_number": 1, "error_type": "overloaded", "next_attempt_number": 2}, "1:ended")
    new = ("weather", {"sun": True}, "1:9")
    async with (
        scripted(stream(BEGUN, ONCE, UPON, retry, new, END)) as server,
        client_at(kind, server.address) as tales,
    ):
        events = await collect(tales.generations.events(ID))

    assert events == [
        AttemptChanged(attempt_number=1, status="pending", model_used="m/one"),
        Delta(attempt_number=1, text="Once "),
        Delta(attempt_number=1, text="upon"),
        Retrying(attempt_number=1, error_type="overloaded", next_attempt_number=2),
        Ended(status="success", story_id=STORY),
    ]
    assert server.asked[0].headers["accept"] == "text/event-stream"
    assert "last-event-id" not in server.asked[0].headers


@pytest.mark.parametrize("cut", [True, False], ids=["reset in the middle of an event", "closed between two"])
async def test_a_stream_that_is_cut_goes_on_where_it_was(kind: Kind, cut: bool) -> None:
    async with (
        scripted(stream(BEGUN, ONCE, cut=cut), problem(503, "unavailable"), [Fault.RESET], stream(UPON, END)) as server,
        client_at(kind, server.address, retry=Retry(times=3, base=0.01)) as tales,
    ):
        events = await collect(tales.generations.events(ID))

    assert "".join(event.text for event in events if isinstance(event, Delta)) == "Once upon"
    assert isinstance(events[-1], Ended)
    assert [asked.headers.get("last-event-id") for asked in server.asked] == [None, "1:5", "1:5", "1:5"]


async def test_a_stream_that_is_cut_again_and_again_goes_on_as_long_as_something_new_comes(kind: Kind) -> None:
    pieces = [("delta", {"attempt_number": 1, "text": str(n)}, f"1:{n}") for n in range(1, 9)]
    async with (
        scripted(*(stream(piece, cut=True) for piece in pieces), stream(END)) as server,
        client_at(kind, server.address, retry=QUICK) as tales,
    ):
        events = await collect(tales.generations.events(ID))

    assert "".join(event.text for event in events if isinstance(event, Delta)) == "12345678"


async def test_a_stream_that_brings_nothing_new_is_given_up(kind: Kind) -> None:
    async with (
        scripted(stream(ONCE, cut=True), stream(cut=True), stream(), stream()) as server,
        client_at(kind, server.address, retry=QUICK) as tales,
    ):
        with pytest.raises(ConnectionFailed):
            await collect(tales.generations.events(ID))

    assert len(server.asked) == 3


async def test_half_a_character_meets_its_other_half(kind: Kind) -> None:
    halves = [("delta", {"attempt_number": 1, "text": half}, f"1:{n}") for n, half in enumerate(("\ud83d", "\ude00"))]
    async with scripted(stream(*halves, END)) as server, client_at(kind, server.address) as tales:
        events = await collect(tales.generations.events(ID))

    text = "".join(event.text for event in events if isinstance(event, Delta))
    assert text.encode("utf-16", "surrogatepass").decode("utf-16") == "😀"


async def test_after_the_last_event_there_is_nothing_to_hear(kind: Kind) -> None:
    async with scripted([b"HTTP/1.1 204 -\r\n\r\n"]) as server, client_at(kind, server.address) as tales:
        assert await collect(tales.generations.events(ID, after="1:end")) == []
    assert server.asked[0].headers["last-event-id"] == "1:end"


async def test_a_generation_of_another_family_and_an_answer_without_events_are_errors(kind: Kind) -> None:
    for given, error in ((problem(404, "not_found"), NotFound), (answer(200, {}), UnexpectedAnswer)):
        async with scripted(given) as server, client_at(kind, server.address) as tales:
            with pytest.raises(error):
                await collect(tales.generations.events(ID))
