"""What a model's provider does not take of a request, and what is sent instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

PARAMETERS = ("max_tokens", "max_completion_tokens", "temperature", "stream_options", "stream")
"""Of a request, what it can do without, in the order in which one takes another's place."""

Changes: TypeAlias = Mapping[str, str | None]
"""Parameters that are left out, each with the one that is sent instead, if any."""

REFUSES = "The model refuses "
"""How the message of each attempt begins that was refused for them: by that they are found again."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model, and what is left out when it is asked. `learned_at`: when it refused something for the first time."""

    provider: str
    model: str
    changes: Changes
    learned_at: datetime | None = None


def refusal_message(changes: Changes, http_status: int | None) -> str:
    """What an operator reads of a request that was refused for its parameters."""
    names = " and ".join(changes)
    shown = f" (HTTP {http_status})" if http_status is not None else ""
    instead = [name for name in changes.values() if name is not None]
    cure = f"sends {' and '.join(instead)} in its place" if instead else "leaves it out"
    several = "s" if len(changes) > 1 else ""
    return f"{REFUSES}the parameter{several} {names}{shown}. The next attempt {cure}."
