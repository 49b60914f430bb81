"""A backup: one file in the form of pg_dump, of one moment, which is read back before it gets its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError

from tales.domain.errors import Conflict, TalesError
from tales.files import new_file
from tales.infrastructure.backup.connection import owner_session, program_options
from tales.infrastructure.backup.contents import Contents, contents_of, noting
from tales.infrastructure.backup.programs import output_of, programs_to_dump, run_program

OURS = ("tales", "tales_internal", "tales_migration")
"""The schemas that nobody else writes into. `auth` is ours where no platform has brought it."""

_HERE = """
    select n.nspname from pg_catalog.pg_namespace as n
    where n.nspname = any(%s) or (n.nspname = 'auth' and n.nspowner = (
        select nspowner from pg_catalog.pg_namespace where nspname = 'tales'))
    order by 1
"""


class BackupFailed(TalesError):
    """The backup could not be made."""

    code = "backup_failed"


def make_backup(url: str, to: Path) -> Contents:
    """Write everything of Tales' to the new file `to`, which only its owner may read; what its tables hold.

    `url` is that of a role that row-level security does not bind. Raises: Conflict when there is such a file or nothing
    to back up, BackupFailed, NoPrograms, Forbidden, Unavailable.
    """
    with owner_session(url) as connection, _named(to) as file, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        ((snapshot,),) = connection.execute("select pg_catalog.pg_export_snapshot()").fetchall()
        schemas = [name for (name,) in connection.execute(_HERE, [list(OURS)]).fetchall()]
        if "tales_internal" not in schemas:
            raise Conflict("This database holds nothing of Tales, so there is nothing to back up.")
        folder = programs_to_dump(connection.info.server_version // 10000)
        chosen = [f"--schema={name}" for name in schemas]
        # By its descriptor: whoever may write to the folder cannot put another file, or a link, in its place.
        output = f"--file=/dev/fd/{file}"
        where, variables = program_options(url)
        command = [str(folder / "pg_dump"), "-Fc", output, f"--snapshot={snapshot}", *chosen, where]
        dumped = run_program(command, variables, files=[file])
        if dumped.returncode:
            raise BackupFailed(f"pg_dump failed: {_reason(dumped.stderr)}. No file was made.")
        expected = contents_of(connection, schemas)
        if _read_back(folder, file) != expected:
            raise BackupFailed("What was written is not what the database holds. No file was made: look at the disk.")
    return expected


def _reason(output: bytes) -> str:
    """The first complaint of one of PostgreSQL's programs, which names objects and never a row."""
    lines = output.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return next((line for line in lines if "error:" in line), lines[-1]).rstrip(".")


def _read_back(folder: Path, file: int) -> Contents:
    contents: Contents = {}
    command = [str(folder / "pg_restore"), "--data-only", "--file=-", f"/dev/fd/{file}"]
    try:
        with output_of(command, files=[file]) as script:
            for _ in noting(script, contents):
                pass
    except CalledProcessError:
        return {}
    return contents


@contextmanager
def _named(to: Path) -> Iterator[int]:
    """The descriptor of a file that is called `to` once the block has ended well."""
    try:
        with new_file(to) as file:
            yield file.fileno()
    except FileExistsError:
        raise Conflict(f"{to} exists already. Name another file: no backup is overwritten.") from None
    except OSError as error:
        raise BackupFailed(f"{to} cannot be written: {error.strerror}.") from None
