"""The pages of whom stories are about: the family's children, and heroes, its own and ready-made."""

from __future__ import annotations

import re
from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.errors import Forbidden
from tales.domain.family import Child, ChildChanges, Hero, HeroChanges, NewChild, NewHero
from tales.domain.page import MAX_PAGE, PageRequest
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.web.browser_sessions import (
    ONLY_OUR_FORMS,
    ONLY_SIGNED_IN,
    CheckedForm,
    CurrentVisitor,
    see_other,
    text,
)
from tales.interfaces.web.languages import translatable
from tales.interfaces.web.refusals import EXPECTED, Refusal, refusal
from tales.interfaces.web.rendering import render

_FAMILY = "/family"
_COMMA = re.compile(r"[,;،、，\n]")

READY_MADE = (
    translatable("Luna the Owl"),
    translatable("a small grey owl with round golden eyes and a scarf full of stars"),
    translatable("Pip the Hedgehog"),
    translatable("a tiny hedgehog in a yellow raincoat, who always knows the way home"),
    translatable("Bramble the Bear"),
    translatable("a big brown bear with a patched blue waistcoat and a pocket full of berries"),
    translatable("Marina the Mermaid"),
    translatable("a mermaid with a silver tail, seaweed braids and a lantern made of a shell"),
    translatable("Tock the Robot"),
    translatable("a round copper robot with one wobbly wheel and a soft green light for a heart"),
    translatable("Juniper the Fox"),
    translatable("a slim red fox with white paws, tall rain boots and a map of the forest"),
)
"""What the database says of the heroes that come along (migration 022), for the catalogues."""

router = APIRouter(prefix=_FAMILY, include_in_schema=False)


async def cast_of(services: Services, actor: Actor) -> tuple[tuple[Child, ...], tuple[Hero, ...]]:
    """The family's children, and its heroes before the ready-made ones: as many as a page can show."""
    everybody = PageRequest(MAX_PAGE)
    children = await services.children.list(actor, everybody)
    heroes = await services.heroes.list(actor, everybody)
    return children.items, tuple(sorted(heroes.items, key=lambda hero: hero.user_id is None))


@router.get("")
async def show_family(request: Request, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Everybody, at a glance."""
    children, heroes = await cast_of(services, visitor.actor)
    return render(request, "family.html", children=children, heroes=heroes)


@router.get("/children/new", dependencies=ONLY_SIGNED_IN)
async def show_new_child(request: Request, first: str = "") -> Response:
    """The form for a child."""
    return _child_form(request, is_first=bool(first))


@router.post("/children/new")
async def add_child(request: Request, form: CheckedForm, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Add a child, and go on: the first one to its first story."""
    is_first = bool(text(form, "first"))
    try:
        fields = _child(form)
        child = await services.children.add(
            visitor.actor, NewChild(fields["name"], fields["age"], fields["interests"], fields["gender"])
        )
    except EXPECTED as error:
        return _child_form(request, None, form, refusal(request, error), is_first=is_first)
    return see_other("/tonight", child=str(child.id)) if is_first else see_other(_FAMILY)


@router.get("/children/{child_id}")
async def show_child(request: Request, child_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """The form of a child that is there."""
    return _child_form(request, await services.children.get(visitor.actor, child_id))


@router.post("/children/{child_id}")
async def change_child(
    request: Request, child_id: Id, form: CheckedForm, visitor: CurrentVisitor, services: UseCases
) -> Response:
    """Change a child; stories that are written stay as they are."""
    child = await services.children.get(visitor.actor, child_id)
    try:
        await services.children.change(visitor.actor, child_id, _child(form))
    except EXPECTED as error:
        return _child_form(request, child, form, refusal(request, error))
    return see_other(_FAMILY)


@router.post("/children/{child_id}/delete", dependencies=ONLY_OUR_FORMS)
async def delete_child(child_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Delete a child; its stories stay."""
    await services.children.delete(visitor.actor, child_id)
    return see_other(_FAMILY)


@router.get("/heroes/new", dependencies=ONLY_SIGNED_IN)
async def show_new_hero(request: Request) -> Response:
    """The form for a hero."""
    return _hero_form(request)


@router.post("/heroes/new")
async def add_hero(request: Request, form: CheckedForm, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Add a hero of the family's own."""
    try:
        fields = _hero(form)
        await services.heroes.add(visitor.actor, NewHero(fields["name"], fields["appearance"]))
    except EXPECTED as error:
        return _hero_form(request, None, form, refusal(request, error))
    return see_other(_FAMILY)


@router.get("/heroes/{hero_id}")
async def show_hero(request: Request, hero_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """The form of a hero of the family's own."""
    hero = await services.heroes.get(visitor.actor, hero_id)
    if hero.user_id is None:
        raise Forbidden
    return _hero_form(request, hero)


@router.post("/heroes/{hero_id}")
async def change_hero(
    request: Request, hero_id: Id, form: CheckedForm, visitor: CurrentVisitor, services: UseCases
) -> Response:
    """Change a hero of the family's own."""
    hero = await services.heroes.get(visitor.actor, hero_id)
    try:
        await services.heroes.change(visitor.actor, hero_id, _hero(form))
    except EXPECTED as error:
        return _hero_form(request, hero, form, refusal(request, error))
    return see_other(_FAMILY)


@router.post("/heroes/{hero_id}/delete", dependencies=ONLY_OUR_FORMS)
async def delete_hero(hero_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Delete a hero of the family's own; its stories stay."""
    await services.heroes.delete(visitor.actor, hero_id)
    return see_other(_FAMILY)


def _child(form: FormData) -> ChildChanges:
    """What the form says of a child."""
    interests = tuple(item.strip() for item in _COMMA.split(text(form, "interests")) if item.strip())
    return ChildChanges(
        name=text(form, "name"), age=number(form, "age"), interests=interests, gender=text(form, "gender") or None
    )


def number(form: FormData, name: str) -> int:
    """A whole number; one that no field allows where somebody typed something else."""
    typed = text(form, name)
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else -1


def _hero(form: FormData) -> HeroChanges:
    return HeroChanges(name=text(form, "name"), appearance=text(form, "appearance") or None)


def _child_form(
    request: Request,
    child: Child | None = None,
    form: FormData | None = None,
    refused: Refusal | None = None,
    *,
    is_first: bool = False,
) -> Response:
    """What was typed stays, beside why it was refused."""
    status = refused.status if refused else HTTPStatus.OK
    return render(request, "child.html", status, child=child, form=form, refusal=refused, is_first=is_first)


def _hero_form(
    request: Request, hero: Hero | None = None, form: FormData | None = None, refused: Refusal | None = None
) -> Response:
    status = refused.status if refused else HTTPStatus.OK
    return render(request, "hero.html", status, hero=hero, form=form, refusal=refused)
