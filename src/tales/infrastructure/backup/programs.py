"""PostgreSQL's own programs for a server of some version: those of its package, or those that come along."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

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
    found = _MAJOR.search(run_program([str(folder / "pg_dump"), "--version"]).stdout.decode(errors="replace"))
    return int(found[1]) if found else None


def run_program(
    command: Sequence[str], variables: Mapping[str, str] | None = None, files: Collection[int] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Run one of these programs to its end, with `variables` and open `files`; how it ended, and what it said."""
    # The program is one of `programs_to_...`, and no shell reads the arguments.
    return subprocess.run(command, env=variables, pass_fds=files, capture_output=True, check=False)  # noqa: S603 -- see above


@contextmanager
def output_of(command: Sequence[str], files: Collection[int] = ()) -> Iterator[IO[bytes]]:
    """What one of these programs writes, as it comes. Raises: CalledProcessError when it has not ended well."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=files) as running:  # noqa: S603 -- as above
        assert running.stdout is not None  # it was asked for
        yield running.stdout
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command[0])
