"""Coming in and going out: sign-up, sign-in, sign-out, and the first admin."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tales.application.first_admin import FirstAdmin
from tales.application.refresh_tokens import SignedIn
from tales.application.services import Services
from tales.domain.errors import Conflict, NotFound
from tales.interfaces.api.client_address import ClientAddress
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web import browser_sessions
from tales.interfaces.web.browser_sessions import CheckedForm, CurrentVisitor, safe_path, see_other, text
from tales.interfaces.web.languages import language_of
from tales.interfaces.web.refusals import EXPECTED, Refusal, refusal
from tales.interfaces.web.rendering import render

_FIRST_PAGE = "/tonight"
_FIRST_STEP = "/family/children/new?first=1"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_home(request: Request, services: UseCases) -> Response:
    """The front door; who is in already goes on to tonight's story."""
    if browser_sessions.has_session(request) and not services.external_auth:
        return see_other(_FIRST_PAGE)
    return render(request, "home.html", external_auth=services.external_auth)


@router.get("/sign-up")
async def show_sign_up(request: Request, services: UseCases) -> Response:
    """The form for a new account."""
    if services.external_auth:
        return see_other("/")
    return render(request, "sign_up.html", email="", shortest=_shortest(services), refusal=None)


@router.post("/sign-up")
async def sign_up(request: Request, form: CheckedForm, services: UseCases, client: ClientAddress) -> Response:
    """Open an account, and sign in."""
    services.check_own_sign_in()
    email, password = text(form, "email"), str(form.get("password", ""))
    try:
        await services.sign_in.sign_up(email, password, client)
        return _begun(request, await services.sign_in.sign_in(email, password, client), _FIRST_STEP)
    except EXPECTED as error:
        refused = _taken(request) if type(error) is Conflict else refusal(request, error)
        facts = {"email": email, "shortest": _shortest(services), "refusal": refused}
        return render(request, "sign_up.html", refused.status, **facts)


@router.get("/sign-in")
async def show_sign_in(
    request: Request,
    services: UseCases,
    next: str = "",  # noqa: A002 -- what stands in the address
    ended: str = "",
    changed: str = "",
) -> Response:
    """The form for who has an account."""
    if services.external_auth:
        return see_other("/")
    facts = {"next": safe_path(next, ""), "ended": bool(ended), "is_changed": bool(changed)}
    return render(request, "sign_in.html", email="", refusal=None, **facts)


@router.post("/sign-in")
async def sign_in(request: Request, form: CheckedForm, services: UseCases, client: ClientAddress) -> Response:
    """Begin a session, and go on to where the visitor was going."""
    services.check_own_sign_in()
    email, password, wanted = text(form, "email"), str(form.get("password", "")), safe_path(text(form, "next"), "")
    try:
        return _begun(request, await services.sign_in.sign_in(email, password, client), wanted or _FIRST_PAGE)
    except EXPECTED as error:
        refused = refusal(request, error)
        facts = {"next": wanted, "ended": False, "is_changed": False}
        return render(request, "sign_in.html", refused.status, email=email, refusal=refused, **facts)


@router.post("/sign-out")
async def sign_out(request: Request, form: CheckedForm, visitor: CurrentVisitor, services: UseCases) -> Response:
    """End this session, or all of them."""
    if text(form, "everywhere"):
        await services.sessions.sign_out_everywhere(visitor.actor)
    else:
        await services.sessions.sign_out(visitor.actor)
    response = see_other("/")
    browser_sessions.end_session(request, response)
    return response


@router.get("/welcome")
async def show_welcome(request: Request, services: UseCases, token: str = "") -> Response:
    """Where the first admin begins, by the link that `tales serve` has printed."""
    await _first_admin(request).check(token)
    return render(request, "welcome.html", token=token, email="", shortest=_shortest(services), refusal=None)


@router.post("/welcome")
async def welcome(request: Request, form: CheckedForm, services: UseCases, client: ClientAddress) -> Response:
    """Open the first admin's account, and sign in."""
    first_admin, token = _first_admin(request), text(form, "token")
    email, password = text(form, "email"), str(form.get("password", ""))
    try:
        await first_admin(token, email, password, client)
        return _begun(request, await services.sign_in.sign_in(email, password, client), _FIRST_STEP)
    except EXPECTED as error:
        refused = _taken(request) if type(error) is Conflict else refusal(request, error)
        facts = {"token": token, "email": email, "shortest": _shortest(services), "refusal": refused}
        return render(request, "welcome.html", refused.status, **facts)


def _first_admin(request: Request) -> FirstAdmin:
    first_admin = getattr(request.app.state, "first_admin", None)
    if not isinstance(first_admin, FirstAdmin):
        raise NotFound("page", "welcome")
    return first_admin


def _taken(request: Request) -> Refusal:
    say = language_of(request).translations.gettext
    return Refusal(409, "email", say("This address has an account already. Sign in with it."))


def _shortest(services: Services) -> int:
    """Characters of a password at least."""
    return services.sign_in.passwords.shortest


def _begun(request: Request, signed_in: SignedIn, then: str) -> Response:
    """Leads on to `then`, with the new session in the browser's cookie."""
    response = see_other(then)
    browser_sessions.begin_session(request, response, signed_in.refresh_token)
    return response
