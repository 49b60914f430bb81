"""What a client is told of a generation, however often it leaves and comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.generation import Attempt, Generation, Status
from tales.domain.progress import (
    AttemptEvent,
    Cursor,
    Event,
    GenerationEnded,
    Position,
    RetryEvent,
    Snapshot,
    TextDelta,
    events_after,
    has_text_to_come,
)
from tests.domain.factories import GENERATION_ID, NOW, USER_ID, make_attempt

STORY_ID = USER_ID


def generation(*attempts: Attempt) -> Generation:
    story = STORY_ID if attempts[-1].status is Status.SUCCESS else None
    return Generation(GENERATION_ID, USER_ID, attempts, story)


def pending(number: int = 1, *, begun: bool = True) -> Attempt:
    return make_attempt(number, started_at=NOW if begun else None)


def ended(number: int = 1, status: Status = Status.FAILED) -> Attempt:
    return make_attempt(number, status, started_at=NOW, completed_at=NOW)


def told(cursor: str | None, progress: Snapshot) -> list[tuple[str, str]]:
    """The kinds and ids of the events after `cursor`."""
    events = events_after(Cursor.parse(cursor) if cursor else None, progress)
    return [(type(event).__name__, str(event.cursor)) for event in events]


def test_an_attempt_is_told_when_it_waits_and_when_it_begins() -> None:
    waiting, begun = Snapshot(generation(pending(begun=False))), Snapshot(generation(pending()))

    assert told(None, waiting) == [("AttemptEvent", "1:queued")]
    assert told("1:queued", waiting) == []
    assert told("1:queued", begun) == [("AttemptEvent", "1:0")]
    assert told(None, begun) == [("AttemptEvent", "1:0")]
    assert told("1:0", begun) == []


def test_text_is_told_from_where_the_client_is() -> None:
    progress = Snapshot(generation(pending()), "Once upon")

    assert told(None, progress) == [("AttemptEvent", "1:0"), ("TextDelta", "1:9")]
    (written,) = events_after(Cursor(1, 4), progress)
    assert isinstance(written, TextDelta)
    assert written.text == " upon"
    assert told("1:9", progress) == []
    assert told("1:12", progress) == [], "what the client has already is not told again"


def test_a_success_is_told_with_what_its_client_lacks_of_the_text() -> None:
    progress = Snapshot(generation(ended(1, Status.SUCCESS)), "Once upon")

    assert told("1:4", progress) == [("TextDelta", "1:9"), ("AttemptEvent", "1:ended"), ("GenerationEnded", "1:end")]
    assert told("1:queued", progress)[0] == ("TextDelta", "1:9")
    assert told(None, progress) == [("TextDelta", "1:9"), ("AttemptEvent", "1:ended"), ("GenerationEnded", "1:end")]
    assert told("1:ended", progress) == [("GenerationEnded", "1:end")]
    assert told("1:end", progress) == []


def test_the_text_of_a_failed_attempt_counts_for_nothing() -> None:
    progress = Snapshot(generation(ended(1), pending(2, begun=False)), "")

    assert told("1:4", progress) == [
        ("AttemptEvent", "1:ended"),
        ("RetryEvent", "1:retry"),
        ("AttemptEvent", "2:queued"),
    ]
    assert told("1:retry", progress) == [("AttemptEvent", "2:queued")]
    assert told("1:4", Snapshot(generation(ended(1)))) == [("AttemptEvent", "1:ended"), ("GenerationEnded", "1:end")]


def test_who_comes_late_is_told_of_every_attempt() -> None:
    progress = Snapshot(generation(ended(1), ended(2, Status.TIMEOUT), pending(3)), "Once")

    assert told(None, progress) == [
        ("AttemptEvent", "1:ended"),
        ("RetryEvent", "1:retry"),
        ("AttemptEvent", "2:ended"),
        ("RetryEvent", "2:retry"),
        ("AttemptEvent", "3:0"),
        ("TextDelta", "3:4"),
    ]


@pytest.mark.parametrize(
    ("cursor", "status", "expected"),
    [
        (None, Status.SUCCESS, True),
        (None, Status.FAILED, False),
        ("1:queued", Status.SUCCESS, True),
        ("1:7", Status.SUCCESS, True),
        ("1:ended", Status.SUCCESS, False),
        ("1:end", Status.SUCCESS, False),
        ("1:7", Status.FAILED, False),
    ],
)
def test_the_whole_text_is_looked_up_for_those_alone_who_lack_some(
    cursor: str | None, status: Status, expected: bool
) -> None:
    assert has_text_to_come(Cursor.parse(cursor) if cursor else None, generation(ended(1, status))) is expected


@given(
    st.builds(Cursor, st.integers(1, 999_999_999), st.integers(0, 999_999_999), st.none() | st.sampled_from(Position))
)
def test_an_id_is_read_as_it_was_written(cursor: Cursor) -> None:
    expected = cursor if cursor.position is None else replace(cursor, offset=0)
    assert Cursor.parse(str(cursor)) == expected


@pytest.mark.parametrize("text", ["", "1", ":", "1:", ":1", "0:1", "-1:1", "1:-1", "1:x", "1:1 ", "١:1", "1:1\n", "x"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no event"):
        Cursor.parse(text)


@dataclass(frozen=True)
class Life:
    """How a generation went: each state that it was in, and what its story is."""

    states: list[Snapshot]
    story: str


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Some attempts without a story, then perhaps one with; their text comes in pieces."""
    states: list[Snapshot] = []
    before: list[Attempt] = []
    count = draw(st.integers(1, 3))
    succeeds = draw(st.booleans())
    text = ""
    for number in range(1, count + 1):
        states.append(Snapshot(generation(*before, pending(number, begun=False))))
        text = ""
        for piece in ["", *draw(st.lists(st.text(min_size=1, max_size=5), max_size=4))]:
            text += piece
            states.append(Snapshot(generation(*before, pending(number)), text))
        status = (
            Status.SUCCESS if succeeds and number == count else draw(st.sampled_from((Status.FAILED, Status.TIMEOUT)))
        )
        before.append(ended(number, status))
    # The last pieces may come with the end alone.
    text += draw(st.text(max_size=5)) if succeeds else ""
    states.append(Snapshot(generation(*before), text))
    return Life(states, text if succeeds else "")


@given(life=lives(), data=st.data())
def test_whoever_leaves_and_comes_back_is_told_everything_once(life: Life, data: st.DataObject) -> None:
    # A client sees some of the states, the first and the last among them, and loses its connection after any event.
    middle = data.draw(st.lists(st.sampled_from(range(len(life.states))), unique=True).map(sorted))
    heard: list[Event] = []
    cursor: Cursor | None = None
    for at in [0, *middle, *[len(life.states) - 1] * 4]:
        events = list(events_after(cursor, life.states[at]))
        got = events if at == len(life.states) - 1 else events[: data.draw(st.integers(0, len(events)))]
        heard += got
        cursor = Cursor.parse(str(got[-1].cursor)) if got else cursor

    ids = [str(event.cursor) for event in heard]
    assert len(set(ids)) == len(ids), "nothing twice"
    last = life.states[-1].generation
    ends = [
        event.attempt.status for event in heard if isinstance(event, AttemptEvent) and event.attempt.status.is_final
    ]
    assert ends == [attempt.status for attempt in last.attempts]
    assert sum(isinstance(event, RetryEvent) for event in heard) == len(last.attempts) - 1
    assert [event.story_id for event in heard if isinstance(event, GenerationEnded)] == [last.story_id]
    if any(event.cursor.attempt_number == len(last.attempts) and isinstance(event, TextDelta) for event in heard):
        pieces = [
            event.text
            for event in heard
            if isinstance(event, TextDelta) and event.cursor.attempt_number == len(last.attempts)
        ]
        assert not life.story or "".join(pieces) == life.story
