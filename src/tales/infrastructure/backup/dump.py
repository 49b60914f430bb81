"""A backup: one file in the form of pg_dump, of one moment, which is read back before it gets its name."""

from __future__ import annotations

import errno
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tales.domain.errors import Conflict, TalesError
from tales.infrastructure.backup.connection import arguments, environment, owner_session
from tales.infrastructure.backup.contents import Contents, contents_of, noting
from tales.infrastructure.backup.programs import programs_to_dump

OURS = ("tales", "tales_internal", "tales_migration")
"""The schemas that nobody else writes into. `auth` is ours where no platform has brought it."""

_HERE = """
    select n.nspname from pg_catalog.pg_namespace as n
    where n.nspname = any(%s) or (n.nspname = 'auth' and n.nspowner = (
        select nspowner from pg_catalog.pg_namespace where nspname = 'tales'))
    order by 1
"""
_PRIVATE = 0o600


class BackupFailed(TalesError):
    """The backup could not be made."""

    code = "backup_failed"


def make_backup(url: str, to: Path) -> Contents:
    """Write everything of Tales' to the new file `to`, which only its owner may read; what its tables hold.

    `url` is that of a role that row-level security does not bind. Raises: Conflict when there is such a file or nothing
    to back up, BackupFailed, NoPrograms, Forbidden, Unavailable.
    """
    with owner_session(url) as connection, _new_file(to) as (file, temporary), connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        ((snapshot,),) = connection.execute("select pg_catalog.pg_export_snapshot()").fetchall()
        schemas = [name for (name,) in connection.execute(_HERE, [list(OURS)]).fetchall()]
        if "tales_internal" not in schemas:
            raise Conflict("This database holds nothing of Tales, so there is nothing to back up.")
        folder = programs_to_dump(connection.info.server_version // 10000)
        chosen = [f"--schema={name}" for name in schemas]
        # By its descriptor: whoever may write to the folder cannot put another file, or a link, in its place.
        output = f"--file=/dev/fd/{file}"
        command = [str(folder / "pg_dump"), "-Fc", output, f"--snapshot={snapshot}", *chosen, *arguments(url)]
        dumped = subprocess.run(command, env=environment(url), pass_fds=[file], capture_output=True, check=False)  # noqa: S603 -- PostgreSQL's own
        if dumped.returncode:
            raise BackupFailed(f"pg_dump failed: {_reason(dumped.stderr)}. No file was made.")
        os.fsync(file)
        expected = contents_of(connection, schemas)
        if _read_back(folder, temporary) != expected:
            raise BackupFailed("What was written is not what the database holds. No file was made: look at the disk.")
    return expected


def _reason(said: bytes) -> str:
    """The first complaint of one of PostgreSQL's programs, which names objects and never a row."""
    lines = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return next((line for line in lines if "error:" in line), lines[-1]).rstrip(".")


def _read_back(folder: Path, file: Path) -> Contents:
    contents: Contents = {}
    command = [str(folder / "pg_restore"), "--data-only", "--file=-", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:  # noqa: S603 -- PostgreSQL's own
        assert reading.stdout is not None  # it was asked for
        for _ in noting(reading.stdout, contents):
            pass
    return contents if reading.returncode == 0 else {}


@contextmanager
def _new_file(to: Path) -> Iterator[tuple[int, Path]]:
    """A file under another name beside `to`, and its descriptor; it is called `to` once the block has ended well."""
    if os.path.lexists(to):
        raise Conflict(f"{to} exists already. Name another file: no backup is overwritten.")
    temporary = to.with_name(f".{to.name}.{secrets.token_hex(8)}.part")
    with _explained(to):
        file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _PRIVATE)
    try:
        yield file, temporary
        with _explained(to):
            _give_name(temporary, to)
    finally:
        os.close(file)
        temporary.unlink(missing_ok=True)


def _give_name(temporary: Path, to: Path) -> None:
    """A link takes no other file's place, as renaming would; some file systems have none."""
    try:
        os.link(temporary, to, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _PRIVATE))
        temporary.replace(to)
    folder = os.open(to.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _explained(to: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise Conflict(f"{to} exists already. Name another file: no backup is overwritten.") from None
    except OSError as error:
        raise BackupFailed(f"{to} cannot be written: {error.strerror}.") from None
