"""Where children and heroes are kept."""

from __future__ import annotations

from typing import Protocol, TypeAlias, TypeVar
from uuid import UUID

from tales.domain.family import Child, ChildChanges, Hero, HeroChanges, NewChild, NewHero
from tales.domain.page import Page, PageRequest
from tales.domain.versions import ExpectedVersions

New_contra = TypeVar("New_contra", NewChild, NewHero, contravariant=True)
Changes_contra = TypeVar("Changes_contra", ChildChanges, HeroChanges, contravariant=True)
Character_co = TypeVar("Character_co", Child, Hero, covariant=True)


class CharacterRepository(Protocol[New_contra, Changes_contra, Character_co]):
    """Children, or heroes, as one actor may see and write them."""

    async def add(self, id_: UUID, user_id: UUID, new: New_contra) -> Character_co:
        """Insert a character of a family's own."""

    async def get(self, id_: UUID) -> Character_co | None:
        """One character, the family's own or ready-made."""

    async def list_for_user(self, user_id: UUID, page: PageRequest) -> Page[Character_co]:
        """A user's own characters and the ready-made ones, newest first."""

    async def change(
        self, id_: UUID, changes: Changes_contra, versions: ExpectedVersions = None
    ) -> Character_co | None:
        """Change a family's own character of one of these versions; None when there is none."""

    async def delete(self, id_: UUID, versions: ExpectedVersions = None) -> bool:
        """Delete a family's own character of one of these versions; what names it stays. False when there is none."""


ChildRepository: TypeAlias = CharacterRepository[NewChild, ChildChanges, Child]
HeroRepository: TypeAlias = CharacterRepository[NewHero, HeroChanges, Hero]
