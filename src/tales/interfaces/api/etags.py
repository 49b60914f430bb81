"""Entity tags (RFC 9110, section 8.8.3), and the request headers that ask for one or for none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header
from pydantic.json_schema import WithJsonSchema
from starlette.responses import Response
from starlette.status import HTTP_304_NOT_MODIFIED

from tales.domain.errors import InvalidInput
from tales.domain.versions import ExpectedVersions
from tales.interfaces.api.middleware.compression import TAG_SUFFIX
from tales.interfaces.api.openapi import Responses

_ETAG = {"ETag": {"description": "Its version, for `If-Match` and `If-None-Match`.", "schema": {"type": "string"}}}
TAGGED: Responses = {200: {"headers": _ETAG}}
"""What an operation that answers with an entity tag adds to its description."""
UNCHANGED: Responses = {304: {"description": "As `If-None-Match` says, the client has it already.", "headers": _ETAG}}

# An entity tag, strong or weak; a header holds some of them.
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAGS = re.compile(rf"\s*(?:{_TAG.pattern}\s*(?:,\s*|$))+")
_VERSION = re.compile(rf"([0-9]{{1,10}})(?:{TAG_SUFFIX})?")
_ABOVE_ALL = 2**32

# A list, for a client may send the header twice; described as the text that it is.
_AS_TEXT = WithJsonSchema({"type": "string", "examples": ['"1234"']})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ConditionalUpdate:
    """A change of a thing. `versions` are those that it may be made to."""

    versions: ExpectedVersions
    _response: Response

    def tag(self, version: int) -> None:
        """Answer with the thing's version as it is now."""
        self._response.headers["ETag"] = _entity_tag(version)


@dataclass(frozen=True, slots=True)
class ConditionalGet:
    """A look at a thing, of which the client may have a version already."""

    _known: Sequence[str]
    _response: Response

    def answer(self, thing: T, version: int) -> T | Response:
        """`thing` with its tag, or 304 for a client that has this version (section 13.1.2: a weak comparison)."""
        tag = _entity_tag(version)
        for header in self._known:
            known = [tag] if header.strip() == "*" else [f'"{known}"' for _, known in _TAG.findall(header)]
            for same in (tag, f'{tag[:-1]}{TAG_SUFFIX}"'):
                if same in known:
                    return Response(status_code=HTTP_304_NOT_MODIFIED, headers={"ETag": same})
        self._response.headers["ETag"] = tag
        return thing


async def _edit(
    response: Response,
    if_match: Annotated[
        list[str] | None,
        Header(
            description="The `ETag` that the change is made to. If it has changed meanwhile: 412, and nothing is done.",
        ),
        _AS_TEXT,
    ] = None,
) -> ConditionalUpdate:
    return ConditionalUpdate(_matching("If-Match", if_match), response)


async def _conditional_get(
    response: Response,
    if_none_match: Annotated[
        list[str] | None,
        Header(description="The `ETag` that the client has. If it is the same still: 304."),
        _AS_TEXT,
    ] = None,
) -> ConditionalGet:
    return ConditionalGet(if_none_match or (), response)


Editing = Annotated[ConditionalUpdate, Depends(_edit)]
Looking = Annotated[ConditionalGet, Depends(_conditional_get)]


def _entity_tag(version: int) -> str:
    """Strong: the same tag, the same bytes."""
    return f'"{version}"'


def _matching(name: str, headers: Sequence[str] | None) -> ExpectedVersions:
    """The versions that match. A tag that is weak, or none of ours, matches nothing (section 13.1.1)."""
    if headers is None:
        return None
    found: set[int] = set()
    for header in headers:
        if header.strip() == "*":
            return None
        if not _TAGS.fullmatch(header):
            raise InvalidInput(
                name, f'{name} is no list of entity tags. Send an ETag as it came, such as "1234", or *.'
            )
        tags = (_VERSION.fullmatch(tag) for weak, tag in _TAG.findall(header) if not weak)
        found |= {int(version[1]) for version in tags if version}
    return frozenset(version for version in found if version < _ABOVE_ALL)
