"""Who is at a browser: a session in a cookie that scripts cannot read, and forms that no other site can send.

The cookie holds the refresh token of a session like any other (decision 27). It is not traded for another one at each
use: two tabs would take it from each other, and it never leaves the browser for anywhere but this server.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData, QueryParams
from starlette.responses import RedirectResponse, Response
from starlette.status import HTTP_303_SEE_OTHER

from tales.application.refresh_tokens import LONGEST
from tales.domain.actor import Actor
from tales.domain.errors import Forbidden, Unauthenticated
from tales.interfaces.api.dependencies import UseCases

FORM_TOKEN = "form_token"  # noqa: S105 -- the name of a field
_SESSION = "tales-session"
_VISITOR = "tales-visitor"
_MOST_FIELDS = 60


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever is signed in at the browser."""

    actor: Actor


def _cookie(request: Request, name: str) -> str:
    """Over HTTPS with a prefix that only this very host can set, and only there (RFC 6265bis, section 4.1.3)."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def _set(request: Request, response: Response, name: str, value: str, max_age: int | None) -> None:
    response.set_cookie(
        _cookie(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def begin_session(request: Request, response: Response, refresh_token: str) -> None:
    """Have the browser keep a session, as long as it may last at all: when it ends, the database knows."""
    _set(request, response, _SESSION, refresh_token, int(LONGEST.total_seconds()))


def end_session(request: Request, response: Response) -> None:
    """Have the browser forget its session."""
    _set(request, response, _SESSION, "", 0)


async def _visitor(request: Request, services: UseCases) -> Visitor:
    token = request.cookies.get(_cookie(request, _SESSION))
    if not token or services.external_auth:
        raise Unauthenticated
    actor = await services.sessions.resume(token)
    await services.limit_requests(actor)
    request.state.is_signed_in = True
    request.state.is_admin = actor.is_admin
    return Visitor(actor)


def has_session(request: Request) -> bool:
    """Whether the browser brings a session, which may have ended."""
    return _cookie(request, _SESSION) in request.cookies


def form_token(request: Request) -> str:
    """What a form of this browser holds: made of its cookie, which no other site knows. `keep_visitor` follows."""
    cookies = request.cookies
    secret = cookies.get(_cookie(request, _SESSION)) or cookies.get(_cookie(request, _VISITOR))
    if not secret:
        secret = getattr(request.state, "new_secret", None) or secrets.token_urlsafe(32)
        request.state.new_secret = secret
    return hashlib.sha256(f"form of {secret}".encode()).hexdigest()


def keep_visitor(request: Request, response: Response) -> None:
    """Have the browser keep what the tokens of its forms are made of, where it had nothing yet."""
    secret = getattr(request.state, "new_secret", None)
    if secret is not None:
        _set(request, response, _VISITOR, secret, None)


async def _checked_form(request: Request) -> FormData:
    """The fields that were sent. Raises: Forbidden when another site may have sent them."""
    if not _is_ours(request):
        raise Forbidden("This form was sent from another site. Open the page here, and send it again.")
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    given = form.get(FORM_TOKEN)
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), form_token(request).encode()):
        raise Forbidden("This form is out of date. Go back, load the page again, and send it once more.")
    return form


def _is_ours(request: Request) -> bool:
    """Whether a page of this very server sends the form, as the browser says it; one that says nothing is refused."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # Over plain HTTP browsers name the origin alone. Behind a proxy the scheme may be another here.
    origin = request.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host")


def text(form: FormData, name: str) -> str:
    """A field as somebody typed it; empty when it is not there."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def see_other(path: str, **query: str) -> RedirectResponse:
    """Leads on to a page, also after a form (RFC 9110, section 15.4.4)."""
    address = f"{path}?{QueryParams(query)}" if query else path
    return RedirectResponse(address, HTTP_303_SEE_OTHER, headers={"Cache-Control": "no-store"})


def safe_path(path: str | None, otherwise: str) -> str:
    """`path` when it leads to a page of ours, and to no other site."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return otherwise
    return path


CurrentVisitor = Annotated[Visitor, Depends(_visitor)]
CheckedForm = Annotated[FormData, Depends(_checked_form)]
ONLY_SIGNED_IN = [Depends(_visitor)]
ONLY_OUR_FORMS = [Depends(_checked_form)]
"""For pages and forms that need to know no more than that."""
