"""The family's library: stories found again by word, child and liking."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from tales.application import stories
from tales.domain.errors import InvalidInput
from tales.domain.family import Child
from tales.domain.filters import StoryFilter
from tales.domain.generation import Status
from tales.domain.page import MAX_PAGE, PageRequest
from tales.interfaces.api.cursor import decode_cursor, encode_cursor
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import CurrentVisitor
from tales.interfaces.web.refusals import refusal
from tales.interfaces.web.rendering import render

FAVOURITE = 8
"""The least rating of a story that a family likes best."""

_ON_A_PAGE = 20
_MOST_IN_PROGRESS = 5

router = APIRouter(include_in_schema=False)


class Sought(BaseModel):
    """What the address says: words, a child's id, whether only favourites, and the story behind which to go on."""

    q: str = ""
    child: str = ""
    liked: str = ""
    after: str = ""


@router.get("/library")
async def show_library(
    request: Request, sought: Annotated[Sought, Query()], visitor: CurrentVisitor, services: UseCases
) -> Response:
    """The stories that fit all that is said, newest first, and above them those that are being written."""
    children = (await services.children.list(visitor.actor, PageRequest(MAX_PAGE))).items
    chosen = next((child.id for child in children if str(child.id) == sought.child), None)
    refused = None
    try:
        which = StoryFilter(
            words=sought.q.strip() or None, child_id=chosen, min_rating=FAVOURITE if sought.liked else None
        )
    except InvalidInput as error:
        which, refused = StoryFilter(child_id=chosen), refusal(request, error)
    page = PageRequest(_ON_A_PAGE, decode_cursor(sought.after) if sought.after else None)
    found = await stories.list_stories(services.transactions, visitor.actor, page, which)
    is_searched = bool(sought.q.strip() or chosen or sought.liked)
    newest = await services.follow_generation.list(visitor.actor, PageRequest(_MOST_IN_PROGRESS))
    return render(
        request,
        "library.html",
        refused.status if refused else 200,
        stories=found.items,
        older=encode_cursor(found.next) if found.next else "",
        children=children,
        names=_names(children),
        q=sought.q,
        child=str(chosen or ""),
        liked=bool(sought.liked),
        is_searched=is_searched,
        is_first_page=not sought.after,
        in_progress=[generation for generation in newest.items if generation.status is Status.PENDING],
        refusal=refused,
    )


def _names(children: tuple[Child, ...]) -> dict[UUID, str]:
    return {child.id: child.name for child in children}
