"""Tonight's story: what a parent asks for, on one page, with what was asked for last as a beginning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tales.application import stories
from tales.application.request_generation import GenerationRequest
from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.errors import InvalidInput, NotFound
from tales.domain.generation import Attempt, Generation
from tales.domain.idempotency import LONGEST_KEY
from tales.domain.page import PageRequest
from tales.domain.story import Story
from tales.domain.story_spec import DEFAULT_LANGUAGE, DEFAULT_MINUTES, LANGUAGES, StoryType
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import CheckedForm, CurrentVisitor, see_other, text
from tales.interfaces.web.family import cast_of, number
from tales.interfaces.web.languages import language_of, translatable
from tales.interfaces.web.refusals import EXPECTED, Refusal, refusal
from tales.interfaces.web.rendering import render

MORALS = (
    translatable("kindness"),
    translatable("courage"),
    translatable("sharing"),
    translatable("patience"),
    translatable("friendship"),
    translatable("going to bed without fear"),
)
LENGTHS = (1, 3, 5, 10, 15)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The fields of the form, as they are filled in. Ids are text: nobody knows yet whether they are any."""

    child: str = ""
    hero: str = ""
    relationship: str = ""
    moral: str = ""
    own_moral: str = ""
    minutes: int = DEFAULT_MINUTES
    language: str = ""
    sequel_of: str = ""

    @classmethod
    def of_form(cls, form: FormData) -> Wish:
        """What was sent."""
        return cls(
            child=text(form, "child"),
            hero=text(form, "hero"),
            relationship=text(form, "relationship"),
            moral=text(form, "moral"),
            own_moral=text(form, "own_moral"),
            minutes=number(form, "minutes"),
            language=text(form, "language"),
            sequel_of=text(form, "sequel_of"),
        )

    @classmethod
    def of_attempt(cls, attempt: Attempt, sequel_of: UUID | None = None) -> Wish:
        """What was asked for once."""
        moral = attempt.moral
        return cls(
            child=str(attempt.child_id or ""),
            hero=str(attempt.hero_id or ""),
            relationship=attempt.relationship_description or "",
            moral=moral if moral in MORALS else "",
            own_moral="" if moral in MORALS else moral,
            minutes=attempt.story_length or DEFAULT_MINUTES,
            language=attempt.language or "",
            sequel_of=str(sequel_of or ""),
        )

    def checked(self) -> GenerationRequest:
        """The same in the application's terms. Raises: InvalidInput."""
        child, hero = _id("child_id", self.child), _id("hero_id", self.hero)
        if child is None and hero is None:
            raise InvalidInput("child_id", "Choose a child, a hero, or both.")
        both = child is not None and hero is not None
        story_type = StoryType.COMBINED if both else StoryType.HERO if child is None else StoryType.CHILD
        return GenerationRequest(
            story_type=story_type,
            moral=self.own_moral or self.moral,
            child_id=child,
            hero_id=hero,
            relationship_description=(self.relationship or "good friends") if both else None,
            story_length=self.minutes,
            language=self.language,
            sequel_of=_id("sequel_of", self.sequel_of),
        )


@router.get("/tonight")
async def show_tonight(
    request: Request, visitor: CurrentVisitor, services: UseCases, child: str = "", sequel_of: str = ""
) -> Response:
    """The form, as it was filled in the last time; about `child`, or carrying on the story `sequel_of`."""
    wish = await _beginning(request, services, visitor.actor, child, sequel_of)
    return await _form(request, services, visitor.actor, wish)


@router.post("/tonight")
async def ask(request: Request, form: CheckedForm, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Ask for the story, and go where it appears. A form that is sent twice leads to one story."""
    wish, key = Wish.of_form(form), text(form, "key")[:LONGEST_KEY]
    try:
        generation = await services.request_generation(visitor.actor, wish.checked(), key or None)
    except (*EXPECTED, NotFound) as error:
        refused = refusal(request, InvalidInput("child_id", "") if isinstance(error, NotFound) else error)
        return await _form(request, services, visitor.actor, wish, refused)
    return see_other(f"/writing/{generation.generation_id}")


async def _beginning(request: Request, services: Services, actor: Actor, child: str, sequel_of: str) -> Wish:
    """What the form says before anybody has filled it in."""
    if sequel_of:
        story, generation = await stories.get_with_generation(services.transactions, actor, _known(sequel_of))
        return Wish.of_attempt(generation.latest, story.id)
    last = await services.follow_generation.list(actor, PageRequest(1))
    if last.items and not child:
        return Wish.of_attempt(last.items[0].latest)
    return Wish(child=child, moral=MORALS[0], language=_usual_language(request, services))


def _usual_language(request: Request, services: Services) -> str:
    """The visitor's own, if the models write it."""
    own = language_of(request).code
    return own if own in _offered(services) else DEFAULT_LANGUAGE


def _offered(services: Services) -> frozenset[str]:
    """The languages that the models write."""
    return services.request_generation.abilities.languages or frozenset(LANGUAGES)


async def _form(
    request: Request, services: Services, actor: Actor, wish: Wish, refused: Refusal | None = None
) -> Response:
    children, heroes = await cast_of(services, actor)
    language = language_of(request)
    offered, longest = _offered(services), services.request_generation.abilities.minutes
    if not refused:  # what was asked for last may have been another model's to write
        wish = replace(
            wish,
            language=wish.language if wish.language in offered else min(offered),
            minutes=min(wish.minutes, longest),
        )
    return render(
        request,
        "tonight.html",
        refused.status if refused else 200,
        wish=_with_somebody(wish, [str(child.id) for child in children], [str(hero.id) for hero in heroes]),
        key=uuid4().hex,
        children=children,
        heroes=heroes,
        morals=MORALS,
        lengths=sorted(minutes for minutes in {*LENGTHS, wish.minutes} if 0 < minutes <= longest),
        story_languages=sorted(((code, language.name_of(code)) for code in offered), key=lambda named: named[1]),
        is_small=len(offered) < len(LANGUAGES),
        earlier=await _earlier(services, actor, wish),
        refusal=refused,
    )


def _with_somebody(wish: Wish, children: list[str], heroes: list[str]) -> Wish:
    """The wish about somebody who is there: a child that was deleted meanwhile is nobody's choice any more."""
    hero = wish.hero if wish.hero in heroes else ""
    child = wish.child if wish.child in children else ""
    if not child and (wish.child or not hero):
        child = next(iter(children), "")
    return replace(wish, child=child, hero=hero if child or hero else next(iter(heroes), ""))


async def _earlier(services: Services, actor: Actor, wish: Wish) -> Story | None:
    try:
        return await stories.get(services.transactions, actor, _known(wish.sequel_of)) if wish.sequel_of else None
    except NotFound:
        return None


def again(generation: Generation) -> Wish:
    """The wish of a generation, to be asked for once more."""
    return Wish.of_attempt(generation.latest, generation.sequel_of)


def _id(field: str, typed: str) -> UUID | None:
    """Raises: InvalidInput."""
    try:
        return UUID(typed) if typed else None
    except ValueError:
        raise InvalidInput(field, "This is no id.") from None


def _known(typed: str) -> UUID:
    """Raises: NotFound, also for what is no id."""
    try:
        return UUID(typed)
    except ValueError:
        raise NotFound("story", "of this id") from None
