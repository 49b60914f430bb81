"""How processes tell each other, through PostgreSQL's NOTIFY, that something has become of attempts.

A notice names attempts and says nothing else: `ID/2` has made progress, `ID/2!` has ended. Many go into one payload,
because every NOTIFY takes a lock that all of the cluster's wait for, and a payload has less than 8,000 bytes. The
process that sends it names itself first, as it knows already. Anybody who may connect may notify: a notice is a reason
to look, and never more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

from tales.domain.generation import AttemptId
from tales.domain.repositories.live_texts import Change

CHANNEL = "tales_live"
"""Repeated in migration 023, whose trigger tells of cancelled attempts."""

QUEUE_CHANNEL = "tales_queue"
"""An attempt waits for a worker. The payload is empty."""

_MOST_IN_A_PAYLOAD = 150
"""Each takes 50 bytes at most: a UUID, a number and two marks."""

_ENDED = "!"
_SENDER = "@"


def payloads(changes: Collection[Change], sender: str = "") -> list[str]:
    """`changes` as the payloads of notices."""
    words = [f"{change.attempt}{_ENDED if change.has_ended else ''}" for change in changes]
    batches = (words[at : at + _MOST_IN_A_PAYLOAD] for at in range(0, len(words), _MOST_IN_A_PAYLOAD))
    return [" ".join([f"{_SENDER}{sender}", *batch] if sender else batch) for batch in batches]


def is_from(payload: str, sender: str) -> bool:
    """Whether `sender` has sent it."""
    return payload.partition(" ")[0] == f"{_SENDER}{sender}"


def read_payload(payload: str) -> Iterator[Change]:
    """The inverse of `payloads`; what cannot be understood is passed over."""
    for word in payload.split():
        with suppress(ValueError):
            yield Change(AttemptId.parse(word.removesuffix(_ENDED)), word.endswith(_ENDED))
