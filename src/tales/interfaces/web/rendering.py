"""Templates -> pages. What a family or a model wrote is escaped wherever it stands."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from tales.interfaces.web import browser_sessions, look
from tales.interfaces.web.assets import address_of
from tales.interfaces.web.languages import OWN_NAMES, Language, language_of

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Without it a browser does not say where a form comes from.
    "Referrer-Policy": "same-origin",
    "Vary": "Accept, Accept-Language, Cookie",
}


def render(request: Request, template: str, status: int = HTTPStatus.OK, /, **facts: object) -> HTMLResponse:
    """The page that `template` makes of `facts`, in the visitor's language and look."""
    language = language_of(request)
    known = {
        "address_of": address_of,
        "form_token": browser_sessions.form_token(request),
        "here": _address(request),
        "is_signed_in": getattr(request.state, "is_signed_in", False),
        "is_admin": getattr(request.state, "is_admin", False),
        "look": look.look_of(request),
    }
    text = _environment(language).get_template(template).render(known | facts)
    response = HTMLResponse(text, status, headers=_HEADERS)
    browser_sessions.keep_visitor(request, response)
    return response


def _address(request: Request) -> str:
    """The page's own address; that of a form is the page that it stands on."""
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("tales.interfaces.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {
        "language": language,
        "languages": OWN_NAMES,
        # What is no literal of a template goes through this one: the templates' own takes its text for markup.
        "translated": language.translations.gettext,
    }
    return environment
