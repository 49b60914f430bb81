"""Who has an account: since when, how much they have asked for, and who is an admin."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tales.application.accounts import list_users
from tales.domain.errors import InvalidInput
from tales.domain.page import PageRequest
from tales.interfaces.api.cursor import decode_cursor, encode_cursor
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin
from tales.interfaces.web.operator.frame import HOME, show

_ON_A_PAGE = 50

router = APIRouter(prefix=HOME, include_in_schema=False)


class Sought(Chosen):
    """What is chosen, an address to look for, and the user behind whom to go on."""

    email: str = ""
    after: str = ""


@router.get("/users")
async def show_users(
    request: Request, sought: Annotated[Sought, Query()], visitor: CurrentAdmin, services: UseCases
) -> Response:
    """The accounts, the newest first."""
    email, refused = sought.email.strip(), None
    try:
        sought.check()
    except InvalidInput as error:
        email, refused = "", error
    page = PageRequest(_ON_A_PAGE, decode_cursor(sought.after) if sought.after else None)
    found = await list_users(services.transactions, visitor.actor, page, email or None)
    older = encode_cursor(found.next) if found.next else ""
    return show(request, "users.html", sought, refused=refused, email=sought.email, found=found.items, older=older)
