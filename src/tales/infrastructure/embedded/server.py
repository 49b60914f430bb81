"""The embedded server: PostgreSQL 18 out of a wheel, its data under TALES_HOME.

It outlives the command that started it, and the next command finds it running. Only whoever may enter its folder
reaches its socket, so there is no password and no port.

The wheel's programs are used without its Python starter: that one gives up when crash recovery takes longer than ten
seconds, takes any process with the number in a stale postmaster.pid for the server, and opens root's home to everybody.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from psycopg import sql
from psycopg.pq import Conninfo

from tales.files import locked
from tales.infrastructure.embedded.cluster import Cluster
from tales.infrastructure.embedded.data_folder import EmbeddedUnavailable
from tales.infrastructure.postgres.session import connect

DATABASE = "tales"
OWNER = "postgres"
APP_ROLE = "tales_app"


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """How to reach the embedded database: as its owner (a superuser), and as the service's own role."""

    owner_url: str
    app_url: str


def start_embedded(home: Path, *, durable: bool = True) -> EmbeddedServer:
    """Start the server whose data lie in `home`/postgres, or find it running. Blocks until it answers.

    The first start makes the data and the database. `durable=False` gives up safety against a crash of the machine
    for speed, for tests. Raises: EmbeddedUnavailable, NoServerUser.
    """
    _forget_variables()
    with _explained(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(home):
            cluster = _cluster(home)
            if not cluster.exists:
                _make_cluster(cluster, home)
            cluster.start(durable=durable)
            _ensure_database(_url(cluster, OWNER, "postgres"))
    return _server(cluster)


def find_embedded(home: Path) -> EmbeddedServer | None:
    """How to reach the server of `home`, whether it runs or not; None where there is none yet. Nothing is started."""
    _forget_variables()
    with _explained(home):
        cluster = _cluster(home) if (home / "postgres" / "PG_VERSION").exists() else None
    return _server(cluster) if cluster else None


def stop_embedded(home: Path) -> bool:
    """Stop the server of `home`; False when none ran. Open transactions are rolled back.

    Raises: EmbeddedUnavailable.
    """
    _forget_variables()
    if not (home / "postgres").exists():
        return False
    with _explained(home), _locked(home):
        return _cluster(home).stop()


def allow_app_login(owner_url: str) -> None:
    """Let the service's role sign in, once migration 018 has made it.

    For the embedded server only: it asks nobody
    for a password, because nobody else reaches its socket.
    """
    with connect(owner_url, autocommit=True) as connection:
        found = connection.execute("select rolcanlogin from pg_roles where rolname = %s", [APP_ROLE]).fetchone()
        if found == (False,):
            connection.execute(sql.SQL("alter role {} login").format(sql.Identifier(APP_ROLE)))


def _forget_variables() -> None:
    """What the caller's shell says of some other PostgreSQL (PGSERVICE, PGOPTIONS, ...) says nothing of this one."""
    for option in Conninfo.get_defaults():
        if option.envvar is not None:
            os.environ.pop(option.envvar.decode(), None)
    for name in ("PGSERVICEFILE", "PGSYSCONFDIR", "PGDATA", "PGLOCALEDIR", "PGTZ", "PGDATESTYLE", "PGGEQO"):
        os.environ.pop(name, None)


def _cluster(home: Path) -> Cluster:
    return Cluster(home.resolve() / "postgres")


def _make_cluster(cluster: Cluster, home: Path) -> None:
    """Made beside its place and moved there whole: a start that was killed leaves nothing half made."""
    cluster.end_leftovers()
    for unfinished in home.glob("postgres-new-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    workshop = Path(tempfile.mkdtemp(prefix="postgres-new-", dir=home.resolve()))
    cluster.initialise(workshop)
    if cluster.data.exists():
        cluster.data.rmdir()
    workshop.rename(cluster.data)
    _sync(cluster.data.parent)


def _sync(folder: Path) -> None:
    """Make the names in `folder` last through a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ensure_database(maintenance_url: str) -> None:
    with connect(maintenance_url, autocommit=True) as connection:
        if not connection.execute("select from pg_database where datname = %s", [DATABASE]).rowcount:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))


def _server(cluster: Cluster) -> EmbeddedServer:
    return EmbeddedServer(_url(cluster, OWNER, DATABASE), _url(cluster, APP_ROLE, DATABASE))


def _url(cluster: Cluster, role: str, database: str) -> str:
    return f"postgresql://{role}@/{database}?host={quote(str(cluster.socket_dir), safe='/')}&port={cluster.port}"


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One command at a time starts or stops the server; the kernel lets go when a command dies."""
    with locked(home / "postgres.lock"):
        yield


@contextmanager
def _explained(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedUnavailable(
            f"The embedded database cannot use {error.filename or home}: {error.strerror}. "
            "Set TALES_HOME to a folder that you may write to, or TALES_DATABASE_URL to a PostgreSQL server."
        ) from error
