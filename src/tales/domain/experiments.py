"""Which of several active versions of a prompt a generation gets: a draw that anybody can repeat from its id."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from tales.domain.goals import PassedOver


class ChoiceReason(StrEnum):
    """Why a generation got its version, where that was not the only active one."""

    EXPERIMENT = "experiment"
    FALLBACK = "fallback"
    GOAL = "goal"


@dataclass(frozen=True, slots=True)
class PromptChoice:
    """How a generation came to its version. `weights` are those of all versions that it could have got.

    `failed_version` is what was drawn and could not be rendered. `snapshot_id` is the snapshot of a goal that was drawn
    by; `passed_over` says why there was a goal and none was. Without a choice there was one active version alone.
    """

    reason: ChoiceReason
    weights: Mapping[str, int]
    failed_version: str | None = None
    snapshot_id: UUID | None = None
    passed_over: PassedOver | None = None


def draw(generation_id: UUID, total: int) -> int:
    """A number from 0 on and below `total`, always the same for an id, and evenly spread over ids."""
    digest = hashlib.sha256(b"tales prompt " + generation_id.bytes).digest()
    return int.from_bytes(digest[:8]) % total


def choose_version(weights: Mapping[str, int], generation_id: UUID) -> str:
    """The version of that generation: they divide the numbers up to their sum, in the order of their names.

    `weights` has one version at least, each from 1 on.
    """
    place = draw(generation_id, sum(weights.values()))
    for version in sorted(weights):
        place -= weights[version]
        if place < 0:
            return version
    raise AssertionError  # pragma: no cover -- a draw is below the sum
