"""A backup is restored into a database that holds nothing yet: all of it in one transaction, or none."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from tales.domain.errors import Conflict, TalesError
from tales.infrastructure.backup.connection import owner_session, program_options
from tales.infrastructure.backup.contents import Contents, contents_of, noting
from tales.infrastructure.backup.dump import OURS
from tales.infrastructure.backup.programs import output_of, programs_to_restore, run_program

_SCHEMA = re.compile(r"^\d+; \d+ \d+ SCHEMA - (\w+) ", re.MULTILINE)
_REVISION = re.compile(r"^COPY tales_internal\.schema_version \(version_num\) FROM stdin;\n(\d{3})\n", re.MULTILINE)
_STATE = re.compile(rb"ERROR:  ([0-9A-Z]{5})")
# Later programs set it for servers that do not know it yet.
_UNKNOWN_BEFORE_17 = b"SET transaction_timeout"
_HAS_USERS = """
    select c.oid::pg_catalog.regclass::text from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
    where c.relnamespace = pg_catalog.to_regnamespace('tales') and c.relkind = 'r'
"""
_HAS_AUTH = "select pg_catalog.to_regclass('auth.users') is not null"
_AUTH_IS_ANOTHERS = """
    select exists (select from pg_catalog.pg_namespace as auth, pg_catalog.pg_namespace as ours
        where auth.nspname = 'auth' and ours.nspname = 'tales' and auth.nspowner <> ours.nspowner)
"""
_CAUSES = {
    "23503": "it holds rows of users who are not in this database: restore those first",
    "42704": "it names a role that this server does not have: create it first",
    "42501": "this database role may not make all of it",
}


class RestoreFailed(TalesError):
    """The backup could not be restored."""

    code = "restore_failed"


class Archive:
    """The file of a backup, as PostgreSQL's programs in `folder` read it."""

    def __init__(self, path: Path, folder: Path) -> None:
        """Raises: RestoreFailed when it is none of ours."""
        self.path = path
        self.folder = folder
        self.schemas = tuple(_SCHEMA.findall(self._read("--list")))
        version = self._read("--data-only", "--schema=tales_internal", "--table=schema_version", "--file=-")
        found = _REVISION.search(version)
        if found is None or "tales" not in self.schemas:
            raise RestoreFailed(f"{path} is no backup of Tales.")
        self.revision = found[1]
        """The migration that it stands at."""

    def _read(self, *options: str) -> str:
        command = [str(self.folder / "pg_restore"), *options, str(self.path)]
        done = run_program(command)
        if done.returncode:
            output = done.stderr.decode(errors="replace")
            later = " It was made by a later pg_dump than this machine has." if "unsupported version" in output else ""
            raise RestoreFailed(f"{self.path} cannot be read as a backup.{later}")
        return done.stdout.decode(errors="replace")

    @contextmanager
    def script(self, schemas: Collection[str]) -> Iterator[IO[bytes]]:
        """What is in `schemas`, as SQL. Raises: RestoreFailed when it breaks off."""
        left_out = [name for name in self.schemas if name not in schemas]
        pattern = re.compile(rf"^\d+; \d+ \d+ (.* - (SCHEMA )?|[A-Z ]+ )({'|'.join(left_out)}) ")
        command = [str(self.folder / "pg_restore"), "--no-owner", "--file=-", str(self.path)]
        with tempfile.NamedTemporaryFile("w") as wanted:
            if left_out:
                entries = self._read("--list").splitlines(keepends=True)
                wanted.writelines(entry for entry in entries if not pattern.match(entry))
                wanted.flush()
                command.append(f"--use-list={wanted.name}")
            try:
                with output_of(command) as script:
                    yield script
            except subprocess.CalledProcessError:
                raise RestoreFailed(f"{self.path} breaks off. Nothing was restored.") from None


def open_archive(url: str, path: Path) -> Archive:
    """The backup in `path`, to be restored at `url`. Raises: RestoreFailed, NoPrograms, Unavailable."""
    if not path.is_file():
        raise RestoreFailed(f"There is no file {path}.")
    with owner_session(url) as connection:
        return Archive(path, programs_to_restore(connection.info.server_version // 10000))


def restore_backup(url: str, archive: Archive) -> Contents:
    """Restore into a database that has the schema of Tales and no user's rows; what its tables hold then.

    Raises: Conflict when it has some, RestoreFailed, Forbidden, Unavailable. Nothing has changed then.
    """
    with owner_session(url) as connection:
        ((auth_is_anothers,),) = connection.execute(_AUTH_IS_ANOTHERS).fetchall()
        _check_empty(connection, with_auth=not auth_is_anothers)
        schemas = [name for name in archive.schemas if not (name == "auth" and auth_is_anothers)]
        expected = _run(url, archive, schemas, connection.info.server_version)
        if contents_of(connection, schemas) != expected:
            raise RestoreFailed("The database does not hold what the backup does. Somebody else may be writing to it.")
    return expected


def _check_empty(connection: psycopg.Connection[Any], *, with_auth: bool) -> None:
    tables = [(name, "user_id is not null") for (name,) in connection.execute(_HAS_USERS).fetchall()]
    if with_auth and connection.execute(_HAS_AUTH).fetchone() == (True,):
        tables.append(("auth.users", "true"))
    for name, condition in tables:
        query = sql.SQL("select exists (select from {} where {})").format(sql.SQL(name), sql.SQL(condition))
        if connection.execute(query).fetchone() == (True,):
            raise Conflict(f"This database holds users' rows already ({name}). Restore into one that holds none.")


def _run(url: str, archive: Archive, schemas: Collection[str], server_version: int) -> Contents:
    """Have psql run the backup's script. Whatever ends it before its COMMIT has changed nothing."""
    contents: Contents = {}
    options = ["--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=sqlstate"]
    where, variables = program_options(url)
    command = [str(archive.folder / "psql"), *options, "--file=-", where]
    with subprocess.Popen(  # noqa: S603 -- a program of `programs_to_restore`, and no shell reads the arguments
        command, env=variables, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writing:
        assert writing.stdin is not None  # it was asked for
        try:
            with archive.script(schemas) as script:
                dropped = "".join(f"drop schema if exists {name} cascade;\n" for name in {*OURS, *schemas})
                writing.stdin.write(f"begin;\nset client_min_messages = error;\n{dropped}".encode())
                for line in noting(script, contents):
                    if server_version >= 170000 or not line.startswith(_UNKNOWN_BEFORE_17):
                        writing.stdin.write(line)
            writing.stdin.write(b"commit;\n")
            writing.stdin.flush()
        except BrokenPipeError:
            pass
        except BaseException:
            writing.kill()
            raise
        _, output = writing.communicate()
    if writing.returncode:
        found = _STATE.search(output)
        state = found[1].decode() if found else "unknown"
        cause = _CAUSES.get(state, f"SQLSTATE {state}")
        raise RestoreFailed(f"The backup was not restored, and nothing has changed: {cause}.")
    return contents
