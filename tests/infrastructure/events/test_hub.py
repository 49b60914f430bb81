"""The text of stories, for whoever listens while it is written."""

from __future__ import annotations

from uuid_utils.compat import uuid7

from tales.domain.generation import AttemptId
from tales.infrastructure.events.hub import TextHub


def test_each_listener_hears_its_own_generation_from_now_on() -> None:
    hub, ours, theirs = TextHub(), AttemptId(uuid7(), 1), AttemptId(uuid7(), 1)
    hub.publish(ours, "too early")

    with hub.listen(ours.generation_id) as first, hub.listen(ours.generation_id) as second:
        hub.publish(ours, "Once")
        hub.publish(theirs, "Not ours")
        hub.finish(ours)

        for heard in (first, second):
            assert [heard.get_nowait().text for _ in range(heard.qsize())] == ["Once", None]


def test_nothing_is_kept_for_listeners_that_left() -> None:
    hub, attempt = TextHub(), AttemptId(uuid7(), 1)
    with hub.listen(attempt.generation_id) as heard:
        pass

    hub.publish(attempt, "Once")

    assert heard.empty()
    assert not hub._listeners
