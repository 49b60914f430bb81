"""How pages look, as the visitor has chosen: remembered by the browser, and applied before anything is shown."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.requests import HTTPConnection
from starlette.responses import Response

from tales.interfaces.web import languages
from tales.interfaces.web.browser_sessions import CheckedForm, safe_path, see_other, text

THEMES = ("light", "sepia", "night")
SIZES = range(1, 6)
USUAL_SIZE = 3
_COOKIE = "tales-look"
_YEAR = 31_536_000

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Appearance:
    """`theme` is None where the device decides; `size` of a story's letters, from 1 to 5."""

    theme: str | None = None
    size: int = USUAL_SIZE


def look_of(request: HTTPConnection) -> Appearance:
    """What the visitor has chosen."""
    theme, _, size = request.cookies.get(_COOKIE, "").partition(".")
    known = int(size) if size.isascii() and size.isdigit() and len(size) == 1 else USUAL_SIZE
    return Appearance(theme if theme in THEMES else None, known if known in SIZES else USUAL_SIZE)


@router.post("/look")
async def change_look(request: Request, form: CheckedForm) -> Response:
    """Remember a theme, a size or a language, and go on where the visitor was."""
    before = look_of(request)
    theme, language = text(form, "theme"), text(form, "language")
    size = next((str(size) for size in SIZES if str(size) == text(form, "size")), "")
    response = see_other(safe_path(text(form, "next"), "/"))
    if theme or size:
        chosen = theme if theme in THEMES else before.theme or ""
        response.set_cookie(_COOKIE, f"{chosen}.{size or before.size}", max_age=_YEAR, samesite="lax", httponly=True)
    if language in languages.OWN_NAMES:
        response.set_cookie(languages.COOKIE, language, max_age=_YEAR, samesite="lax", httponly=True)
    return response
