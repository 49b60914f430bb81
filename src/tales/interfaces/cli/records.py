"""Generations as they are shown: those of this machine's database, or those that the API has answered."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from tales.domain.generation import Attempt, Generation

if TYPE_CHECKING:
    # The database's own are shown without it.
    from tales import client

AnyAttempt: TypeAlias = "Attempt | client.Attempt"
AnyGeneration: TypeAlias = "Generation | client.Generation"


def request_of(generation: AnyGeneration) -> Attempt | client.Generation:
    """What holds the request: the API answers it once, the database keeps it with each attempt."""
    return generation.latest if isinstance(generation, Generation) else generation


def cost_of(attempt: AnyAttempt) -> Decimal | None:
    """What the call cost as far as anybody knows, in US dollars."""
    return attempt.known_cost_usd if isinstance(attempt, Attempt) else attempt.cost_usd
