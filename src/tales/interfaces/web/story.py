"""One story: to be read, read aloud, rated, taken along, and looked into."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from tales.application import stories
from tales.domain.generation import Generation
from tales.domain.story import BEST_RATING, Rating, Story, Title
from tales.domain.story_spec import DEFAULT_LANGUAGE
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.web import epub, pdf
from tales.interfaces.web.browser_sessions import ONLY_OUR_FORMS, CheckedForm, CurrentVisitor, see_other, text
from tales.interfaces.web.family import number
from tales.interfaces.web.look import THEMES
from tales.interfaces.web.rendering import render
from tales.interfaces.web.tonight import MORALS

_PARAGRAPHS = re.compile(r"\n\s*")

router = APIRouter(prefix="/stories", include_in_schema=False)


def paragraphs_of(content: str) -> list[str]:
    """A story's text as it is set: one paragraph a line."""
    return [text for text in _PARAGRAPHS.split(content) if text.strip()]


@router.get("/{story_id}")
async def show_story(request: Request, story_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """The story, to be read."""
    story, generation = await stories.get_with_generation(services.transactions, visitor.actor, story_id)
    language = _language(generation)
    return render(
        request,
        "story.html",
        story=story,
        paragraphs=paragraphs_of(story.content),
        story_language=language,
        ratings=range(1, BEST_RATING + 1),
        themes=THEMES,
        has_pdf=pdf.can_be_set(story, language),
    )


@router.get("/{story_id}/making")
async def show_making(request: Request, story_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """How it was made: what was asked for, and every call to a model."""
    story, generation = await stories.get_with_generation(services.transactions, visitor.actor, story_id)
    return render(request, "making.html", story=story, generation=generation, morals=MORALS)


@router.get("/{story_id}/epub")
async def take_along(story_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """The story as an electronic book."""
    story, generation = await stories.get_with_generation(services.transactions, visitor.actor, story_id)
    book = epub.make_book(story, paragraphs_of(story.content), _language(generation))
    return _file(story, "epub", book, epub.MEDIA_TYPE)


@router.get("/{story_id}/pdf")
async def take_along_on_pages(story_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """The story as a PDF; where there is none, its page says why."""
    story, generation = await stories.get_with_generation(services.transactions, visitor.actor, story_id)
    language = _language(generation)
    if not pdf.can_be_set(story, language):
        return see_other(f"/stories/{story_id}")
    made = await pdf.make_pdf(story, paragraphs_of(story.content), language)
    return _file(story, "pdf", made, pdf.MEDIA_TYPE)


@router.post("/{story_id}/rating")
async def rate(story_id: Id, form: CheckedForm, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Keep what the family thinks of it."""
    await stories.rate(services.transactions, visitor.actor, story_id, Rating(number(form, "rating")))
    return see_other(f"/stories/{story_id}#liking")


@router.post("/{story_id}/title")
async def rename(story_id: Id, form: CheckedForm, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Call it otherwise."""
    await stories.rename(services.transactions, visitor.actor, story_id, Title(text(form, "title")))
    return see_other(f"/stories/{story_id}")


@router.post("/{story_id}/delete", dependencies=ONLY_OUR_FORMS)
async def delete(story_id: Id, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Delete it."""
    await stories.delete(services.transactions, visitor.actor, story_id)
    return see_other("/library")


def _language(generation: Generation) -> str:
    return generation.latest.language or DEFAULT_LANGUAGE


def _file(story: Story, ending: str, content: bytes, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="story-{story.created_at:%Y-%m-%d}.{ending}"'}
    return Response(content, media_type=media_type, headers=headers)
