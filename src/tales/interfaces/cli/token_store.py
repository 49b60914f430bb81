"""The tokens that `tales login` keeps: a file for each server, which nobody else on this machine can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tales.client import Tokens, TokenStore
from tales.files import locked, new_file

FOLDER = "servers"


class KeptTokens(TokenStore):
    """The tokens for one server, in `home`."""

    def __init__(self, home: Path, server: str) -> None:
        self._path = home / FOLDER / f"{quote(server.rstrip('/'), safe='')}.json"

    def read(self) -> Tokens | None:
        """What was kept; nobody is signed in where the file holds something else."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return Tokens(kept["access_token"], kept["refresh_token"], kept["expires_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, tokens: Tokens | None) -> None:
        if tokens is None:
            self._path.unlink(missing_ok=True)
            return
        self._make_folder()
        kept = {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_at": tokens.expires_at,
        }
        # Put in its place whole: a command that is killed loses no session.
        with new_file(self._path, replaces=True) as file:
            file.write(json.dumps(kept).encode())

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Other commands wait at the file's lock until the new tokens are in it."""
        self._make_folder()
        with locked(self._path.with_suffix(".lock")):
            yield

    def _make_folder(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
