"""A forgotten password: a code comes by mail, where this server sends any."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tales.application.services import Services
from tales.interfaces.api.client_address import ClientAddress
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import CheckedForm, see_other, text
from tales.interfaces.web.languages import language_of
from tales.interfaces.web.refusals import EXPECTED, Refusal, refusal
from tales.interfaces.web.rendering import render

router = APIRouter(prefix="/forgotten", include_in_schema=False)


@router.get("")
async def show_forgotten(request: Request, services: UseCases) -> Response:
    """The form for the address."""
    if services.external_auth:
        return see_other("/")
    return _page(request, services, "")


@router.post("")
async def send_code(request: Request, form: CheckedForm, services: UseCases, client: ClientAddress) -> Response:
    """Send a code, if there is somebody to send it to; the page does not tell."""
    services.check_own_sign_in()
    email = text(form, "email")
    try:
        await services.reset_password.request(email, client, language_of(request).code)
    except EXPECTED as error:
        return _page(request, services, email, refused=refusal(request, error))
    return _page(request, services, email, is_sent=True)


@router.post("/code")
async def reset(request: Request, form: CheckedForm, services: UseCases, client: ClientAddress) -> Response:
    """Replace the password by the code that came; then sign in with it."""
    services.check_own_sign_in()
    email, new = text(form, "email"), str(form.get("new_password", ""))
    try:
        await services.reset_password.confirm(email, text(form, "code"), new, client)
    except EXPECTED as error:
        return _page(request, services, email, is_sent=True, refused=refusal(request, error))
    return see_other("/sign-in", changed="1")


def _page(
    request: Request, services: Services, email: str, *, is_sent: bool = False, refused: Refusal | None = None
) -> Response:
    return render(
        request,
        "forgotten.html",
        refused.status if refused else 200,
        email=email,
        is_sent=is_sent,
        sends_mail=services.reset_password.mailer is not None,
        shortest=services.sign_in.passwords.shortest,
        refusal=refused,
    )
