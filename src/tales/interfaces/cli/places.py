"""Where the command line has its stories written: on this machine, or by a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tales.application.request_generation import GenerationRequest
from tales.domain.family import NewChild, NewHero
from tales.domain.generation import AttemptId, Generation

Show = Callable[[str], None]
"""Gets the pieces of a text as they are written."""


class KnownHero(Protocol):
    """A hero, whoever keeps it."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def appearance(self) -> str | None: ...


class KnownChild(Protocol):
    """A child, whoever keeps it. `age` in years."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def age(self) -> int: ...
    @property
    def interests(self) -> tuple[str, ...]: ...
    @property
    def gender(self) -> str | None: ...


class WrittenStory(Protocol):
    """A story, whoever keeps it."""

    @property
    def id(self) -> UUID: ...
    @property
    def title(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def rating(self) -> int | None: ...
    @property
    def child_id(self) -> UUID | None: ...
    @property
    def hero_id(self) -> UUID | None: ...
    @property
    def attempt(self) -> AttemptId: ...
    @property
    def created_at(self) -> datetime: ...


class Family(Protocol):
    """The children and heroes that are known already."""

    async def list_children(self) -> Sequence[KnownChild]:
        """All of them, newest entry first."""

    async def add_child(self, new: NewChild) -> KnownChild:
        """Add a child."""

    async def list_heroes(self) -> Sequence[KnownHero]:
        """Those of the family and those for everybody, newest entry first."""

    async def add_hero(self, new: NewHero) -> KnownHero:
        """Add a hero."""


class Writer(Family, Protocol):
    """Writes stories for one family."""

    async def request(self, wish: GenerationRequest) -> Generation:
        """Ask for a story."""

    async def follow(self, generation: Generation, show: Show | None) -> Generation:
        """Wait for its end; `show` gets its text as it is written."""

    async def cancel(self, generation_id: UUID) -> None:
        """Give it up, unless it has ended."""

    async def get_story(self, story_id: UUID) -> WrittenStory:
        """What was written."""


class Records(Protocol):
    """What was asked of the models."""

    async def list_generations(self, limit: int) -> Sequence[Generation]:
        """The newest ones."""

    async def get_generation(self, generation_id: UUID) -> Generation:
        """One, with all that may be known of it."""
