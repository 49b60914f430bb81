"""What processes tell each other."""

from __future__ import annotations

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from tales.domain.generation import AttemptId
from tales.domain.repositories.live_texts import Change
from tales.infrastructure.events.notices import is_from, payloads, read_payload


def test_many_changes_fit_into_few_payloads_that_postgresql_takes() -> None:
    changes = [Change(AttemptId(uuid7(), 2**31 - 1), has_ended=number % 2 == 0) for number in range(400)]

    written = payloads(changes)

    assert len(written) == 3
    assert max(map(len, written)) < 8000
    assert [change for payload in written for change in read_payload(payload)] == changes


@pytest.mark.parametrize(
    "payload", ["", " ", "!", "/", "x/1", f"{UUID(int=7)}", f"{UUID(int=7)}/x", f"{UUID(int=7)}/", "\u2028" * 9]
)
def test_what_anybody_else_says_is_passed_over(payload: str) -> None:
    ours = Change(AttemptId(uuid7(), 1), has_ended=True)

    assert list(read_payload(payload)) == []
    assert list(read_payload(f"{payload} {ours.attempt}!")) == [ours]


def test_a_notice_says_who_has_sent_it() -> None:
    changes = [Change(AttemptId(uuid7(), 1), has_ended=False)] * 200

    for payload in payloads(changes, "me"):
        assert is_from(payload, "me")
        assert not is_from(payload, "m")
        assert not is_from(payload, "mee")
        assert next(read_payload(payload)) == changes[0]
    assert not any(is_from(payload, "me") for payload in payloads(changes))
