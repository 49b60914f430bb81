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
from tales.interfaces.api.openapi import Responses

_ETAG = {"ETag": {"description": "Its version, for `If-Match` and `If-None-Match`.", "schema": {"type": "string"}}}
TAGGED: Responses = {200: {"headers": _ETAG}}
"""What an operation that answers with an entity tag adds to its description."""
UNCHANGED: Responses = {304: {"description": "As `If-None-Match` says, the client has it already.", "headers": _ETAG}}

# An entity tag, strong or weak; a header holds some of them.
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAGS = re.compile(rf"\s*(?:{_TAG.pattern}\s*(?:,\s*|$))+")
# The end says how the bytes were coded, by us or by a proxy on the way: which version they are of, it does not change.
_VERSION = re.compile(r"([0-9]{1,10})(?:-(?:gzip|br|zstd|deflate))*")
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
            known = [str(version)] if header.strip() == "*" else [opaque for _, opaque in _TAG.findall(header)]
            for opaque in known:
                if _version_of(opaque) == version:
                    return Response(status_code=HTTP_304_NOT_MODIFIED, headers={"ETag": f'"{opaque}"'})
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
    """The versions that match; a tag that is none of ours matches nothing.

    A weak one counts as what it was made of. Ours are strong, and a proxy that compresses makes them weak (nginx): by
    the letter of section 13.1.1 no change would ever be let through it. Each version has its own tag, so no change is
    overwritten.
    """
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
        found |= {version for _, opaque in _TAG.findall(header) if (version := _version_of(opaque)) is not None}
    return frozenset(version for version in found if version < _ABOVE_ALL)


def _version_of(opaque: str) -> int | None:
    """The version that a tag of ours names; None for any other tag."""
    found = _VERSION.fullmatch(opaque)
    return int(found[1]) if found else None
