"""How processes tell each other, through PostgreSQL's NOTIFY, that something has become of attempts.

A notice names attempts and says nothing else: `ID/2` has made progress, `ID/2!` has ended. Many go into one payload,
because every NOTIFY takes a lock that all of the cluster's wait for, and a payload has less than 8,000 bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

from tales.domain.generation import AttemptId
from tales.domain.repositories.live_texts import Change

CHANNEL = "tales_live"
"""Repeated in migration 023, whose trigger tells of cancelled attempts."""

_MOST_IN_A_PAYLOAD = 150
"""Each takes 50 bytes at most: a UUID, a number and two marks."""

_ENDED = "!"


def payloads(changes: Collection[Change]) -> list[str]:
    """`changes` as the payloads of notices."""
    words = [f"{change.attempt}{_ENDED if change.has_ended else ''}" for change in changes]
    return [" ".join(words[at : at + _MOST_IN_A_PAYLOAD]) for at in range(0, len(words), _MOST_IN_A_PAYLOAD)]


def read_payload(payload: str) -> Iterator[Change]:
    """The inverse of `payloads`. Anybody who may connect may notify, so what cannot be understood is passed over."""
    for word in payload.split():
        with suppress(ValueError):
            yield Change(AttemptId.parse(word.removesuffix(_ENDED)), word.endswith(_ENDED))
