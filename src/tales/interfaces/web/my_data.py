"""What is the family's own: to look at, to take along, and to erase."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tales.application.accounts import read_profile
from tales.application.services import Services
from tales.domain.errors import InvalidInput
from tales.interfaces.api.client_address import ClientAddress
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.v3.export import export_response
from tales.interfaces.web import browser_sessions
from tales.interfaces.web.browser_sessions import CheckedForm, CurrentVisitor, Visitor, see_other
from tales.interfaces.web.languages import language_of, translatable
from tales.interfaces.web.refusals import EXPECTED, Refusal, refusal
from tales.interfaces.web.rendering import render

router = APIRouter(prefix="/me", include_in_schema=False)

_WRONG = translatable("This is not your password. Nothing was erased.")


@router.get("")
async def show_me(
    request: Request, visitor: CurrentVisitor, services: UseCases, changed: str = "", moved: str = ""
) -> Response:
    """The account, and how much is kept."""
    return await _page(request, visitor, services, notice="changed" if changed else "moved" if moved else "")


@router.post("/password")
async def change_password(
    request: Request, form: CheckedForm, visitor: CurrentVisitor, services: UseCases, client: ClientAddress
) -> Response:
    """Another password; all other sessions end."""
    current, new = str(form.get("current_password", "")), str(form.get("new_password", ""))
    try:
        await services.change_password(visitor.actor, current, new, client)
    except EXPECTED as error:
        return await _page(request, visitor, services, refusal(request, error))
    return see_other("/me", changed="1")


@router.get("/export")
async def export(visitor: CurrentVisitor, services: UseCases) -> Response:
    """Everything, as one file."""
    return await export_response(services, visitor.actor)


@router.post("/erase")
async def erase(
    request: Request, form: CheckedForm, visitor: CurrentVisitor, services: UseCases, client: ClientAddress
) -> Response:
    """Erase everything, for ever."""
    try:
        await services.erase_family(visitor.actor, str(form.get("password", "")), client=client)
    except InvalidInput as error:
        say = language_of(request).translations.gettext
        refused = Refusal(refusal(request, error).status, "password", say(_WRONG))
        return await _page(request, visitor, services, refused)
    except EXPECTED as error:
        return await _page(request, visitor, services, refusal(request, error))
    response = render(request, "erased.html")
    browser_sessions.end_session(request, response)
    return response


async def _page(
    request: Request, visitor: Visitor, services: Services, refused: Refusal | None = None, *, notice: str = ""
) -> Response:
    profile = await read_profile(services.transactions, visitor.actor)
    status = refused.status if refused else 200
    shortest = services.sign_in.passwords.shortest
    facts = {"profile": profile, "shortest": shortest, "refusal": refused, "notice": notice}
    return render(request, "me.html", status, **facts)
