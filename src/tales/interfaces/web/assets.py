"""The files that pages load: each under a name that changes with its content, so that browsers keep it for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_FOR_GOOD = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    digest: str


def address_of(name: str) -> str:
    """Where a page finds the file `name`."""
    return f"/web/{_assets()[name].digest}/{name}"


@router.get("/web/{digest}/{name}")
async def show_asset(digest: str, name: str) -> Response:
    """A file; one of another version of Tales is not there, rather than wrong."""
    asset = _assets().get(name)
    if asset is None or asset.digest != digest:
        raise HTTPException(HTTP_404_NOT_FOUND)
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": _FOR_GOOD})


@cache
def _assets() -> dict[str, _Asset]:
    folder = resources.files(__package__).joinpath("static")
    contents = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    # One digest for all: the modules name each other without one, beside themselves.
    digest = hashlib.sha256(b"".join(contents[name] for name in sorted(contents))).hexdigest()[:12]
    return {name: _Asset(content, _TYPES["." + name.rpartition(".")[2]], digest) for name, content in contents.items()}
