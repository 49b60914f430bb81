"""The heroes that stories are about."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import ConfigDict, Field

from tales.domain import errors, family
from tales.domain.page import Page
from tales.interfaces.api.cursor import NextCursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.etags import TAGGED, UNCHANGED, Editing, Looking
from tales.interfaces.api.fields import Answer, Body, Id, Moment, Shown, Text
from tales.interfaces.api.openapi import located, problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.schemas import WhichPage

router = APIRouter(
    prefix=paths.HEROES,
    tags=["heroes"],
    responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput),
)


class NewHero(Body):
    """A hero as a parent describes it."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Captain Moon", "appearance": "a silver cape and a round helmet"}}
    )

    name: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)]
    appearance: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_APPEARANCE)] | None = None

    def checked(self) -> family.NewHero:
        """The same in the domain's terms. Raises: InvalidInput."""
        return family.NewHero(self.name, self.appearance)


class HeroChanges(Body):
    """What changes of a hero (RFC 7396): what is left out stays, and null takes away what need not be there."""

    model_config = ConfigDict(json_schema_extra={"example": {"appearance": "a golden cape and a round helmet"}})

    name: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)] = Field(default_factory=str)
    appearance: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_APPEARANCE)] | None = None

    def changes(self) -> family.HeroChanges:
        """The same in the domain's terms."""
        changes: family.HeroChanges = {}
        if "name" in self.model_fields_set:
            changes["name"] = self.name
        if "appearance" in self.model_fields_set:
            changes["appearance"] = self.appearance
        return changes


class Hero(Answer):
    """A hero. `user_id` is null for the ready-made ones, which every family sees and none can change."""

    id: UUID
    user_id: UUID | None
    name: str
    appearance: str | None
    created_at: Moment


class HeroPage(Answer):
    """Some of the family's own heroes and the ready-made ones, newest first. `next_cursor` is null on the last page."""

    items: list[Hero]
    next_cursor: NextCursor


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Add a hero",
    response_model=Hero,
    responses=located(status.HTTP_201_CREATED) | problems(body=True),
)
async def add_hero(body: NewHero, actor: CurrentActor, services: UseCases, response: Response) -> family.Hero:
    """Add a hero of the family's own."""
    hero = await services.heroes.add(actor, body.checked())
    response.headers["Location"] = paths.address(paths.HEROES, hero.id)
    return hero


@router.get("", summary="List the heroes", response_model=HeroPage)
async def list_heroes(
    which: Annotated[WhichPage, Query()], actor: CurrentActor, services: UseCases
) -> Page[family.Hero]:
    """The family's own heroes and the ready-made ones, newest first."""
    return await services.heroes.list(actor, which.checked())


@router.get(
    "/{hero_id}",
    summary="Get a hero",
    response_model=Hero,
    responses=TAGGED | UNCHANGED | problems(errors.NotFound),
)
async def get_hero(hero_id: Id, actor: CurrentActor, services: UseCases, look: Looking) -> family.Hero | Response:
    """One hero, the family's own or ready-made."""
    hero = await services.heroes.get(actor, hero_id)
    return look.answer(hero, hero.version)


@router.patch(
    "/{hero_id}",
    summary="Change a hero",
    response_model=Hero,
    responses=TAGGED | problems(errors.NotFound, errors.Forbidden, errors.VersionConflict, body=True),
)
async def change_hero(
    hero_id: Id,
    body: HeroChanges,
    actor: CurrentActor,
    services: UseCases,
    edit: Editing,
) -> family.Hero:
    """Change what is sent of a hero of the family's own. Stories that are written stay as they are."""
    hero = await services.heroes.change(actor, hero_id, body.changes(), edit.versions)
    edit.tag(hero.version)
    return hero


@router.delete(
    "/{hero_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a hero",
    responses=problems(errors.NotFound, errors.Forbidden, errors.VersionConflict),
)
async def delete_hero(hero_id: Id, actor: CurrentActor, services: UseCases, edit: Editing) -> None:
    """Delete a hero of the family's own. Its stories stay, and no longer name it."""
    await services.heroes.delete(actor, hero_id, edit.versions)
