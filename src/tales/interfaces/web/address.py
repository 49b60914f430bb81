"""Another address for one's account: a code comes to the new one, where this server sends any mail."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tales.application.services import Services
from tales.domain.errors import InvalidInput
from tales.interfaces.api.client_address import ClientAddress
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import ONLY_SIGNED_IN, CheckedForm, CurrentVisitor, see_other, text
from tales.interfaces.web.languages import language_of, translatable
from tales.interfaces.web.refusals import EXPECTED, Refusal, refusal
from tales.interfaces.web.rendering import render

_WRONG = translatable("This is not your present password. Check it.")

router = APIRouter(prefix="/me/address", include_in_schema=False)


@router.get("", dependencies=ONLY_SIGNED_IN)
async def show_address(request: Request, services: UseCases) -> Response:
    """The form for the new address."""
    return _page(request, services, "")


@router.post("")
async def send_code(
    request: Request, form: CheckedForm, visitor: CurrentVisitor, services: UseCases, client: ClientAddress
) -> Response:
    """Send a code to the new address, unless it has an account; the page does not tell."""
    email, password = text(form, "email"), str(form.get("password", ""))
    try:
        language = language_of(request).code
        await services.change_address.request(visitor.actor, email, password, client, language)
    except EXPECTED as error:
        refused = refusal(request, error)
        if isinstance(error, InvalidInput) and error.field == "password":
            refused = Refusal(refused.status, "password", language_of(request).translations.gettext(_WRONG))
        return _page(request, services, email, refused=refused)
    return _page(request, services, email, is_sent=True)


@router.post("/code")
async def change_address(request: Request, form: CheckedForm, visitor: CurrentVisitor, services: UseCases) -> Response:
    """Replace the address by the code that came; all other sessions end."""
    email = text(form, "email")
    try:
        await services.change_address.confirm(visitor.actor, email, text(form, "code"), language_of(request).code)
    except EXPECTED as error:
        return _page(request, services, email, is_sent=True, refused=refusal(request, error))
    return see_other("/me", moved="1")


def _page(
    request: Request, services: Services, email: str, *, is_sent: bool = False, refused: Refusal | None = None
) -> Response:
    return render(
        request,
        "address.html",
        refused.status if refused else 200,
        email=email,
        is_sent=is_sent,
        sends_mail=services.change_address.mailer is not None,
        refusal=refused,
    )
