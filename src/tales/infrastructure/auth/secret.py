"""The secret that signs access tokens."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import SecretStr

FILE_NAME = "jwt-secret"


def signing_secret(home: Path, given: SecretStr | None) -> str:
    """The secret that the operator gave, or the one in `home`: made on first use, readable by its owner alone."""
    if given is not None:
        return given.get_secret_value()
    path = home / FILE_NAME
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")


def _write_once(path: Path, secret: str) -> None:
    """Whole or not at all; of two commands that do this at once, the first wins."""
    with NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as draft:  # made with mode 0600
        draft.write(secret)
        draft.flush()
        with suppress(FileExistsError):
            path.hardlink_to(draft.name)
