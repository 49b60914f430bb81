"""The heroes that stories are about."""

from __future__ import annotations

from fastapi import APIRouter, Response, status

from tales.domain import errors, family
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import answers, bodies, paths

router = APIRouter(prefix=paths.HEROES, tags=["heroes"], responses=problems(errors.NotSignedIn, errors.Unavailable))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Add a hero",
    response_model=answers.Hero,
    responses=problems(body=True),
)
async def add_hero(body: bodies.NewHero, actor: CurrentActor, services: UseCases, response: Response) -> family.Hero:
    """Add a hero of the family's own."""
    hero = await services.manage_family.add_hero(actor, body.checked())
    response.headers["Location"] = paths.address(paths.HEROES, hero.id)
    return hero


@router.get("", summary="List the heroes")
async def list_heroes(actor: CurrentActor, services: UseCases) -> answers.Heroes:
    """The family's own heroes and the ready-made ones, oldest entry first."""
    heroes = await services.manage_family.list_heroes(actor)
    return answers.Heroes.model_validate({"items": heroes})


@router.get(
    "/{hero_id}",
    summary="Get a hero",
    response_model=answers.Hero,
    responses=problems(errors.NotFound, errors.InvalidInput),
)
async def get_hero(hero_id: Id, actor: CurrentActor, services: UseCases) -> family.Hero:
    """One hero, the family's own or ready-made."""
    return await services.manage_family.get_hero(actor, hero_id)


@router.delete(
    "/{hero_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a hero",
    responses=problems(errors.NotFound, errors.InvalidInput),
)
async def delete_hero(hero_id: Id, actor: CurrentActor, services: UseCases) -> None:
    """Delete a hero of the family's own. Its stories stay, and no longer name it."""
    await services.manage_family.delete_hero(actor, hero_id)
