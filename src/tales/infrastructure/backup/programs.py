"""PostgreSQL's own programs for a server of some version: those of its package, or those that come along."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tales.domain.errors import Unavailable
from tales.infrastructure.embedded.cluster import programs
from tales.infrastructure.embedded.data_folder import EmbeddedUnavailable

_NEEDED = ("pg_dump", "pg_restore", "psql")
_MAJOR = re.compile(r"\(PostgreSQL\) (\d+)")
_DEBIAN = Path("/usr/lib/postgresql")


class NoPrograms(Unavailable):
    """PostgreSQL's programs for this server are not on this machine."""

    code = "no_programs"


def programs_to_dump(server: int) -> Path:
    """The folder of programs that dump a server of this major version: its own, or the next later ones.

    Raises: NoPrograms.
    """
    return _suitable(server)[0]


def programs_to_restore(server: int) -> Path:
    """The same to restore into it: the latest, which read what any earlier ones have written. Raises: NoPrograms."""
    return _suitable(server)[-1]


def _suitable(server: int) -> list[Path]:
    found: dict[int, Path] = {}
    for folder in _folders():
        if (version := _version(folder)) is not None:
            found.setdefault(version, folder)
    suitable = [found[version] for version in sorted(found) if version >= server]
    if not suitable:
        here = ", ".join(str(version) for version in sorted(found)) or "none"
        raise NoPrograms(
            f"The server is PostgreSQL {server}: it takes pg_dump, pg_restore and psql of version {server} or later, "
            f"and this machine has {here}. Install them: on Debian and Ubuntu, postgresql-client-{server}."
        )
    return suitable


def _folders() -> Iterator[Path]:
    yield from sorted(_DEBIAN.glob("*/bin"))
    with suppress(EmbeddedUnavailable):
        yield programs()
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path).parent


def _version(folder: Path) -> int | None:
    """The major version of the programs in `folder`; None where one of them is missing."""
    if not all(shutil.which(name, path=str(folder)) for name in _NEEDED):
        return None
    said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False)  # noqa: S603 -- PostgreSQL's own
    found = _MAJOR.search(said.stdout)
    return int(found[1]) if found else None
